"""The processes of the benchmark: the upstream, and those that are measured."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from bench.environments import FOLDER, PEERS, python_of
from bench.loopback import QUIET
from bench.measure import Figures, Task

ROOT = Path(__file__).parents[1]


class ClientError(Exception):
    """A measured process failed."""


def environment() -> dict[str, str]:
    """Return the environment of what is measured.

    Bytecode is kept, as imports compile without it; the user's own configuration is not
    read, and nothing is left in the user's home.
    """
    home = FOLDER / "home"
    home.mkdir(parents=True, exist_ok=True)
    own = {"PYTHONDONTWRITEBYTECODE", "XDG_CONFIG_HOME", "XDG_DATA_HOME"}
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in own and not name.lower().endswith("_proxy")
    }
    return {**kept, **QUIET, "HOME": str(home)}


def python_for(client: str) -> str:
    """Return the interpreter that a client is run by."""
    return str(python_of(client)) if client in PEERS else sys.executable


@contextmanager
def upstream() -> Generator[int]:
    """Run the upstream; the value is its port."""
    command = [sys.executable, "-m", "bench.upstream"]
    pipe = subprocess.PIPE
    # It ends with its standard input, which is closed here.
    with subprocess.Popen(
        command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True
    ) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def run(python: str, *arguments: str) -> str:
    """Run a Python program to its end; return what it printed.

    Raises:
        ClientError: It failed.
    """
    done = subprocess.run(
        [python, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env=environment(),
        check=False,
    )
    if done.returncode:
        raise ClientError(done.stderr.strip()[-2000:] or f"exit {done.returncode}")
    return done.stdout


def spent(python: str, *arguments: str) -> tuple[float, str]:
    """Return the seconds of CPU of a program from its start to its end, and its words.

    Raises:
        ClientError: It failed.
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    output = run(python, *arguments)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, output


def measured(task: Task) -> dict[str, Figures]:
    """Measure clients in a process of their own.

    Raises:
        ClientError: It failed.
    """
    output = run(
        python_for(task.clients[0]), "-m", "bench.measure", json.dumps(asdict(task))
    )
    # A peer may have printed something of its own before.
    figures = json.loads(output.splitlines()[-1])
    return {name: Figures(**each) for name, each in figures.items()}
