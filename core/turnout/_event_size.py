"""Decide whether an event is too long to be parsed, while its bytes arrive. No I/O.

The event loop is blocked while the JSON of an event is parsed. Many small values take
about ten milliseconds a megabyte; the base64 of an image takes less than a sixteenth of
that. So an event with media may be longer than others, if little of it is structure.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["EventSize"]

_MEDIA = (
    # These precede base64: a data: URL, Gemini's field for media, and its signatures,
    # which have a megabyte and more for an image.
    b";base64,",
    b"nlineData",
    b"nline_data",
    b"houghtSignature",
    # The base64 itself begins with these: PNG, JPEG, GIF, RIFF (WebP and WAV), MP3, Ogg
    # and FLAC.
    b'"iVBORw0K',
    b'"/9j/',
    b'"R0lGOD',
    b'"UklGR',
    b'"SUQz',
    b'"//u',
    b'"T2dn',
    b'"ZkxhQ',
)
"""Strings that occur only in an event with an image or audio."""

_STRUCTURE = b'",:[]{}'
_LIGHT = 16
_HEAVY = 8


class EventSize:
    """Measure one event after another.

    Args:
        max_bytes: How many bytes an event may have. One with media may have up to
            sixteen times as many.
    """

    __slots__ = ("_max_bytes", "_weighed", "_weight")

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        # How many of the event's pieces were weighed, and their total weight.
        self._weighed = 0
        self._weight = 0

    def is_too_long(self, length: int, pieces: Sequence[bytes]) -> bool:
        """Return whether the event is too long, given its pieces so far.

        Args:
            length: The total length of the pieces.
            pieces: All pieces of the event so far. Each one is weighed once.
        """
        if length <= self._max_bytes:
            return False
        if not self._weighed and not _has_media(pieces):
            return True
        self._weight += sum(map(_weight, pieces[self._weighed :]))
        self._weighed = len(pieces)
        return self._weight > self._max_bytes

    def begin(self) -> None:
        """Begin the next event."""
        self._weighed = self._weight = 0


def _has_media(pieces: Sequence[bytes]) -> bool:
    beginning = b"".join(pieces)
    return any(mark in beginning for mark in _MEDIA)


def _weight(data: bytes) -> int:
    """Return how many bytes of small values take as long to parse as the data."""
    structure = len(data) - len(data.translate(None, _STRUCTURE))
    return min(len(data), len(data) // _LIGHT + _HEAVY * structure)
