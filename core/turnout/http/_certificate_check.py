"""Check whether a server closes a connection because it got no client certificate.

Loaded when a connection over TLS is lost before its answer. A server that requires a
certificate should send an alert. Many do not, or the alert is lost because the client
writes to a closed connection. So a second connection makes only the handshake. If the
server asks for a certificate and then closes the connection, it requires one.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from turnout.http._failures import ERRORS

__all__ = ["requires_certificate"]

_CERTIFICATE_REQUEST = 13
"""The type of the handshake message (RFC 8446, 4)."""

_HANDSHAKE = 22
"""The content type of handshake messages (RFC 8446, 5.1)."""

_SECONDS = 1.0
"""How long the server has to check for a certificate and close the connection."""


async def requires_certificate(
    session: aiohttp.ClientSession,
    url: str,
    timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 as aiohttp has it
    *,
    proxy: str | None = None,
    proxy_headers: Mapping[str, str] | None = None,
) -> bool:
    """Return whether a server closes a connection that has no client certificate.

    Args:
        session: The session of the request that failed.
        url: The address of that request.
        timeout: aiohttp's timers.
        proxy: The HTTP proxy to go through.
        proxy_headers: The headers for it.
    """
    asked = False

    def note(
        _connection: object,
        direction: str,
        _version: object,
        content_type: int,
        message_type: int,
        _data: bytes,
    ) -> None:
        nonlocal asked
        if (direction, content_type, message_type) == (
            "read",
            _HANDSHAKE,
            _CERTIFICATE_REQUEST,
        ):
            asked = True

    # The server's certificate is not checked, because nothing is sent.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context._msg_callback = note  # type: ignore[attr-defined]
    request = aiohttp.ClientRequest(
        "GET",
        URL(url),
        loop=asyncio.get_running_loop(),
        ssl=context,
        proxy=None if proxy is None else URL(proxy),
        proxy_headers=CIMultiDict(proxy_headers or {}),
    )
    connector = session.connector
    assert connector is not None
    try:
        connection = await connector.connect(request, [], timeout)
    except ERRORS:
        return asked  # Under TLS 1.2 the handshake itself fails.
    try:
        protocol = connection.protocol
        assert protocol is not None
        closed = protocol.closed
        if asked and closed is not None:
            await asyncio.wait([closed], timeout=_SECONDS)
            if closed.done():
                closed.exception()  # Otherwise asyncio reports it as never retrieved.
        return asked and not protocol.is_connected()
    finally:
        connection.close()
