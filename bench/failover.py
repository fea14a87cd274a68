"""How long a failover in the middle of an answer takes, apart from the services.

    python -m bench.failover [--streams N]

The first target resets the connection after some text; measured is the time from the
reset to when the second target has read the request, by the clock of the process that
both servers run in. The client has a process of its own, and connections that it keeps,
as an application has; what the system needs to wake two processes is in the figure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence

from bench.cases import FAILOVER_MS
from bench.faults import ANSWER, HEAD, going_on, target, words
from turnout import Route
from turnout.routes import Health
from turnout.testing import Connection, FaultServer


async def serve() -> None:
    """Serve both targets until stdin ends; then tell the waits, in milliseconds."""
    loop = asyncio.get_running_loop()
    resets: list[float] = []

    async def breaking(connection: Connection) -> None:
        await connection.read_request()
        await connection.send(HEAD)
        await connection.chunk(words(0, 20))
        resets.append(loop.time())
        await connection.reset()

    async with (
        FaultServer(breaking) as bad,
        FaultServer(going_on, keep_alive=True) as good,
    ):
        print(json.dumps([bad.url, good.url]), flush=True)
        await asyncio.to_thread(sys.stdin.read)
        requests = [request.received_at for request in good.http_requests]
    waits = zip(requests, resets, strict=True)
    print(json.dumps([(request - reset) * 1000 for request, reset in waits]))


async def ask(urls: list[str], streams: int) -> None:
    first, second = (
        target(name, url).target()
        for name, url in zip(("First", "Second"), urls, strict=True)
    )
    for _ in range(streams):
        # With a health of its own: a first target that is down would be passed over.
        route = Route([first, second], health=Health())
        text = "".join([piece async for piece in route.stream("Tell me.")])
        assert text == ANSWER


def waits(streams: int) -> list[float]:
    """Return the milliseconds from each reset to the next request, sorted."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.failover", "--serve"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    asyncio.run(ask(json.loads(process.stdout.readline()), streams + 1))
    output, _ = process.communicate()
    return sorted(json.loads(output)[1:])  # The first one imports what is needed.


def table(taken: Sequence[float], budget: float) -> str:
    """Return the table of these waits."""
    middle, late = statistics.median(taken), taken[len(taken) * 95 // 100]
    met = "yes" if middle <= budget else "**no**"
    return (
        "### A failover in the middle of an answer\n\n"
        f"Milliseconds from the reset to the next request, of {len(taken)}.\n\n"
        "| median | p95 | budget of the median | met |\n|---:|---:|---:|---:|\n"
        f"| {middle:.2f} | {late:.2f} | {budget:.2f} | {met} |\n"
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure failovers.")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    else:
        print(table(waits(options.streams), FAILOVER_MS))
