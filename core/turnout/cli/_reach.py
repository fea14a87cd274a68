"""Whether a service's host can be reached."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from turnout._proxy import OPTION, Proxy, proxy_of_environment, read_proxy
from turnout.provider import ProviderOptions

__all__ = ["Reached", "reach", "reason_of"]

_TIMEOUT = 5.0
"""Seconds to a connection, TLS included."""


class Reached(NamedTuple):
    """Whether a host was reached, in words too."""

    good: bool
    text: str


async def reach(address: str, options: ProviderOptions) -> Reached:
    """Connect to where requests would go, with TLS where they would, and hang up.

    Where a proxy stands in between it is the one that is connected to: what lies
    behind it is seen only by sending it a request.

    Args:
        address: The service's.
        options: The provider's, for the proxy and TLS.
    """
    try:
        service = urlsplit(address)
        proxy = _proxy(service, options)
        host, scheme = service.hostname, service.scheme
        port = service.port or (443 if scheme == "https" else 80)
        tls = options.tls() or True
    except ValueError as error:
        return Reached(False, f"{address!r} cannot be asked: {error}")
    # Without what may stand before the host.
    name = service.netloc.rpartition("@")[2]
    if proxy is not None:
        host, port, scheme, name = proxy.host, proxy.port, proxy.scheme, str(proxy)
    try:
        async with asyncio.timeout(_TIMEOUT):
            _, writer = await asyncio.open_connection(
                host, port, ssl=tls if scheme == "https" else None
            )
    except (OSError, TimeoutError) as error:
        where = "the network" if proxy is None else "the proxy's address"
        return Reached(
            False, f"cannot reach {name}: {reason_of(error)}; look at {where}"
        )
    writer.transport.abort()
    return Reached(True, f"{name} can be reached")


def _proxy(service: SplitResult, options: ProviderOptions) -> Proxy | None:
    if options.proxy is not None:
        return read_proxy(options.proxy.reveal(), OPTION)
    return proxy_of_environment(service.scheme, service.hostname or "", service.port)


def reason_of(error: OSError) -> str:
    """Return why a host was not reached, for people."""
    if isinstance(error, TimeoutError) and error.errno is None:
        return f"no connection within {_TIMEOUT:g} s"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    if isinstance(error, ssl.SSLError):  # Its number is none of the system's.
        return f"TLS failed, {error.reason}"
    # asyncio puts the address into its own words for an errno.
    return os.strerror(error.errno) if error.errno else str(error)
