"""The part of HTTP that is aiohttp's: sessions, and what its errors mean.

Loaded with the first request, since importing aiohttp takes longer than all else.
"""

from __future__ import annotations

import asyncio
import os
import socket
import zlib
from collections.abc import AsyncGenerator
from contextvars import ContextVar
from functools import cache, cached_property, partial
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp import http_exceptions
from aiohttp.client_proto import ResponseHandler

from turnout._version import VERSION
from turnout.errors import (
    ConfigError,
    ConnectError,
    ConnectionLostError,
    ProtocolError,
    StreamTruncatedError,
    TurnoutError,
)

if TYPE_CHECKING:
    from aiohttp.connector import Connection
    from aiohttp.tracing import Trace

__all__ = [
    "ERRORS",
    "Pool",
    "body_error",
    "gone",
    "open_error",
    "open_pool",
    "pool_of",
    "timeout",
    "unread",
]

ERRORS = (
    aiohttp.ClientError,
    http_exceptions.HttpProcessingError,
    TimeoutError,
    OSError,
    UnicodeError,
    zlib.error,
    ValueError,
)
"""All that aiohttp raises. `LineTooLong` and its like are no `ClientError`."""


class _Protocol(ResponseHandler):
    """A connection that knows whether a byte of its present response has come.

    aiohttp does not tell that where the connection was reset, nor, with its parser
    in Python, where it ended within the response's first line.
    """

    answered = False
    requests = 0

    def data_received(self, data: bytes) -> None:
        self.answered = True
        # Once a response is enough: aiohttp calls this for every chunk of a body.
        vars(self)["data_received"] = super().data_received
        self.data_received(data)

    def asked(self) -> None:
        """Note that a request is about to be sent."""
        self.requests += 1
        self.answered = False
        vars(self).pop("data_received", None)

    def connection_lost(self, exc: BaseException | None) -> None:
        # Its method, kept by itself, would keep it alive in a circle.
        vars(self).pop("data_received", None)
        super().connection_lost(exc)

    def set_exception(
        self, exc: BaseException, exc_cause: BaseException | None = None
    ) -> None:
        super().set_exception(exc, exc_cause or exc)
        # aiohttp tells it to who waits for a head; whoever reads a body would wait on.
        if isinstance(exc, http_exceptions.HttpProcessingError):
            payload = self._payload
            if payload is not None and not payload.is_eof():
                payload.set_exception(exc)


_PROTOCOL: ContextVar[_Protocol | None] = ContextVar("turnout_protocol", default=None)
"""The connection that this task got last."""


class _Connector(aiohttp.TCPConnector):
    """Makes connections that tell how they were used.

    aiohttp's own tracing tells of the use too, but makes every request a tenth dearer.
    """

    def __init__(self, *, keep: bool) -> None:
        # No limit: a hundred streams would make the next one wait in silence.
        super().__init__(limit=0, ttl_dns_cache=60, force_close=not keep)  # pyright: ignore[reportUnknownMemberType]
        self._factory = cast(
            "partial[ResponseHandler]", partial(_Protocol, loop=self._loop)
        )

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 as aiohttp has it
    ) -> Connection:
        try:
            connection = await super().connect(req, traces, timeout)
        except BaseException:
            _PROTOCOL.set(None)
            raise
        protocol = cast("_Protocol", connection.protocol)
        protocol.asked()
        _PROTOCOL.set(protocol)
        return connection


def answered() -> bool:
    """Tell whether a byte of a response came for this task's last request."""
    protocol = _PROTOCOL.get()
    return protocol is not None and protocol.answered


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


class Pool:
    """The connections of one event loop; made within it."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.session = self._session(keep=True)

    @cached_property
    def fresh(self) -> aiohttp.ClientSession:
        """A session whose requests each have a new connection."""
        return self._session(keep=False)

    async def aclose(self) -> None:
        """Close all connections."""
        await self.session.close()
        if "fresh" in vars(self):
            await self.fresh.close()

    @staticmethod
    def _session(*, keep: bool) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(keep=keep),
            cookie_jar=aiohttp.DummyCookieJar(),
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


# One pool an event loop, for all providers: state of the process by its nature. Each
# goes when its loop ends, through the generator that keeps it.
_POOLS: WeakKeyDictionary[
    asyncio.AbstractEventLoop, tuple[Pool, AsyncGenerator[None]]
] = WeakKeyDictionary()


def pool_of(loop: asyncio.AbstractEventLoop) -> Pool | None:
    """Return an event loop's pool; None before `open_pool`."""
    kept = _POOLS.get(loop)
    return None if kept is None else kept[0]


async def open_pool(loop: asyncio.AbstractEventLoop) -> Pool:
    """Open the running event loop's pool, to be closed when the loop ends."""
    for other in list(_POOLS):
        if other.is_closed():  # By hand, without an end to its generators.
            _POOLS.pop(other, None)
    pool = Pool()
    keeper = _keep(pool, loop)
    _POOLS[loop] = (pool, keeper)
    await keeper.__anext__()
    return pool


async def _keep(pool: Pool, loop: asyncio.AbstractEventLoop) -> AsyncGenerator[None]:
    """Hold a pool until the loop closes its async generators, as `asyncio.run` does."""
    try:
        yield
    finally:
        _POOLS.pop(loop, None)
        await pool.aclose()


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


