"""The part of HTTP that uses aiohttp: connections, and the sessions that hold them.

Loaded with the first request, because importing aiohttp takes long.
"""

from __future__ import annotations

import asyncio
import os
import select
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, partial
from http.cookies import BaseCookie, SimpleCookie
from typing import TYPE_CHECKING, Any, cast

import aiohttp
from aiohttp import EMPTY_PAYLOAD, http_exceptions
from aiohttp.client_proto import ResponseHandler

from turnout._loops import LoopLocal
from turnout._version import VERSION
from turnout.http._surplus import whole_response

if TYPE_CHECKING:
    from ssl import SSLContext

    from aiohttp.abc import AbstractResolver
    from aiohttp.client_reqrep import ConnectionKey
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace
    from yarl import URL

    from turnout._proxy import Proxy

__all__ = [
    "MOST_SESSIONS",
    "Body",
    "Connector",
    "Pool",
    "answered",
    "connected",
    "gone",
    "open_pool",
    "pool_of",
    "speaks_tls",
    "timeout",
    "unread",
]


_TLS_ALERT = b"\x15"
"""How the answer of a TLS server to a request without TLS begins (RFC 8446, 5.1)."""

_READ = 120 * 1024
"""How many bytes one read of a connection takes at most.

asyncio reads 256 KiB. From 128 KiB on, the C library gets a buffer from the system and
returns it for each read, which may take six times as long as the read itself.
"""


class _Protocol(ResponseHandler):
    """A connection that records which request its bytes belong to.

    After a reset, aiohttp does not say whether a byte of the response has come. With
    its parser in Python, it does not say so either if the connection ended within the
    first line of the response.

    aiohttp also parses bytes that come while no request is sent, and uses them as the
    response to the next request. And if bytes after a complete response are not HTTP,
    aiohttp drops the response.
    """

    answered = False
    requests = 0
    idle = False
    """Whether it is in the pool, where no byte may come."""
    speaks_tls = False
    """Whether the peer uses TLS although this connection does not."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        # The bytes of the response while its head is not complete.
        self._begun = bytearray()
        self._has_bytes: Callable[[int], object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if hasattr(transport, "max_size"):  # Other loops and TLS do not have it.
            cast("Any", transport).max_size = _READ

    def data_received(self, data: bytes) -> None:
        if self.idle:
            # "If a client receives data on a connection that doesn't have outstanding
            # requests, the client MUST NOT consider that data to be a valid response;
            # the client SHOULD close the connection" (RFC 9112, 9.2). `data` is empty
            # if a reader of the last response makes aiohttp resume.
            if data:
                self.close()
            return
        payload = self._payload
        if payload is None or payload is EMPTY_PAYLOAD:
            if data:
                self.answered = True
                self._begun += data
            super().data_received(data)
            payload = self._payload
            if payload is None or payload is EMPTY_PAYLOAD:
                return
            self._begun.clear()
            before, ended = 0, False
        else:
            before, ended = len(payload._buffer), payload._eof  # pyright: ignore[reportPrivateUsage]
            super().data_received(data)
        pieces = payload._buffer  # pyright: ignore[reportPrivateUsage]
        if len(pieces) > before + 1:
            # Join the pieces of this read, one for each HTTP chunk. aiohttp takes each
            # piece out separately and checks each time whether to resume reading, which
            # takes longer than processing an event. Older pieces stay, because aiohttp
            # may be about to take them.
            new = [pieces.pop() for _ in range(len(pieces) - before)]
            pieces.append(b"".join(reversed(new)))
        if payload._eof and data:  # pyright: ignore[reportPrivateUsage]
            second = self._payload is not payload or len(self._buffer) > 1
            # Chunks end with a blank line. A body of known length ends with its last
            # piece.
            whole = data.endswith((b"\n\r\n", b"\n\n")) or (
                bool(pieces) and data.endswith(pieces[-1])
            )
            if ended or second or not whole:
                self._end()

    def _end(self) -> None:
        """Close the connection, because bytes came after a complete response."""
        self.force_close()
        if self.idle:  # The end of the body has returned it to the pool.
            self.close()

    def asked(self) -> None:
        """Record that a request is about to be sent."""
        self.requests += 1
        self.answered = False
        self.idle = False
        self._payload = None  # The last response's.

    def readable(self) -> bool:
        """Return whether there are bytes, or the end, that the loop has not read."""
        has_bytes = self._has_bytes
        if has_bytes is None:
            transport = self.transport
            sock = None if transport is None else transport.get_extra_info("socket")
            if sock is None:
                return False
            has_bytes = self._has_bytes = _poller(sock.fileno())
        return bool(has_bytes(0))

    def set_exception(
        self, exc: BaseException, exc_cause: BaseException | None = None
    ) -> None:
        payload = self._payload
        fault = isinstance(exc, http_exceptions.HttpProcessingError)
        if fault and (payload is None or payload is EMPTY_PAYLOAD):
            if self._read_again():
                return
        super().set_exception(exc, exc_cause or exc)
        # aiohttp raises it only in a wait for the head. A reader of the body would wait
        # without end.
        if fault and payload is not None and not payload.is_eof():
            if _in_trailer(exc_cause):
                payload.feed_eof()
            else:
                payload.set_exception(exc)

    def _read_again(self) -> bool:
        """Parse a complete response without the bytes after it.

        For bytes after it that are not HTTP and came in the same read: because of them,
        aiohttp's parser has dropped the head.
        """
        begun, self._begun = bytes(self._begun), bytearray()
        self.speaks_tls = begun.startswith(_TLS_ALERT)
        whole = whole_response(begun)
        if whole is None:
            return False
        self.force_close()
        # As the session has set them. The others have aiohttp's defaults.
        super().set_response_params(
            skip_payload=self._skip_payload,
            read_until_eof=True,
            read_timeout=self._read_timeout,
            read_bufsize=self._read_bufsize,
            timeout_ceil_threshold=self._timeout_ceil_threshold or 5.0,
        )
        super().data_received(whole)
        return True


def _in_trailer(error: BaseException | None) -> bool:
    """Return whether a body is complete, and the trailer after it is not valid.

    After the head, only the trailer can have an invalid header or a line that is too
    long. Only the text of the error says what it is about.
    """
    too_long = isinstance(error, http_exceptions.LineTooLong)
    return too_long or "header" in str(error).lower()


def _poller(descriptor: int) -> Callable[[int], object]:
    """Return a function that says whether a socket can be read; made once for each."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return poll.poll
    return lambda seconds: select.select([descriptor], [], [], seconds)[0]


