"""Connections through SOCKS proxies.

Loaded with the first of them. `python_socks` implements SOCKS and comes with the extra
`socks`.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import TYPE_CHECKING, Any, cast

from aiohttp import (
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientProxyConnectionError,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from python_socks import ProxyConnectionError, ProxyError, ProxyType
from python_socks.async_.asyncio import Proxy as Client

from turnout._proxy import Proxy
from turnout.http._failures import ProxyRefusal
from turnout.http._transport import Connector

if TYPE_CHECKING:
    import aiohttp
    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import AddrInfoType

__all__ = ["SocksConnector"]

_TYPES = {4: ProxyType.SOCKS4, 5: ProxyType.SOCKS5}

# RFC 1928, 6. Other errors of a reply, of the network or the host, may be temporary.
_LASTING_CODES = {
    2,  # Connection not allowed by ruleset.
    7,  # Command not supported.
    8,  # Address type not supported.
}


class _Unresolved(AbstractResolver):
    """Leaves host names as they are, for a proxy that resolves them."""

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_INET,
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=host, port=port, family=family, proto=0, flags=0
            )
        ]

    async def close(self) -> None:
        """Do nothing, because it has no resources."""


class SocksConnector(Connector):
    """Makes connections through a SOCKS proxy.

    Args:
        proxy: The proxy.
        keep: Whether connections are kept for more requests.
    """

    def __init__(self, proxy: Proxy, *, keep: bool) -> None:
        super().__init__(keep=keep, resolver=_Unresolved() if proxy.looks_up else None)
        self._proxy = proxy

    async def _wrap_create_connection(
        self,
        *args: Any,
        addr_infos: list[AddrInfoType],  # pyright: ignore[reportUnknownParameterType]
        req: aiohttp.ClientRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 as aiohttp has it
        client_error: type[Exception] = ClientConnectorError,
        **kwargs: Any,
    ) -> tuple[asyncio.Transport, ResponseHandler]:
        infos = cast("list[tuple[Any, ...]]", addr_infos)
        places = [(str(info[4][0]), int(info[4][1])) for info in infos]
        sock = await self._tunnel(places, req, timeout)
        return await self._wrap_existing_connection(
            *args,
            req=req,
            timeout=timeout,
            client_error=client_error,
            sock=sock,
            **kwargs,
        )

    async def _tunnel(
        self,
        places: list[tuple[str, int]],
        req: aiohttp.ClientRequest,
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 see above
    ) -> socket.socket:
        """Return a socket on which the proxy has connected to one of the addresses."""
        proxy = self._proxy
        version = proxy.socks or 5
        if version == 4:  # SOCKS 4 does not have IPv6.
            places = [place for place in places if ":" not in place[0]]
        if not places:
            raise ClientConnectorError(
                req.connection_key,
                OSError(errno.EAFNOSUPPORT, os.strerror(errno.EAFNOSUPPORT)),
            )
        client = Client(
            _TYPES[version],
            proxy.host,
            proxy.port,
            None if proxy.user is None else proxy.user.reveal(),
            None if proxy.password is None else proxy.password.reveal(),
            rdns=proxy.looks_up,
        )
        refusal: ProxyRefusal | None = None
        for host, port in places:
            try:
                # aiohttp's own timer ends earlier.
                return await client.connect(host, port, 2 * (timeout.connect or 60.0))
            except ProxyError as error:
                refusal = _refusal(error)
            except ProxyConnectionError as error:
                cause = error.__cause__
                assert isinstance(cause, OSError)
                at = req.connection_key._replace(host=proxy.host, port=proxy.port)
                if isinstance(cause, socket.gaierror):
                    raise ClientConnectorDNSError(at, cause) from None
                raise ClientProxyConnectionError(at, cause) from None
        assert refusal is not None
        raise refusal


def _refusal(error: ProxyError) -> ProxyRefusal:
    code, words = error.error_code, str(error)
    # An error without a code is about the SOCKS protocol, such as a wrong password.
    # After a closed connection a retry may succeed.
    cut = "closed" in words
    lasting = code in _LASTING_CODES or (code is None and not cut)
    reason = "it closed the connection" if cut else words[:1].lower() + words[1:]
    return ProxyRefusal(reason, lasting=lasting)
