"""Read environment variables."""

from __future__ import annotations

import os
from typing import ClassVar

__all__ = [
    "FromEnvironment",
    "SecretReference",
    "proxy_exceptions",
    "proxy_variable",
    "variable",
]


class SecretReference(str):
    """A string in the configuration that says where a secret is, such as `env:NAME`.

    It is resolved as the value of a secret option. Elsewhere it is a plain string.
    """

    __slots__ = ()

    PREFIX: ClassVar[str]

    @property
    def name(self) -> str:
        """The part after the prefix; may be empty."""
        return self.removeprefix(self.PREFIX).strip()

    @property
    def source(self) -> str:
        """Where the secret is, as a message begins."""
        raise NotImplementedError

    def read(self) -> str:
        """Return the secret.

        Raises:
            ValueError: The secret does not exist.
        """
        raise NotImplementedError


class FromEnvironment(SecretReference):
    """The string `env:NAME`: the secret is in an environment variable."""

    __slots__ = ()

    PREFIX: ClassVar[str] = "env:"

    @property
    def source(self) -> str:
        """Where the secret is, as a message begins."""
        return f"the environment variable {self.name}"

    def read(self) -> str:
        """Return the value of the variable.

        Raises:
            ValueError: The variable is not set.
        """
        if not self.name:
            raise ValueError(
                '"env:" has no name of an environment variable; write env:NAME'
            )
        value = variable(self.name)
        if value is None:
            raise ValueError(f"{self.source} is not set; set it")
        return value


def variable(name: str) -> str | None:
    """Return an environment variable; None if it is unset or blank."""
    return os.environ.get(name, "").strip() or None


def proxy_variable(scheme: str) -> tuple[str, str] | None:
    """Return the variable that names the proxy for a scheme, and its value.

    The order is that of curl and of Python's urllib: `https_proxy` or `http_proxy`,
    then `all_proxy`, each in lower case, else in upper case. An empty variable in lower
    case disables the one in upper case. `.netrc` and the system's own settings are not
    read.

    Args:
        scheme: `http` or `https`.
    """
    for name in (f"{scheme}_proxy", "all_proxy"):
        # In a CGI program a client can set HTTP_PROXY by the header `Proxy`.
        header = name == "http_proxy" and variable("REQUEST_METHOD") is not None
        found = _in_either_case(name, lower_only=header)
        if found is not None and found[1]:
            return found
    return None


def proxy_exceptions() -> str:
    """Return the value of `no_proxy`, else of `NO_PROXY`."""
    found = _in_either_case("no_proxy")
    return "" if found is None else found[1]


def _in_either_case(name: str, *, lower_only: bool = False) -> tuple[str, str] | None:
    for each in (name,) if lower_only else (name, name.upper()):
        value = os.environ.get(each)
        if value is not None:
            return each, value.strip()
    return None
