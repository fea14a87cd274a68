"""Read by PyInstaller for a program that has the provider Local."""

from turnout._pyinstaller._collect import engine

# It is imported by name.
hiddenimports = engine("xllamacpp")
