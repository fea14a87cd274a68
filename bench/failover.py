"""How long a failover in the middle of an answer takes, apart from the services.

    python -m bench.failover [--streams N]

The first target resets the connection after some text; measured is the time from the
reset to when the second target has read the request. Both servers and the client share
one event loop and real sockets, so that the figure holds more than turnout's own time.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics

from bench.faults import ANSWER, HEAD, going_on, target, words
from turnout import Route
from turnout.testing import Connection, FaultServer


async def main(streams: int) -> None:
    loop = asyncio.get_running_loop()
    reset_at = 0.0
    waits: list[float] = []

    async def breaking(connection: Connection) -> None:
        nonlocal reset_at
        await connection.read_request()
        await connection.send(HEAD)
        await connection.chunk(words(0, 20))
        reset_at = loop.time()
        await connection.reset()

    for number in range(streams + 1):
        async with FaultServer(breaking) as bad, FaultServer(going_on) as good:
            route = Route(
                [
                    target("First", bad.url).target(),
                    target("Second", good.url).target(),
                ]
            )
            text = "".join([piece async for piece in route.stream("Tell me.")])
            assert text == ANSWER
        (request,) = good.http_requests
        if number:  # The first one imports what is needed.
            waits.append((request.received_at - reset_at) * 1000)
    waits.sort()
    print(f"{streams} failovers, milliseconds from the reset to the next request:")
    late = waits[len(waits) * 95 // 100]
    print(f"median {statistics.median(waits):.2f}, p95 {late:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--streams", type=int, default=200)
    asyncio.run(main(parser.parse_args().streams))
