"""Compare texts by what they say: white space, quotes and emphasis do not count.

The *plain* form of a text leaves these out, and accents too, so that both Unicode forms
of a letter are the same. All dashes are one. What was shown of an answer and what a model repeats of it are
compared in this form.
"""

from __future__ import annotations

import unicodedata

__all__ = ["Plain", "anchor_of", "border", "repeats_itself"]

_IGNORED = {"Pi", "Pf", "Mn", "Me", "Cf", "Zs", "Zl", "Zp"}
"""Categories that do not count: quotes, accents, formats and white space."""

_MARKS = frozenset("\"'`´‚„*~ \t\r\n\v\f")
"""Other characters that do not count."""

ANCHOR_LENGTHS = (80, 160, 320)
"""Characters of an anchor: the first length with which the anchor occurs once is used.

80 characters did not occur again in the next 320 of any text that was measured. A
longer anchor costs time and tokens, and a small model makes more mistakes in it.
"""


class Plain(dict[int, str]):
    """Translate a text into its plain form: `text.translate(Plain())`."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        signs = unicodedata.normalize("NFKD", sign)
        if unicodedata.category(sign) == "Pd":
            signs = "-"
        plain = "".join(sign for sign in signs if not _ignored(sign))
        self[code] = plain
        return plain


def _ignored(sign: str) -> bool:
    return sign in _MARKS or unicodedata.category(sign) in _IGNORED


def anchor_of(partial: str) -> str:
    """Return the last words of a text, which a model is asked to repeat.

    Empty if no such words prove anything: a text that repeats itself goes on with the
    very same words.
    """
    plain = Plain()
    text = partial.strip()
    whole = text.translate(plain)
    for length in ANCHOR_LENGTHS:
        anchor = text[_word_start(text, length) :]
        if _proves(anchor.translate(plain), whole):
            return anchor
    return ""


def _word_start(text: str, length: int) -> int:
    """Return where the words begin that make up the last characters of a text."""
    least = max(0, len(text) - length)
    if least == 0 or text[least - 1].isspace():
        return least
    starts = (at for at in range(least, len(text)) if text[at - 1].isspace())
    # Some scripts have no spaces. A very long word is cut too.
    start = next(starts, least)
    return start if len(text) - start >= length // 2 else least


def _proves(anchor: str, whole: str) -> bool:
    """Tell whether a text that comes again can only be the repeated anchor."""
    if not any(map(str.isalnum, anchor)) or whole.find(anchor) + len(anchor) != len(whole):
        return False
    if anchor != whole and len(set(filter(str.isalnum, anchor))) < 4:
        return False
    return border(anchor.casefold()) <= len(anchor) // 4


def border(text: str) -> int:
    """Return the length of the longest beginning of a text that is also its end."""
    lengths = [0] * len(text)
    for at in range(1, len(text)):
        length = lengths[at - 1]
        while length and text[at] != text[length]:
            length = lengths[length - 1]
        lengths[at] = length + (text[at] == text[length])
    return lengths[-1] if text else 0


def repeats_itself(shown: str, reply: str) -> bool:
    """Tell whether a reply only goes on with what a text repeats at its end.

    Args:
        shown: The plain form of the text.
        reply: The plain form of the beginning of the reply.
    """
    tail = shown[-400:].casefold()
    reply = reply.casefold()
    for period in range(1, len(tail) // 2 + 1):
        if tail[-period:] == tail[-2 * period : -period]:
            again = tail[-period:] * (len(reply) // period + 1)
            if again.startswith(reply):
                return True
    return False
