from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import pytest
from typing_extensions import override

from turnout._app import current_app
from turnout.cli._main import run

from .terminal import Terminal

_STEERING = ("TURNOUT_", "XDG_", "FORCE_COLOR", "NO_COLOR", "COLUMNS", "LINES")
"""How the variables begin that would change what is tested."""

_PLUGIN = Path(__file__).with_name("scripted_plugin.py")

_ENTRY_POINTS = {
    "Empty": "turnout_scripted:empty",
    "Extra": "turnout_scripted:extra",
    "Faulty": "turnout_scripted:faulty",
    "Listener": "turnout_scripted:listener",
    "Missing": "turnout_scripted_missing",
    "Scripted": "turnout_scripted",
}


@dataclass(frozen=True, kw_only=True)
class CommandLine:
    """Runs `turnout` as a user would, away from this machine's settings.

    The working directory is the test's, and so is the home. Warnings are errors.
    """

    folder: Path
    environment: dict[str, str] = field(default_factory=dict[str, str])

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes | None = None,
        timeout: float = 120.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.folder,
            env=self.environment,
            input=data,
            stdin=subprocess.DEVNULL if data is None else None,
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        return subprocess.CompletedProcess(
            done.args,
            done.returncode,
            done.stdout.decode("utf-8"),
            done.stderr.decode("utf-8"),
        )

    def command(self, *arguments: str | Path) -> list[str]:
        """Return a command as it is started."""
        return [sys.executable, "-m", "turnout", *map(str, arguments)]

    def terminal(
        self,
        *arguments: str,
        stdout: Path | None = None,
        columns: int = 80,
        lines: int = 24,
    ) -> Terminal:
        """Return a terminal with a command in it."""
        return Terminal(
            arguments,
            self.folder,
            self.environment,
            stdout,
            columns=columns,
            lines=lines,
        )

    def configure(self, text: str) -> Path:
        """Write the configuration."""
        path = self.folder / "turnout.toml"
        path.write_text(text, encoding="utf-8")
        return path

    def install(self, *names: str) -> None:
        """Install plugins of `scripted_plugin`, in one distribution, and drop others.

        Args:
            names: Of their entry points.
        """
        site = self.folder / "site"
        info = site / "turnout_scripted-1.2.dist-info"
        info.mkdir(parents=True, exist_ok=True)
        (info / "METADATA").write_text(
            "Metadata-Version: 2.1\nName: turnout-scripted\nVersion: 1.2\n"
        )
        lines = [f"{name} = {_ENTRY_POINTS[name]}" for name in names]
        (info / "entry_points.txt").write_text("\n".join(["[turnout]", *lines, ""]))
        source = _PLUGIN.read_text(encoding="utf-8")
        (site / "turnout_scripted.py").write_text(source, encoding="utf-8")


class InProcess(CommandLine):
    """Runs `turnout` in this process: all that is not about a process, and faster."""

    @override
    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes | None = None,
        timeout: float = 120.0,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        data = stdin.encode() if isinstance(stdin, str) else stdin
        files = [io.BytesIO(data or b""), io.BytesIO(), io.BytesIO()]
        streams = [io.TextIOWrapper(f, encoding="utf-8", newline="") for f in files]
        command = [str(argument) for argument in arguments]
        with (
            mock.patch.dict(os.environ, self.environment, clear=True),
            mock.patch.multiple(
                sys,
                stdin=streams[0],
                stdout=streams[1],
                stderr=streams[2],
                path=[str(self.folder / "site"), *sys.path],
            ),
            contextlib.chdir(self.folder),
        ):
            current_app.cache_clear()
            try:
                status = run(command)
            except SystemExit as ended:  # click's, after completions.
                status = int(str(ended.code))
        output, errors = (file.getvalue().decode() for file in files[1:])
        return subprocess.CompletedProcess(command, status, output, errors)


@pytest.fixture
def turnout(tmp_path: Path) -> CommandLine:
    """Run `turnout` with the scripted providers and those that come with it."""
    line = CommandLine(folder=tmp_path, environment=_environment(tmp_path))
    line.install("Scripted")
    return line


@pytest.fixture
def inside(tmp_path: Path) -> CommandLine:
    """Run `turnout` so in this process."""
    line = InProcess(folder=tmp_path, environment=_environment(tmp_path))
    line.install("Scripted")
    return line


def _environment(folder: Path) -> dict[str, str]:
    """Return this process's environment without what would steer turnout."""
    ours = {
        name: value
        for name, value in os.environ.items()
        if not name.lower().endswith(("_proxy", "_api_key"))
        and not name.startswith(_STEERING)
    }
    return ours | {
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(
            [str(folder / "site"), *filter(None, [os.environ.get("PYTHONPATH")])]
        ),
        "PYTHONWARNINGS": "error",
        "TERM": "xterm",
    }
