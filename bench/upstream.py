"""A service that answers at full speed: FlowGPT's lines over raw asyncio.

Runs as a process of its own. The reply's shape is asked for in the query:
`?events=N&batch=B` gives N events, B of them in each write; without a query it is 20
events, each in a write of its own. It checks nothing and writes bytes that are
prepared. What it takes itself is not in the figures: they are the CPU time of the
client's process.
"""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

WORD = "benchmark "


@lru_cache
def event(number: int) -> bytes:
    """Return an event of about 60 bytes, as FlowGPT's are."""
    return b'{"event":"text","data":"' + f"{WORD}{number:06d} ".encode() + b'"}\n'


@lru_cache
def writes(events: int, batch: int) -> list[bytes]:
    """Return what is written, chunk by chunk."""
    starts = range(0, events, batch)
    pieces = [b"".join(map(event, range(i, min(i + batch, events)))) for i in starts]
    return [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces]


HEAD = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n"
)


class Upstream(asyncio.Protocol):
    """Answer each request on a connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.buffer = b""
        self.ready = asyncio.Event()
        self.ready.set()

    def pause_writing(self) -> None:
        self.ready.clear()

    def resume_writing(self) -> None:
        self.ready.set()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                length = int(line.split(b":")[1])
        if len(body) < length:
            return
        self.buffer = b""
        query = parse_qs(urlsplit(head.split(b" ")[1].decode()).query)
        events = int(query.get("events", ["20"])[0])
        batch = int(query.get("batch", ["1"])[0])
        self.task = asyncio.ensure_future(self.answer(events, batch))

    async def answer(self, events: int, batch: int) -> None:
        self.transport.write(HEAD)
        for piece in writes(events, batch):
            self.transport.write(piece)
            if not self.ready.is_set():
                await self.ready.wait()
        self.transport.write(b"0\r\n\r\n")


async def main() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Upstream, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with its parent, which holds the other end of standard input.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(main())
