"""Measure turnout beside a bare aiohttp loop, and print the tables as Markdown.

    python -m bench.run [--rounds N]

Each figure is the CPU time, user and system, of a process of its own. The clients
of a case run one after another within a round, in an order that is shuffled each
round; a ratio is taken within one round, against bare aiohttp, and the median of the
rounds is what is told. Needs the extra `dev`.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from itertools import product
from pathlib import Path

from bench.clients import CASES, CLIENTS
from bench.cold import COLD

ROOT = Path(__file__).parents[1]

IMPORTS = {
    "bare aiohttp": "import aiohttp, orjson",
    "turnout": "import turnout",
    "turnout --version": None,
}

BUDGETS = {
    ("import", "turnout"): 0.35,
    ("import", "turnout --version"): 0.35,
    ("cold", "turnout"): 1.25,
    ("one event", "turnout"): 1.25,
    ("one event", "turnout, route of 3"): 1.4,
    ("full speed, 1 a write", "turnout"): 0.8,
    ("full speed, 1 a write", "turnout, route of 3"): 0.8,
    ("full speed, 50 a write", "turnout"): 0.5,
    ("full speed, 50 a write", "turnout, route of 3"): 0.5,
}


def environment() -> dict[str, str]:
    """Return the environment, with bytecode kept: without it, imports compile."""
    return {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}


@contextmanager
def upstream() -> Generator[int]:
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.upstream"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)


def client(protocol: str, case: str, port: int, name: str) -> float:
    """Return microseconds of CPU a unit."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.clients", protocol, case, str(port), name],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=environment(),
    )
    return float(done.stdout)


def importing(name: str) -> float:
    """Return milliseconds of CPU of a process that imports and ends."""
    statement = IMPORTS[name]
    return spent("-c", statement) if statement else spent("-m", "turnout", "--version")


def asking(port: int, name: str) -> float:
    """Return milliseconds of CPU of a process that imports, asks once and ends."""
    return spent("-m", "bench.cold", str(port), name)


def spent(*arguments: str) -> float:
    """Return milliseconds of CPU of a new interpreter, from its start to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
        env=environment(),
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds * 1e3


def rounds(
    names: list[str], measure: Callable[[str], float], count: int
) -> dict[str, list[float]]:
    figures: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(count):
        for name in random.sample(names, len(names)):
            figures[name].append(measure(name))
    return figures


def table(title: str, case: str, unit: str, figures: dict[str, list[float]]) -> None:
    base = figures["bare aiohttp"]
    print(f"\n### {title}\n")
    print(f"| | {unit}, median | ratio to bare aiohttp | budget | met |")
    print("|---|---|---|---|---|")
    for name, values in figures.items():
        ratio = statistics.median(a / b for a, b in zip(values, base, strict=True))
        budget = BUDGETS.get((case, name))
        met = "" if budget is None else "yes" if ratio <= budget else "**no**"
        print(
            f"| {name} | {statistics.median(values):.2f} | {ratio:.2f} | "
            f"{budget or ''} | {met} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    count = parser.parse_args().rounds
    # A process that lives briefly is noisy, and cheap to measure.
    brief = max(count, 9)
    with upstream() as port:
        for name in IMPORTS:
            importing(name)  # Writes the bytecode.
        figures = rounds(list(IMPORTS), importing, brief)
        table("Import", "import", "CPU ms", figures)
        for name in COLD:
            asking(port, name)
        figures = rounds(list(COLD), partial(asking, port), brief)
        table("Cold process to the answer", "cold", "CPU ms", figures)
        for protocol, case in product(CLIENTS, CASES):
            unit = "CPU us a stream" if case == "one event" else "CPU us an event"
            names = list(CLIENTS[protocol])
            figures = rounds(names, partial(client, protocol, case, port), count)
            table(f"{protocol}: {case}", case, unit, figures)


if __name__ == "__main__":
    main()
