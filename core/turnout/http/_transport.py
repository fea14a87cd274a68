"""The part of HTTP that is aiohttp's: connections, and the sessions that hold them.

Loaded with the first request, since importing aiohttp takes longer than all else.
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
"""How many bytes are read of a connection at a time, at most.

asyncio has 256 KiB, and from 128 KiB on the C library takes a buffer from the system
and gives it back each time, which may cost six times what the read itself does.
"""


class _Protocol(ResponseHandler):
    """A connection that knows what its bytes belong to.

    aiohttp does not tell whether a byte of the present response has come where the
    connection was reset, nor, with its parser in Python, where it ended within the
    response's first line.

    It also parses what comes while nothing is asked, and gives it to the next request
    as its response. And bytes behind a whole response that are not HTTP are an error
    to it, which takes the response away with it.
    """

    answered = False
    requests = 0
    idle = False
    """Whether it is in the pool, where no byte may come."""
    speaks_tls = False
    """Whether the other side was found to speak TLS, of which this is no part."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        # What has come of the response while its head is not complete.
        self._begun = bytearray()
        self._has_bytes: Callable[[int], object] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if hasattr(transport, "max_size"):  # Not where another loop, or TLS, reads.
            cast("Any", transport).max_size = _READ

    def data_received(self, data: bytes) -> None:
        if self.idle:
            # "If a client receives data on a connection that doesn't have outstanding
            # requests, the client MUST NOT consider that data to be a valid response;
            # the client SHOULD close the connection" (RFC 9112, 9.2). Nothing comes
            # where a reader of the last response has aiohttp go on.
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
            # One in place of one for each HTTP chunk: aiohttp takes them out singly,
            # and looks each time whether to go on reading, which takes longer than
            # all that is done with an event afterwards. Those that were there stay,
            # as aiohttp may be about to take them.
            new = [pieces.pop() for _ in range(len(pieces) - before)]
            pieces.append(b"".join(reversed(new)))
        if payload._eof and data:  # pyright: ignore[reportPrivateUsage]
            second = self._payload is not payload or len(self._buffer) > 1
            # Chunks end with a blank line, and a body of a known length with its
            # last piece.
            whole = data.endswith((b"\n\r\n", b"\n\n")) or (
                bool(pieces) and data.endswith(pieces[-1])
            )
            if ended or second or not whole:
                self._end()

    def _end(self) -> None:
        """Close the connection, as bytes came behind a whole response."""
        self.force_close()
        if self.idle:  # The end of the body has given it back to the pool.
            self.close()

    def asked(self) -> None:
        """Note that a request is about to be sent."""
        self.requests += 1
        self.answered = False
        self.idle = False
        self._payload = None  # The last response's.

    def readable(self) -> bool:
        """Tell whether bytes, or the end, are there that the loop has not read."""
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
        # aiohttp tells it to who waits for a head; whoever reads a body would wait on.
        if fault and payload is not None and not payload.is_eof():
            if _in_trailer(exc_cause):
                payload.feed_eof()
            else:
                payload.set_exception(exc)

    def _read_again(self) -> bool:
        """Read a response that is whole without the bytes behind it.

        For bytes that are not HTTP and came in the same read: with them, aiohttp's
        parser has thrown away the head.
        """
        begun, self._begun = bytes(self._begun), bytearray()
        self.speaks_tls = begun.startswith(_TLS_ALERT)
        whole = whole_response(begun)
        if whole is None:
            return False
        self.force_close()
        # As the session has set them; the rest are aiohttp's own, and all requests'.
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
    """Tell whether a body is whole, and the trailer after its last chunk is wrong.

    Once there is a body, its trailer is all that a header can be wrong in, and all that
    can have too long a line. What an error is about stands in its text alone.
    """
    too_long = isinstance(error, http_exceptions.LineTooLong)
    return too_long or "header" in str(error).lower()


def _poller(descriptor: int) -> Callable[[int], object]:
    """Return what tells whether a socket can be read, made once for its lifetime."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return poll.poll
    return lambda seconds: select.select([descriptor], [], [], seconds)[0]


MOST_SESSIONS = 32
"""How many sessions a pool has beside the usual one, if the others are idle."""

_PROTOCOL: ContextVar[_Protocol | None] = ContextVar("turnout_protocol", default=None)
"""The connection that this task got last."""


class Connector(aiohttp.TCPConnector):
    """Makes connections that tell how they were used.

    aiohttp's own tracing tells of the use too, but makes every request a tenth dearer.
    """

    def __init__(self, *, keep: bool, resolver: AbstractResolver | None = None) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            # A hundred streams would make the next one wait in silence.
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
            # Bytes that are there already do not answer what is sent now.
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
    """Tell whether a byte of a response came for this task's last request."""
    protocol = _PROTOCOL.get()
    return protocol is not None and protocol.answered