_Row = tuple[type[BaseException], type[TurnoutError], str]

# The first row that an error is an instance of says what it means.
_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)

_BEFORE_THE_BODY: tuple[_Row, ...] = (
    (
        aiohttp.ClientConnectorDNSError,
        ConnectError,
        "cannot reach {place}: its name is not known",
    ),
    (aiohttp.ClientSSLError, ConnectError, "cannot reach {place} securely: {cause}"),
    (
        aiohttp.ServerFingerprintMismatch,
        ConnectError,
        "cannot reach {place} securely: its certificate is another one",
    ),
    (
        aiohttp.ClientHttpProxyError,
        ConnectError,
        "the proxy refused to connect to {place}: {cause}",
    ),
    (
        aiohttp.ClientProxyConnectionError,
        ConnectError,
        "cannot reach the proxy on the way to {place}: {cause}",
    ),
    (aiohttp.ClientConnectorError, ConnectError, "cannot reach {place}: {cause}"),
    (
        TimeoutError,
        ConnectError,
        "cannot reach {place}: no connection within connect_timeout={timeout:g} s",
    ),
    (
        aiohttp.InvalidURL,
        ConfigError,
        "{place} is no address that can be asked; check base_url and proxy",
    ),
    (
        aiohttp.NonHttpUrlClientError,
        ConfigError,
        "{place} is no http or https address; check base_url and proxy",
    ),
    (
        aiohttp.ServerDisconnectedError,
        ConnectionLostError,
        "{place} hung up before it answered",
    ),
    (
        ConnectionError,
        ConnectionLostError,
        "the connection to {place} was lost before it answered: {cause}",
    ),
    (
        aiohttp.ClientOSError,
        ConnectionLostError,
        "the connection to {place} was lost before it answered: {cause}",
    ),
    # aiohttp's own word for a head that it cannot read; its status is made up.
    (
        aiohttp.ClientResponseError,
        ProtocolError,
        "{place} sent a response that is not valid HTTP",
    ),
    (
        http_exceptions.HttpProcessingError,
        ProtocolError,
        "{place} sent a response that is not valid HTTP",
    ),
    (
        ValueError,
        ConfigError,
        "the request to {place} cannot be sent: a header or the address is not valid",
    ),
    (
        Exception,
        ConnectionLostError,
        "the connection to {place} was lost before it answered: {cause}",
    ),
)

_IN_THE_BODY: tuple[_Row, ...] = (
    (
        aiohttp.ClientPayloadError,
        StreamTruncatedError,
        "{place} ended its answer in the middle",
    ),
    (
        OSError,
        StreamTruncatedError,
        "the connection to {place} was lost in the middle of its answer",
    ),
    (
        aiohttp.ClientConnectionError,
        StreamTruncatedError,
        "the connection to {place} was lost in the middle of its answer",
    ),
    (Exception, ProtocolError, "{place} sent a body that is not valid HTTP"),
)

# Another try would end the same.
_LASTING = (aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch)

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
"""What the system says of a name; any other word of it is about the look-up."""

# What a payload error is about stands in its text alone.
_CORRUPT = ("Can not decode content-encoding", "chunk size", "PayloadEncodingError")


def open_error(
    error: BaseException, place: str, connect_timeout: float
) -> TurnoutError:
    """Return what an error before the response's body means.

    Args:
        error: One of `ERRORS`.
        place: The host that was asked, for people.
        connect_timeout: Seconds that a connection may take.
    """
    if isinstance(error, _LOST) and answered():
        return ProtocolError(f"{place} hung up in the head of its response")
    return _meaning(_BEFORE_THE_BODY, error, place, connect_timeout)


def body_error(error: BaseException, place: str) -> TurnoutError:
    """Return what an error in the response's body means.

    Args:
        error: One of `ERRORS`.
        place: The host that was asked, for people.
    """
    if isinstance(error, aiohttp.ClientPayloadError) and any(
        words in str(error) for words in _CORRUPT
    ):
        return ProtocolError(f"{place} sent a body that is not valid HTTP")
    return _meaning(_IN_THE_BODY, error, place, 0.0)


def _meaning(
    table: tuple[_Row, ...], error: BaseException, place: str, timeout: float
) -> TurnoutError:
    meant, text = next(row[1:] for row in table if isinstance(error, row[0]))
    failure = meant(text.format(place=place, cause=_cause(error), timeout=timeout))
    if isinstance(failure, ConnectError) and _lasting(error):
        failure.retryable = False
    return failure


def _lasting(error: BaseException) -> bool:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return error.errno in _NO_SUCH_NAME
    return isinstance(error, _LASTING)


def _cause(error: BaseException) -> str:
    """Return the system's words; aiohttp's own hold headers."""
    certificate = getattr(error, "certificate_error", None)
    words = getattr(certificate, "verify_message", None)
    status = getattr(error, "status", None)
    if status is not None:
        return f"status {status}"
    number = getattr(error, "errno", None)
    # asyncio puts the address into its own words for an errno.
    system = os.strerror(number) if number and number > 0 else None
    return str(words or system or type(error).__name__)
