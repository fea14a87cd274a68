"""A service that answers at full speed: FlowGPT's lines, or OpenAI's events.

Runs as a process of its own, over raw asyncio. The path says which of the two is
asked for, and the query how much: `?events=N&batch=B` gives N events, B of them in
each write; without a query it is 20 events, each in a write of its own. It checks
nothing and writes bytes that are prepared. What it takes itself is not in the figures:
they are the CPU time of the client's process.
"""

from __future__ import annotations

import asyncio
import sys
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

WORD = "benchmark "


@lru_cache
def line(number: int) -> bytes:
    """Return an event of about 60 bytes, as FlowGPT's are."""
    return b'{"event":"text","data":"' + f"{WORD}{number:06d} ".encode() + b'"}\n'


@lru_cache
def event(number: int) -> bytes:
    """Return an event of about 300 bytes, as OpenAI's are."""
    return _openai(f'{{"content":"{WORD}{number:06d} "}}', "null")


def _openai(delta: str, reason: str) -> bytes:
    return (
        'data: {"id":"chatcmpl-AbCdEfGh1234567890","object":"chat.completion.chunk",'
        '"created":1700000000,"model":"gpt-4o-mini-2024-07-18",'
        '"service_tier":"default","system_fingerprint":"fp_0123456789",'
        f'"choices":[{{"index":0,"delta":{delta},"logprobs":null,'
        f'"finish_reason":{reason}}}],"usage":null}}\n\n'
    ).encode()


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@lru_cache
def writes(path: str, events: int, batch: int) -> list[bytes]:
    """Return what is written, chunk by chunk."""
    openai = path.endswith("/chat/completions")
    make = event if openai else line
    starts = range(0, events, batch)
    pieces = [b"".join(map(make, range(i, min(i + batch, events)))) for i in starts]
    chunks = [_chunk(piece) for piece in pieces]
    if openai:
        chunks.append(_chunk(_openai("{}", '"stop"') + b"data: [DONE]\n\n"))
    return chunks


def head(path: str) -> bytes:
    """Return the head of a response."""
    openai = path.endswith("/chat/completions")
    kind = b"text/event-stream" if openai else b"application/json"
    return (
        b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n"
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
        start, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        for header in start.split(b"\r\n"):
            if header.lower().startswith(b"content-length:"):
                length = int(header.split(b":")[1])
        if len(body) < length:
            return
        self.buffer = b""
        target = urlsplit(start.split(b" ")[1].decode())
        query = parse_qs(target.query)
        events = int(query.get("events", ["20"])[0])
        batch = int(query.get("batch", ["1"])[0])
        self.task = asyncio.ensure_future(self.answer(target.path, events, batch))

    async def answer(self, path: str, events: int, batch: int) -> None:
        self.transport.write(head(path))
        for piece in writes(path, events, batch):
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
