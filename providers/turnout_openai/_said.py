"""What an answer has said so far, without keeping its text. No I/O.

Some services send the whole text again in their last chunk: as a `message` (a report
to hermes-browser-extension, issue 11), or as one more delta (RAGFlow, issue 15286;
both read 2026-11-30). A length and a checksum are enough to recognize it.
"""

from __future__ import annotations

from binascii import crc32
from collections.abc import Sequence

from turnout.types import Event

__all__ = ["Said", "checksum_of"]

_SHORTEST = 8
"""A text of fewer characters may be repeated on purpose."""

_FEWEST = 2
"""A piece that is all of the text repeats at least so many pieces."""


def checksum_of(text: str, before: int = 0) -> int:
    """Return the checksum of a text, or of a text and what came before it.

    Halves of a surrogate pair count as the pair that they make when they are joined.
    """
    return crc32(text.encode("utf-16-le", "surrogatepass"), before)


class Said:
    """Measures the text of an answer, and holds back a piece that repeats all of it."""

    __slots__ = ("_held", "_pieces", "characters", "checksum")

    def __init__(self) -> None:
        self.characters = 0
        self.checksum = 0
        self._pieces = 0
        self._held: str | None = None

    def take(self, events: list[Event]) -> None:
        """Measure a batch of events, and hold back its last one if it is a repetition.

        It is given out as soon as more text comes, as it was not a repetition then.
        """
        texts = _texts(events)
        if not texts:
            return
        if self._held is not None:
            texts.insert(0, self._held)
            events.insert(0, self._held)
            self._held = None
        # Half of the text is in its last piece.
        half = self.characters + sum(map(len, texts[:-1])) == len(texts[-1])
        if half and events[-1] is texts[-1] and self._repeats(texts):
            events.pop()
            self._held = texts.pop()
        self.measure(texts)

    def measure(self, events: Sequence[Event]) -> None:
        """Measure a batch of events."""
        texts = _texts(events)
        text = "".join(texts)
        self.characters += len(text)
        self.checksum = checksum_of(text, self.checksum)
        self._pieces += len(texts)

    def _repeats(self, texts: list[str]) -> bool:
        *before, last = texts
        if len(last) < _SHORTEST or self._pieces + len(before) < _FEWEST:
            return False
        return checksum_of("".join(before), self.checksum) == checksum_of(last)

    def missing(self, text: str, events: Sequence[Event]) -> str:
        """Return what a whole text adds to what was said.

        Args:
            text: The text of the answer, as the service repeats it.
            events: What came after the events that were measured.
        """
        latest = "".join(_texts(events))
        said = self.characters + len(latest)
        same = checksum_of(text[:said]) == checksum_of(latest, self.checksum)
        return text[said:] if same else ""


def _texts(events: Sequence[Event]) -> list[str]:
    return [event for event in events if isinstance(event, str)]
