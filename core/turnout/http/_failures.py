"""Translate aiohttp's errors into turnout's.

For the status of a response see `_status.py`.
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
"""All that aiohttp raises. `LineTooLong` and similar are not a `ClientError`."""


class ProxyRefusal(aiohttp.ClientConnectionError):
    """A SOCKS proxy did not connect.

    Args:
        reason: The reason, in the words of the SOCKS protocol.
        lasting: Whether a retry would fail in the same way.
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

# The first row whose class matches decides.
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
        "cannot reach {place} securely: its certificate has another fingerprint",
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
        "{place} is not a valid address; check base_url and proxy",
    ),
    (
        aiohttp.NonHttpUrlClientError,
        ConfigError,
        "{place} is not an http or https address; check base_url and proxy",
    ),
    (
        aiohttp.ServerDisconnectedError,
        ConnectionLostError,
        "{place} closed the connection before it answered{advice}",
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
    # aiohttp raises this for an unreadable head. Its status is not from the server.
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

# A retry would fail in the same way.
_LASTING = (aiohttp.ClientConnectorCertificateError, aiohttp.ServerFingerprintMismatch)

_NO_SUCH_NAME = {socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)}
"""The system's errors for an unknown name. Its other errors mean a failed look-up."""

# Only the text of a payload error says what it is about.
_CORRUPT = ("Can not decode content-encoding", "chunk size", "PayloadEncodingError")


def open_error(
    error: BaseException,
    place: str,
    connect_timeout: float,
    *,
    proxy: Proxy | None = None,
    secure: bool = True,
) -> TurnoutError:
    """Return turnout's error for one before the response's body.

    Args:
        error: One of `ERRORS`.
        place: The host of the request, for messages.
        connect_timeout: Seconds that a connection may take.
        proxy: The proxy that the request went through.
        secure: Whether the connection to the host uses TLS.
    """
    # Imported with the first failure, because most programs have none.
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
        return ProtocolError(
            f"{whom} closed the connection in the head of its response"
        )
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
    """Return whether an error is the proxy's, and not that of the host behind it."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return isinstance(error, aiohttp.ClientProxyConnectionError) or (
            (error.host, error.port) == (proxy.host, proxy.port)
        )
    if not isinstance(error, _LOST_OR_ODD):
        return False
    # Without TLS, an HTTP proxy itself is the peer of the connection.
    return not connected() or (proxy.socks is None and not secure)


def body_error(error: BaseException, place: str) -> TurnoutError:
    """Return turnout's error for one in the response's body.

    Args:
        error: One of `ERRORS`.
        place: The host of the request, for messages.
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
    """Return the system's text; aiohttp's own texts contain headers."""
    from turnout.http._proxy_failures import proxy_code
    from turnout.http._tls_failures import tls_words

    if isinstance(error, ProxyRefusal):
        return error.reason
    if isinstance(error, aiohttp.ClientHttpProxyError):
        code = proxy_code(error.headers or {})
        return f"status {error.status}" + (f" ({code})" if code else "")
    words = tls_words(error)
    number = getattr(error, "errno", None)
    # asyncio puts the address into its own text for an errno.
    system = os.strerror(number) if number and number > 0 else None
    return words or system or type(error).__name__
