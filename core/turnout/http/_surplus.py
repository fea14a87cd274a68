"""Find the end of an HTTP response that has more bytes after it. No I/O.

Used only in the rare case that a parser refuses the bytes after a complete response.
"""

from __future__ import annotations

import re

__all__ = ["whole_response"]

_HEAD_END = re.compile(rb"\r?\n\r?\n")

_FIELD = re.compile(rb"\n([!-9;-~]{1,64}):[ \t]*([^\r\n]*)")

_LENGTH = re.compile(rb"[0-9]{1,18}")

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?\r?\n")


def whole_response(data: bytes) -> bytes | None:
    """Return a response without the bytes after it; None if it is not complete.

    Args:
        data: The bytes of a connection, from the beginning of a response on.
    """
    start = 0
    while True:
        head_end = _HEAD_END.search(data, start)
        if head_end is None:
            return None
        head = data[start : head_end.start()]
        begin = head_end.end()
        # An interim response, such as 100 Continue, comes before the final one.
        if head[9:10] != b"1":
            break
        start = begin
    fields = {name.lower(): value.strip() for name, value in _FIELD.findall(head)}
    if fields.get(b"transfer-encoding", b"").lower().endswith(b"chunked"):
        return _whole_chunks(data, begin)
    length = fields.get(b"content-length", b"")
    if not _LENGTH.fullmatch(length) or len(data) - begin < int(length):
        return None
    return data[: begin + int(length)]


def _whole_chunks(data: bytes, at: int) -> bytes | None:
    """Return a response up to its last chunk, without a trailer.

    Args:
        data: The response.
        at: Where its first chunk begins.
    """
    while size := _CHUNK_SIZE.match(data, at):
        if int(size[1], 16) == 0:
            return data[: size.end()] + b"\r\n"
        at = size.end() + int(size[1], 16)
        at += 2 if data[at : at + 2] == b"\r\n" else 1
    return None
