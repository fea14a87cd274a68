"""Distinguish an opening ("Sure, here is the rest:"), a new answer and the rest.

The rules use no phrases, only forms, so they work for any language: a sentence does not
begin in the middle of a word, and the rest of a sentence has no capital letter.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

__all__ = [
    "CODE",
    "QUOTES",
    "begins_sentence",
    "fence_of",
    "in_fence",
    "may_be_opening",
    "opening_of",
    "sentences_of",
    "starts_over",
]

QUOTES = "\"'`*\u201c\u2018\u00ab\u201e"
"""Marks that may precede a quoted text."""

_ENDS = ".!?:\u2026\u3002\uff01\uff1f\uff1a"
_SENTENCE = re.compile(rf"[^\n{_ENDS}]{{1,120}}[{_ENDS}]+(\s*)")
_NO_SPEECH = re.compile(r"[(){}\[\]<>=|;/\\_#$%&+^~@`\d]")
"""Characters that an opening does not have."""
CODE = re.compile(r"[(){}\[\]<>=|/\\_#$%&+^~@`]")
_ABBREVIATED = re.compile(r"\b[^\W\d_](?:\.[^\W\d_]){0,5}\.$")
_SHORT_WORD = re.compile(r"\b[^\W\d_]{2,3}\.$")
"""May be an abbreviation too, such as `etc.` and `vs.`."""
_DIGIT = re.compile(r"\d")
_CAMEL_CASE = re.compile(r"[a-z][A-Z]")
_WORD_START = re.compile(r"[^\W_]+")
_DOTS = re.compile(r"(?:\.{3}|\u2026) ?")
_FENCE = re.compile(r"(?:```|~~~)([\w+-]*)[ \t]*\r?\n")
_FENCE_LINE = re.compile(r"^[ \t>]*(?:```|~~~)", re.MULTILINE)
_LINE_MARK = re.compile(r"[-*+>#|] |\||#|```|\*\*|\d{1,3}[.)]\s")
_MARKS = re.compile(r"[\"'\u201c\u2018\u00ab\u201e*`]+|(?:#+|[>*+-]|\d{1,2}[.)]) ")
_HEADING = re.compile(r"#{2,6} \S|# \w[^\n]*\n\n|\*\*[^\W\d_][^*\n]*\*\*:?\n")
_WORD = r"[^\W\d_][\w'\u2019-]*[*_`\"\u201d\u00bb,:;.!?]{0,4}"
_PROSE = re.compile(rf"(?:{_WORD}[ \t]+){{2}}(?:{_WORD}(?:\s+|$)){{2,5}}")

_LONGEST = 190
"""Characters of an opening at most: three sentences, more than any measured opening."""


def in_fence(text: str) -> bool:
    """Return whether a text ends inside a code block."""
    return len(_FENCE_LINE.findall(text)) % 2 == 1


def fence_of(partial: str, reply: str) -> int:
    """Return the length of a line that opens a code block around the rest, or 0."""
    fence = _FENCE.match(reply)
    if fence is None:
        return 0
    line = partial[partial[:-1].rfind("\n") + 1 :]
    if line.endswith("\n") and not _FENCE.fullmatch(line):
        # Without a language, it closes the code block or opens one of the answer.
        return fence.end() if fence[1] and in_fence(partial) else 0
    known = in_fence(partial) or fence[1] in {"", "text", "txt", "md", "markdown"}
    return fence.end() if known else 0


def sentences_of(partial: str, reply: str) -> list[int]:
    """Return the ends of the first sentences of a reply that may be an opening."""
    ends: list[int] = []
    at = 0
    if not begins_sentence(partial, reply):
        return ends
    while len(ends) < 3 and (found := _SENTENCE.match(reply, at)):
        said = found[0].rstrip().rstrip("!:").rstrip().rstrip(_ENDS)
        if found.end() > _LONGEST or not said[-1:].isalpha() or _NO_SPEECH.search(said):
            break
        if not at and found[1] == " " and ":" in found[0] and " " not in said:
            break  # As in "KeyError: b", which is a name and not a sentence.
        at = found.end()
        ends.append(at)
    return ends


def may_be_opening(text: str) -> bool:
    """Return whether a text before a repetition may be an opening."""
    text = _FENCE.sub("", text).rstrip(QUOTES + " ")
    said = text.strip(QUOTES + "> .\u2026\n")
    note = said[:1] + said[-1:] in {"()", "[]"} and not CODE.search(said[1:-1])
    if not said or note:  # As in "(continued)".
        return True
    indented = text[0].isspace()
    return not indented and text[-1] in _ENDS + "\n" and not _NO_SPEECH.search(said)


def opening_of(partial: str, reply: str) -> int:
    """Return the length of the opening before the rest; 0 if there is none."""
    last = partial[-1:]
    line = partial[-80:].rpartition("\n")[2].strip()
    if last.isspace() and (not line or CODE.search(line)):
        return 0  # Any name may follow a word of code or data.
    if last.isspace() and partial.rstrip(" \t")[-1:] in _ENDS + "\n":
        return 0
    dots = _DOTS.match(reply)
    if dots:
        after = reply[dots.end() : dots.end() + 1]
        inside = last.isalnum() or (last in " ,;" and not partial[-2:-1].isspace())
        plain = after.isalnum() or after.isspace() or (after and "..." not in dots[0])
        if "..." in partial or "\u2026" in partial or not (inside and plain):
            return 0
        # One space may belong to the answer: most answers break between two words.
        return dots.end() - (reply[dots.end() - 1] == " " and not after.isspace())
    at = 0
    for end in sentences_of(partial, reply):
        said = reply[at:end].rstrip()
        space = reply[at + len(said) : end]
        if end == len(reply) or (not space and said[-1].isascii()):
            return 0
        own = _own_space(space, line, reply[end:])
        if _goes_on(partial, space, own, reply[end:]):
            short = not last.isalnum() and partial.rstrip()[-1] != ","
            if _ABBREVIATED.search(said) or (short and _SHORT_WORD.search(said)):
                return 0
            return end - len(own)
        at = end
    return 0


def _own_space(space: str, line: str, rest: str) -> str:
    """Return the part of the space after an opening that belongs to the answer."""
    lines = len(space) - len(space.lstrip("\n"))
    start, other = (_DIGIT.sub("0", one[:3]) for one in (line, rest))
    if space == "\n\n" and start == other and not start.isalpha():
        return "\n"  # The next line of a table or of a list.
    return space[min(lines, 2) or 1 :]


def _goes_on(partial: str, space: str, own: str, rest: str) -> bool:
    """Return whether the text after an opening is the rest of a sentence."""
    last, sign = partial[-1:], rest[0]
    glued = last.isalnum()
    if "\n\n\n" in space or " \n" in space or (own == " " and not last.isspace()):
        return True
    # These join the parts of one word, or precede a name.
    if last in "-_./:@\"'\u201c\u2018\u00ab([{<*#>$" and space != "\n\n":
        return False
    if len(own) > 1 or (not glued and space not in {" ", "\n\n"}):
        return False
    if sign.isupper():
        return last.isupper() and rest[1:2].isupper()
    if _LINE_MARK.match(rest) and not (glued and rest[0] == "|"):
        return False
    if sign in "\"'`*\u201d\u2019\u00bb":
        return glued and not rest[1:2].isalnum()
    if sign.isalpha() and not sign.islower():
        return _script(sign) in _scripts(partial)
    counted = sign.isdigit() and partial.rstrip()[-1] in "-;,|=:(/_"
    return glued or sign.islower() or sign in ",;)" or counted


def starts_over(partial: str, reply: str) -> bool:
    """Return whether a reply begins a new answer in the middle of a word or number."""
    if not partial[-1:].isalnum():
        return False
    if _HEADING.match(reply) or (_FENCE.match(reply) and not in_fence(partial)):
        return True
    marks = _MARKS.match(reply)
    text = reply[marks.end() :] if marks else reply
    letters = [sign for sign in text[:8] if sign.isalpha()]
    if not text[:1].isalpha():
        return False
    if text[0].lower() == text[0].upper():  # A script without capitals.
        return not {_script(sign) for sign in letters} & _scripts(partial)
    prose = _PROSE.match(text)
    if prose is None:
        return False
    first = prose[0].split()[0]
    if any(sign.isupper() or sign in "`_0123456789" for sign in first[1:]):
        return False  # As in "ToWin32", which is a name.
    if not marks and not begins_sentence(partial, text):
        return False
    if text[0].islower() and not (marks and "`" in marks[0]):
        return False
    if _CAMEL_CASE.search(partial) and "\n" in prose[0]:
        return False
    return sum(word[0].islower() for word in prose[0].split()) >= 2


def begins_sentence(partial: str, reply: str) -> bool:
    """Return whether the first word of a reply begins a sentence."""
    first, second, last = reply[:1], reply[1:2], partial[-1:]
    if not first.isalpha() or first.islower():
        return False
    if not first.isupper():  # A script without capitals.
        # A modifier letter follows another letter, as in "Hawai\u02bbi".
        begins = unicodedata.category(first) != "Lm"
        return begins and _script(first) not in _scripts(partial)
    if second.isupper() or not (second.isalpha() or last.islower()):
        return False  # As in "OpenA" and "I, Groq", or in "3" and "D printers".
    before, after = _last_word(partial), _WORD_START.match(reply)
    if not before or after is None:
        return True
    # The words before and after the break may be a name, as in "JavaScript".
    return not (
        any(
            left.isalpha() and not right.isalnum()
            for left, right in _around(after[0], partial)
        )
        or any(
            not left.isalnum() and "A" <= right <= "Z"
            for left, right in _around(before, partial)
        )
    )


def _last_word(text: str) -> str:
    """Return the letters and digits at the end of a text."""
    start = len(text)
    while start and text[start - 1].isalnum():
        start -= 1
    return text[start:]


def _around(word: str, text: str) -> Iterator[tuple[str, str]]:
    """Yield the characters before and after each occurrence of a word in a text."""
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        yield text[max(0, at - 1) : at], text[end : end + 1]
        at = text.find(word, end)


def _scripts(text: str) -> set[str]:
    return {_script(sign) for sign in text[-400:] if sign.isalpha()}


def _script(sign: str) -> str:
    """Return the script of a letter, the first word of its Unicode name."""
    script = unicodedata.name(sign, "").partition(" ")[0].partition("-")[0]
    # Japanese has three scripts. "Ideographic" is the name of marks such as 々.
    return "CJK" if script in {"HIRAGANA", "KATAKANA", "IDEOGRAPHIC"} else script
