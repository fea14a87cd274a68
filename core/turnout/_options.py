"""What can be set of every provider, and the ranges of it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from turnout._environment import variable
from turnout._frozen import frozen
from turnout._keys import fault_of_key
from turnout.framing import MAX_EVENT_BYTES
from turnout.types import ProviderInfo, Secret

if TYPE_CHECKING:
    from pathlib import Path
    from ssl import SSLContext
else:
    # Annotations are read; both modules are loaded with their use, which is checked.
    Path = SSLContext = object

__all__ = ["ProviderOptions", "own_address"]

_PATHS = ("ca_file", "client_certificate", "client_key")


@frozen
class ProviderOptions:
    """What can be set of every provider; a provider adds fields of its own.

    Raises:
        ValueError: A field is out of range. `Provider` makes a `ConfigError` of it.
    """

    api_key: Secret | None = None
    """None means the environment variable that the provider declares."""
    base_url: str | None = None
    """Whom to ask, in place of the provider's own address."""
    proxy: Secret | None = None
    """The address of an HTTP or SOCKS proxy, secret since it may hold a password.

    None means what the environment says, such as `HTTPS_PROXY` and `NO_PROXY`.
    """
    ssl_context: SSLContext | None = None
    """The context of TLS connections, in place of one made of the next three options.
    It cannot be pickled, and a configuration file cannot set it."""
    ca_file: Path | None = None
    """Certificates, in PEM form, that are trusted beside the system's."""
    client_certificate: Path | None = None
    """The certificate for a service that requires one, in PEM form."""
    client_key: Path | None = None
    """Its private key, not encrypted. None means that `client_certificate` holds it."""
    headers: Mapping[str, str | Secret] = field(default_factory=dict[str, str | Secret])
    """Headers that each request to `base_url`'s origin has, in place of turnout's own
    of the same names. The value of one such as `Authorization` becomes a `Secret`."""
    extra: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """More fields of each request's body, under those of the request itself, see
    `RequestOptions.extra`."""
    connect_timeout: float = 5.0
    """Seconds to a connection."""
    first_delta_timeout: float = 60.0
    """Seconds from the request to the first increment of an answer."""
    idle_timeout: float = 60.0
    """Seconds without a byte."""
    stall_timeout: float = 60.0
    """Seconds without an increment, after the first."""
    deadline: float = 600.0
    """Seconds for a whole request, where it sets no deadline of its own."""
    max_bytes: int = 64 * 1024 * 1024
    """How many bytes an answer may have."""
    max_event_bytes: int = MAX_EVENT_BYTES
    """How many bytes one event of an answer may have, or one that is a single document.

    The event loop waits while an event is read. A model that answers with images sends
    them in one event, and needs more.
    """
    max_concurrent: int = 256
    """How many streams run at once in each event loop; further requests wait."""
    max_queued: int | None = None
    """How many requests may wait; a further one fails. None means any number."""
    queue_timeout: float | None = None
    """Seconds that a request may wait. None means until its deadline, in which the
    wait counts in any case."""

    def __post_init__(self) -> None:
        for option in fields(self):
            name, value = option.name, getattr(self, option.name)
            if name.endswith("_timeout") or name == "deadline":
                if value is not None and not 0 < value < math.inf:
                    raise ValueError(f"{name} is in seconds, more than 0")
        if self.max_bytes <= 0:
            raise ValueError("max_bytes is more than 0")
        if self.max_event_bytes <= 0:
            raise ValueError("max_event_bytes is more than 0")
        if self.max_concurrent < 1:
            raise ValueError("max_concurrent is at least 1")
        if self.max_queued is not None and self.max_queued < 0:
            raise ValueError("max_queued is at least 0")
        if self.api_key is not None:
            fault = fault_of_key(self.api_key.reveal())
            if fault is not None:
                raise ValueError(f"api_key {fault}")
        if self.base_url is not None:
            _check_address("base_url", self.base_url)
            # One address however it is written, since a provider's own is known by it.
            object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        if self.proxy is not None:
            from turnout._proxy import OPTION, read_proxy

            read_proxy(self.proxy.reveal(), OPTION)
        for name in _PATHS:
            path = getattr(self, name)
            if path is not None:
                from turnout._tls import checked_path

                object.__setattr__(self, name, checked_path(name, path))
        self.tls()
        if self.headers:
            from turnout._headers import checked_headers  # Few instances have any.

            object.__setattr__(self, "headers", checked_headers(self.headers))

    def tls(self) -> SSLContext | None:
        """Return the context of TLS connections; None means turnout's own.

        Raises:
            ValueError: A file of it cannot be used any more.
        """
        files = (self.ca_file, self.client_certificate, self.client_key)
        if self.ssl_context is None and files == (None, None, None):
            return None
        from turnout._tls import check_context, context_of

        if self.ssl_context is None:
            return context_of(*files)
        check_context(self.ssl_context)
        if files != (None, None, None):
            raise ValueError(
                "ssl_context is set beside ca_file, client_certificate or client_key; "
                "load the files into the context, or leave it out"
            )
        return self.ssl_context

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        if self.ssl_context is not None:  # A context cannot be copied, and is shared.
            memo[id(self.ssl_context)] = self.ssl_context
        made = object.__new__(type(self))
        for option in fields(self):
            value = deepcopy(getattr(self, option.name), memo)
            object.__setattr__(made, option.name, value)
        return made

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self.ssl_context is not None:
            raise TypeError(
                "an ssl_context cannot be pickled; set ca_file, client_certificate and "
                "client_key in its place"
            )
        return object.__reduce_ex__(self, protocol)

    @staticmethod
    def hint_for(name: str) -> str | None:
        """Return what to write for an unknown option, if that is known."""
        from turnout.types._hints import hint_for_provider

        return hint_for_provider(name)

    @staticmethod
    def variable(name: str) -> str | None:
        """Return an environment variable; None where it is unset or blank.

        For `__post_init__` of a provider whose options have variables of their own.
        The key's is not among them: `ProviderInfo.key_variable` names that.
        """
        return variable(name)


def own_address(options_type: type[ProviderOptions], info: ProviderInfo) -> str | None:
    """Return the address that a plugin gives its provider; None if it gives none."""
    # Not the attribute of the class, which is not the default if it has slots.
    defaults = {option.name: option.default for option in fields(options_type)}
    own = info.options.get("base_url", defaults["base_url"])
    return None if own is None else str(own).rstrip("/")


def _check_address(name: str, address: str) -> None:
    from urllib.parse import urlsplit

    # The standard library takes some of these out, and then asks another address.
    if not address.isprintable() or " " in address:
        raise ValueError(f"{name} has a space or a control character; remove it")
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        # The words of urllib may quote a part of it.
        raise ValueError(f"{name} is no address that can be asked") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(f"{name} is an http or https address, as in https://host/path")
    if parts.username is not None:
        raise ValueError(f"{name} holds a user name; a credential goes into api_key")
    if parts.query or parts.fragment:
        raise ValueError(f"{name} ends with its path; leave out what follows")