MOST_SESSIONS = 32
"""How many other sessions a pool keeps. One that is busy is not closed."""

_PROTOCOL: ContextVar[_Protocol | None] = ContextVar("turnout_protocol", default=None)
"""The last connection of this task."""


class Connector(aiohttp.TCPConnector):
    """Makes connections that record how they were used.

    aiohttp's own tracing does so too, but makes each request a tenth slower.
    """

    def __init__(self, *, keep: bool, resolver: AbstractResolver | None = None) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            # With aiohttp's limit of a hundred, the next stream would wait silently.
            limit=0,
            ttl_dns_cache=60,
            force_close=not keep,
            resolver=resolver,
        )
        self._factory = cast(
            "partial[ResponseHandler]", partial(_Protocol, loop=self._loop)
        )

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 as aiohttp has it
    ) -> Connection:
        while True:
            try:
                connection = await super().connect(req, traces, timeout)
            except BaseException:
                _PROTOCOL.set(None)
                raise
            protocol = connection.protocol
            assert type(protocol) is _Protocol
            # Bytes that are there already do not belong to this request.
            if not protocol.requests or not protocol.readable():
                break
            connection.close()
        protocol.asked()
        _PROTOCOL.set(protocol)
        return connection

    @property
    def busy(self) -> bool:
        """Whether a request has one of its connections, or waits for one."""
        return bool(self._acquired)

    def _release(
        self,
        key: ConnectionKey,
        protocol: ResponseHandler,
        *,
        should_close: bool = False,
    ) -> None:
        super()._release(key, protocol, should_close=should_close)
        cast("_Protocol", protocol).idle = True


def answered() -> bool:
    """Return whether a byte of a response came for this task's last request."""
    protocol = _PROTOCOL.get()
    return protocol is not None and protocol.answered


def connected() -> bool:
    """Return whether this task's last request had a connection."""
    return _PROTOCOL.get() is not None


def speaks_tls() -> bool:
    """Return whether the answer to this task's last request was a TLS alert."""
    protocol = _PROTOCOL.get()
    return protocol is not None and (
        protocol.speaks_tls or protocol._begun.startswith(_TLS_ALERT)  # pyright: ignore[reportPrivateUsage]
    )


def gone(error: BaseException) -> bool:
    """Return whether a kept connection was found closed before any answer.

    A server may close a kept connection at any time. The request may be sent again.

    Args:
        error: The error of this task's last request.
    """
    protocol = _PROTOCOL.get()
    return (
        protocol is not None
        and protocol.requests > 1
        and not protocol.answered
        and isinstance(error, ConnectionError | aiohttp.ClientConnectionError)
    )


class Body(aiohttp.BytesPayload):
    """A request's body, JSON unless a header says otherwise.

    aiohttp's own class warns from one megabyte on, which an image often has.
    """

    def __init__(self, data: bytes) -> None:
        aiohttp.Payload.__init__(self, data, content_type="application/json")
        self._size = len(data)

    @property
    def data(self) -> bytes:
        """The bytes that are sent."""
        return self._value


class _NoCookies(aiohttp.DummyCookieJar):
    """Keeps no cookies, and does not make an empty jar for each request."""

    _none: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        return self._none


