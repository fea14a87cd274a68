"""A TCP server on loopback whose connections are owned, logged and awaited.

What the scripted servers and the proxy have in common. It knows just enough HTTP to
read a request, and uses no HTTP library, so that it fails where a client is wrong
and not where a library is lenient.

Nothing outlives the `async with` block: leaving it cancels and awaits the task of
every connection and closes every socket.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import json
import socket
import struct
import sys
from collections.abc import Callable, Generator
from dataclasses import dataclass
from types import TracebackType
from typing import Self, final

from typing_extensions import override

_HOST = "127.0.0.1"
_MAX_HEAD_BYTES = 1 << 20

# struct linger {on, seconds}: two ints, but on Windows two unsigned shorts.
_LINGER_FORMAT = "hh" if sys.platform == "win32" else "ii"
_RESET_ON_CLOSE = struct.pack(_LINGER_FORMAT, 1, 0)


class MalformedRequestError(ValueError):
    """What a client sent is not an HTTP/1 request that this server can read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One whole HTTP request, as it stood on the wire."""

    method: str
    target: str
    """The request target: a path, for a proxy an absolute URL or `host:port`."""
    version: str
    headers: tuple[tuple[str, str], ...]
    """In the order of arrival, names as written, duplicates kept."""
    body: bytes = b""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def values(self, name: str) -> list[str]:
        """Return the values of a header, its name without regard to case."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next(iter(self.values(name)), None)

    def json(self) -> object:
        """Decode the body.

        Raises:
            ValueError: It is not JSON.
        """
        value: object = json.loads(self.body)
        return value


def parse_head(head: bytes) -> HttpRequest:
    """Parse a request line and headers, with or without the blank line after them.

    Raises:
        MalformedRequestError: They are not HTTP/1.
    """
    request_line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = request_line.split(" ")
    if len(parts) != 3 or not all(parts) or not parts[2].startswith("HTTP/1."):
        raise MalformedRequestError(f"not a request line: {request_line!r}")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        # RFC 9112, 5.1: "No whitespace is allowed between the field name and colon";
        # a leading blank would be an obsolete folded line.
        if not colon or not name or name != name.strip() or "\n" in line:
            raise MalformedRequestError(f"not a header: {line!r}")
        headers.append((name, value.strip(" \t")))
    method, target, version = parts
    return HttpRequest(
        method=method, target=target, version=version, headers=tuple(headers)
    )


def body_length(request: HttpRequest) -> int:
    """Return how many bytes of body follow the head of a request.

    Raises:
        MalformedRequestError: The body has no plain length.
    """
    if request.values("Transfer-Encoding"):
        raise MalformedRequestError("a request body with Transfer-Encoding")
    lengths = request.values("Content-Length")
    if not lengths:
        return 0
    if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdecimal()):
        raise MalformedRequestError(f"not one Content-Length: {lengths!r}")
    return int(lengths[0])


def reset_transport(writer: asyncio.StreamWriter) -> None:
    """Close a stream at once, with an RST (SO_LINGER of zero seconds)."""
    sock: socket.socket | None = writer.get_extra_info("socket")
    if sock is not None and not writer.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


@final
class Connection:
    """One accepted connection: what came in on it, and ways to answer or break it.

    The methods raise `ConnectionError` or `asyncio.IncompleteReadError` when the peer
    has gone; the server takes both for an ordinary end of the connection.
    """

    def __init__(
        self,
        index: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        changed: Callable[[], None],
    ) -> None:
        self.index = index
        """Its place among the server's connections, from 0."""
        self.requests: list[HttpRequest] = []
        """The whole requests that were read from it."""
        self.opened_at = asyncio.get_running_loop().time()
        """When it was accepted, on the loop's clock."""
        self.peer_closed_at: float | None = None
        """When the peer's FIN or RST came, on the loop's clock; None until then."""
        self.peer_reset = False
        """Whether the peer ended it with an RST."""
        self.reader = reader
        self._writer = writer
        self._changed = changed
        self._peer_closed = asyncio.Event()
        self._closed = asyncio.Event()
        # So that `drain` returns only when the kernel has every byte: what was sent
        # before a reset is then on its way, and does not vanish in our own buffer.
        writer.transport.set_write_buffer_limits(high=0)

    @property
    def peer_closed(self) -> bool:
        """Whether the peer has closed or reset it."""
        return self.peer_closed_at is not None

    async def read_head(self) -> HttpRequest:
        """Read the request line and headers of a request, not its body.

        Raises:
            MalformedRequestError: They are not HTTP/1, or longer than 1 MiB.
            asyncio.IncompleteReadError: The peer closed before they were whole.
        """
        try:
            head = await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as exc:
            raise MalformedRequestError("a request head over 1 MiB") from exc
        return parse_head(head)

    async def read_request(self) -> HttpRequest:
        """Read one whole request and log it.

        Raises:
            MalformedRequestError: It is not HTTP/1 with a plain length.
            asyncio.IncompleteReadError: The peer closed before it was whole.
        """
        head = await self.read_head()
        request = HttpRequest(
            method=head.method,
            target=head.target,
            version=head.version,
            headers=head.headers,
            body=await self.reader.readexactly(body_length(head)),
        )
        self.requests.append(request)
        self._changed()
        return request

    async def send(self, data: bytes) -> None:
        """Write the bytes; return when the kernel has taken them all.

        A client on the same loop has read them by then, if it is reading, so two
        calls are two reads.
        """
        self._check_open()
        self._writer.write(data)
        await self._writer.drain()
        # The loop runs this task before it polls the client's socket; only on the
        # second turn has the client's read callback been run.
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def half_close(self) -> None:
        """Send a FIN and go on reading."""
        self._check_open()
        self._writer.write_eof()
        await asyncio.sleep(0)

    async def finish(self) -> None:
        """Close: what was sent is flushed, then a FIN.

        The kernel sends an RST instead when bytes of the peer are still unread, as for
        any server; read the request first where that matters.
        """
        self._writer.close()
        await self.wait_closed()

    async def reset(self) -> None:
        """Close with an RST."""
        reset_transport(self._writer)
        await self.wait_closed()

    async def abort(self) -> None:
        """Close at once, without flushing."""
        self._writer.transport.abort()
        await self.wait_closed()

    async def wait_peer_closed(self) -> None:
        """Return when the peer has closed or reset the connection."""
        await self._peer_closed.wait()

    async def wait_closed(self) -> None:
        """Return when the server has closed its socket."""
        await self._closed.wait()

    def _check_open(self) -> None:
        # asyncio would drop the bytes in silence, and uvloop raise RuntimeError.
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
        """Log that the socket is no more."""
        self._closed.set()


