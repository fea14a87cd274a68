"""The one reader of environment variables."""

from __future__ import annotations

import os
from typing import ClassVar

__all__ = ["FromEnvironment", "SecretReference", "proxy_for", "variable"]


class SecretReference(str):
    """A text in the configuration that says where a secret is, such as `env:NAME`.

    It is read if it is given for a secret. Anywhere else it is a text like another.
    """

    __slots__ = ()

    PREFIX: ClassVar[str]

    @property
    def name(self) -> str:
        """What stands after the prefix; empty if it is missing."""
        return self.removeprefix(self.PREFIX).strip()

    @property
    def source(self) -> str:
        """Where the secret is, as a message begins."""
        raise NotImplementedError

    def read(self) -> str:
        """Return the secret.

        Raises:
            ValueError: There is none.
        """
        raise NotImplementedError


class FromEnvironment(SecretReference):
    """The text `env:NAME`: the secret is in an environment variable."""

    __slots__ = ()

    PREFIX: ClassVar[str] = "env:"

    @property
    def source(self) -> str:
        """Where the secret is, as a message begins."""
        return f"the environment variable {self.name}"

    def read(self) -> str:
        """Return the value of the variable.

        Raises:
            ValueError: It is not set.
        """
        if not self.name:
            raise ValueError('"env:" lacks the name of an environment variable')
        value = variable(self.name)
        if value is None:
            raise ValueError(f"{self.source} is not set; set it")
        return value


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
