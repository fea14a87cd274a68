"""Load turnout for an hour with streams that fail in every way, and look for growth.

    python -m bench.endurance [--minutes N] [--callers N] [--faults SHARE]
                              [--csv FILE] [--plot FILE]

It runs over real sockets and by the real clock; `bench.soak` does neither. Targets of
four protocols are asked, alone and in routes. The services are a process of their own
and do what the question says. In a route each target fails a share of the requests, in
all ways, and all of them while it has an outage; a fifth target is always dead. At
least one target could give each answer. Callers iterate, collect, give up, close early,
drop the stream, have little time, or have no event loop. Each answer is compared with
what it should be. What the process holds is recorded every few seconds.

The run fails if an answer was wrong, if an answer of a route was not whole, if anything
is left when all is closed, or if something grew in the second half of the time.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic_core import from_json

from bench.endurance.callers import THREADS, Load
from bench.endurance.growth import grown
from bench.endurance.holdings import Columns, Sampler, held, recorded
from bench.endurance.plot import Line, Panel, svg
from turnout.testing import refused_url

STEADY = {
    "rss_mib": 0.05,
    "blocks": 0.05,
    "tasks": 0.1,
    "descriptors": 0.1,
    "threads": 0.0,
    "objects": 0.1,
}
"""What may not grow under load, and the share of it that is let pass."""

LEFT = ("tasks", "descriptors", "sockets", "threads", "streams", "attempts", "gates")
"""What is to be as it was before, when all is closed."""

BLOCKS = 0.05
"""Blocks of memory for each request that may be left: less than one of any object."""

FIRST_BLOCKS = 3000
"""Blocks that are let pass however few requests there were, for caches that fill."""

OBJECTS = 20
"""Objects of turnout's that may be left."""

REST = 10.0
"""Seconds after which the services have closed every connection that is not used."""


async def at_rest() -> dict[str, float]:
    """Return what is held when nothing is asked for."""
    await asyncio.sleep(REST)
    gc.collect()
    return held()


async def endure(
    options: argparse.Namespace, port: int, nowhere: str
) -> tuple[Load, Sampler, list[str]]:
    """Load, and return what was wrong with what was held."""
    wrong: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: wrong.append(str(context)))
    _show_warnings(wrong)
    seconds = options.minutes * 60
    # Fill first what is filled once: threads, imports, and the parser's cache of 16,384
    # strings.
    loop.set_default_executor(ThreadPoolExecutor(THREADS))
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 0.1) for _ in range(THREADS)))
    from_json(json.dumps([f"{number:x}" for number in range(200_000)]))
    callers, faults = options.callers, options.faults
    first = Load(port, callers, faults, options.seed + 1, nowhere)
    await first.run(min(60.0, seconds / 6))
    before = await at_rest()
    print(f"at rest before: {before}", flush=True)

    load = Load(port, callers, faults, options.seed, nowhere)
    sampler = Sampler(load, max(1.0, min(5.0, seconds / 120)), options.csv)
    sampling = asyncio.create_task(sampler.run(seconds))
    await load.run(seconds)
    await sampling
    after = await at_rest()
    print(f"at rest after: {after}", flush=True)

    wrong += first.wrong + load.wrong
    wrong += [
        f"{name}: {after[name]:g} were left, {before[name]:g} before"
        for name in LEFT
        if after[name] > before[name]
    ]
    if after["objects"] > before["objects"] + OBJECTS:
        objects = after["objects"] - before["objects"]
        wrong.append(f"{objects:g} objects of turnout's were left")
    more = after["blocks"] - before["blocks"]
    most = FIRST_BLOCKS + load.started * BLOCKS
    print(f"blocks of memory: {more:+,.0f}, of {most:,.0f} that may be", flush=True)
    if more > most:
        wrong.append(f"{more:,.0f} blocks of memory were left")
    return load, sampler, wrong


def _show_warnings(wrong: list[str]) -> None:
    """Take every warning for wrong but that of a stream that was dropped."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        if "was dropped half-read" not in str(message):
            wrong.append(f"warning: {message}")

    warnings.simplefilter("always")
    warnings.showwarning = show


def growth(columns: Columns) -> list[str]:
    """Tell how each figure went in the second half; return what grew."""
    wrong: list[str] = []
    for name, share in STEADY.items():
        values = columns[name]
        rising, grew = grown(columns["seconds"], values, share)
        mean = sum(values) / len(values)
        print(f"{name}: {mean:,.1f} on average, {rising:+,.1f} in the second half")
        if grew:
            wrong.append(f"{name} grew by {rising:,.1f} in the second half")
    return wrong


def plot(columns: Columns, title: str) -> str:
    minutes = [seconds / 60 for seconds in columns["seconds"]]

    def line(name: str, key: str) -> Line:
        return Line(name, columns[key])

    return svg(
        title,
        "minutes",
        minutes,
        [
            Panel("memory, MiB", [line("RSS", "rss_mib")]),
            Panel("memory in use, blocks of Python's", [line("blocks", "blocks")]),
            Panel(
                "at work",
                [line("requests under way", "under_way"), line("tasks", "tasks")],
            ),
            Panel(
                "of the system",
                [
                    line("file descriptors", "descriptors"),
                    line("sockets", "sockets"),
                    line("threads", "threads"),
                ],
            ),
            Panel(
                "live objects",
                [
                    line("streams", "streams"),
                    line("attempts", "attempts"),
                    line("gates", "gates"),
                ],
            ),
        ],
    )


def loaded(options: argparse.Namespace) -> tuple[Columns, list[str]]:
    """Load turnout, print the outcomes, and return what was held and was wrong."""
    services = subprocess.Popen(
        [sys.executable, "-m", "bench.endurance.services"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert services.stdout is not None
    port = int(services.stdout.readline())
    with refused_url() as nowhere:
        load, sampler, wrong = asyncio.run(endure(options, port, nowhere))
    results = json.loads(services.communicate()[0])
    wrong += [f"services: {one}" for one in results["wrong"]]
    print(f"{load.started} requests, {load.failovers} failovers within an answer")
    print(f"outcomes: {dict(load.outcomes.most_common())}")
    print(f"of routes, read to the end: {dict(load.routed.most_common())}")
    print(f"attempts at the dead target: {dict(load.dead.most_common())}")
    print(f"attempts: {dict(load.attempts.most_common())}")
    print(f"faults: {results['faults']}")
    return sampler.columns, wrong


def main() -> int:
    parser = argparse.ArgumentParser(description="Load turnout and look for growth.")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--callers", type=int, default=300, help="at the same time")
    parser.add_argument(
        "--faults", type=float, default=0.15, help="the share that a target fails"
    )
    parser.add_argument("--seed", type=int, default=20261122)
    parser.add_argument("--csv", type=Path, default=Path("endurance.csv"))
    parser.add_argument("--plot", type=Path)
    parser.add_argument(
        "--again", action="store_true", help="judge and plot what the CSV has"
    )
    options = parser.parse_args()
    columns, wrong = (
        (recorded(options.csv), list[str]()) if options.again else loaded(options)
    )
    wrong += growth(columns)
    spent, seconds = columns["cpu_seconds"], columns["seconds"]
    print(f"CPU: {(spent[-1] - spent[0]) / seconds[-1]:.2f} of a core")
    for one in wrong[:40]:
        print(f"wrong: {one}")
    if options.plot is not None:
        minutes, requests = seconds[-1] / 60, columns["requests"][-1]
        title = f"{minutes:.0f} minutes, {requests:,.0f} requests, faults of all kinds"
        options.plot.write_text(plot(columns, title), encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
