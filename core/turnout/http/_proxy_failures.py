"""What an HTTP proxy says when it does not do what it was asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from turnout.errors import ConnectError

if TYPE_CHECKING:
    from turnout._proxy import Proxy

__all__ = ["is_lasting", "not_forwarded", "proxy_advice", "proxy_code"]

_PASSWORD = 407

_PASSING = {408, 425, 429}
"""The statuses below 500 after which another try may end well."""

_SOFTWARE = re.compile(
    r"\s*(?:squid|tinyproxy|mitmproxy|privoxy|zscaler)\b", re.IGNORECASE
)
"""The names that forward proxies give themselves in `Server`."""

# RFC 9209, 2.1.1 and 2.3: an `error` says that the proxy made the response.
_STATUS_ERROR = re.compile(r";\s*error=([a-z_]{1,64})")

_CODE = re.compile(r"[A-Za-z_]{1,64}")


def is_lasting(status: int) -> bool:
    """Tell whether a proxy that was asked again would say the same."""
    return status < 500 and status not in _PASSING


def proxy_advice(status: int, proxy: Proxy | None) -> str:
    """Return what to do about the status with which a proxy refused."""
    source = "proxy" if proxy is None else proxy.source
    if status == _PASSWORD and (proxy is None or proxy.user is None):
        return f"; put a user name and a password into {source}"
    if status == _PASSWORD:
        return f"; check the user name and the password in {source}"
    if status in {400, 404, 405, 501}:
        return f"; check that {source} is the address of an HTTP proxy"
    return ""


def proxy_code(headers: Mapping[str, str]) -> str:
    """Return a proxy's own word for what went wrong; empty if it has none.

    Args:
        headers: The response's, by their names in lower case.
    """
    found = _STATUS_ERROR.search(headers.get("proxy-status", ""))
    if found is not None:
        return found[1]
    found = _CODE.match(headers.get("x-squid-error", ""))
    return "" if found is None else found[0]


def not_forwarded(
    status: int, headers: Mapping[str, str], place: str, proxy: Proxy
) -> ConnectError | None:
    """Return the error for a response that a proxy made; None for one of the host.

    For a request without TLS, which a proxy answers in the place of the host if it
    cannot forward it. Any proxy may put `Via` into both.

    Args:
        status: The response's.
        headers: The response's, by their names in lower case.
        place: The host that was asked, for people.
        proxy: The proxy.
    """
    code = proxy_code(headers)
    if not (
        code
        or status == _PASSWORD
        or "proxy-authenticate" in headers
        or _SOFTWARE.match(headers.get("server", ""))
    ):
        return None
    told = f"status {status}" + (f" ({code})" if code else "")
    failure = ConnectError(
        f"{proxy} did not forward the request to {place}: {told}"
        f"{proxy_advice(status, proxy)}"
    )
    failure.retryable = not is_lasting(status)
    return failure
