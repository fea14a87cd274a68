"""Compare texts without regard to white space, quotes and emphasis.

The *plain* form of a text omits these, and accents too, so that both Unicode forms of a
letter are the same. All dashes are the same. The text so far and its repetition by a
model are compared in this form.
"""

from __future__ import annotations

import unicodedata

__all__ = ["Plain", "PlainReply", "anchor_of", "repeats_itself"]

_IGNORED = frozenset({"Pi", "Pf", "Mn", "Me", "Cf", "Zs", "Zl", "Zp"})
"""Ignored Unicode categories: quotes, accents, formats and white space."""
_MARKS = frozenset("\"'`\u00b4\u201a\u201e*~ \t\r\n\v\f")
"""Other ignored characters."""

_ANCHOR_LENGTHS = (80, 160, 320)
"""Characters of an anchor: the first of these with which it occurs only once.

In the measured texts, 80 characters did not occur twice by chance. More characters cost
time and tokens, and a small model makes more mistakes in them.
"""


class Plain(dict[int, str]):
    """Translate a text into its plain form: `text.translate(Plain())`."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        if unicodedata.category(sign) == "Pd":
            sign = "-"
        signs = unicodedata.normalize("NFKD", sign)
        plain = "".join(sign for sign in signs if not _ignored(sign))
        self[code] = plain
        return plain


def _ignored(sign: str) -> bool:
    return sign in _MARKS or unicodedata.category(sign) in _IGNORED


class PlainReply:
    """The beginning of a reply, and the position of each of its plain characters."""

    __slots__ = ("ends", "signs")

    def __init__(self) -> None:
        self.signs: list[str] = []
        self.ends: list[int] = []
        """The end of each plain character, as an index of `signs`."""

    def text(self, begin: int = 0, end: int | None = None) -> str:
        """Return the signs between two indexes."""
        return "".join(self.signs[begin:end])

    def begin(self, index: int) -> int:
        """Return where a plain character begins, with the marks before it."""
        return self.ends[index - 1] if index else 0

    def marks(self, index: int) -> str:
        """Return the white space and marks before a plain character, or at the end."""
        end = self.ends[index] - 1 if index < len(self.ends) else None
        return self.text(self.begin(index), end)

    def splits(self, index: int) -> bool:
        """Return whether an index is between two plain characters of one sign."""
        return 0 < index < len(self.ends) and self.ends[index] == self.ends[index - 1]


def anchor_of(partial: str) -> str:
    """Return the last words of a text, which the instruction asks a model to repeat.

    Empty if no such words prove anything: a text that repeats itself continues with the
    same words.
    """
    plain = Plain()
    text = partial.strip()
    whole = text.translate(plain)
    for length in _ANCHOR_LENGTHS:
        at = least = max(0, len(text) - length)
        # Whole words, unless the script has no spaces.
        while at and at < least + length // 2 and not text[at - 1].isspace():
            at += 1
        at = at if at < least + length // 2 else least
        if _proves(text[at:].translate(plain), whole):
            return text[at:].lstrip()
    return ""


def _proves(anchor: str, whole: str) -> bool:
    """Return whether another occurrence of a text can only be the repeated anchor."""
    signs = set(filter(str.isalnum, anchor))
    if not signs or (len(signs) < 4 and anchor != whole):
        return False
    if whole.find(anchor) + len(anchor) != len(whole):
        return False
    return _border(anchor.casefold()) <= len(anchor) // 4


def _border(text: str) -> int:
    """Return the length of the longest prefix of a text that is also its suffix."""
    return next(n for n in range(len(text) - 1, -1, -1) if text.endswith(text[:n]))


def repeats_itself(shown: str, reply: str) -> bool:
    """Return whether a reply only continues the repetition at the end of a text.

    Args:
        shown: The plain form of the text.
        reply: The plain form of the beginning of the reply.
    """
    tail, reply = shown[-400:].casefold(), reply[:400].casefold()
    return any(
        tail[-n:] == tail[-2 * n : -n]
        and (tail[-n:] * (len(reply) // n + 1)).startswith(reply)
        for n in range(1, len(tail) // 2 + 1)
    )
