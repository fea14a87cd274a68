"""Remove the opening of a continuation, and the part that repeats the answer.

A continuation is held until its beginning is recognized. The first match decides:

1. The anchor: the reply repeats the words that the instruction quotes.
2. An overlap: it begins with the last words of the answer so far, or with all of it.
3. A changed restart: it begins almost like the answer. It is joined where it has the
   last words of the answer so far; if it does not have them, it is another answer.
4. An opening or the first line of a code block, and then the rest.
5. A new answer in the middle of a word: it is refused.
6. None of these: it passes unchanged.

The decision depends only on the text, not on the time nor on the size of the chunks.
The numbers were measured with `python -m bench.seams` and on the files of this
repository and of its dependencies: they are the smallest that lose almost no text.

In this module, *shown* is the plain form of the answer so far.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

from turnout.joins._alike import Plain, PlainReply, anchor_of, repeats_itself
from turnout.joins._opening import (
    CODE,
    QUOTES,
    begins_sentence,
    fence_of,
    in_fence,
    may_be_opening,
    opening_of,
    sentences_of,
    starts_over,
)
from turnout.types import Join

__all__ = ["Seam", "SeamError"]

_WINDOW = 200
"""Characters within which an anchor begins; the longest measured opening has 190."""
_PREFILL_WINDOW = 96
"""Characters held after a prefill that may be a new answer: seven words are enough."""
_SPACE = 64
"""White space and marks that are held before a first letter."""
_TINY, _SHORT = 12, 24
"""Plain characters. A shorter anchor occurs by chance inside a word or a sentence."""
_HEAD, _TAIL = 64, 40
"""Plain characters of a restart, and those at the end of the answer so far at which a
changed restart is joined."""
_LIKE, _LIKENESS = 48, 0.85
"""Plain characters to compare, and the similarity of a changed restart."""
_BEFORE, _AFTER = 8, 40
"""Plain characters before and after a break, to find the same passage elsewhere."""

_LONGEST_ENDING = 2000
"""Plain characters of an overlap to look for after a reply has differed."""

_DOUBLED = re.compile(r"\b([^\W\d_]{3,})[\s,]{1,2}\1\b")
"""A doubled word: such a text may have more of them."""
_KINDS = (
    "\"'\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb\u2039\u203a",
    "-\u2010\u2011\u2012\u2013\u2014\u2015",
)
"""Characters that may replace each other."""
_CLOSING = str.maketrans(
    "\u201c\u2018\u00ab\u201e\u2039", "\u201d\u2019\u00bb\u201c\u203a"
)


class SeamError(ValueError):
    """The continuation is another answer, or is not verified."""


class Seam:
    """Recognize the beginning of a continuation, and remove what repeats the answer.

    Args:
        partial: The whole text of the answer so far.
        instruction: Whether a message asked for the continuation; otherwise `partial`
            was sent as the beginning of the answer.
        stripped: The white space at the end of `partial` that was not sent.
    """

    def __init__(self, partial: str, *, instruction: bool, stripped: str = "") -> None:
        self._partial = partial
        self._instruction = instruction
        self._stripped = stripped
        self._plain = Plain()
        self._shown = partial.translate(self._plain)
        anchor = anchor_of(partial) if instruction else ""
        self._anchor = anchor.translate(self._plain)
        self._held = PlainReply()
        # The plain form of the held text, once it is not a part of `_shown` any more.
        self._reply = ""
        # Where `_shown` has the held text; -1 if it does not.
        self._from = 0 if self._shown else -1
        # Plain characters: of an overlap, and to the end of an anchor or of the tail.
        self._overlap = self._found = 0
        self._changed = self._compared = False
        # If the whole reply is a code block: the text so far, and a possible end of it.
        self._block: list[str] | None = None
        self._closing: str = ""
        self.join: Join | None = None
        """The kind of the join; None until it is decided."""
        self.dropped = 0
        """Characters of the continuation that were removed."""

    @property
    def holding(self) -> bool:
        """Whether text is held because the beginning is not recognized yet."""
        return self.join is None and bool(self._held.signs)

    @property
    def passing(self) -> bool:
        """Whether further text passes unchanged."""
        return self.join is not None and self._block is None

    def feed(self, text: str) -> str:
        """Add text and return the text that may pass now, which is often empty.

        Raises:
            SeamError: The continuation is another answer.
        """
        if self.join is not None:
            return self._passed(text)
        for at, sign in enumerate(text, 1):
            shown = self._take(sign)
            if shown is not None:
                return self._passed(shown + text[at:])
        return ""

    def release(self) -> str:
        """Return the rest of the text after the end of the continuation.

        Raises:
            SeamError: The continuation is another answer.
        """
        text = ""
        if self.join is None:
            if self._from >= 0:
                self._leave("", len(self._held.ends))
            if self._ends_in_anchor():
                # A token limit or a stop sequence may end the reply there.
                return self._show(len(self._held.signs))
            text = self._judge(ended=True) or ""
        return self._passed(text, ended=True)

    def _take(self, sign: str) -> str | None:
        """Hold one character; return the text that passes, None if not decided yet."""
        held, shown = self._held, self._shown
        plain = sign.translate(self._plain)
        read = len(held.ends)
        held.signs.append(sign)
        if not plain:
            gap = len(held.signs) - held.begin(read)
            return self._judge(ended=True) if gap > _SPACE else None
        held.ends += [len(held.signs)] * len(plain)
        if self._changed:
            self._reply = (self._reply + plain)[-_TAIL:]
        elif self._from < 0:
            self._reply += plain
        elif shown.startswith(plain, self._from + read):
            read += len(plain)
            # Only at 8, 16, 32 and so on: this is slow, and a restart may be long.
            steady = read >= 8 and not read & (read - 1) and not self._anchor
            reply = shown[self._from : self._from + read] if steady else ""
            return self._show(0) if reply and repeats_itself(shown, reply) else None
        else:
            start, reply = self._from, shown[self._from : self._from + read] + plain
            self._from = shown.find(reply, start + 1)
            if self._from >= 0:
                return None
            self._from = start
            self._leave(plain, read)
        self._look_for_anchor()
        return self._judge(ended=False)

    def _leave(self, plain: str, read: int) -> None:
        """Record that the reply is not a part of `_shown` any more.

        Args:
            plain: The first plain character that differs.
            read: The number of plain characters before it.
        """
        repeated = self._shown[self._from : self._from + read]
        at_end = self._from + read == len(self._shown)
        self._from, self._reply = -1, repeated + plain
        self._overlap = read if at_end else self._ending(self._reply)
        tiny = len(self._anchor) < _TINY and self._held.signs[:1] == [" "]
        if self._anchor and not tiny:
            found = self._reply[: self._overlap].endswith(self._anchor)
            self._found = self._overlap if found else 0

    def _ending(self, reply: str) -> int:
        """Return how many first plain characters of a reply are the end of `_shown`."""
        longest = min(len(reply), len(self._shown), _LONGEST_ENDING)
        lengths = range(longest, 0, -1)
        return next((n for n in lengths if self._shown.endswith(reply[:n])), 0)

    def _look_for_anchor(self) -> None:
        """Record the anchor if the reply has just repeated it."""
        anchor, reply = self._anchor, self._reply
        start = len(reply) - len(anchor)
        if self._found or not anchor or start < 0 or not reply.endswith(anchor[1:]):
            return
        begin = self._held.begin(start)
        if begin > _WINDOW or reply[start].casefold() != anchor[0].casefold():
            return
        before = self._held.text(0, self._held.ends[start] - 1)
        said = before.lstrip(QUOTES + " .\u2026")
        sure = not said or begins_sentence(self._partial, said)
        if (start and not may_be_opening(before)) or (
            (len(anchor) < _SHORT and not sure)
            or (len(anchor) < _TINY and self._held.signs[0].isspace())
        ):
            return
        self._found = len(reply)

    def _judge(self, *, ended: bool) -> str | None:
        """Recognize the beginning; return the text that passes, None if not decided.

        Args:
            ended: Whether to decide without more text.
        """
        if not self._changed and self._restarts(ended=ended):
            self._changed = True
        if self._changed:
            return self._after_tail(ended=ended)
        start = self._found - len(self._anchor)
        if self._found:
            unit = self._reply[:start]
            if not unit and len(self._anchor) < _TINY:
                unit = self._anchor
            repeated = self._goes_round(unit, self._found, ended=ended)
            if repeated is None:
                return None
            if len(self._anchor) < _TINY and self._tail()[:1].isspace():
                # "Tyger " and "Tyger, burning" are "Tyger Tyger, burning".
                repeated |= not ended and not self._held.marks(self._found)
            if not repeated:
                all_of_it = start and self._overlap == len(self._shown)
                join: Join = "restart" if all_of_it else "anchor"
                # An overlap before the anchor has marks of its own.
                first = 0 if self._overlap == self._found else start
                return self._show(self._end(first, self._found), join)
            self._found, self._anchor = 0, ""
        if self._overlap and self._tells(0, self._overlap):
            unit = self._reply[: self._overlap]
            repeated = self._goes_round(unit, self._overlap, ended=ended)
            if repeated is None:
                return None
            if not repeated:
                return self._drop(0, self._overlap)
        if not ended and (
            len(self._held.signs) < self._window or self._anchor_begins()
        ):
            return None
        return self._settle()

    def _goes_round(self, unit: str, at: int, *, ended: bool) -> bool | None:
        """Return whether a text is repeated, as in "La la la"; None if not decided yet.

        Then the answer may repeat itself, so nothing may be removed.
        """
        if not ended and len(self._held.ends) == at:
            return None
        if self._held.splits(at):
            return True
        unit = unit[:_HEAD].casefold()
        more = self._reply[at : at + len(unit)].casefold()
        if not unit or not unit.startswith(more):
            return False
        return True if more == unit else (False if ended else None)

    @property
    def _window(self) -> int:
        """How many characters are held at most."""
        if self._instruction:
            return _WINDOW
        last, first = self._partial[-1:], self._held.signs[0]
        if not first.islower() and self._partial.lstrip().startswith(first):
            return _PREFILL_WINDOW
        if not last.isalnum() or first.islower() or first.isspace():
            return 0
        dense = first.lower() == first.upper() and last.lower() == last.upper()
        if first.isalpha() and last.isalpha() and dense:
            return 0
        return _PREFILL_WINDOW if first.isalnum() or first in QUOTES + "#>-" else 0

    def _anchor_begins(self) -> bool:
        """Return whether the reply ends with the beginning of the anchor."""
        reply, anchor = self._reply, self._anchor
        return anchor != "" and any(
            self._held.begin(at) <= _WINDOW
            and anchor.startswith(reply[at + 1 :], 1)
            and anchor[0].casefold() == reply[at].casefold()
            for at in range(max(0, len(reply) - len(anchor) + 1), len(reply))
        )

    def _ends_in_anchor(self) -> bool:
        """Return whether the reply is only a part of the anchor, without its end."""
        reply, anchor = self._reply.casefold(), self._anchor.casefold()
        within = reply in anchor and not anchor.endswith(reply)
        return within and len(reply) >= _SHORT and not self._found

    def _restarts(self, *, ended: bool) -> bool:
        """Return whether the reply begins like the answer, and differs after that."""
        shown, reply = self._shown, self._reply
        same = _common(shown, reply)
        if same == len(shown) or self._compared or self._found:
            return False
        if same >= (_SHORT if same == len(reply) else _HEAD):
            return not repeats_itself(shown, reply[:same])
        length = min(_LIKE, len(reply))
        if len(reply) < _LIKE and not (ended and length >= _SHORT):
            return False
        self._compared = True
        first = self._held.signs[0]
        if first.islower() or not self._partial.lstrip().startswith(first):
            return False
        # At the start of a line, rows of a table or verses begin alike.
        if self._partial.rstrip(" \t")[-1:] == "\n" or len(shown) < 2 * length:
            return False
        likeness = SequenceMatcher(None, shown[:length], reply[:length], autojunk=False)
        return likeness.ratio() >= _LIKENESS

    def _after_tail(self, *, ended: bool) -> str | None:
        """Join a changed restart after the last words of the answer so far."""
        shown, read = self._shown, len(self._held.ends)
        if self._found:
            return self._show(self._end(self._found - 1, self._found), "restart")
        if self._reply.endswith(shown[-min(_TAIL, len(shown) // 2) :]):
            self._found = read
            return self._judge(ended=True) if ended else None
        if ended or read > len(shown) * 5 // 4 + 200:
            raise SeamError(
                f"it restarts the answer, and differs from it within {read} characters"
            )
        return None

    def _settle(self) -> str:
        """Decide for a reply that does not begin with a repetition."""
        text, partial = self._held.text(), self._partial
        opening = fence = fence_of(partial, text) if self._instruction else 0
        if self._instruction:
            for end in (0, *sentences_of(partial, text[fence:])):
                first = sum(one <= fence + end for one in self._held.ends)
                length = self._ending(self._reply[first:]) if fence + end else 0
                if length and self._tells(first, length):
                    return self._drop(first, length)
            opening += opening_of(partial, text[fence:])
        if fence and not in_fence(partial):
            self._block = [partial]
        if not opening and starts_over(partial, text):
            raise SeamError("it begins a new answer in the middle of a word")
        return self._show(opening)

    def _drop(self, first: int, length: int) -> str:
        """Decide that some plain characters repeat the end of the answer so far."""
        join: Join = "restart" if length == len(self._shown) else "overlap"
        return self._show(self._end(first, first + length), join)

    def _tells(self, first: int, length: int) -> bool:
        """Return whether a repetition is unlikely by chance."""
        held, partial, end = self._held, self._partial, first + length
        repeated = self._reply[first:end]
        at = self._place(length)
        again, before = partial[at:], partial[at - 1 : at]
        line = partial[:at].rpartition("\n")[2]
        lead, begin = held.marks(first), held.ends[first] - 1
        signs = {sign for sign in again if sign.isalnum()}
        letters = [sign for sign in again if sign.isalpha()]
        word = again[0].isalnum() and not (before.isalnum() or before == "_")
        # A Chinese or Japanese letter has the information of a word or half of one.
        dense = letters != [] and all("\u3005" <= one <= "\u9fff" for one in letters)
        same = held.text(begin, begin + len(again)) == again
        indent = any(map(str.isspace, lead))
        exact = same and (lead == line if indent else line.endswith(lead))
        if held.splits(end) or repeats_itself(self._shown, repeated):
            return False
        if length == len(self._shown):
            # "II think" is not an answer, while "LLM" may be one.
            capital = again[0].isupper() and not self._reply[end : end + 1].isupper()
            enough = len(signs) >= 3 or capital
            return enough and (length >= _SHORT or exact)
        # Whether the answer has this passage elsewhere. If the repetition begins at a
        # word, its own position does not count.
        way = self._shown[-_BEFORE:] + repeated[:_AFTER]
        found = self._shown.find(way)
        if found == len(self._shown) - length - _BEFORE and (word or before.isspace()):
            found = self._shown.find(way, found + 1)
        ended = len(held.ends) == end or "\n" in held.marks(end)
        if found >= 0 or ("\n" in self._tail() and not ended):
            return False
        if "\n" in lead and length < _SHORT:
            return False
        if not (word or not before or before.isspace() or dense):
            long = exact and len(lead + again) >= 16 and not CODE.search(again)
            long = long or length >= _SHORT
            return long and len(signs) >= 6 and len(again.split()) > 1
        if dense:
            return len(letters) >= 4 and len(signs) >= 3
        if length >= 10 and len({*letters}) >= 4 and (same or length >= _SHORT - 2):
            return True
        if length >= _SHORT and same and len(signs) >= 5:
            return True
        if not exact or (length >= 16 and len(signs) >= 5):
            return exact
        if not line.strip(QUOTES + " \t_-") and "\n" not in again:
            return length >= 3 and len(signs) >= 2
        if _DOUBLED.search(partial, max(0, at - 120)):
            return False
        if len(letters) < 3 and (length < 4 or len(signs) < 3):
            return False
        return not before or before.isspace() or before in QUOTES + "([{_"

    def _place(self, length: int) -> int:
        """Return the index in `_partial` at which its last plain characters begin."""
        at = len(self._partial)
        while length > 0:
            at -= 1
            length -= len(self._partial[at].translate(self._plain))
        return at

    def _tail(self, end: int | None = None) -> str:
        """Return the white space and marks at the end of the answer or before `end`."""
        text = self._partial[:end]
        at = len(text)
        while at and not text[at - 1].translate(self._plain):
            at -= 1
        return text[at:]

    def _end(self, first: int, end: int) -> int:
        """Return where a repetition ends in the held text, with the marks after it.

        Args:
            first: Its beginning, in plain characters.
            end: Its end, in plain characters.
        """
        held, tail, marks = self._held, self._tail(), self._held.marks(end)
        # The accents of the last letter, if they are characters of their own.
        letter = unicodedata.normalize("NFD", self._partial[: -len(tail) or None][-1])
        length = _alike(marks, letter[1:])
        length += max(_alike(marks[length:], one) for one in (tail, tail.lstrip("*`")))
        if not self._instruction:
            return held.ends[end - 1] + length
        # The reply may have quotes, emphasis or a code block around the repetition.
        lead, own = held.marks(first), self._tail(self._place(end - first))
        outer = lead[: len(lead) - _alike(lead[::-1], own[::-1])].rstrip()
        wrap = "".join(outer.split())
        closing = wrap[::-1].translate(_CLOSING)
        same, after = marks[:length], marks[length:]
        if lead[len(outer) :][:1].isspace():  # As in French, within quotes.
            same, after = same.rstrip(), marks[len(same.rstrip()) :].lstrip()
        if wrap and after.startswith((wrap, closing)):
            length = len(marks) - len(after) + len(wrap)
            length += _alike(marks[length:], tail[len(same) :])
        opened = in_fence(held.text(0, held.ends[first] - 1))
        if opened and not in_fence(self._partial):
            self._block = [self._partial]
        return held.ends[end - 1] + length

    def _show(self, drop: int, join: Join | None = None) -> str:
        """Decide to remove the beginning of the held text, and return the rest."""
        if not drop and not self._instruction:
            drop = _common(self._held.text(), self._stripped)
        self.join = join or ("unverified" if self._instruction else "prefill")
        self.dropped += drop
        return self._held.text(drop)

    def _passed(self, text: str, *, ended: bool = False) -> str:
        """Return text without the line that closes a code block around it."""
        if self._block is None:
            return text
        text = self._closing + text
        shown = text.rstrip("`~ \t\r\n")
        self._closing = closing = text[len(shown) :]
        self._block.append(shown)
        if not ended:
            return shown
        if in_fence("".join(self._block) + closing):
            closing = closing[: max(0, closing.rstrip().rfind("\n"))]
            self.dropped += len(self._closing) - len(closing)
        self._block = None
        return shown + closing


def _alike(marks: str, tail: str) -> int:
    """Return how many first characters of `marks` are those of `tail`, or alike."""
    for at, (one, other) in enumerate(zip(marks, tail, strict=False)):
        if one != other and not any(one in kind and other in kind for kind in _KINDS):
            return at
    return min(len(marks), len(tail))


def _common(one: str, other: str) -> int:
    """Return the length of the common prefix of two texts."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
