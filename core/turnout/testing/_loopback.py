"""A TCP server on loopback that logs and closes its connections.

Nothing is left after the `async with` block: it cancels and awaits the task of every
connection and closes every socket.
"""

from __future__ import annotations

import abc
import asyncio
import contextlib
import socket
from collections.abc import Callable, Generator
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, cast

from turnout.testing._connection import Connection
from turnout.testing._requests import HttpRequest

if TYPE_CHECKING:
    import ssl

__all__ = ["LoopbackServer", "refused_url"]

_HOST = "127.0.0.1"
_MAX_HEAD_BYTES = 1 << 20


class _LoggedProtocol(asyncio.StreamReaderProtocol):
    """Logs the peer's FIN or RST as soon as the loop gets it.

    With `asyncio.start_server`, only a reader gets them. They have to be logged while a
    script sleeps or writes too.
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

    def eof_received(self) -> bool:
        self._connection.note_peer_closed(reset=False)
        return bool(super().eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        # Retrieve the exception: otherwise asyncio may log that it was never retrieved,
        # if the garbage collector frees the future before this protocol.
        with contextlib.suppress(asyncio.CancelledError):
            cast("Any", self)._closed.exception()
        if exc is not None:
            self._connection.note_peer_closed(reset=True)
        self._connection.note_closed()


class LoopbackServer(abc.ABC):
    """A server for one `async with` block; a subclass implements `serve`.

    A connection is closed with a FIN when `serve` returns. Exceptions in `serve` are
    kept in `failures`, except those for a connection that the peer closed. The end of
    the block raises them all as an `ExceptionGroup`, unless the block itself raised.

    Args:
        tls: Use TLS, with this context's certificate. A client that refuses it does not
            count as a connection.
    """

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.connections: list[Connection] = []
        """The accepted connections, in order."""
        self.failures: list[Exception] = []
        """The exceptions of the server itself."""
        self.port = 0
        """The port, while the server runs."""
        self._tls = tls
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._change = asyncio.Event()

    @abc.abstractmethod
    async def serve(self, connection: Connection) -> None:
        """Answer one connection; cancelled when the server closes."""

    @property
    def url(self) -> str:
        """The root of the server, without a slash at its end."""
        scheme = "http" if self._tls is None else "https"
        return f"{scheme}://{_HOST}:{self.port}"

    @property
    def http_requests(self) -> list[HttpRequest]:
        """All complete requests, by connection, then by arrival."""
        return [
            request
            for connection in self.connections
            for request in connection.requests
        ]

    async def wait_for(self, condition: Callable[[], bool]) -> None:
        """Return when the condition is true; check it after each entry of the log."""
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
            lambda: _LoggedProtocol(self._accept), _HOST, 0, ssl=self._tls
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
            # A task that was cancelled before its first step did not close its own.
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
            pass  # The peer has closed the connection, which is already logged.
        except Exception as exc:  # noqa: BLE001 - raised when the block is left
            self.failures.append(exc)
        finally:
            await connection.abort()

    def _changed(self) -> None:
        change, self._change = self._change, asyncio.Event()
        change.set()


async def _stop_accepting(server: asyncio.Server) -> None:
    # `Server.close` loses a connection that the loop accepted in the iteration before,
    # and never closes its socket (gh-109564). So stop accepting first, and let pending
    # connections arrive. Only selector loops poll a listening socket; other loops have
    # nothing to remove.
    loop = asyncio.get_running_loop()
    with contextlib.suppress(NotImplementedError):
        for listening in server.sockets:
            loop.remove_reader(listening.fileno())
    for _ in range(3):
        await asyncio.sleep(0)
    server.close()


@contextlib.contextmanager
def refused_url() -> Generator[str]:
    """Yield a URL that refuses connections until the end of the block.

    The port is bound and does not listen, so no other program can use it meanwhile.
    """
    with socket.socket() as bound:
        bound.bind((_HOST, 0))
        yield f"http://{_HOST}:{bound.getsockname()[1]}"