def connected() -> bool:
    """Tell whether this task's last request had a connection to be sent on."""
    return _PROTOCOL.get() is not None


def speaks_tls() -> bool:
    """Tell whether the answer to this task's last request was an alert of TLS."""
    protocol = _PROTOCOL.get()
    return protocol is not None and (
        protocol.speaks_tls or protocol._begun.startswith(_TLS_ALERT)  # pyright: ignore[reportPrivateUsage]
    )


def gone(error: BaseException) -> bool:
    """Tell whether a kept connection was found closed, so that nothing was answered.

    That is the server's good right, at any time. A request that was met by it may be
    sent anew.

    Args:
        error: What this task's last request failed with.
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

    aiohttp's own warns of a megabyte, which an image has soon.
    """

    def __init__(self, data: bytes) -> None:
        aiohttp.Payload.__init__(self, data, content_type="application/json")
        self._size = len(data)

    @property
    def data(self) -> bytes:
        """The bytes that are sent."""
        return self._value


class _NoCookies(aiohttp.DummyCookieJar):
    """Keeps no cookies, and makes no jar of none for each request."""

    _none: BaseCookie[str] = SimpleCookie()

    def filter_cookies(self, request_url: URL) -> BaseCookie[str]:
        return self._none


class Pool:
    """The connections of one event loop; made within it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.session = self._session(Connector(keep=True))
        self.tls: SSLContext | bool = True
        """The context of TLS connections without one of a provider's own; True means
        aiohttp's, which has read the system's certificates when it was imported."""
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
        self._others[key] = session  # The last one is the one used last.
        return session

    async def _close_idle(self) -> None:
        """Close the sessions used longest ago, for programs that change proxies."""
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
            # aiohttp's own default ends every stream after five minutes.
            timeout=aiohttp.ClientTimeout(total=None),
            # A quarter of aiohttp's own: a slow reader holds less up, and a fast one
            # reads an event in a fifth less of its time.
            read_bufsize=64 * 1024,
            # Would read `.netrc` too.
            trust_env=False,
            # A proxy that compresses holds tokens back, and a compressed body that
            # was cut off looks whole.
            headers={"Accept-Encoding": "identity", "User-Agent": f"turnout/{VERSION}"},
        )


def _connector(socks: Proxy | None, *, keep: bool) -> Connector:
    if socks is None:
        return Connector(keep=keep)
    from turnout.http._socks import SocksConnector

    return SocksConnector(socks, keep=keep)


# One pool an event loop, for all providers: state of the process by its nature. Each
# goes when its loop ends, through the generator that keeps it.
_POOLS: LoopLocal[tuple[Pool, AsyncGenerator[None]]] = LoopLocal()


def pool_of(loop: asyncio.AbstractEventLoop) -> Pool | None:
    """Return an event loop's pool; None before `open_pool`."""
    kept = _POOLS.get(loop)
    return None if kept is None else kept[0]


async def open_pool(loop: asyncio.AbstractEventLoop) -> Pool:
    """Open the running event loop's pool, to be closed when the loop ends."""
    _POOLS.discard_closed()  # Those closed by hand, without an end to their generators.
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
    """Have a loop's pool closed too if the loop's `close` is all that is called."""
    close = loop.close

    def close_all() -> None:
        kept = _POOLS.get(loop)
        usable = not loop.is_running() and not loop.is_closed()
        try:
            if kept is not None and usable and asyncio._get_running_loop() is None:
                loop.run_until_complete(kept[1].aclose())
                loop.run_until_complete(asyncio.sleep(0))  # Sockets are closed then.
        finally:
            close()

    vars(loop)["close"] = close_all
    try:
        yield
    finally:
        vars(loop).pop("close", None)


def _leave_with_the_parent() -> None:
    """Use no connection of the parent; called in a process that was forked."""
    _PARENTS.append(_POOLS.take_all())


_PARENTS: list[object] = []
"""Pools of processes that this one was forked from. They are kept: freeing them would
close connections, and take them out of what the parent's selector watches."""

# Windows has no forks.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_leave_with_the_parent)


@cache
def timeout(connect: float) -> aiohttp.ClientTimeout:
    """Return aiohttp's timers: that of the connection alone, the rest is turnout's.

    Args:
        connect: Seconds to a connection, the name's look-up included.
    """
    return aiohttp.ClientTimeout(total=None, connect=connect)


def unread(content: aiohttp.StreamReader) -> bytes:
    """Return what a body that failed had brought before.

    A reader that was slow finds the error first, as aiohttp raises it before it
    gives out what is buffered, and has no public way to what came before it.
    """
    return content._read_nowait(-1) if content._buffer else b""  # pyright: ignore[reportPrivateUsage]
