"""The option `headers`: which headers a user can add, and which are secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeAlias, cast

from turnout._environment import SecretReference
from turnout.types import Secret

__all__ = ["Headers", "checked_headers", "has_credential", "with_secrets"]

Headers: TypeAlias = Mapping[str, str | Secret]

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""Source: RFC 9110, section 5.6.2, `token`."""

_VALUE = re.compile(r"[\t\x20-\x7e]*")
"""Source: RFC 9110, section 5.5: new field values are ASCII, and a line break, a null
character and other control characters are invalid."""

_TURNOUTS_OWN = frozenset(
    {
        "connection",
        "content-encoding",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers about the connection and about how the body is sent.

Source: RFC 9110, section 7.6.1, and RFC 9112, section 6.
"""

_CREDENTIALS = frozenset({"api-key", "authorization", "x-api-key", "x-goog-api-key"})
"""The headers in which services take a key."""

_SECRET_NAME = re.compile(
    "auth|cookie|credential|jwt|key|passw|secret|session|signature|token",
    re.IGNORECASE,
)


def with_secrets(headers: Mapping[str, object]) -> dict[str, object]:
    """Return headers with values such as that of `Authorization` as `Secret`."""
    return {name: _hidden(name, value) for name, value in headers.items()}


def _hidden(name: str, value: object) -> object:
    if not isinstance(value, str) or isinstance(value, SecretReference):
        return value
    return Secret(value) if _SECRET_NAME.search(str(name)) else value


def checked_headers(headers: Headers) -> dict[str, str | Secret]:
    """Return headers that can be sent, with secret values as `Secret`.

    Raises:
        ValueError: A header cannot be sent; the message has its name, not its value.
    """
    seen: dict[str, str] = {}
    for name, value in headers.items():
        if not _NAME.fullmatch(name):
            raise ValueError(
                f"headers: {name!r} is not a valid name of a header; correct it"
            )
        if name.lower() in _TURNOUTS_OWN:
            raise ValueError(f"headers: {name!r} is set by turnout itself; remove it")
        if seen.setdefault(name.lower(), name) != name:
            raise ValueError(
                f"headers: {seen[name.lower()]!r} and {name!r} are the same header; "
                "remove one of them"
            )
        text = value if isinstance(value, str) else value.reveal()
        if not _VALUE.fullmatch(text):
            raise ValueError(
                f"headers: the value of {name!r} has a line break, another control "
                "character or a character that is not ASCII; remove it"
            )
    return cast("dict[str, str | Secret]", with_secrets(headers))


def has_credential(headers: object) -> bool:
    """Return whether headers have one in which services take a key."""
    if not isinstance(headers, Mapping):
        return False
    names = cast("Mapping[object, object]", headers)
    return any(str(name).lower() in _CREDENTIALS for name in names)
