"""The address of Ollama, from the variable `OLLAMA_HOST`."""

from __future__ import annotations

from turnout.errors import ConfigError

__all__ = ["CLOUD", "VARIABLE", "address_of"]

VARIABLE = "OLLAMA_HOST"

_PORT = 11434
"""The default port of a server."""

CLOUD = "ollama.com"

# The server listens at the same variable's address, and these mean all interfaces.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 nothing listens here


def address_of(value: str | None) -> str:
    """Return the address that a value of the variable means.

    It is read as Ollama's own clients read it: a host, `host:port`, `:port`, or an http
    or https address, with its scheme's port by default. Quotation marks are removed.

    Args:
        value: The variable's value; None or blank means a server on this machine.

    Raises:
        ConfigError: It is not an address.

    Source: `Host` and `ConnectableHost` of Ollama's `envconfig/config.go` at fb30760,
    and `_parse_host` of ollama-python at 25b9329, read 2026-11-22.
    """
    from urllib.parse import urlsplit  # Imported here, since the import is slow.

    given = (value or "").strip().strip("\"'").strip()
    scheme, named, rest = given.partition("://")
    if not named:
        scheme, rest = "https" if given == CLOUD else "http", given
    place, _, path = rest.partition("/")
    if place.count(":") > 1 and not place.startswith("["):
        place = f"[{place}]"
    try:
        parts = urlsplit(f"{scheme}://{place}")
        port = parts.port
    except ValueError:
        raise _wrong() from None
    odd = any(c.isspace() or c in "?#" for c in given)
    if odd or scheme not in {"http", "https"} or parts.username is not None:
        raise _wrong()
    if port is None and not named and given != CLOUD:
        port = _PORT
    host = parts.hostname or "127.0.0.1"
    host = _EVERYWHERE.get(host, host)
    if ":" in host:
        host = f"[{host}]"
    path = path.strip("/")
    return (
        f"{scheme}://{host}"
        + (f":{port}" if port is not None else "")
        + (f"/{path}" if path else "")
    )


def _wrong() -> ConfigError:
    # The value is not shown: it may hold a password.
    return ConfigError(
        f"{VARIABLE} is not the address of a server; set it to a host, host:port, or "
        "an http or https address, without a user name"
    )
