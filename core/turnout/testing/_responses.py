"""The bytes of a server's responses."""

from __future__ import annotations

import http
import json

__all__ = ["CHUNKED", "chunked", "http_response", "json_lines", "response_head", "sse"]

CHUNKED = ("Transfer-Encoding", "chunked")
"""The header of a body that is sent in chunks."""


def response_head(status: int = 200, *headers: tuple[str, str]) -> bytes:
    """Return a status line, these headers, and the blank line after them.

    No header is added. Without Content-Length and chunks, the close ends the body.
    """
    try:
        reason = http.HTTPStatus(status).phrase
    except ValueError:
        reason = "Unknown"
    lines = [f"HTTP/1.1 {status} {reason}"]
    lines += [f"{name}: {value}" for name, value in headers]
    return "".join(f"{line}\r\n" for line in [*lines, ""]).encode("latin-1")


def http_response(
    status: int = 200, body: bytes = b"", *headers: tuple[str, str]
) -> bytes:
    """Return a complete response, with Content-Length."""
    length = ("Content-Length", str(len(body)))
    return response_head(status, *headers, length) + body


def chunked(*pieces: bytes) -> bytes:
    """Return a complete chunked body: a chunk for each piece, and the last chunk."""
    framed = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece]
    return b"".join([*framed, b"0\r\n\r\n"])


def sse(*events: object, name: str | None = None) -> bytes:
    """Return server-sent events.

    Args:
        events: The data of each event: a `str` as it is, anything else as JSON.
        name: The `event:` of all of them; None leaves it out.
    """
    field = "" if name is None else f"event: {name}\n"
    texts = (event if isinstance(event, str) else _json(event) for event in events)
    return "".join(
        # WHATWG HTML, 9.2.6: an event's `data` lines are joined by a line feed.
        field + "".join(f"data: {line}\n" for line in text.split("\n")) + "\n"
        for text in texts
    ).encode()


def json_lines(*objects: object) -> bytes:
    """Return the objects as JSON, one on each line."""
    return "".join(f"{_json(value)}\n" for value in objects).encode()


def _json(value: object) -> str:
    # As services write it: without spaces, and with characters beyond ASCII.
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
