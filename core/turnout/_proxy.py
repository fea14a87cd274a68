"""Proxies: their addresses, and which requests use the environment's proxy."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import ClassVar
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

from turnout._environment import proxy_exceptions, proxy_variable
from turnout._frozen import frozen
from turnout.types import Secret

__all__ = ["Proxy", "proxy_of_environment", "read_proxy"]

OPTION = "proxy"
"""The option that names a proxy."""

_PORTS = {"http": 80, "https": 443}
_SOCKS_PORT = 1080
_SOCKS = {
    # The schemes of curl: the version, and whether the proxy looks up the host's name.
    "socks4": (4, False),
    "socks": (4, False),
    "socks4a": (4, True),
    "socks5": (5, False),
    "socks5h": (5, True),
}
_LONGEST = 255
"""The most bytes of a user name or a password in SOCKS (RFC 1929)."""

_IpAddress = IPv4Address | IPv6Address


@frozen
class Proxy:
    """A proxy's address, with the user name and the password as `Secret`."""

    source: str = field(compare=False)
    """The option or the environment variable that names it."""
    scheme: str
    host: str
    port: int
    user: Secret | None = None
    password: Secret | None = None
    """In both, bytes that are not UTF-8 are surrogates."""

    _EMPTY: ClassVar[Secret] = Secret("")

    @property
    def name(self) -> str:
        """The host and the port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address without the user name and the password."""
        return f"{self.scheme}://{self.name}"

    @property
    def socks(self) -> int | None:
        """The version of SOCKS; None for an HTTP proxy."""
        return _SOCKS[self.scheme][0] if self.scheme in _SOCKS else None

    @property
    def looks_up(self) -> bool:
        """Whether a SOCKS proxy, and not this process, looks up the host's name."""
        return _SOCKS[self.scheme][1]

    @property
    def authorization(self) -> str | None:
        """The value of `Proxy-Authorization`; None without a user name.

        User name and password are sent as UTF-8, as curl sends them (RFC 7617, 2.1
        leaves the encoding open).
        """
        if self.user is None:
            return None
        from base64 import b64encode

        pair = f"{self.user.reveal()}:{(self.password or self._EMPTY).reveal()}"
        return "Basic " + b64encode(_bytes(pair)).decode("ascii")

    def __str__(self) -> str:
        """Return the name for an error, with the variable if one names the proxy."""
        of = "" if self.source == OPTION else f" of {self.source}"
        return f"the proxy {self.name}{of}"


def proxy_of_environment(scheme: str, host: str, port: int | None) -> Proxy | None:
    """Return the proxy that the environment names for a host.

    None for names and addresses of this machine, and for what `NO_PROXY` lists: hosts
    with their subdomains, IP addresses, and ranges of IP addresses.

    Args:
        scheme: `http` or `https`.
        host: The host of the request, without brackets.
        port: Its port; None means the scheme's.

    Raises:
        ValueError: The variable's value is wrong; the message begins with its name.
    """
    found = proxy_variable(scheme)
    if found is None:
        return None
    port = _PORTS[scheme] if port is None else port
    if _is_exempt(host.lower().rstrip("."), port, proxy_exceptions().lower()):
        return None
    return read_proxy(found[1], found[0])


def read_proxy(address: str, source: str) -> Proxy:
    """Return the proxy at an address.

    In an environment variable, an address without a scheme is of an HTTP proxy.

    Args:
        address: As a user wrote it.
        source: The option or the environment variable that has it, for errors.

    Raises:
        ValueError: The address is wrong; the message does not show it, as it may have
            a password.
    """
    # The standard library drops some of these, and a request goes to another host.
    if not address.isprintable() or " " in address:
        raise ValueError(f"{source} has a space or a control character; remove it")
    bare = "://" not in address and source != OPTION
    given = f"http://{address}" if bare else address
    try:
        parts = urlsplit(given)
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = None, None, None
    if parts is None or not host or parts.query or parts.fragment:
        escaped = ""
        if "@" in address:
            escaped = "; in a password, write %23 for #, %2F for / and %3F for ?"
        raise ValueError(
            f"{source} is not the address of a proxy, as in "
            f"http://user:password@host:3128{escaped}"
        )
    if parts.scheme not in _SOCKS and parts.scheme not in _PORTS:
        raise ValueError(
            f"{source} has the unknown scheme {parts.scheme!r}; use http, https, "
            "socks4, socks4a, socks5 or socks5h"
        )
    user, password = _credentials(parts, source)
    if parts.scheme in _SOCKS:
        _check_socks(source, user, password)
    return Proxy(
        source=source,
        scheme=parts.scheme,
        host=host,
        port=port or _PORTS.get(parts.scheme, _SOCKS_PORT),
        user=user,
        password=password,
    )


