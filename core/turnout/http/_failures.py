"""What aiohttp's errors mean, as errors of the tree.

A status that a server sent is no matter of this: see `_status.py`.
"""

from __future__ import annotations

import os
import socket
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import aiohttp
from aiohttp import http_exceptions

from turnout.errors import (
    ConfigError,
    ConnectError,
    ConnectionLostError,
    ProtocolError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.http._transport import answered, connected, speaks_tls

if TYPE_CHECKING:
    from turnout._proxy import Proxy

__all__ = ["ERRORS", "ProxyRefusal", "body_error", "open_error"]

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


class ProxyRefusal(aiohttp.ClientConnectionError):
    """A SOCKS proxy did not connect.

    Args:
        reason: Why, in the words of its protocol.
        lasting: Whether another try would end the same.
    """

    def __init__(self, reason: str, *, lasting: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lasting = lasting


_Row = tuple[type[BaseException], type[TurnoutError], str]

_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)

_LOST_OR_ODD = (
    *_LOST,
    aiohttp.ClientResponseError,
    http_exceptions.HttpProcessingError,
    ProxyRefusal,
)

# The first row that an error is an instance of says what it means.
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
        "{proxy} refused to connect to {host}: {cause}{advice}",
    ),
    (
        ProxyRefusal,
        ConnectError,
        "{proxy} did not connect to {host}: {cause}",
    ),
    (aiohttp.ClientConnectorError, ConnectError, "cannot reach {place}: {cause}"),
    (
        TimeoutError,
        ConnectError,
        "cannot reach {place}{through}: no connection within "
        "connect_timeout={timeout} s",
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
        "{place} hung up before it answered{advice}",
    ),
    (
        ConnectionError,
        ConnectionLostError,
        "the connection to {place} was lost before it answered: {cause}{advice}",
    ),
    (
        aiohttp.ClientOSError,
        ConnectionLostError,
        "the connection to {place} was lost before it answered: {cause}{advice}",
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
        "the connection to {place} was lost before it answered: {cause}{advice}",
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
    error: BaseException,
    place: str,
    connect_timeout: float,
    *,
    proxy: Proxy | None = None,
    secure: bool = True,
) -> TurnoutError:
    """Return what an error before the response's body means.

    Args:
        error: One of `ERRORS`.
        place: The host that was asked, for people.
        connect_timeout: Seconds that a connection may take.
        proxy: The proxy that was asked to reach the host.
        secure: Whether the host was asked over TLS.
    """
    # These two are loaded with the first failure: most programs have none.
    from turnout.http._proxy_failures import proxy_advice
    from turnout.http._tls_failures import needs_tls, tls_error

    at_proxy = proxy is not None and _is_of_proxy(error, proxy, secure=secure)
    whom, where = place, ""
    if proxy is not None and at_proxy:
        whom, where = f"{proxy} on the way to {place}", f" in {proxy.source}"
        secure = proxy.scheme == "https"
    failure = tls_error(error, whom, where)
    if failure is None and not secure and speaks_tls():
        failure = needs_tls(whom, where)
    if failure is not None:
        return failure
    if isinstance(error, _LOST) and answered():
        return ProtocolError(f"{whom} hung up in the head of its response")
    words = {"place": whom, "host": place, "proxy": proxy or "the proxy"}
    words |= {"timeout": f"{connect_timeout:g}", "advice": "", "through": ""}
    if proxy is not None and not at_proxy:
        words["through"] = f" through {proxy}"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        words["advice"] = proxy_advice(error.status, proxy)
    elif not secure and (proxy is None or proxy.socks is None):
        words["advice"] = f"; if its port speaks TLS, use https://{where}"
    return _meaning(_BEFORE_THE_BODY, error, words)


def _is_of_proxy(error: BaseException, proxy: Proxy, *, secure: bool) -> bool:
    """Tell whether an error is about the proxy, and not about the host behind it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return isinstance(error, aiohttp.ClientProxyConnectionError) or (
            (error.host, error.port) == (proxy.host, proxy.port)
        )
    if not isinstance(error, _LOST_OR_ODD):
        return False
    # Without TLS, the other side of a connection is the proxy that it was made to.
    return not connected() or (proxy.socks is None and not secure)


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
    return _meaning(_IN_THE_BODY, error, {"place": place})


def _meaning(
    table: tuple[_Row, ...], error: BaseException, words: Mapping[str, object]
) -> TurnoutError:
    meant, text = next(row[1:] for row in table if isinstance(error, row[0]))
    failure = meant(text.format(**words, cause=_cause(error)))
    if isinstance(failure, ConnectError) and _lasting(error):
        failure.retryable = False
    return failure


def _lasting(error: BaseException) -> bool:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return error.errno in _NO_SUCH_NAME
    if isinstance(error, aiohttp.ClientHttpProxyError):
        from turnout.http._proxy_failures import is_lasting

        return is_lasting(error.status)
    return isinstance(error, _LASTING) or (
        isinstance(error, ProxyRefusal) and error.lasting
    )


def _cause(error: BaseException) -> str:
    """Return the system's words; aiohttp's own hold headers."""
    from turnout.http._proxy_failures import proxy_code
    from turnout.http._tls_failures import tls_words

    if isinstance(error, ProxyRefusal):
        return error.reason
    if isinstance(error, aiohttp.ClientHttpProxyError):
        code = proxy_code(error.headers or {})
        return f"status {error.status}" + (f" ({code})" if code else "")
    words = tls_words(error)
    number = getattr(error, "errno", None)
    # asyncio puts the address into its own words for an errno.
    system = os.strerror(number) if number and number > 0 else None
    return words or system or type(error).__name__
