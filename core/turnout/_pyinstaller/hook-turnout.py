"""Read by PyInstaller for a program that imports turnout."""

from turnout._pyinstaller._collect import plugins

datas, hiddenimports = plugins()
