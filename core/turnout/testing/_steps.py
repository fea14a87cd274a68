"""The steps of a `FaultServer`'s scripts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import field
from typing import TypeAlias, final

from turnout._frozen import frozen
from turnout.testing._connection import Connection
from turnout.testing._responses import CHUNKED, http_response, response_head

__all__ = [
    "Script",
    "Step",
    "chunk",
    "expect_close",
    "fin",
    "forever",
    "half_close",
    "last_chunk",
    "respond",
    "respond_in_chunks",
    "rst",
    "send",
    "signal",
    "sleep",
    "until",
    "wait_request",
]


@final
@frozen(kw_only=False)
class Step:
    """One step of a script; made by the functions of `turnout.testing`."""

    name: str
    """What it does, for the report of a failed script."""
    run: Callable[[Connection], Awaitable[None]] = field(repr=False)


Script: TypeAlias = Iterable[Step] | Callable[[Connection], Awaitable[object]]
"""Steps in order, or a coroutine function that gets the connection."""


def send(data: bytes) -> Step:
    """Write bytes as they are."""
    return Step(f"send({_short(data)})", lambda connection: connection.send(data))


def chunk(data: bytes) -> Step:
    """Write one chunk of a chunked body; an empty one ends the body."""
    return Step(f"chunk({_short(data)})", lambda connection: connection.chunk(data))


def last_chunk() -> Step:
    """End a chunked body."""
    return Step("last_chunk", lambda connection: connection.chunk(b""))


def sleep(seconds: float) -> Step:
    """Wait for some seconds."""
    return Step(f"sleep({seconds})", lambda _: asyncio.sleep(seconds))


def until(event: asyncio.Event) -> Step:
    """Wait until the event is set."""

    async def run(_: Connection) -> None:
        await event.wait()

    return Step("until", run)


def signal(event: asyncio.Event) -> Step:
    """Set the event, to show that the script has reached this step."""

    async def run(_: Connection) -> None:
        event.set()

    return Step("signal", run)


def wait_request() -> Step:
    """Read and log one complete HTTP request, with a body of Content-Length."""

    async def run(connection: Connection) -> None:
        await connection.read_request()

    return Step("wait_request", run)


def fin() -> Step:
    """Close the connection with a FIN; no step can follow."""
    return Step("fin", Connection.finish)


def rst() -> Step:
    """Close the connection with an RST; no step can follow."""
    return Step("rst", Connection.reset)


def half_close() -> Step:
    """Send a FIN, and keep reading."""
    return Step("half_close", Connection.half_close)


def expect_close(within: float) -> Step:
    """Wait until the client has closed or reset the connection.

    The server fails with an `ExpectationError` if that takes more seconds.
    """
    return Step(
        f"expect_close({within})", lambda connection: connection.expect_close(within)
    )


def forever(*steps: Step) -> Step:
    """Repeat the steps until the client closes the connection or the server closes."""

    async def run(connection: Connection) -> None:
        while True:
            for step in steps:
                await step.run(connection)

    return Step(f"forever({', '.join(step.name for step in steps)})", run)


def respond(
    status: int = 200, body: bytes = b"", *headers: tuple[str, str]
) -> list[Step]:
    """Return a script that answers a request, with Content-Length."""
    return [wait_request(), send(http_response(status, body, *headers))]


def respond_in_chunks(
    pieces: Iterable[bytes], *headers: tuple[str, str], status: int = 200
) -> list[Step]:
    """Return a script that answers a request with a chunk for each piece."""
    return [
        wait_request(),
        send(response_head(status, *headers, CHUNKED)),
        *(chunk(piece) for piece in pieces if piece),
        last_chunk(),
    ]


def _short(data: bytes) -> str:
    return repr(data) if len(data) <= 40 else f"{data[:40]!r}... {len(data)} bytes"
