"""AWS's framing of event streams: bytes to messages. No I/O.

    total length  4 bytes  of all that is here
    headers       4 bytes  the length of the headers
    checksum      4 bytes  CRC32 of these eight bytes
    headers
    payload
    checksum      4 bytes  CRC32 of everything before it

Numbers are big-endian.

Source: Amazon Lex V2 Developer Guide, "Event stream encoding"; botocore 1.44.8,
`eventstream`; read 2026-11-30.
"""

from __future__ import annotations

from struct import Struct, error
from typing import Final, NamedTuple
from zlib import crc32

from turnout.decoding import OddEventError
from turnout.framing import EventTooLongError, FramingError

__all__ = ["MessageSplitter", "read_message"]

_PRELUDE: Final = Struct("!III")
_CHECKSUM: Final = Struct("!I")
_LENGTH: Final = Struct("!H")

_LEAST = _PRELUDE.size + _CHECKSUM.size

_MOST_HEADERS = 128 * 1024

_NUMBERS: Final = {2: Struct("!b"), 3: Struct("!h"), 4: Struct("!i"), 5: Struct("!q")}
"""By the type of a header, what its value is: a byte, a short, an integer, a long."""

_TRUE, _FALSE, _BYTES, _TEXT, _TIMESTAMP, _UUID = 0, 1, 6, 7, 8, 9


class MessageSplitter:
    """Split bytes into whole messages whose checksums are right.

    Args:
        max_bytes: How many bytes a message may have.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held = bytearray()
        # The length of the message that is held; 0 before that is known.
        self._length = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the messages that `data` ends.

        Raises:
            FramingError: A checksum or a length is wrong.
            EventTooLongError: A message is longer than `max_bytes`.
        """
        held = self._held
        held += data
        messages: list[bytes] = []
        start = 0
        while len(held) - start >= (self._length or _PRELUDE.size):
            if not self._length:
                self._length = self._read_length(start, messages)
                continue
            end = start + self._length
            message = bytes(held[start:end])
            (checksum,) = _CHECKSUM.unpack_from(message, self._length - 4)
            if crc32(memoryview(message)[:-4]) != checksum:
                raise FramingError("the checksum of a message is wrong", messages)
            messages.append(message)
            start, self._length = end, 0
        del held[:start]
        return messages

    def _read_length(self, start: int, before: list[bytes]) -> int:
        length, headers, checksum = _PRELUDE.unpack_from(self._held, start)
        if crc32(self._held[start : start + 8]) != checksum:
            raise FramingError("the checksum of a message's lengths is wrong", before)
        if headers > min(length - _LEAST, _MOST_HEADERS):
            raise FramingError(
                f"a message of {length} bytes has {headers} bytes of headers", before
            )
        if length > self._max_bytes:
            raise EventTooLongError(
                f"a message has {length} bytes; {self._max_bytes} are accepted",
                events=before,
            )
        return int(length)


class Message(NamedTuple):
    """A message: what it is about, and the JSON that it brings."""

    headers: dict[str, object]
    payload: bytes


def read_message(data: bytes) -> Message:
    """Read a whole message.

    Raises:
        OddEventError: A header is not of the framing.
    """
    _, length, _ = _PRELUDE.unpack_from(data)
    end = _PRELUDE.size + length
    headers: dict[str, object] = {}
    at = _PRELUDE.size
    try:
        while at < end:
            size = data[at]
            name = data[at + 1 : at + 1 + size].decode()
            headers[name], at = _read_value(data, at + 1 + size)
    except (IndexError, UnicodeDecodeError, error):
        at = -1
    if at != end:
        raise OddEventError("has a header that cannot be read")
    return Message(headers, data[end : -_CHECKSUM.size])


def _read_value(data: bytes, at: int) -> tuple[object, int]:
    """Return the value of a header, and where it ends."""
    kind = data[at]
    at += 1
    if kind in {_TRUE, _FALSE}:
        return kind == _TRUE, at
    if kind in _NUMBERS:
        number = _NUMBERS[kind]
        return number.unpack_from(data, at)[0], at + number.size
    if kind in {_BYTES, _TEXT}:
        (size,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        value = data[at : at + size]
        return value.decode() if kind == _TEXT else value, at + size
    if kind == _TIMESTAMP:
        return _NUMBERS[5].unpack_from(data, at)[0], at + 8
    if kind == _UUID:
        return data[at : at + 16], at + 16
    raise OddEventError(f"has a header of the unknown type {kind}")
