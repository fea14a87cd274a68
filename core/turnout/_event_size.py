"""Decide whether an event is too long to be read, while its bytes arrive. No I/O.

The event loop waits while the JSON of an event is read. For many small values that
takes some ten milliseconds a megabyte, for the base64 of an image less than a
sixteenth of that. So an event with media may be longer than others, if little of it is
structure.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["EventSize"]

_MEDIA = (
    # Before base64: a data: URL, Gemini's field for media, and its signatures, which
    # have a megabyte and more for an image.
    b";base64,",
    b"nlineData",
    b"nline_data",
    b"houghtSignature",
    # With these the base64 itself begins: PNG, JPEG, GIF, RIFF (WebP and WAV), MP3, Ogg
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
"""What shows that an event has an image or a sound."""

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
        # How many of the event's pieces were weighed, and what they weigh.
        self._weighed = 0
        self._weight = 0

    def is_too_long(self, length: int, pieces: Sequence[bytes]) -> bool:
        """Return whether the event is too long, of which these pieces have come.

        Args:
            length: Of all pieces.
            pieces: All that have come of the event. Each is looked at once.
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
    """Return the bytes of small values that take as long to read as the data."""
    structure = len(data) - len(data.translate(None, _STRUCTURE))
    return min(len(data), len(data) // _LIGHT + _HEAVY * structure)
