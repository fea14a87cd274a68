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
    address = variable(f"{scheme}_proxy")
    # In a CGI program HTTP_PROXY is a header that anybody can send.
    if address is None and (scheme == "https" or variable("REQUEST_METHOD") is None):
        address = variable(f"{scheme}_proxy".upper())
    if address is None:
        return None
    # The standard library has the rules of NO_PROXY; typeshed lacks their function.
    from urllib import request

    place = host if port is None else f"{host}:{port}"
    exempt = {"no": variable("no_proxy") or variable("NO_PROXY") or ""}
    if request.proxy_bypass_environment(place, exempt):  # type: ignore[attr-defined]
        return None
    return address if "://" in address else f"http://{address}"
