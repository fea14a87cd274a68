"""What aiohttp's errors mean, as errors of the tree.

A status that a server sent is no matter of this: see `_status.py`.
"""

from __future__ import annotations

import os
import socket
import ssl
import zlib

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
from turnout.http._transport import answered

__all__ = ["ERRORS", "PROXY_ADVICE", "PROXY_PASSWORD", "body_error", "open_error"]

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


_Row = tuple[type[BaseException], type[TurnoutError], str]

_LOST = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError, ConnectionError)

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
        "the proxy refused to connect to {place}: {cause}{advice}",
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


PROXY_PASSWORD = 407
"""The status of a proxy that wants to know who asks."""

PROXY_ADVICE = "; put a user name and a password into its address"

# OpenSSL's words for bytes that are not TLS.
_NO_TLS = frozenset(
    {
        "HTTP_REQUEST",
        "HTTPS_PROXY_REQUEST",
        "PACKET_LENGTH_TOO_LONG",
        "RECORD_LAYER_FAILURE",
        "UNKNOWN_PROTOCOL",
        "WRONG_VERSION_NUMBER",
    }
)

_NO_CERTIFICATE = frozenset(
    {"TLSV13_ALERT_CERTIFICATE_REQUIRED", "PEER_DID_NOT_RETURN_A_CERTIFICATE"}
)


def open_error(
    error: BaseException, place: str, connect_timeout: float, *, proxied: bool = False
) -> TurnoutError:
    """Return what an error before the response's body means.

    Args:
        error: One of `ERRORS`.
        place: The host that was asked, for people.
        connect_timeout: Seconds that a connection may take.
        proxied: Whether a proxy was asked to reach the host.
    """
    tls = _tls_error(error, place)
    if tls is not None:
        return tls
    if proxied and isinstance(error, aiohttp.ClientConnectorDNSError):
        # The proxy looks up the host's name.
        place = f"the proxy on the way to {place}"
    if isinstance(error, _LOST) and answered():
        return ProtocolError(f"{place} hung up in the head of its response")
    return _meaning(_BEFORE_THE_BODY, error, place, connect_timeout)


def _tls_error(error: BaseException, place: str) -> TurnoutError | None:
    """Return the error for what OpenSSL says better than the system; else None."""
    reason = _tls_reason(error)
    if reason in _NO_TLS:
        failure = ConnectError(
            f"cannot reach {place} securely: its port does not speak TLS; use http:// "
            "in place of https://, or another port"
        )
    elif reason in _NO_CERTIFICATE:
        failure = ConnectError(f"{place} requires a client certificate")
    else:
        return None
    failure.retryable = False
    return failure


def _tls_reason(error: BaseException) -> str | None:
    """Return OpenSSL's word for what went wrong, such as `WRONG_VERSION_NUMBER`."""
    seen: BaseException | None = error
    while seen is not None:
        for one in (seen, getattr(seen, "os_error", None)):
            # One that OpenSSL did not make has none.
            reason = getattr(one, "reason", None)
            if isinstance(one, ssl.SSLError) and isinstance(reason, str):
                return reason
        seen = seen.__cause__
    return None


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
    words = {"cause": _cause(error), "timeout": timeout, "advice": ""}
    if getattr(error, "status", None) == PROXY_PASSWORD:
        words["advice"] = PROXY_ADVICE
    failure = meant(text.format(place=place, **words))
    if isinstance(failure, ConnectError) and _lasting(error):
        failure.retryable = False
    return failure


def _lasting(error: BaseException) -> bool:
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return error.errno in _NO_SUCH_NAME
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return error.status == PROXY_PASSWORD
    return isinstance(error, _LASTING)


def _cause(error: BaseException) -> str:
    """Return the system's words; aiohttp's own hold headers."""
    certificate = getattr(error, "certificate_error", None)
    words = getattr(certificate, "verify_message", None)
    status = getattr(error, "status", None)
    if status is not None:
        return f"status {status}"
    reason = _tls_reason(error)
    if words is None and reason is not None:  # OpenSSL's numbers are not the system's.
        return reason.lower().replace("_", " ")
    number = getattr(error, "errno", None)
    # asyncio puts the address into its own words for an errno.
    system = os.strerror(number) if number and number > 0 else None
    return str(words or system or type(error).__name__)
