"""Join the continuation of an answer to what of the answer was shown.

Whoever continues may do so exactly, repeat the last words, begin again from the start,
or say first that it will continue. Nothing of the answer may be lost, and nothing shown
twice. So the head of a continuation is held until it is known which of these it is:

- *restart*: it begins as the answer did. What it replays is compared and swallowed; if
  it differs before the end of what was shown, it is another answer, and a splice of the
  two would be a lie.
- *overlap*: it begins with the last characters that were shown. They are dropped.
- *quote*, after an instruction only: it says something, and then repeats the last
  characters that were shown. All of it is dropped.
- *preamble*, after an instruction only: it opens as in "Sure, continuing:" and goes on
  exactly. Nothing but the words tells it from the answer, so only a short list of them
  counts; and only in the middle of a sentence, where no such opening belongs, unless
  the words say that it continues.
- *stripped*, after a prefill only: it gives the white space again that stood at the end
  of what was shown and could not be sent. It is dropped.
- else it is exact, and is shown as it is. Spaces and case are not repaired.

Text is shown as soon as none of these is possible any more. What may yet be a restart
or an overlap is held even when the hold is over: to be late is better than to be wrong.

States: holding, then either passing on, or replaying and then passing on.
"""

from __future__ import annotations

import re
from enum import Enum

from turnout._frozen import frozen
from turnout.routes._ranges import check_least, check_seconds

__all__ = ["Seam", "SeamError", "SeamPolicy"]


class SeamError(ValueError):
    """The continuation began the answer again, and differs from what was shown."""


@frozen
class SeamPolicy:
    """What counts as a repetition, and how long it is waited for.

    Lengths are in characters.

    Raises:
        ValueError: A field is out of range.
    """

    hold_characters: int = 320
    """How much is held after an instruction before it is shown as it is."""
    hold_seconds: float = 1.5
    """Seconds after which the driver says that the hold's time is up."""
    restart_head: int = 64
    """As much of the answer's beginning is a restart; all of it where it is shorter."""
    shortest_restart: int = 24
    """A shorter answer's restart has no white space before it that the answer has not,
    and `restart_alnum`."""
    restart_alnum: int = 3
    """Different letters and digits in a shorter answer, at least; of one with fewer no
    restart is known."""
    shortest_overlap: int = 16
    longest_overlap: int = 1024
    overlap_alnum: int = 6
    """Different letters and digits in an overlap or a quote, at least."""
    overlap_words: int = 2
    """Words in an overlap or a quote, at least."""
    quote_suffix: int = 32
    """The last characters shown that are looked for in a quote."""
    quote_within: int = 200
    """A quote begins within so many characters of the continuation."""
    longest_preamble: int = 80
    """To its colon."""

    def __post_init__(self) -> None:
        check_seconds(self, "hold_seconds")
        check_least(self, 0, "hold_characters", "overlap_alnum", "overlap_words")
        check_least(self, 0, "restart_alnum")
        check_least(self, 0, "quote_within", "longest_preamble")
        check_least(self, 1, "restart_head", "shortest_restart", "shortest_overlap")
        check_least(self, 1, "quote_suffix")
        if self.longest_overlap < self.shortest_overlap:
            raise ValueError("longest_overlap is shortest_overlap at least")


# Case counts: in the middle of a sentence a capital is telling.
_PREAMBLE = re.compile(
    r"(?:Sure|Certainly|Of course|Absolutely|Okay|OK|Here is|Here's|Here are|Continuing"
    r"|Continued|Continuation|Picking up|Resuming)\b[^:\n]*:(?P<after>[ ]?\n{1,2}|[ ]|)"
)

# Without white space after the colon, the words must say what it is.
_PLAIN_PREAMBLE = re.compile(r"[Cc]ontinu|[Pp]icking up|[Rr]esuming")

_SENTENCE_ENDS = (".", "!", "?", ":", "\n")

# A script that is written without spaces has a word in each sign.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+")


