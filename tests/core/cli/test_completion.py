"""Completion in a shell, in bash and as click asks for it."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from .conftest import CommandLine

_ASK = """
eval "$(_TURNOUT_COMPLETE=bash_source turnout)"
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
_turnout_completion turnout
printf '%s\\n' "${COMPREPLY[@]}"
"""


def complete(line: CommandLine, *words: str) -> list[str]:
    """Return how bash completes the last of the words, which it has split."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    folder = line.folder / "bin"
    folder.mkdir(exist_ok=True)
    script = folder / "turnout"
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m turnout "$@"\n')
    script.chmod(0o755)
    path = f"{folder}:{line.environment['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", _ASK, "bash", "turnout", *words],
        cwd=line.folder,
        env={**line.environment, "PATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.split()


def test_names_are_completed(turnout: CommandLine) -> None:
    turnout.install("Extra", "Scripted")
    turnout.configure(
        '[aliases]\necho-fast = "Echo:echo-1"\n[routes.echoes]\ntargets = ["Echo"]\n'
    )

    assert complete(turnout, "chat", "-m", "ECHO") == [
        "echo-fast", "echoes", "Echo", "echo-1", "echo-2", "echo-3",
    ]  # fmt: skip
    assert complete(turnout, "chat", "-m", "pol") == ["polly"]


@pytest.mark.parametrize(
    ("words", "completions"),
    [
        (["-m", "Echo", ":", "echo"], ["echo-1", "echo-2"]),
        (["-m", "Echo", ":"], ["echo-1", "echo-2", "parrot"]),
        (["-m", "Down", "-m", "Echo", ":", "p"], ["parrot"]),
        (["-m", "Nobody", ":", "e"], []),
        (["-m", "zzz"], []),
        (["a", ":", "-m", "Torn"], ["Torn", "torn-1"]),
        (["--no-ma", ""], []),
    ],
)
def test_names_with_a_colon_are_completed(
    turnout: CommandLine, words: list[str], completions: list[str]
) -> None:
    assert complete(turnout, "chat", *words) == completions


def test_routes_are_completed(turnout: CommandLine) -> None:
    turnout.configure('[routes.mine]\ntargets = ["Echo"]\n')

    assert complete(turnout, "chat", "--route", "") == ["mine"]
    assert complete(turnout, "chat", "--route", "x") == []


def test_a_broken_configuration_completes_nothing(turnout: CommandLine) -> None:
    turnout.configure("not TOML")

    assert complete(turnout, "chat", "-m", "Ec") == []
    assert complete(turnout, "chat", "--route", "") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_asked_in_their_way(turnout: CommandLine, shell: str) -> None:
    turnout.environment.update(
        _TURNOUT_COMPLETE=f"{shell}_complete",
        COMP_WORDS="turnout chat -m Echo:e",
        COMP_CWORD="Echo:e" if shell == "fish" else "3",
    )

    done = turnout()

    assert "Echo:echo-1" in done.stdout
    assert "Echo:echo-2" in done.stdout