class _LoggedProtocol(asyncio.StreamReaderProtocol):
    """Tells a `Connection` of the peer's FIN or RST the moment the loop sees it.

    `asyncio.start_server` would show them only to who reads; a script that sleeps or
    writes must log them too.
    """

    def __init__(
        self, accept: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Connection]
    ) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader(limit=_MAX_HEAD_BYTES, loop=loop)
        super().__init__(reader, self._connected, loop=loop)
        self._accept = accept
        self._connection: Connection

    def _connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._connection = self._accept(reader, writer)

    @override
    def eof_received(self) -> bool:
        self._connection.note_peer_closed(reset=False)
        return bool(super().eof_received())

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        if exc is not None:
            self._connection.note_peer_closed(reset=True)
        self._connection.note_closed()


class LoopbackServer(abc.ABC):
    """A server for one `async with` block; a subclass says how to serve a connection.

    A connection whose `serve` returns is closed with a FIN. An exception in `serve`
    that is not the peer's leaving is kept in `failures`, and leaving the block raises
    them all as an `ExceptionGroup`, unless the block itself has raised.
    """

    def __init__(self) -> None:
        self.connections: list[Connection] = []
        """Every connection accepted, in order."""
        self.failures: list[Exception] = []
        """What went wrong in the server itself."""
        self.port = 0
        """The port, while the server runs."""
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._change = asyncio.Event()

    @abc.abstractmethod
    async def serve(self, connection: Connection) -> None:
        """Answer one connection; cancelled when the server closes."""

    @property
    def url(self) -> str:
        """The root of the server, without a slash at its end."""
        return f"http://{_HOST}:{self.port}"

    @property
    def http_requests(self) -> list[HttpRequest]:
        """Every whole request, by connection, then by arrival."""
        return [
            request
            for connection in self.connections
            for request in connection.requests
        ]

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when the condition holds; ask it again after each entry of the log."""
        while not condition():
            await self._change.wait()

    async def wait_connection(self, index: int = 0) -> Connection:
        """Return the connection of this index, once it has been accepted."""
        await self.wait_for(lambda: len(self.connections) > index)
        return self.connections[index]

    async def __aenter__(self) -> Self:
        """Listen on a free port of the loopback interface."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: _LoggedProtocol(self._accept), _HOST, 0
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close every connection and await what was started.

        Raises:
            ExceptionGroup: The server failed, and the block did not.
        """
        assert self._server is not None
        server, self._server = self._server, None
        await _stop_accepting(server)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for connection in self.connections:
            # A task that was cancelled before its first step has closed nothing.
            await connection.abort()
        await server.wait_closed()
        if self.failures and exc is None:
            raise ExceptionGroup(f"{type(self).__name__} failed", self.failures)

    def _accept(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> Connection:
        connection = Connection(len(self.connections), reader, writer, self._changed)
        self.connections.append(connection)
        task = asyncio.get_running_loop().create_task(self._run(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self._changed()
        return connection

    async def _run(self, connection: Connection) -> None:
        try:
            await self.serve(connection)
            await connection.finish()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # The peer has gone, which the log says already.
        except Exception as exc:  # noqa: BLE001 - raised when the block is left
            self.failures.append(exc)
        finally:
            await connection.abort()

    def _changed(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()


async def _stop_accepting(server: asyncio.Server) -> None:
    # `Server.close` loses a connection that the loop accepted in the turn before, and
    # never closes its socket (gh-109564). So no more are accepted, and those that are
    # on their way arrive, before it is called. Other loops than the selector loops do
    # not poll a listening socket, and have nothing to remove.
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        for listening in server.sockets:
            loop.remove_reader(listening.fileno())
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()


@contextlib.contextmanager
def refused_url() -> Generator[str]:
    """Give a URL whose connections are refused, for as long as the block lasts.

    The port is bound but nobody listens, so no other program can take it meanwhile.
    """
    with socket.socket() as bound:
        bound.bind((_HOST, 0))
        yield f"http://{_HOST}:{bound.getsockname()[1]}"
