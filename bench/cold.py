"""A whole program that asks once: it imports, asks, prints the answer and ends.

    python -m bench.cold CLIENT PROTOCOL ADDRESS

What it costs is measured from outside, as the import and the end belong to it.
"""

from __future__ import annotations

import asyncio
import sys

from bench import loopback
from bench.clients import client_of


async def main(name: str, protocol: str, address: str) -> None:
    client = client_of(name, protocol, address)
    await client.ask(sys.stdout.write)
    await client.close()


if __name__ == "__main__":
    loopback.enforce()
    asyncio.run(main(*sys.argv[1:]))