class Pool:
    """The connections of one event loop; made while it runs."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.session = self._session(Connector(keep=True))
        self.tls: SSLContext | bool = True
        """The context of TLS connections if the provider has none; True means
        aiohttp's, which read the system's certificates when it was imported."""
        self._others: dict[tuple[Proxy | None, bool], aiohttp.ClientSession] = {}

    async def other(
        self, socks: Proxy | None = None, *, keep: bool
    ) -> aiohttp.ClientSession:
        """Return a session beside the usual one.

        Args:
            socks: The SOCKS proxy of its connections.
            keep: Whether connections are kept; else each request has a new one.
        """
        key = socks, keep
        session = self._others.pop(key, None)
        if session is None:
            await self._close_idle()
            session = self._session(_connector(socks, keep=keep))
        self._others[key] = session  # In the order of use.
        return session

    async def _close_idle(self) -> None:
        """Close the least recently used sessions, for programs that change proxies."""
        for key, session in list(self._others.items()):
            if len(self._others) < MOST_SESSIONS:
                return
            if not cast("Connector", session.connector).busy:
                del self._others[key]
                await session.close()

    async def aclose(self) -> None:
        """Close all connections."""
        await self.session.close()
        others, self._others = self._others, {}
        for session in others.values():
            await session.close()

    @staticmethod
    def _session(connector: Connector) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=connector,
            cookie_jar=_NoCookies(),
            # aiohttp's default ends every stream after five minutes.
            timeout=aiohttp.ClientTimeout(total=None),
            # A quarter of aiohttp's: a slow reader buffers less, and a fast one reads
            # an event in a fifth less time.
            read_bufsize=64 * 1024,
            # It would read `.netrc` too.
            trust_env=False,
            # A proxy that compresses delays tokens, and a truncated compressed body
            # looks complete.
            headers={"Accept-Encoding": "identity", "User-Agent": f"turnout/{VERSION}"},
        )


def _connector(socks: Proxy | None, *, keep: bool) -> Connector:
    if socks is None:
        return Connector(keep=keep)
    from turnout.http._socks import SocksConnector

    return SocksConnector(socks, keep=keep)


# One pool for each event loop, for all providers. It is closed when its loop ends, by
# the generator that keeps it.
_POOLS: LoopLocal[tuple[Pool, AsyncGenerator[None]]] = LoopLocal()


def pool_of(loop: asyncio.AbstractEventLoop) -> Pool | None:
    """Return an event loop's pool; None before `open_pool`."""
    kept = _POOLS.get(loop)
    return None if kept is None else kept[0]


async def open_pool(loop: asyncio.AbstractEventLoop) -> Pool:
    """Open the running event loop's pool, to be closed when the loop ends."""
    _POOLS.discard_closed()  # Loops closed by hand, whose generators were not closed.
    pool = Pool()
    keeper = _keep(pool, loop)
    _POOLS.set(loop, (pool, keeper))
    await keeper.__anext__()
    return pool


async def _keep(pool: Pool, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
    """Hold a pool until the loop closes its async generators, as `asyncio.run` does."""
    with _closed_by_hand(loop):
        try:
            yield
        finally:
            _POOLS.discard(loop)
            await pool.aclose()


@contextmanager
def _closed_by_hand(loop: asyncio.AbstractEventLoop) -> Generator[None]:
    """Close a loop's pool too if only the loop's `close` is called."""
    close = loop.close

    def close_all() -> None:
        kept = _POOLS.get(loop)
        usable = not loop.is_running() and not loop.is_closed()
        try:
            if kept is not None and usable and asyncio._get_running_loop() is None:
                loop.run_until_complete(kept[1].aclose())
                loop.run_until_complete(asyncio.sleep(0))  # It closes the sockets.
        finally:
            close()

    vars(loop)["close"] = close_all
    try:
        yield
    finally:
        vars(loop).pop("close", None)


def _leave_with_the_parent() -> None:
    """Stop using the parent's connections; called in a forked process."""
    _PARENTS.append(_POOLS.take_all())


_PARENTS: list[object] = []
"""Pools of the processes that this one was forked from. They are kept, because freeing
them would close connections and remove them from the parent's selector."""

# Windows does not have fork.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_leave_with_the_parent)


@cache
def timeout(connect: float) -> aiohttp.ClientTimeout:
    """Return aiohttp's timers: only that of the connection, the rest are turnout's.

    Args:
        connect: Seconds to open a connection, with the name look-up.
    """
    return aiohttp.ClientTimeout(total=None, connect=connect)


def unread(content: aiohttp.StreamReader) -> bytes:
    """Return the buffered bytes of a body that failed.

    aiohttp raises the error before it returns what is buffered, and has no public way
    to get those bytes. So a slow reader would lose them.
    """
    return content._read_nowait(-1) if content._buffer else b""  # pyright: ignore[reportPrivateUsage]
