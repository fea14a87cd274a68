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


def completions(line: CommandLine, shell: str, words: str, cursor: str) -> list[str]:
    """Return what a shell is told that asks for completions."""
    line.environment.update(
        _TURNOUT_COMPLETE=f"{shell}_complete", COMP_WORDS=words, COMP_CWORD=cursor
    )
    done = line()
    assert done.stderr == ""
    return done.stdout.split()


def of_bash(line: CommandLine, *words: str) -> list[str]:
    found = completions(line, "bash", " ".join(words), str(len(words) - 1))
    return [item.removeprefix("plain,") for item in found]


def test_bash_completes_names(turnout: CommandLine) -> None:
    turnout.configure('[aliases]\necho-fast = "Echo:echo-1"\n')

    assert complete(turnout, "chat", "-m", "ECHO") == [
        "echo-fast", "Echo", "echo-1", "echo-2",
    ]  # fmt: skip
    assert complete(turnout, "chat", "-m", "Echo", ":", "echo") == ["echo-1", "echo-2"]


def test_names_of_all_kinds_are_completed(inside: CommandLine) -> None:
    inside.install("Extra", "Scripted")
    inside.configure(
        '[aliases]\necho-fast = "Echo:echo-1"\n[routes.echoes]\ntargets = ["Echo"]\n'
    )

    assert of_bash(inside, "turnout", "chat", "-m", "ECHO") == [
        "echo-fast", "echoes", "Echo", "echo-1", "echo-2", "echo-3",
    ]  # fmt: skip
    assert of_bash(inside, "turnout", "chat", "-m", "pol") == ["polly"]
    assert of_bash(inside, "turnout", "chat", "--route", "") == ["echoes"]
    assert of_bash(inside, "turnout", "chat", "--route", "x") == []


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["-m", "Echo", ":"], ["echo-1", "echo-2", "parrot"]),
        (["-m", "Down", "-m", "Echo", ":", "p"], ["parrot"]),
        (["-m", "Nobody", ":", "e"], []),
        (["-m", "zzz"], []),
        (["a", ":", "-m", "Torn"], ["Torn", "torn-1"]),
        (["--no-ma"], ["--no-markdown"]),
    ],
)
def test_names_with_a_colon_are_completed(
    inside: CommandLine, words: list[str], names: list[str]
) -> None:
    assert of_bash(inside, "turnout", "chat", *words) == names


def test_a_broken_configuration_completes_nothing(inside: CommandLine) -> None:
    inside.configure("not TOML")

    assert of_bash(inside, "turnout", "chat", "-m", "Ec") == []
    assert of_bash(inside, "turnout", "chat", "--route", "") == []


@pytest.mark.parametrize(("shell", "cursor"), [("zsh", "3"), ("fish", "Echo:e")])
def test_other_shells_complete_names(
    inside: CommandLine, shell: str, cursor: str
) -> None:
    found = completions(inside, shell, "turnout chat -m Echo:e", cursor)

    assert "Echo:echo-1" in "\n".join(found)
    assert "Echo:echo-2" in "\n".join(found)
