"""Remove the part of a continuation that repeats the answer, or speaks of it.

A continuation is held until it is known how it begins. The first that fits decides:

1. The anchor: the reply repeats the words that the instruction quotes.
2. A repetition: the reply begins with the last words shown, or with all that was shown.
3. A restart with changes: it begins nearly as the answer did. Only the last words shown,
   once they come, show where it goes on.
4. An opening or a code fence, and then the rest.
5. A new answer: it is refused.
6. None of these: the reply is shown as it is.

The decision depends on the text alone: neither on the time nor on how it is cut.
"""

from __future__ import annotations

import re

from turnout.routes._alike import Plain, anchor_of, repeats_itself
from turnout.routes._opening import (
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

_WINDOW = 320
"""Characters of a reply within which an anchor begins, and which are held for it.

The longest opening that was seen has 190.
"""

_PREFILL_WINDOW = 96
"""Characters that are held after a prefill if the reply may be a new answer: its first
seven words, which tell."""

_SHORT = 12
"""Plain characters: a shorter anchor may occur by chance. It stands at the start of the
reply or of a sentence."""

_TAIL = 40
"""Plain characters at the end of what was shown by which a changed restart is joined."""

_SPACE = 64
"""Characters of white space and marks that are held for a first letter."""


_STEADY = 8
"""Plain characters after which a reply that goes round as the text does is shown."""

_AGAIN = 64
"""Plain characters that are compared to tell whether a repetition comes again."""

_BEFORE, _LIKE = 8, 40
"""Plain characters before and after the join that show how a text goes on."""

_HEAD = 64
"""Plain characters: as much of the beginning of the answer is a restart."""

_SHORTEST = 24
"""Plain characters of a restart that is not followed by more of it."""

_FEW, _FEW_WORDS = 10, 2
"""Plain characters and words of a restart in the middle of a sentence."""

_NEARLY, _NEAR = 48, 0.85
"""Plain characters that are compared for a restart that differs in a few letters, and
how much of them is the same. Two lines of one log or table are less alike."""

_DOUBLED = re.compile(r"\b([^\W\d_]{3,})[\s,]{1,2}\1\b")
"""A text with a word that comes twice may have others."""

_ENDS = frozenset(".!?:…。！？：\n") | {""}
_QUOTES = frozenset("\"'“”„‟‘’‚‛«»‹›")
_DASHES = frozenset("-‐‑‒–—―")
_STARTS = frozenset("\"'“‘«„*_`#>-0123456789")
_BEFORE_WORD = frozenset("([{\"'“‘«„`*_")
_MIRRORED = str.maketrans("“‘«„‹", "”’»“›")


class SeamError(ValueError):
    """The continuation is another answer."""


class Seam:
    """Find out how a continuation begins, and what of it is to be shown.

    Args:
        partial: The text of the answer that was shown, all of it.
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
        self._quoted = anchor_of(partial) if instruction else ""
        self._anchor = self._quoted.translate(self._plain)
        self._held: list[str] = []
        # The plain form of what is held, once that is not in what was shown any more,
        # and where each plain character ends in what is held.
        self._reply = ""
        self._ends: list[int] = []
        # Where what is held occurs in what was shown; -1 if it does not.
        self._from = 0 if self._shown else -1
        # How many plain characters at the start of the reply end what was shown.
        self._overlap = 0
        # Where the anchor ends in the reply, in plain characters; 0 for not yet.
        self._found = 0
        # Whether the reply is a restart that differs from what was shown.
        self._changed = False
        # Whether the reply was compared with the beginning of the answer.
        self._compared = False
        self._fenced: list[str] | None = None
        self._behind = ""
        self.join: Join | None = None
        """How the join was made; None until that is decided."""
        self.dropped = 0
        """Characters of the continuation that were not shown, and will not be."""

    @property
    def holding(self) -> bool:
        """Whether text is held of which it is not known what it is."""
        return bool(self._held)

    def feed(self, text: str) -> str:
        """Return what may be shown now that `text` has come; often nothing.

        Raises:
            SeamError: The continuation is another answer.
        """
        if self.join is not None:
            return self._pass(text)
        for at, sign in enumerate(text, 1):
            shown = self._take(sign)
            if shown is not None:
                return self._pass(shown + text[at:])
        return ""

    def release(self) -> str:
        """Return what is left to be shown once the continuation has ended.

        Raises:
            SeamError: The continuation is another answer.
        """
        shown = ""
        if self.join is None:
            if self._from >= 0:
                self._leave(self._shown[self._from : self._from + len(self._ends)])
            found = self._judge(ended=True)
            assert found is not None
            shown = found
        return self._pass(shown, ended=True)

    def _take(self, sign: str) -> str | None:
        """Hold one character; return what is to be shown once that is decided."""
        self._held.append(sign)
        plain = sign.translate(self._plain)
        read = len(self._ends)
        if not plain:
            last = self._ends[-1] if self._ends else 0
            return self._judge(ended=True) if len(self._held) - last > _SPACE else None
        self._ends += [len(self._held)] * len(plain)
        if self._from < 0:
            self._reply += plain
        elif self._shown.startswith(plain, self._from + read):
            # Lengths of a series, as this takes its time and a restart may be long.
            read += len(plain)
            if read & (read - 1) or read < _STEADY or not self._goes_round(read):
                return None
            return self._show(_common("".join(self._held), self._stripped))
        else:
            reply = self._shown[self._from : self._from + read] + plain
            self._from = self._shown.find(reply, self._from + 1)
            if self._from >= 0:
                return None
            self._leave(reply)
        self._look_for_anchor()
        return self._judge(ended=False)

    def _goes_round(self, read: int) -> bool:
        reply = self._shown[self._from : self._from + read]
        return repeats_itself(self._shown, reply)

    def _leave(self, reply: str) -> None:
        """Record that the reply is not in what was shown any more."""
        self._from = -1
        self._reply = reply
        longest = min(len(reply), len(self._shown))
        lengths = range(longest, 0, -1)
        ends = (n for n in lengths if self._shown.endswith(reply[:n]))
        self._overlap = next(ends, 0)
        repeated = reply[: self._overlap]
        long = len(self._anchor) >= _SHORT or not self._held[0].isspace()
        if self._anchor and long and repeated.endswith(self._anchor):
            self._found = self._overlap

    def _look_for_anchor(self) -> None:
        """Record the anchor if the reply has just repeated it."""
        anchor, reply = self._anchor, self._reply
        start = len(reply) - len(anchor)
        if self._found or not anchor or start < 0 or not reply.endswith(anchor[1:]):
            return
        if reply[start].casefold() != anchor[0].casefold():
            return
        begin = self._begin(start)
        if begin > _WINDOW:
            return
        before = "".join(self._held[:begin])
        if start and not may_be_opening(before):
            return
        # By chance, a few letters occur in many texts.
        if len(anchor) < _SHORT and self._held[0].isspace():
            return
        said = before.lstrip(QUOTES + " .…")
        if said and len(anchor) < _SHORTEST and not begins_sentence(self._partial, said):
            return
        self._found = len(reply)

    def _begin(self, index: int) -> int:
        """Return where a plain character begins in what is held, with its marks."""
        return self._ends[index - 1] if index else 0

    def _judge(self, *, ended: bool) -> str | None:
        """Decide how the reply begins; return what is to be shown, None for not yet.

        Args:
            ended: Whether no more is waited for.
        """
        if self._changed:
            return self._find_tail(ended=ended)
        if self._found:
            found = self._after_anchor(ended=ended)
            if found is not None or self._found:
                return found
        if self._overlap and self._tells(0, self._overlap):
            begun = self._comes_again(self._reply[: self._overlap], self._overlap)
            if not ended and begun is None:
                return None
            if not begun:
                return self._drop_overlap(0, self._overlap)
        if self._restarts(ended=ended):
            self._changed = True
            return self._find_tail(ended=ended)
        if not ended and len(self._held) < self._window:
            return None
        if not ended and self._anchor and self._anchor_begins():
            return None
        return self._settle(ended=ended)

    @property
    def _window(self) -> int:
        """How many characters are held if nothing is decided before."""
        if self._instruction:
            return _WINDOW
        last, first = self._partial[-1:], self._held[0]
        if not last.isalnum() or first.islower() or first.isspace():
            return 0
        if first.isalpha() and not first.isupper() and last.isalpha():
            return 0 if last.lower() == last.upper() else _PREFILL_WINDOW
        return _PREFILL_WINDOW if first.isalpha() or first in _STARTS else 0

    def _comes_again(self, unit: str, start: int) -> bool | None:
        """Tell whether the reply goes round: `unit` comes again; None for not yet."""
        more = self._reply[start : start + min(len(unit), _AGAIN)].casefold()
        again = unit[: len(more)].casefold() == more
        if not again:
            return False
        return True if len(more) == min(len(unit), _AGAIN) else None

    def _after_anchor(self, *, ended: bool) -> str | None:
        """Decide on an anchor that was found, with what comes after it."""
        found = self._found
        start = found - len(self._anchor)
        if not ended and len(self._ends) == found:
            return None
        split = len(self._ends) > found and self._ends[found] == self._ends[found - 1]
        # "tock tick", as the rest of "tick tock tick tick", has the anchor "tick" too.
        unit = self._reply[:start]
        if not unit and len(self._anchor) < _SHORT:
            unit = self._anchor
        if unit and not split:
            begun = self._comes_again(unit, found)
            if begun is None and not ended:
                return None
            split = bool(begun)
        if split:
            self._found, self._anchor = 0, ""
            return None
        return self._show(self._end(start, found), "anchor")

    def _find_tail(self, *, ended: bool) -> str | None:
        """Decide on a changed restart: it goes on after the last words shown."""
        shown = self._shown
        tail = shown[-min(_TAIL, len(shown) // 2) :]
        if self._found and (ended or len(self._ends) > self._found):
            return self._show(self._end(0, self._found), "restart")
        if not self._found and self._reply.endswith(tail):
            self._found = len(self._reply)
        if ended and not self._found:
            raise SeamError(f"the answer was begun again and ended after {len(self._held)}")
        if ended:
            return self._show(self._end(0, self._found), "restart")
        if len(self._reply) > len(shown) * 5 // 4 + 200:
            raise SeamError("the answer was begun again and differs")
        return None

    def _restarts(self, *, ended: bool) -> bool:
        """Tell whether the reply begins nearly as the answer did."""
        shown, reply = self._shown, self._reply
        same = _common(shown, reply)
        if same == len(shown) or (same == len(reply) and not ended):
            return False
        if same >= (_SHORTEST if same == len(reply) else _HEAD):
            return not repeats_itself(shown, reply[:same])
        if self._partial.rstrip(" \t")[-1:] == "\n" or len(reply) < _FEW:
            return False
        if len(shown) <= same * 2 or (same and shown.find(reply[:same], 1) >= 0):
            return False
        if same >= _FEW:
            if ended_sentence(self._partial):
                return same >= _SHORTEST
            begun = "".join(self._held[: self._ends[same - 1]])
            if len(begun.split()) > _FEW_WORDS:
                return True
        if self._compared or (len(reply) < _NEARLY and not ended):
            return False
        self._compared = True
        first = self._held[0]
        if first.islower() or not self._partial.lstrip().startswith(first):
            return False
        length = min(_NEARLY, len(reply))
        if length < _SHORTEST or len(shown) < 2 * length:
            return False
        return _likeness(shown[:length], reply[:length]) >= _NEAR

    def _anchor_begins(self) -> bool:
        """Tell whether the reply ends with the beginning of the anchor."""
        reply, anchor = self._reply, self._anchor
        starts = range(max(0, len(reply) - len(anchor) + 1), len(reply))
        return any(
            self._begin(at) <= _WINDOW
            and anchor.startswith(reply[at + 1 :], 1)
            and anchor[0].casefold() == reply[at].casefold()
            for at in starts
        )

    def _settle(self, *, ended: bool) -> str:
        """Decide without a repetition at the start of the reply."""
        text = "".join(self._held)
        partial = self._partial
        if not self._instruction:
            if starts_over(partial, text):
                raise SeamError("a new answer was begun in the middle of a word")
            return self._show(_common(text, self._stripped))
        fence = fence_of(partial, text)
        if fence and not in_fence(partial):
            self._fenced = [partial]
        for end in (0, *sentences_of(partial, text[fence:])):
            begin = fence + end
            first = sum(1 for one in self._ends if one <= begin)
            overlap = self._overlap_at(first) if begin else 0
            if overlap and self._tells(first, overlap):
                return self._drop_overlap(first, overlap)
        opening = fence + opening_of(partial, text[fence:])
        if not opening and starts_over(partial, text):
            raise SeamError("a new answer was begun in the middle of a word")
        return self._show(opening)

    def _overlap_at(self, first: int) -> int:
        """Return how many plain characters from there on end what was shown."""
        reply = self._reply[first:]
        lengths = range(min(len(reply), len(self._shown)), 0, -1)
        return next((n for n in lengths if self._shown.endswith(reply[:n])), 0)

    def _drop_overlap(self, first: int, length: int) -> str:
        join: Join = "restart" if length == len(self._shown) else "overlap"
        if first + length == len(self._anchor):
            join = "anchor"
        return self._show(self._end(first, first + length), join)

    def _tells(self, first: int, length: int) -> bool:
        """Tell whether a repetition is hardly one by chance."""
        partial, end = self._partial, first + length
        if len(self._ends) > end and self._ends[end] == self._ends[end - 1]:
            return False
        again = self._reply[first:end]
        if repeats_itself(self._shown, again):
            return False
        at = self._place(length)
        again = partial[at:]
        begin = self._ends[first] - 1
        lead = "".join(self._held[self._begin(first) : begin])
        same = "".join(self._held[begin : begin + len(again)]) == again
        line = partial[:at].rpartition("\n")[2]
        blank = lead.strip("\"'`*_“‘«„") != ""
        exact = same and (lead == line if blank else line.endswith(lead))
        if "\n" in lead and length < _SHORTEST:
            return False
        after = self._marks_after(end)
        if len(self._ends) > end and "\n" in self._tail() and "\n" not in after:
            return False
        letters = [sign for sign in again if sign.isalpha()]
        signs = {sign for sign in again if sign.isalnum()}
        before = partial[at - 1 : at]
        if length == len(self._shown):
            return len(signs) >= 3 and (length >= _SHORTEST or exact)
        word = again[0].isalnum() and not (before.isalnum() or before == "_")
        # Whether the text went on in this way before. In the middle of a word, that may
        # be where the repetition itself is.
        way = self._shown[-_BEFORE:] + self._reply[first:end][:_LIKE]
        found = self._shown.find(way)
        if found == len(self._shown) - length - _BEFORE and (word or before.isspace()):
            found = self._shown.find(way, found + 1)
        if found >= 0:
            return False
        if not (word or not before or before.isspace() or _dense(before)):
            long = length >= 24 or (exact and len(again) >= 32 and length >= 12)
            return long and len(signs) >= 6
        if all(map(_dense, letters)) and letters:
            return len(letters) >= 4 and len(signs) >= 3
        if length >= 10 and len({*letters}) >= 4 and (same or length >= 22):
            return True
        if not exact:
            return False
        if length >= 16 and len(signs) >= 5:
            return True
        if not line.strip(" \t\"'`*_-") and "\n" not in again:
            return length >= 3 and len(signs) >= 2
        if _DOUBLED.search(partial, max(0, at - 120)):
            return False
        if len(letters) < 3 and (length < 4 or len(signs) < 3):
            return False
        return not before or before.isspace() or before in _BEFORE_WORD

    def _place(self, length: int) -> int:
        """Return where the last plain characters of what was shown begin."""
        at = len(self._partial)
        while length > 0:
            at -= 1
            length -= len(self._partial[at].translate(self._plain))
        return at

    def _end(self, first: int, end: int) -> int:
        """Return where a repetition ends in what is held, with its white space and marks.

        Args:
            first: Where it begins, in plain characters.
            end: Where it ends.
        """
        at = self._ends[end - 1]
        marks = self._marks_after(end)
        tail = self._tail()
        bare = tail.lstrip("*_`")
        at += max(_alike(marks, tail), _alike(marks, bare))
        aligned = at > self._ends[end - 1]
        # Quotes or emphasis around the anchor.
        around = "".join(self._held[self._begin(first) : self._ends[first] - 1]).split()
        before = self._partial[: self._place(end - first)].split()[-1:]
        own = before[0][len(before[0].rstrip("\"'`*_“‘«„")) :] if before else ""
        if around and self._instruction:
            wrap = around[-1].removesuffix(own)
            rest = "".join(self._held[at : at + len(wrap)])
            if wrap and _closes(wrap, rest):
                at += len(wrap)
                at += 0 if aligned else _alike(marks[len(wrap) :], tail)
            if in_fence("".join(self._held[: self._ends[first] - 1])) and not in_fence(
                self._partial
            ):
                self._fenced = [self._partial]
        return at

    def _marks_after(self, end: int) -> str:
        """Return the white space and marks after a plain character that is held."""
        after = self._ends[end] - 1 if len(self._ends) > end else len(self._held)
        return "".join(self._held[self._ends[end - 1] : after])

    def _tail(self) -> str:
        """Return the white space and marks at the end of what was shown."""
        at = len(self._partial)
        while at and not self._partial[at - 1].translate(self._plain):
            at -= 1
        return self._partial[at:]

    def _show(self, drop: int, join: Join | None = None) -> str:
        """Decide: drop the beginning of what is held, and return the rest."""
        self.join = join or ("unverified" if self._instruction else "prefill")
        self.dropped += drop
        text = "".join(self._held[drop:])
        self._held = []
        return text

    def _pass(self, text: str, *, ended: bool = False) -> str:
        """Return text as it is, apart from a fence at the end that closes the reply's."""
        if self._fenced is None:
            return text
        text = self._behind + text
        body = text.rstrip("`~ \t\r\n")
        shown, self._behind = text[: len(body)], text[len(body) :]
        self._fenced.append(shown)
        if not ended:
            return shown
        closing = self._behind
        whole = "".join(self._fenced)
        if closing.strip() in {"```", "~~~"} and in_fence(whole + closing):
            own = closing[: max(0, closing.rstrip().rfind("\n"))]
            self.dropped += len(closing) - len(own)
            return shown + own
        return shown + closing


def _alike(marks: str, tail: str) -> int:
    """Return how much of some marks is at the end of what was shown already."""
    count = 0
    for one, other in zip(marks, tail, strict=False):
        if one != other and not any(
            one in kind and other in kind for kind in (_QUOTES, _DASHES)
        ):
            break
        count += 1
    return count


def _closes(wrap: str, rest: str) -> bool:
    mirrored = wrap[::-1].translate(_MIRRORED)
    return rest in {mirrored, wrap}


def ended_sentence(text: str) -> bool:
    """Tell whether a text ends with a sentence."""
    return text.rstrip()[-1:] in _ENDS


def _dense(sign: str) -> bool:
    """Tell whether a letter is of a script in which it stands for a word or so."""
    return "\u3040" <= sign <= "\u30ff" or "\u3400" <= sign <= "\u9fff"


def _likeness(one: str, other: str) -> float:
    """Return how much of two texts is the same, 1.0 for all."""
    from difflib import SequenceMatcher  # Not with the module, for its time.

    return SequenceMatcher(None, one, other, autojunk=False).ratio()


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
