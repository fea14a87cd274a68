"""The files and modules that a frozen program needs of turnout and its plugins.

PyInstaller follows import statements. It finds neither the plugins, which have entry
points, nor the commands, which are imported by name.
"""

from __future__ import annotations

from importlib.util import find_spec

from PyInstaller.utils.hooks import (
    collect_data_files,
    collect_submodules,
    copy_metadata,
)

from turnout._distributions import identity, installed
from turnout._plugins import GROUP, OWN
from turnout._version import VERSION

__all__ = ["engine", "plugins"]

_LEFT_OUT = ("turnout.testing", "turnout._pyinstaller")


def plugins() -> tuple[list[tuple[str, str]], list[str]]:
    """Return the data files and the hidden imports of turnout and all its plugins."""
    entries = installed(GROUP, (OWN, VERSION)).entry_points
    distributions = {identity(entry.dist)[0] for entry in entries}
    packages = {entry.module.partition(".")[0] for entry in entries}
    files = collect_data_files("turnout")
    for name in sorted(distributions):
        files += copy_metadata(name)
    modules = collect_submodules("turnout", filter=_is_wanted)
    for package in sorted(packages):
        modules += collect_submodules(package)
    return files, modules


def engine(module: str) -> list[str]:
    """Return the hidden import of a module that a provider uses if it is installed."""
    return [module] if find_spec(module) is not None else []


def _is_wanted(module: str) -> bool:
    return not module.startswith(_LEFT_OUT)