def _credentials(
    parts: SplitResult, source: str
) -> tuple[Secret | None, Secret | None]:
    if parts.username is None:
        return None, None
    user, password = (
        Secret(unquote_to_bytes(part or "").decode("utf-8", "surrogateescape"))
        for part in (parts.username, parts.password)
    )
    if ":" in user.reveal():
        raise ValueError(f"{source} has a user name with a colon; remove it")
    return user, password


def _check_socks(source: str, user: Secret | None, password: Secret | None) -> None:
    from importlib.util import find_spec

    if find_spec("python_socks") is None:
        raise ValueError(
            f'{source} is a SOCKS proxy; run: pip install "turnout[socks]"'
        )
    if user is not None and not password:
        raise ValueError(f"{source} has a user name without a password; add it")
    for secret in (user, password):
        text = "" if secret is None else secret.reveal()
        if not text.isascii() or len(text) > _LONGEST:
            raise ValueError(
                f"{source} has a user name or a password that cannot be sent to a "
                f"SOCKS proxy; use up to {_LONGEST} ASCII characters"
            )


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _is_exempt(host: str, port: int, exceptions: str) -> bool:
    """Return whether requests to a host do not use the environment's proxy."""
    address = _address(host)
    if host == "localhost" or host.endswith(".localhost"):  # RFC 6761, 6.3
        return True
    if address is not None and (address.is_loopback or address.is_unspecified):
        return True
    return any(_matches(entry, host, port, address) for entry in _entries(exceptions))


def _entries(exceptions: str) -> Iterator[str]:
    # curl accepts spaces between entries too.
    return (entry for entry in exceptions.replace(",", " ").split())


def _matches(entry: str, host: str, port: int, address: _IpAddress | None) -> bool:
    """Return whether an entry of NO_PROXY matches a host.

    An invalid entry, such as `300.0.0.0/8`, is ignored, as by curl.
    """
    if entry == "*":
        return True
    name, only_port = _split_port(entry)
    if only_port is not None and only_port != port:
        return False
    if address is not None:
        return _covers(name, address)
    # `*.example.com` is not standard, but common.
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, int | None]:
    """Return the host of an entry, without brackets, and its port."""
    if entry.startswith("["):
        name, _, rest = entry[1:].partition("]")
        # Such as `[fd00::]/8`.
        if not rest.startswith(":"):
            return name + rest, None
        end = rest[1:]
    elif entry.count(":") == 1:
        name, _, end = entry.partition(":")
    else:
        return entry, None
    return (name, int(end)) if end.isascii() and end.isdecimal() else (entry, None)


def _covers(name: str, address: _IpAddress) -> bool:
    try:
        # Without a slash, it is the range of one address.
        return address in ip_network(_plain(name), strict=False)
    except ValueError:
        return False


def _address(host: str) -> _IpAddress | None:
    try:
        address = ip_address(_plain(host))
    except ValueError:
        return None
    # `::ffff:127.0.0.1` is 127.0.0.1.
    return getattr(address, "ipv4_mapped", None) or address


def _plain(address: str) -> str:
    """Return an address without its zone, as in `fe80::1%eth0`."""
    name, _, rest = address.partition("%")
    _, slash, bits = rest.partition("/")
    return name + slash + bits
