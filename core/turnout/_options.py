"""The options that every provider has, and their ranges."""

from __future__ import annotations

import math
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import field, fields
from typing import TYPE_CHECKING, Any, Self, SupportsIndex

from turnout._environment import variable
from turnout._frozen import frozen
from turnout._keys import fault_of_address, fault_of_key
from turnout.framing import MAX_EVENT_BYTES
from turnout.types import ProviderInfo, Secret

if TYPE_CHECKING:
    from pathlib import Path
    from ssl import SSLContext
else:
    # Annotations are read at run time; both modules are imported when they are used.
    Path = SSLContext = object

__all__ = ["ProviderOptions", "own_address"]

_PATHS = ("ca_file", "client_certificate", "client_key")


@frozen
class ProviderOptions:
    """The options of every provider; a provider adds fields of its own.

    Raises:
        ValueError: A field is out of range. `Provider` raises it as a `ConfigError`.
    """

    api_key: Secret | None = None
    """None means the environment variable that the provider declares."""
    base_url: str | None = None
    """The address of the service, in place of the provider's own."""
    proxy: Secret | None = None
    """The address of an HTTP or SOCKS proxy, secret since it may have a password.

    None means the proxy of the environment, by `HTTPS_PROXY`, `NO_PROXY` and others.
    """
    ssl_context: SSLContext | None = None
    """The context of TLS connections, in place of the next three options. It cannot be
    pickled, and a configuration file cannot set it."""
    ca_file: Path | None = None
    """Certificates, in PEM form, that are trusted in addition to the system's."""
    client_certificate: Path | None = None
    """The certificate for a service that requires one, in PEM form."""
    client_key: Path | None = None
    """Its private key, not encrypted. None means that `client_certificate` has it."""
    headers: Mapping[str, str | Secret] = field(default_factory=dict[str, str | Secret])
    """Headers of each request to `base_url`'s origin, in place of turnout's own of the
    same names. The value of one such as `Authorization` becomes a `Secret`."""
    extra: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """More fields of each request's body, see `RequestOptions.extra`. Fields of the
    request itself take precedence."""
    connect_timeout: float = 5.0
    """Seconds to open a connection."""
    first_delta_timeout: float = 60.0
    """Seconds from the request to the first increment of an answer."""
    idle_timeout: float = 60.0
    """Seconds without a byte."""
    stall_timeout: float = 60.0
    """Seconds without an increment, after the first."""
    deadline: float = 600.0
    """Seconds for a whole request, if it sets no deadline of its own."""
    max_bytes: int = 64 * 1024 * 1024
    """The maximum size of an answer, in bytes."""
    max_event_bytes: int = MAX_EVENT_BYTES
    """The maximum size, in bytes, of one event of an answer, or of an answer in one
    document.

    The event loop is blocked while an event is parsed. A model that answers with images
    sends them in one event, and needs more.
    """
    max_concurrent: int = 256
    """How many streams run at once in each event loop; further requests wait."""
    max_queued: int | None = None
    """How many requests may wait; another one fails. None means any number."""
    queue_timeout: float | None = None
    """Seconds that a request may wait. None means until its deadline. The wait counts
    towards the deadline in both cases."""

    def __post_init__(self) -> None:
        for option in fields(self):
            name, value = option.name, getattr(self, option.name)
            if name.endswith("_timeout") or name == "deadline":
                if value is not None and not 0 < value < math.inf:
                    raise ValueError(
                        f"{name}={value!r} is out of range; set seconds, more than 0"
                    )
        _check_least("max_bytes", self.max_bytes, 1)
        _check_least("max_event_bytes", self.max_event_bytes, 1)
        _check_least("max_concurrent", self.max_concurrent, 1)
        if self.max_queued is not None:
            _check_least("max_queued", self.max_queued, 0)
        if self.api_key is not None:
            fault = fault_of_key(self.api_key.reveal())
            if fault is not None:
                raise ValueError(f"api_key {fault}")
        if self.base_url is not None:
            fault = fault_of_address(self.base_url)
            if fault is not None:
                raise ValueError(f"base_url {fault}")
            # One spelling, as the address is compared with the provider's own.
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
            # Here, as few instances have any.
            from turnout._headers import checked_headers

            object.__setattr__(self, "headers", checked_headers(self.headers))

    def tls(self) -> SSLContext | None:
        """Return the context of TLS connections; None means turnout's own.

        Raises:
            ValueError: The context or a file cannot be used.
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
                "ssl_context is set together with ca_file, client_certificate or "
                "client_key; load the files into the context, or remove it"
            )
        return self.ssl_context

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> Self:
        if self.ssl_context is not None:  # It cannot be copied, so it is shared.
            memo[id(self.ssl_context)] = self.ssl_context
        made = object.__new__(type(self))
        for option in fields(self):
            value = deepcopy(getattr(self, option.name), memo)
            object.__setattr__(made, option.name, value)
        return made

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        if self.ssl_context is not None:
            raise TypeError(
                "ssl_context cannot be pickled; set ca_file, client_certificate and "
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
        """Return an environment variable; None if it is unset or blank.

        For `__post_init__` of a provider whose options have variables of their own.
        Not for the key: `ProviderInfo.key_variable` names its variable.
        """
        return variable(name)


def own_address(options_type: type[ProviderOptions], info: ProviderInfo) -> str | None:
    """Return the address that a plugin sets for its provider; None if it sets none."""
    # Not the attribute of the class: with slots, that is not the default.
    defaults = {option.name: option.default for option in fields(options_type)}
    own = info.options.get("base_url", defaults["base_url"])
    return None if own is None else str(own).rstrip("/")


def _check_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise ValueError(f"{name}={value} is out of range; set at least {least}")
