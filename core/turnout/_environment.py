"""The one reader of environment variables."""

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


def proxy_variable(scheme: str) -> tuple[str, str] | None:
    """Return the variable that names the proxy for a scheme, and its value.

    As curl and Python's urllib have it: `https_proxy` or `http_proxy`, then
    `all_proxy`, each in lower case, else in upper case. A variable in lower case that
    is empty switches off the one in upper case. `.netrc` and the system's own settings
    are not read.

    Args:
        scheme: `http` or `https`.
    """
    for name in (f"{scheme}_proxy", "all_proxy"):
        # In a CGI program HTTP_PROXY is a header that anybody can send.
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
