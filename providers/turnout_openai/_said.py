"""What an answer has said so far, without keeping its text. No I/O.

Some services send the whole text again in their last chunk: as a `message` (a report
to hermes-browser-extension, issue 11), or as one more delta (RAGFlow, issue 15286;
both read 2026-11-30). A length and a checksum are enough to recognize it.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Sequence
from typing import cast

from turnout.types import Event

__all__ = ["Said", "checksum_of"]

_SHORTEST = 8
"""A text of fewer characters may be repeated on purpose."""

_FEWEST = 2
"""A piece that is all of the text repeats at least so many pieces."""

_MOST = 256
"""So many texts are kept until their checksum is calculated."""


def checksum_of(text: str, before: int = 0) -> int:
    """Return the checksum of a text, or of a text and what came before it."""
    return crc32(text.encode("utf-8", "surrogatepass"), before)


class Said:
    """Measures the text of an answer, and holds back a piece that repeats all of it."""

    __slots__ = ("_checksum", "_held", "_latest", "_pieces", "characters")

    def __init__(self) -> None:
        self.characters = 0
        self._pieces = 0
        self._checksum = 0
        # What the checksum does not have yet.
        self._latest: list[str] = []
        self._held: str | None = None

    @property
    def checksum(self) -> int:
        """The checksum of the text."""
        self._checksum = checksum_of("".join(self._latest), self._checksum)
        self._latest.clear()
        return self._checksum

    def take(self, events: list[Event]) -> None:
        """Measure a batch of events, and hold back its last one if it is a repetition.

        It is given out as soon as more text comes, as it was not a repetition then.
        """
        try:
            # Most batches are text alone; one join is cheaper than a look at each.
            text = "".join(cast("list[str]", events))
        except TypeError:
            text = _text(events)
        if not text:
            return
        if self._held is not None:
            text = self._held + text
            events.insert(0, self._held)
            self._held = None
        last = events[-1]
        # Half of the text is in its last piece.
        if isinstance(last, str) and self.characters + len(text) == 2 * len(last):
            text = self._without_repetition(text, last, events)
        self._pieces += len(events)
        self._add(text)

    def measure(self, events: Sequence[Event]) -> None:
        """Measure events of an answer that is not a stream."""
        self._add(_text(events))

    def missing(self, text: str, events: Sequence[Event]) -> str:
        """Return what a whole text adds to what was said.

        Args:
            text: The text of the answer, as the service repeats it.
            events: What came after the events that were measured.
        """
        latest = _text(events)
        said = self.characters + len(latest)
        same = checksum_of(text[:said]) == checksum_of(latest, self.checksum)
        return text[said:] if same else ""

    def _add(self, text: str) -> None:
        self.characters += len(text)
        self._latest.append(text)
        if len(self._latest) > _MOST:
            _ = self.checksum

    def _without_repetition(self, text: str, last: str, events: list[Event]) -> str:
        if len(last) < _SHORTEST or self._pieces + len(events) <= _FEWEST:
            return text
        before = text[: -len(last)]
        if checksum_of(before, self.checksum) != checksum_of(last):
            return text
        self._held = last
        events.pop()
        return before


def _text(events: Sequence[Event]) -> str:
    return "".join(event for event in events if isinstance(event, str))
