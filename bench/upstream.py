"""A service that answers in any of the protocols, at a given speed.

Runs as a process of its own, over raw asyncio, with uvloop where that is installed. The
path says what is asked for: its first segment how much and at which pace
(`bench.load`), its end in which protocol (`bench.wire`). It checks nothing and writes
bytes that are prepared: what it takes itself is no part of the figures, and `GET /cpu`
tells it.
"""

from __future__ import annotations

import asyncio
import resource
import sys
from typing import cast

from bench.load import Load
from bench.wire import head_of, wire_of, writes_of

PATIENCE = 30.0
"""Seconds that streams wait for each other, where not all of them come."""


class Crowd:
    """Streams that go on when so many are open, evenly spread over their pace."""

    def __init__(self, hold: int) -> None:
        self.hold = hold
        self.waiting: list[Upstream] = []
        self.timer: asyncio.TimerHandle | None = None

    def join(self, stream: Upstream) -> None:
        """Let a stream wait for the others."""
        if not self.waiting:
            self.timer = asyncio.get_running_loop().call_later(PATIENCE, self.let_go)
        self.waiting.append(stream)
        if len(self.waiting) >= self.hold:
            self.let_go()

    def let_go(self) -> None:
        """Let all go on that wait."""
        crowd, self.waiting = self.waiting, []
        if self.timer is not None:
            self.timer.cancel()
        now = asyncio.get_running_loop().time()
        for number, stream in enumerate(crowd):
            stream.write_at(now + stream.pace * (1 + number / len(crowd)))


def cpu() -> float:
    """Return the seconds of CPU that this process has taken, user and system."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


class Upstream(asyncio.Protocol):
    """Answer each request on a connection.

    Args:
        crowds: Those of all connections, by how many streams they are of.
    """

    def __init__(self, crowds: dict[int, Crowd]) -> None:
        self.crowds = crowds

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # One of uvloop is no subclass of asyncio's.
        self.transport = cast("asyncio.Transport", transport)
        self.loop = asyncio.get_running_loop()
        self.buffer = b""
        self.writes: list[bytes] = []
        self.next = 0
        self.paused = False
        self.pace = 0.0

    def connection_lost(self, exc: Exception | None) -> None:
        self.writes = []

    def pause_writing(self) -> None:
        self.paused = True

    def resume_writing(self) -> None:
        self.paused = False
        if not self.pace:
            self.write_on()

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        length = 0
        for header in head.split(b"\r\n"):
            if header[:15].lower() == b"content-length:":
                length = int(header[15:])
        if len(body) >= length:
            self.buffer = b""
            self.answer(head.split(b" ")[1].decode())

    def answer(self, path: str) -> None:
        if path == "/cpu":
            seconds = b"%.6f" % cpu()
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(seconds)
            self.transport.write(head + seconds)
            return
        try:
            load, wire = Load.read(path), wire_of(path)
        except (LookupError, TypeError, ValueError):
            self.transport.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            return
        self.writes, self.next = writes_of(wire.path, load), 0
        self.transport.write(head_of(wire))
        self.pace = load.ms / 1000
        if load.hold:
            self.write()
            self.crowds.setdefault(load.hold, Crowd(load.hold)).join(self)
        elif self.pace:
            self.write_at(self.loop.time())
        else:
            self.write_on()

    def write(self) -> None:
        self.next += 1
        self.transport.write(self.writes[self.next - 1])

    def write_on(self) -> None:
        """Write until the client is behind, or all is written."""
        while self.next < len(self.writes) and not self.paused:
            self.write()

    def write_at(self, due: float) -> None:
        """Write at a time and on at a pace; what is late does not make it slower."""
        self.loop.call_at(due, self._write_due, due)

    def _write_due(self, due: float) -> None:
        if self.next < len(self.writes):
            self.write()
            self.write_at(due + self.pace)


async def main() -> None:
    loop = asyncio.get_running_loop()
    crowds: dict[int, Crowd] = {}
    server = await loop.create_server(
        lambda: Upstream(crowds), "127.0.0.1", 0, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    # Ends with its parent, which holds the other end of standard input.
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


def run() -> None:
    try:
        import uvloop
    except ImportError:
        asyncio.run(main())
    else:
        uvloop.run(main())


if __name__ == "__main__":
    run()
