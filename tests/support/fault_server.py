"""A server that misbehaves on purpose, exactly as its script says.

A script is a sequence of steps, one script a connection:

    async with FaultServer(
        [wait_request(), send(response_head(200)), send(b"half an ans"), rst()],
        ok_lines([b'{"event":"text","data":"whole"}']),
    ) as server:
        ...  # the first connection is reset; the second and all later ones are answered

    assert len(server.connections) == 2

A test that needs an order of events says so with `until(event)`, `signal(event)` and
`server.wait_for(...)`, and never with a sleep that is hoped to be long enough.
"""

from __future__ import annotations

import asyncio
import http
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeAlias, final

from typing_extensions import override

from .loopback import Connection, LoopbackServer

CHUNKED = ("Transfer-Encoding", "chunked")
"""The header of a body that is sent with `chunk` steps."""


@final
@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a script does; made by the functions of this module."""

    name: str
    """What it does, for the report of a script that failed."""
    run: Callable[[Connection], Awaitable[None]] = field(repr=False)


Script: TypeAlias = Iterable[Step]
"""Steps in order; when they are over the connection is closed with a FIN."""


class ExpectationError(AssertionError):
    """The client did not do in time what the script expects of it."""


@final
class FaultServer(LoopbackServer):
    """A loopback server that follows a script on each connection.

    The scripts are taken in the order in which connections come; the last one serves
    all further connections. A client that goes away ends its script early, which is
    no failure; an expectation that was not met is raised when the block is left.
    """

    def __init__(self, *scripts: Script) -> None:
        if not scripts:
            raise ValueError("a FaultServer needs at least one script")
        super().__init__()
        self._scripts = scripts

    @override
    async def serve(self, connection: Connection) -> None:
        """Run the script of this connection."""
        for step in self._scripts[min(connection.index, len(self._scripts) - 1)]:
            try:
                await step.run(connection)
            except Exception as exc:
                exc.add_note(f"in step {step.name} of connection {connection.index}")
                raise


def send(data: bytes) -> Step:
    """Write bytes as they are."""
    return Step(f"send({_short(data)})", lambda connection: connection.send(data))


def chunk(data: bytes) -> Step:
    """Write one chunk of a chunked body; an empty one ends the body."""
    framed = b"%x\r\n%b\r\n" % (len(data), data)
    return Step(f"chunk({_short(data)})", lambda connection: connection.send(framed))


def sleep(seconds: float) -> Step:
    """Do nothing for so long."""
    return Step(f"sleep({seconds})", lambda _: asyncio.sleep(seconds))


def until(event: asyncio.Event) -> Step:
    """Do nothing before the event is set."""

    async def run(_: Connection) -> None:
        await event.wait()

    return Step("until", run)


def signal(event: asyncio.Event) -> Step:
    """Set the event: the script has come to here."""

    async def run(_: Connection) -> None:
        event.set()

    return Step("signal", run)


def wait_request() -> Step:
    """Read one whole HTTP request, head and Content-Length body, into the log."""

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
    """Send a FIN, and stay able to read."""
    return Step("half_close", Connection.half_close)


def expect_close(within: float) -> Step:
    """Wait until the client has closed or reset the connection.

    The server fails with an `ExpectationError` if that takes more seconds.
    """

    async def run(connection: Connection) -> None:
        try:
            async with asyncio.timeout(within):
                await connection.wait_peer_closed()
        except TimeoutError:
            raise ExpectationError(
                f"the client kept the connection open for {within} s"
            ) from None

    return Step(f"expect_close({within})", run)


def forever(*steps: Step) -> Step:
    """Repeat the steps until the client goes away or the server closes."""

    async def run(connection: Connection) -> None:
        while True:
            for step in steps:
                await step.run(connection)

    return Step(f"forever({', '.join(step.name for step in steps)})", run)


def response_head(status: int = 200, *headers: tuple[str, str]) -> bytes:
    """Return a status line and these headers, and the blank line after them.

    No header is added: without Content-Length and chunks the close ends the body.
    """
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def reply(status: int, body: bytes = b"", *headers: tuple[str, str]) -> list[Step]:
    """Return a script that answers a request with a body of declared length."""
    head = response_head(status, *headers, ("Content-Length", str(len(body))))
    return [wait_request(), send(head + body)]


def ok_lines(
    lines: Iterable[bytes], *, content_type: str = "application/x-ndjson"
) -> list[Step]:
    """Return a script that answers a request with these lines, chunked and whole."""
    return [
        wait_request(),
        send(response_head(200, ("Content-Type", content_type), CHUNKED)),
        *(chunk(line + b"\n") for line in lines),
        chunk(b""),
    ]


def _short(data: bytes) -> str:
    return repr(data) if len(data) <= 40 else f"{data[:40]!r}... {len(data)} bytes"
