"""Read the errors of an HTTP proxy."""

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
"""The statuses below 500 after which a retry may succeed."""

_SOFTWARE = re.compile(
    r"\s*(?:squid|tinyproxy|mitmproxy|privoxy|zscaler)\b", re.IGNORECASE
)
"""The names of forward proxies in the header `Server`."""

# RFC 9209, 2.1.1 and 2.3: an `error` says that the proxy made the response.
_STATUS_ERROR = re.compile(r";\s*error=([a-z_]{1,64})")

_CODE = re.compile(r"[A-Za-z_]{1,64}")


def is_lasting(status: int) -> bool:
    """Return whether a retry through the proxy would get the same status."""
    return status < 500 and status not in _PASSING


def proxy_advice(status: int, proxy: Proxy | None) -> str:
    """Return what to do about the status of a proxy's refusal."""
    source = "proxy" if proxy is None else proxy.source
    if status == _PASSWORD and (proxy is None or proxy.user is None):
        return f"; put a user name and a password into {source}"
    if status == _PASSWORD:
        return f"; check the user name and the password in {source}"
    if status in {400, 404, 405, 501}:
        return f"; check that {source} is the address of an HTTP proxy"
    return ""


def proxy_code(headers: Mapping[str, str]) -> str:
    """Return a proxy's own error code; empty if the headers have none.

    Args:
        headers: The response's headers, by lower-case names.
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

    If a proxy cannot forward a request without TLS, it answers in place of the host.
    `Via` does not tell the two apart, because proxies add it to both.

    Args:
        status: The response's status.
        headers: The response's headers, by lower-case names.
        place: The host of the request, for messages.
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
    cause = f"status {status}" + (f" ({code})" if code else "")
    failure = ConnectError(
        f"{proxy} did not forward the request to {place}: {cause}"
        f"{proxy_advice(status, proxy)}"
    )
    failure.retryable = not is_lasting(status)
    return failure
