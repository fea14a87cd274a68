"""One connection of a server on loopback: its requests, and ways to break it."""

from __future__ import annotations

import asyncio
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import final

from turnout.testing._requests import (
    HttpRequest,
    MalformedRequestError,
    body_length,
    parse_head,
)

__all__ = ["Connection", "ExpectationError", "reset_transport"]

# struct linger {on, seconds}: two ints, but on Windows two unsigned shorts.
_LINGER_FORMAT = "hh" if sys.platform == "win32" else "ii"
_RESET_ON_CLOSE = struct.pack(_LINGER_FORMAT, 1, 0)


class ExpectationError(AssertionError):
    """The client did not do in time what the script expects."""


def reset_transport(writer: asyncio.StreamWriter) -> None:
    """Close a stream at once, with an RST (SO_LINGER of zero seconds)."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


@final
class Connection:
    """One accepted connection: its requests, and ways to answer or break it.

    The methods raise `ConnectionError` or `asyncio.IncompleteReadError` if the peer has
    closed the connection. The server handles both as a normal end of the connection.
    """

    def __init__(
        self,
        index: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        changed: Callable[[], None],
    ) -> None:
        self.index = index
        """Its index among the server's connections, from 0."""
        self.requests: list[HttpRequest] = []
        """The complete requests that were read from it."""
        self.sent: list[bytes] = []
        """The bytes of each write to it."""
        self.opened_at = asyncio.get_running_loop().time()
        """When it was accepted, on the loop's clock."""
        self.peer_closed_at: float | None = None
        """When the peer's FIN or RST came, on the loop's clock; None until then."""
        self.peer_reset = False
        """Whether the peer ended it with an RST."""
        self.reader = reader
        self._writer = writer
        self._changed = changed
        self._ahead: HttpRequest | None = None
        self._half_closed = False
        self._peer_closed = asyncio.Event()
        self._closed = asyncio.Event()
        # With this, `drain` returns only when the kernel has every byte, so that a
        # reset does not drop bytes from our own buffer. TLS transports pause at the
        # limit, and not only above it: with 0 they would pause forever.
        over_tls = writer.get_extra_info("sslcontext") is not None
        writer.transport.set_write_buffer_limits(high=1 if over_tls else 0)

    @property
    def peer_closed(self) -> bool:
        """Whether the peer has closed or reset it."""
        return self.peer_closed_at is not None

    @property
    def writable(self) -> bool:
        """Whether the server has neither closed nor half-closed it."""
        return not (self._half_closed or self._closed.is_set())

    async def read_head(self) -> HttpRequest:
        """Read the request line and headers of a request, not its body.

        Raises:
            MalformedRequestError: They are not HTTP/1, or longer than 1 MiB.
            asyncio.IncompleteReadError: The peer closed before they were complete.
        """
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as exc:
            raise MalformedRequestError(
                "the head of the request is longer than 1 MiB"
            ) from exc
        return parse_head(head)

    async def read_request(self) -> HttpRequest:
        """Read one complete request and log it.

        Raises:
            MalformedRequestError: It is not HTTP/1 with a plain length.
            asyncio.IncompleteReadError: The peer closed before it was whole.
        """
        request, self._ahead = self._ahead, None
        return request or await self._read_request()

    async def read_ahead(self) -> None:
        """Read and log a request that the next `read_request` is to return.

        Raises:
            MalformedRequestError: It is not HTTP/1 with a plain length.
            asyncio.IncompleteReadError: The peer closed before it was whole.
        """
        self._ahead = await self._read_request()

    async def _read_request(self) -> HttpRequest:
        head = await self.read_head()
        body = await self.reader.readexactly(body_length(head))
        now = asyncio.get_running_loop().time()
        request = replace(head, body=body, received_at=now)
        self.requests.append(request)
        self._changed()
        return request

    async def send(self, data: bytes) -> None:
        """Write the bytes; return when the kernel has taken them all.

        A client on the same loop that is reading has read them by then, so two calls
        are two reads.

        Raises:
            ConnectionError: The connection is closed.
        """
        self._check_open()
        self.sent.append(data)
        self._writer.write(data)
        await self._writer.drain()
        # The loop runs this task before it polls the client's socket. The client's
        # read callback has run only after the second iteration.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def chunk(self, data: bytes) -> None:
        """Write one chunk of a chunked body; an empty one ends the body.

        Raises:
            ConnectionError: The connection is closed.
        """
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    async def half_close(self) -> None:
        """Send a FIN and keep reading; TLS does not support that.

        Raises:
            ConnectionError: The connection is closed.
        """
        self._check_open()
        self._writer.write_eof()
        self._half_closed = True
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Flush the bytes that were sent, and close with a FIN.

        As for any server, the kernel sends an RST instead if bytes of the peer are
        unread; read the request first if that matters.
        """
        self._writer.close()
        await self.wait_closed()

    async def reset(self) -> None:
        """Close with an RST."""
        reset_transport(self._writer)
        await self.wait_closed()

    async def abort(self) -> None:
        """Close at once, without flushing."""
        # Python before 3.11.4 raises it for a TLS connection that is already lost.
        with suppress(AttributeError):
            self._writer.transport.abort()
        await self.wait_closed()

    async def expect_close(self, within: float) -> None:
        """Wait until the peer has closed or reset the connection.

        Args:
            within: Seconds.

        Raises:
            ExpectationError: It took longer.
        """
        try:
            async with asyncio.timeout(within):
                await self.wait_peer_closed()
        except TimeoutError:
            raise ExpectationError(
                f"the client kept the connection open for {within} s"
            ) from None

    async def wait_peer_closed(self) -> None:
        """Return when the peer has closed or reset the connection."""
        await self._peer_closed.wait()

    async def wait_closed(self) -> None:
        """Return when the server has closed its socket."""
        await self._closed.wait()

    def _check_open(self) -> None:
        # asyncio would drop the bytes silently, and uvloop would raise RuntimeError.
        if self._closed.is_set():
            raise ConnectionResetError("the connection is closed")

    def note_peer_closed(self, *, reset: bool) -> None:
        """Log that the peer's FIN or RST has come."""
        self.peer_reset = self.peer_reset or reset
        if self.peer_closed_at is None:
            self.peer_closed_at = asyncio.get_running_loop().time()
        self._peer_closed.set()
        self._changed()

    def note_closed(self) -> None:
        """Log that the socket is closed."""
        self._closed.set()
        self._changed()
