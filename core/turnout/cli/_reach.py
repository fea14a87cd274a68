"""Whether a service's host can be reached."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from turnout._environment import proxy_for
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
        options: The provider's, for the proxy.
    """
    try:
        service = urlsplit(address)
        proxy = _proxy(service, options)
        place = service if proxy is None else proxy
        port = place.port or (443 if place.scheme == "https" else 80)
    except ValueError as error:
        return Reached(False, f"{address!r} cannot be asked: {error}")
    # Without what may stand before the host.
    name = place.netloc.rpartition("@")[2]
    if proxy is not None:
        name = f"the proxy {name}"
    try:
        async with asyncio.timeout(_TIMEOUT):
            _, writer = await asyncio.open_connection(
                place.hostname, port, ssl=place.scheme == "https" or None
            )
    except (OSError, TimeoutError) as error:
        where = "the network" if proxy is None else "the proxy's address"
        return Reached(
            False, f"cannot reach {name}: {reason_of(error)}; look at {where}"
        )
    writer.transport.abort()
    return Reached(True, f"{name} can be reached")


def _proxy(service: SplitResult, options: ProviderOptions) -> SplitResult | None:
    if options.proxy is not None:
        return urlsplit(options.proxy.reveal())
    address = proxy_for(service.scheme, service.hostname or "", service.port)
    return None if address is None else urlsplit(address)


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
