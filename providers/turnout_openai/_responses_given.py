"""Which of an answer's text was given already, by Responses. No I/O.

Responses send a text up to four times: in increments, at the end of its part, at the
end of its item, and in the whole answer at the end. Any of them may be missing, and a
service may give its items another id in each event. So parts are compared by their
text, and only what was not given before is given.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from io import StringIO

__all__ = ["Given", "rest_of"]


def rest_of(given: str, whole: str) -> str | None:
    """Return what of `whole` comes after `given`; None if `given` is another text."""
    if whole.startswith(given):
        return whole[len(given) :]
    given, whole = _paired(given), _paired(whole)
    return whole[len(given) :] if whole.startswith(given) else None


def _paired(text: str) -> str:
    """Return a text in which the halves of surrogate pairs are joined."""
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


_MOST = 64 * 1024
"""How many characters may wait to be compared while more come. Each part that ends
costs as much as there are."""


class Given:
    """The text of an answer as far as it was given, in parts."""

    __slots__ = (
        "_at",
        "_closed",
        "_ended",
        "_fresh",
        "_length",
        "_odd",
        "_open",
        "_start",
        "_starts",
        "_waiting",
        "write",
    )

    def __init__(self) -> None:
        self._closed: list[str] = []
        self._length = 0
        """Of the closed text."""
        self._start = 0
        """Where the latest part begins."""
        # The closed text that no part was compared with yet: from `_at` on in
        # `_waiting`, and then `_fresh`.
        self._waiting = ""
        self._at = 0
        self._fresh: list[str] = []
        self._ended: dict[str, list[int | None]] = {}
        """Where the parts begin that have ended, by their text."""
        self._starts: dict[str, int | None] = {}
        """Where the parts of items begin, by their text."""
        self._odd = False
        """Whether a part differed, so that only the whole answer can be compared."""
        self._reopen()

    def _reopen(self) -> None:
        self._open = StringIO()
        self.write = self._open.write
        """Takes an increment; an attribute, since it is called for each of them."""

    def begin(self) -> None:
        """Take the beginning of a part."""
        self._close()
        self._start = self._length

    @property
    def start(self) -> int | None:
        """Where the present part begins in the answer's text; None if unknown."""
        if self._odd:
            return None
        return self._length if self._open.tell() else self._start

    def end(self, whole: str) -> str:
        """Take the whole text of a part at its end; return what was not given."""
        rest = self._compared(whole)
        self._ended.setdefault(whole, []).append(self.start)
        return rest

    def has_ended(self, whole: str) -> bool:
        """Return whether a part with this text has ended."""
        return whole in self._ended

    def part(self, whole: str) -> tuple[int | None, str]:
        """Take a part of an item that has ended.

        Returns:
            Where it begins in the answer's text, None if that is unknown, and what of
            it was not given.
        """
        starts = self._ended.get(whole)
        rest = "" if starts else self._compared(whole)
        start = starts.pop(0) if starts else self.start
        self._starts[whole] = start
        return start, rest

    def find(self, text: str) -> int | None:
        """Return where a part of an item begins; None if that is unknown."""
        return self._starts.get(text)

    def settled(self, texts: Sequence[str]) -> tuple[str, bool]:
        """Compare with the texts of the whole answer.

        Returns:
            What was not given, and whether all that was given is among the texts.
        """
        self._close()
        given, whole = "".join(self._closed), "".join(texts)
        rest = rest_of(given, whole)
        if rest is not None:
            return rest, True
        left = Counter(self._closed)
        left.subtract(texts)
        return self._missing(texts, len(whole) - len(given)), max(left.values()) <= 0

    def _missing(self, texts: Sequence[str], lack: int) -> str:
        """Return the texts that were not given.

        Args:
            texts: Those of the whole answer.
            lack: How many characters are missing. Texts beyond that were given in
                another form.
        """
        left = Counter(self._closed)
        missing: list[str] = []
        for text in reversed(texts):
            if left[text] > 0:
                left[text] -= 1
            elif len(text) <= lack:
                lack -= len(text)
                missing.append(text)
        return "".join(reversed(missing))

    def _close(self) -> None:
        text = self._open.getvalue()
        if text:
            self._closed.append(text)
            self._fresh.append(text)
            self._start = self._length
            self._length += len(text)
            self._reopen()

    def _compared(self, whole: str) -> str:
        """Return what of a part was not given, as if it were given now."""
        self._close()
        if not self._odd:
            self._wait()
        if self._odd:
            return ""
        self._start = self._length - len(self._waiting) + self._at
        if self._waiting.startswith(whole, self._at):
            self._at += len(whole)
            return ""
        rest = rest_of(self._waiting[self._at :], whole)
        if rest is None:
            self._odd = True
            return ""
        if self._start < self._length:
            self._closed[-1] += rest
        else:
            self._closed.append(rest)
        self._length += len(rest)
        self._waiting, self._at = "", 0
        return rest

    def _wait(self) -> None:
        """Put the fresh text to that which waits."""
        if self._fresh:
            waiting = self._waiting[self._at :]
            self._odd |= len(waiting) > _MOST
            self._waiting, self._at = "".join((waiting, *self._fresh)), 0
            self._fresh.clear()
