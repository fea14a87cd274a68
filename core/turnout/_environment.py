"""The one reader of environment variables."""

from __future__ import annotations

import os

__all__ = ["proxy_for", "variable"]


def variable(name: str) -> str | None:
    """Return an environment variable; None where it is unset or blank."""
    return os.environ.get(name, "").strip() or None


def proxy_for(scheme: str, host: str, port: int | None) -> str | None:
    """Return the address of the proxy that the environment names for a host.

    Reads `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, in either case, as most
    programs do; `.netrc` and the system's own settings are not read.

    Args:
        scheme: `http` or `https`.
        host: The host to be asked.
        port: Its port, where the address names one.
    """
    # The standard library has the rules of NO_PROXY; aiohttp has imported it.
    from urllib import request

    proxies = request.getproxies_environment()
    address = proxies.get(scheme)
    place = host if port is None else f"{host}:{port}"
    if not address:
        return None
    # typeshed lacks it.
    if request.proxy_bypass_environment(place, proxies):  # type: ignore[attr-defined]
        return None
    return address if "://" in address else f"http://{address}"
