"""The parser for requests to a server on loopback.

It is strict and uses no HTTP library, because a library may accept wrong requests.
"""

from __future__ import annotations

import json
from dataclasses import field

from turnout._frozen import frozen

__all__ = ["HttpRequest", "MalformedRequestError", "body_length", "parse_head"]


class MalformedRequestError(ValueError):
    """A client sent bytes that are not an HTTP/1 request that this server can read."""


@frozen
class HttpRequest:
    """One complete HTTP request, as it was sent."""

    method: str
    target: str
    """The request target: a path, or for a proxy an absolute URL or `host:port`."""
    version: str
    headers: tuple[tuple[str, str], ...]
    """In the order of arrival, names as written, duplicates kept."""
    body: bytes = b""
    received_at: float = field(default=0.0, compare=False)
    """When its last byte was read, by the loop's clock."""

    @property
    def path(self) -> str:
        """The target without its query."""
        return self.target.partition("?")[0]

    def values(self, name: str) -> list[str]:
        """Return the values of a header, its name without regard to case."""
        wanted = name.lower()
        return [value for key, value in self.headers if key.lower() == wanted]

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None."""
        return next(iter(self.values(name)), None)

    def json(self) -> object:
        """Decode the body.

        Raises:
            ValueError: It is not JSON.
        """
        value: object = json.loads(self.body)
        return value


def parse_head(head: bytes) -> HttpRequest:
    """Parse a request line and headers, with or without the blank line after them.

    Raises:
        MalformedRequestError: They are not HTTP/1.
    """
    request_line, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    parts = request_line.split(" ")
    if len(parts) != 3 or not all(parts) or not parts[2].startswith("HTTP/1."):
        raise MalformedRequestError(f"not a request line: {request_line!r}")
    headers: list[tuple[str, str]] = []
    for line in lines:
        name, colon, value = line.partition(":")
        # RFC 9112, 5.1: "No whitespace is allowed between the field name and colon";
        # a leading blank would be an obsolete folded line.
        if not colon or not name or name != name.strip() or "\n" in line:
            raise MalformedRequestError(f"not a header: {line!r}")
        headers.append((name, value.strip(" \t")))
    method, target, version = parts
    return HttpRequest(
        method=method, target=target, version=version, headers=tuple(headers)
    )


def body_length(request: HttpRequest) -> int:
    """Return how many bytes of body follow the head of a request.

    Raises:
        MalformedRequestError: The body has no plain length.
    """
    if request.values("Transfer-Encoding"):
        raise MalformedRequestError(
            "the request has Transfer-Encoding; send Content-Length"
        )
    lengths = request.values("Content-Length")
    if not lengths:
        return 0
    if len(lengths) > 1 or not (lengths[0].isascii() and lengths[0].isdecimal()):
        raise MalformedRequestError(f"not one Content-Length: {lengths!r}")
    return int(lengths[0])