class _Phase(Enum):
    HOLDING = "until it is known how the continuation begins"
    REPLAYING = "while it repeats the answer from the start"
    PASSING = "what comes is shown"


class Seam:
    """Say what of a continuation is to be shown.

    Args:
        partial: The text of the answer that was shown, all of it.
        instruction: Whether a message asked for the continuation; else the partial was
            sent as the beginning of the answer.
        policy: What counts as a repetition.
        stripped: The white space at the end of `partial` that was not sent.
    """

    __slots__ = (
        "_at",
        "_head",
        "_held",
        "_instruction",
        "_late",
        "_partial",
        "_phase",
        "_policy",
        "_short",
        "_stripped",
        "dropped",
    )

    def __init__(
        self,
        partial: str,
        *,
        instruction: bool,
        policy: SeamPolicy,
        stripped: str = "",
    ) -> None:
        self._partial = partial
        self._instruction = instruction
        self._policy = policy
        self._stripped = stripped
        # A replay may differ in the white space before it, so neither has any.
        self._at = len(partial) - len(partial.lstrip())
        self._short = len(partial) - self._at < policy.shortest_restart
        self._head = partial[self._at : self._at + policy.restart_head]
        if self._short and _different(self._head) < policy.restart_alnum:
            self._head = ""
        self._phase = _Phase.HOLDING
        self._held = ""
        self._late = False
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
        if self._phase is _Phase.PASSING:
            return text
        if self._phase is _Phase.REPLAYING:
            return self._replay(text)
        self._held += text
        return self._look()

    def time_up(self) -> str:
        """Return what is to be shown once the hold's time is up.

        What may yet turn out to be a repetition is held on, until a later `feed` shows
        that it is none.

        Raises:
            SeamError: As `feed`.
        """
        if self._phase is not _Phase.HOLDING:
            return ""
        self._late = True
        return self._look()

    def release(self) -> str:
        """Return what is left to be shown once the continuation has ended.

        Raises:
            SeamError: It ended while it replayed the answer: it is a shorter one.
        """
        if self._phase is _Phase.PASSING:
            return ""
        if self._phase is _Phase.REPLAYING:
            raise SeamError(f"the answer was begun again and ended after {self._at}")
        for begin in self._beginnings():
            replay = self._held[begin:].lstrip()
            long = len(replay) >= self._policy.shortest_restart
            if long and self._head.startswith(replay):
                raise SeamError(f"the answer was begun again, up to {len(replay)}")
        return self._decide()

    def _look(self) -> str:
        """Return what may be shown of what is held."""
        if not self._held:
            return ""
        undecided = False
        for begin in self._beginnings():
            text = self._held[begin:]
            replay = text.lstrip()
            if self._head and self._near(len(text) - len(replay), replay):
                if replay.startswith(self._head):
                    return self._restart(replay)
                undecided |= self._head.startswith(replay)
            undecided |= self._may_overlap(text)
        if not undecided and not self._awaited():
            return self._decide()
        return ""

    def _near(self, gap: int, replay: str) -> bool:
        """Tell whether so much white space may stand before a replay."""
        if not self._short:
            return gap <= self._policy.restart_head
        # "Bye" may well go on with " Bye", but not with "Bye".
        return gap in {0, self._at} or (not replay and gap < self._at)

    def _beginnings(self) -> tuple[int, ...]:
        """Return where the continuation may begin: at its head, or past a preamble.

        The last is where it goes on if it is exact.
        """
        preamble = _PREAMBLE.match(self._held) if self._instruction else None
        if preamble is None:
            return (0,)
        opening, after = preamble[0], preamble["after"]
        if opening.index(":") >= self._policy.longest_preamble:
            return (0,)
        if not after and not _PLAIN_PREAMBLE.search(opening):
            return (0,)
        end = preamble.end()
        # One space may be the preamble's or the answer's. Between two letters it is the
        # answer's: most answers break off between two words, and nothing is lost.
        if (
            after == " "
            and self._partial[-1:].isalnum()
            and self._held[end:][:1].isalnum()
        ):
            return (0, end, end - 1)
        return (0, end)

    def _awaited(self) -> bool:
        """Tell whether a rule other than restart and overlap needs more text."""
        if self._instruction:
            return not self._late and len(self._held) < self._policy.hold_characters
        return len(self._held) < len(self._stripped) and self._stripped.startswith(
            self._held
        )

    def _may_overlap(self, text: str) -> bool:
        """Tell whether `text` may be the beginning of an overlap that goes on."""
        partial, policy = self._partial, self._policy
        earliest = max(0, len(partial) - policy.longest_overlap)
        latest = len(partial) - max(policy.shortest_overlap, len(text) + 1)
        return (
            earliest <= latest and partial.find(text, earliest, latest + len(text)) >= 0
        )

    def _decide(self) -> str:
        """Show what is held, apart from what is known to be a repetition."""
        drop = self._repeated()
        shown = self._held[drop:]
        self.dropped += drop
        self._held = ""
        self._phase = _Phase.PASSING
        return shown

    def _repeated(self) -> int:
        """Return how much at the head of what is held is not to be shown."""
        beginnings = self._beginnings()
        for begin in beginnings:
            overlap = self._overlap(self._held[begin:])
            if overlap:
                return begin + overlap
        if not self._instruction:
            return _common(self._held, self._stripped)
        quote = self._quote()
        if quote:
            return quote
        end = beginnings[-1]
        plain = _PLAIN_PREAMBLE.search(self._held[:end]) is not None
        return end if plain or self._in_a_sentence() else 0

    def _overlap(self, text: str) -> int:
        """Return how many characters at the head of `text` end the partial too."""
        partial, policy = self._partial, self._policy
        longest = min(policy.longest_overlap, len(text), len(partial))
        for length in range(longest, policy.shortest_overlap - 1, -1):
            if partial.endswith(text[:length]):
                # A shorter one would have fewer words, and fewer letters.
                return length if self._telling(text[:length]) else 0
        return 0

    def _quote(self) -> int:
        """Return where a quote of the partial's last characters ends; 0 for none."""
        partial, held, policy = self._partial, self._held, self._policy
        last = partial[-policy.quote_suffix :]
        if len(last) < policy.quote_suffix or not self._telling(last):
            return 0
        # A text that repeats itself would seem to be quoted where it goes on.
        if partial.find(last) < len(partial) - len(last):
            return 0
        end = held.find(last) + len(last)
        if end < len(last):
            return 0
        length = _common(held[:end][::-1], partial[-end:][::-1])
        return end if end - length < policy.quote_within else 0

    def _telling(self, text: str) -> bool:
        """Tell whether a repetition of `text` is hardly one by chance."""
        return (
            _different(text) >= self._policy.overlap_alnum
            and len(_WORD.findall(text)) >= self._policy.overlap_words
        )

    def _in_a_sentence(self) -> bool:
        return not self._partial.rstrip(" \t").endswith(_SENTENCE_ENDS)

    def _restart(self, replay: str) -> str:
        self.dropped += len(self._held) - len(replay)
        self._held = ""
        self._phase = _Phase.REPLAYING
        return self._replay(replay)

    def _replay(self, text: str) -> str:
        """Swallow what the partial has too, and return what is past its end."""
        same = min(len(text), len(self._partial) - self._at)
        if not self._partial.startswith(text[:same], self._at):
            raise SeamError(f"the answer was begun again and differs after {self._at}")
        self._at += same
        self.dropped += same
        if self._at == len(self._partial):
            self._phase = _Phase.PASSING
        return text[same:]


def _different(text: str) -> int:
    """Return how many different letters and digits a text has."""
    return len({sign for sign in text if sign.isalnum()})


def _common(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    count = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        count += 1
    return count
