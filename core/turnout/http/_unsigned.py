"""A request before it is sent, for code that signs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from typing import TypeAlias

from turnout._frozen import frozen
from turnout.types import Secret

__all__ = ["Sign", "UnsignedRequest"]


@frozen
class UnsignedRequest:
    """A request before it is sent: the input of a signature.

    aiohttp adds headers that are not in `headers`: `Host`, whose value is `host`, and
    `Content-Length`, `Accept` and `Content-Type` if they are not given.
    """

    method: str
    url: str
    """The whole address, as it is sent."""
    host: str
    """The header `Host`: the host, with the port if that is not the scheme's own."""
    headers: Mapping[str, str | Secret]
    """The headers of the request, with the user's own."""
    body: bytes = field(repr=False)
    """The bytes that are sent; empty if there is no body."""

    @property
    def target(self) -> str:
        """The path and the query, as they are sent."""
        return "/" + self.url.partition("://")[2].partition("/")[2]

    @property
    def path(self) -> str:
        """The path, as it is sent."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """The query, as it is sent, without `?`; empty without one."""
        return self.target.partition("?")[2]


Sign: TypeAlias = Callable[[UnsignedRequest], Mapping[str, str | Secret]]
