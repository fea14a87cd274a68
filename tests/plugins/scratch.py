"""A scratch environment: this interpreter's packages, and plugins beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["Run", "Scratch", "build_wheels", "install"]

_BUILD = """
import os, sys
from hatchling.build import build_wheel

wheels, *folders = sys.argv[1:]
for folder in folders:
    os.chdir(folder)
    build_wheel(wheels)
"""


def build_wheels(folders: Sequence[Path], wheels: Path) -> list[Path]:
    """Build packages with their own backend, and return the wheels."""
    command = [sys.executable, "-c", _BUILD, str(wheels), *map(str, folders)]
    _checked(command)
    return sorted(wheels.glob("*.whl"))


def install(wheels: Sequence[Path], site: Path) -> None:
    """Install wheels into a folder, with pip and without any index."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index"]
    command += ["--no-deps", "--no-compile", "--disable-pip-version-check"]
    _checked([*command, "--target", str(site), *map(str, wheels)])


def _checked(command: Sequence[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of a program."""

    told: Any
    """What it gave to `tell`."""
    imported: list[str]
    """The plugins' modules that it imported, in order."""
    logged: list[str]
    """What it wrote to stderr, by lines."""


_HEAD = """
import json
import turnout
from turnout import *
from turnout._app import current_app

def tell(value):
    print(json.dumps(value))
"""


@dataclass(frozen=True)
class Scratch:
    """Run programs where the packages of some folders are installed.

    Args:
        sites: Where they are installed, in the order in which they are found.
        folder: To work in.
    """

    sites: tuple[Path, ...]
    folder: Path

    def run(self, program: str, *, config: str = "", **variables: str) -> Run:
        """Run a program in a process of its own.

        Args:
            program: Has turnout's names, and `tell`, which is called once.
            config: The configuration's text.
            variables: Of the environment.
        """
        done, imported = self._run(["-c", _HEAD + program], config, variables)
        assert done.returncode == 0, done.stderr
        return Run(
            told=json.loads(done.stdout),
            imported=imported,
            logged=done.stderr.splitlines(),
        )

    def turnout(self, *arguments: str) -> str:
        """Run the command line and return what it writes to stdout."""
        done, _ = self._run(["-m", "turnout", *arguments], "", {})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _run(
        self, arguments: Sequence[str], config: str, variables: Mapping[str, str]
    ) -> tuple[subprocess.CompletedProcess[str], list[str]]:
        (self.folder / "turnout.toml").write_text(config, encoding="utf-8")
        record = self.folder / "imports"
        record.write_text("")
        done = subprocess.run(
            [sys.executable, "-W", "error", *arguments],
            cwd=self.folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(map(str, self.sites)),
                "PLUGIN_IMPORTS": str(record),
                **variables,
            },
            capture_output=True,
            text=True,
        )
        return done, record.read_text().split()
