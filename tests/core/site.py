"""Packages with plugins, in a folder on `sys.path`."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from importlib.metadata import entry_points
from pathlib import Path
from textwrap import dedent

import pytest

__all__ = ["OWN_NAMES", "Site"]

OWN_NAMES = sorted(
    entry.name
    for entry in entry_points(group="turnout")
    if entry.dist is not None and entry.dist.name == "turnout"
)
"""The plugins that come with turnout; each has one provider of its name."""

PREAMBLE = """
from turnout import *
from turnout.types import *


class Silent(Provider):
    info = ProviderInfo(name="Silent")

    async def generate(self, request):
        yield request.last_user_text


def row(name, *models, **fields):
    return ProviderInfo(name=name, models=models, provider_class=Silent, **fields)


LOG = []
"""


class Site:
    """A folder of installed packages, as pip writes it.

    The names of the modules are the packages' own; the modules are removed from
    `sys.modules` after the test.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder
        self._monkeypatch = monkeypatch
        folder.mkdir()
        monkeypatch.setattr(sys, "path", [str(folder), *sys.path])

    def add(
        self,
        distribution: str,
        code: str,
        entry_points: Mapping[str, str] | str,
        *,
        metadata: bool = True,
    ) -> None:
        """Install a distribution with one module.

        Args:
            distribution: Its name; the module has underscores in it.
            code: The code of the module, after `PREAMBLE`.
            entry_points: The value of each entry point by its name; a string is the
                name of one for the module itself.
            metadata: Whether it has metadata in addition to the entry points.
        """
        module = distribution.replace("-", "_")
        if isinstance(entry_points, str):
            entry_points = {entry_points: module}
        self._monkeypatch.delitem(sys.modules, module, raising=False)
        (self.folder / f"{module}.py").write_text(PREAMBLE + dedent(code))
        info = self.folder / f"{module}-1.0.dist-info"
        info.mkdir()
        lines = [f"{name} = {value}" for name, value in entry_points.items()]
        (info / "entry_points.txt").write_text("\n".join(["[turnout]", *lines, ""]))
        if metadata:
            (info / "METADATA").write_text(
                f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
            )
        importlib.invalidate_caches()

    def loaded(self, distribution: str) -> bool:
        """Return whether a distribution's module was imported."""
        return distribution.replace("-", "_") in sys.modules

    def log(self, distribution: str) -> list[object]:
        """Return the LOG of a distribution's module."""
        found: list[object] = sys.modules[distribution.replace("-", "_")].LOG
        return found

    def forget(self) -> None:
        """Remove the imported modules from `sys.modules`."""
        for path in self.folder.glob("*.py"):
            sys.modules.pop(path.stem, None)
