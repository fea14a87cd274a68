"""Tell an opening ("Sure, here is the rest:"), a new answer and the rest apart.

No phrases are known here, only forms, so that any language will do: a sentence does not
begin in the middle of a word, and what follows a sentence is not in lower case.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["fence_of", "in_fence", "opening_of", "sentences_of", "starts_over"]

_SENTENCE = re.compile(r"[^\n.!?:…。！？：]{1,120}[.!?:…。！？：]+(\s*)")
_NO_SPEECH = re.compile(r"[(){}\[\]<>=|;/\\_#$&+^~@`\d]")
"""What no sentence has that speaks of the reply itself."""
_ABBREVIATED = re.compile(r"(?:^|[\s,])[^\W\d_]{0,2}(?:\.[^\W\d_]{1,2})*\.$|\b(?:etc|vs)\.$")
_DOTS = re.compile(r"(?:\.{3}|…) ?")
_FENCE = re.compile(r"(?:```|~~~)([\w+-]*)[ \t]*\r?\n")
_FENCE_LINE = re.compile(r"^[ \t>]*(?:```|~~~)", re.MULTILINE)
_OPENS = re.compile(r"[\"'“‘«„*_`#>\-+]+ ?|\d{1,2}[.)] ")
"""Marks that stand before a word at the start of a line or of a sentence."""
_PROSE = re.compile(r"(?:[^\W\d_][\w'’-]*[*_`\"”»,:;.!?]{0,4}(?:\s+|$)){4,7}")
_HEADING = re.compile(r"#{2,6} \S|# \w[^\n]*\n\n|\*\*[^\W\d_][^*\n]*\*\*:?\n")

_LONGEST_OPENING = 240
"""Characters: three sentences, the longest opening that was seen."""


def in_fence(text: str) -> bool:
    """Tell whether a text ends inside a code block."""
    return len(_FENCE_LINE.findall(text)) % 2 == 1


def fence_of(partial: str, reply: str) -> int:
    """Return the length of a line that opens the code block again in which a text ends."""
    fence = _FENCE.match(reply)
    if fence is None:
        return 0
    line_start = partial[-1:] in {"", "\n"}
    if in_fence(partial):
        # At the start of a line and without a language, it closes the code block.
        return 0 if line_start and not fence[1] else fence.end()
    plain = fence[1] in {"", "text", "txt", "md", "markdown", "plaintext"}
    return fence.end() if plain and not line_start else 0


def sentences_of(reply: str) -> list[int]:
    """Return where the sentences at a reply's start end, as far as they speak of it."""
    ends: list[int] = []
    at = 0
    while len(ends) < 3 and (found := _SENTENCE.match(reply, at)):
        if found.end() > _LONGEST_OPENING or _NO_SPEECH.search(found[0]):
            break
        at = found.end()
        ends.append(at)
    return ends


def opening_of(partial: str, reply: str) -> int:
    """Return the length of an opening that a reply has before the rest; 0 for none."""
    dots = _DOTS.match(reply)
    if dots:
        return _dots(partial, reply, dots.end())
    if not _new_sentence(reply) or _camel(partial, reply):
        return 0
    glued = partial[-1:].isalnum()
    if not glued and not _in_sentence(partial):
        return 0
    at = 0
    for end in sentences_of(reply):
        if end == len(reply):
            return 0
        said = reply[at:end].rstrip()
        space = reply[at + len(said) : end]
        own = _own_space(partial, space, reply[end])
        if not space and reply[end].isascii():
            return 0
        if _goes_on(partial, reply[end - own : end], reply[end:], glued):
            sure = glued or not said.endswith(":") or "\n" in space
            if not sure or _ABBREVIATED.search(said):
                return 0
            return end - own
        at = end
    return 0


def _dots(partial: str, reply: str, end: int) -> int:
    """Return how much of the dots at a reply's start is not the answer's own."""
    if "..." in partial or "…" in partial or reply[end : end + 1] in {"", "."}:
        return 0
    if partial[-1:].isspace() or partial[-1:] in ".!?:)":
        return 0 if reply[end].isupper() else end
    return end


def _own_space(partial: str, space: str, after: str) -> int:
    """Return how much of the white space after an opening is the answer's own."""
    if space[:1] == "\n":
        begun = not partial[-1:].isspace() and not after.isalnum()
        return len(space) - (1 if begun and space == "\n\n" else min(2, len(space)))
    return max(0, len(space) - 1)


def _goes_on(partial: str, space: str, rest: str, glued: bool) -> bool:
    """Tell whether what follows an opening goes on in the middle of a sentence."""
    sign, after = rest[0], rest[1:2]
    if space:
        return len(space) > 1 or glued or not sign.isupper()
    if sign.isalpha():
        if sign.islower():
            return True
        if sign.isupper():
            return partial[-1:].isupper() and after.isupper()
        return _script(sign) in _scripts(partial)
    if sign.isdigit():
        return partial[-1:].isdigit() or (not glued and partial[-1:] in "-;,|=:(/_")
    if sign in ",;.:)]}%=/|":
        return True
    if sign in "(-_":
        return glued and after.isalnum() and not after.isupper()
    return glued and sign in "`*\"'”»’" and not after.isalnum()


def starts_over(partial: str, reply: str) -> bool:
    """Tell whether a reply begins a new answer in the middle of a word or number."""
    last = partial[-1:]
    if not last.isalnum():
        return False
    if _HEADING.match(reply) or (_FENCE.match(reply) and not in_fence(partial)):
        return True
    marks = _OPENS.match(reply)
    text = reply[marks.end() :] if marks else reply
    if not text[:1].isalpha() or text[0].islower() and not (marks and "`" in marks[0]):
        return False
    if not text[0].isupper() and not text[0].islower():
        return _script(last) != _script(text[0]) and not (
            {_script(sign) for sign in text[:8] if sign.isalpha()} & _scripts(partial)
        )
    if not marks and (not _new_sentence(text) or _camel(partial, text)):
        return False
    prose = _PROSE.match(text)
    if prose is None:
        return False
    return sum(word[0].islower() for word in prose[0].split()) >= 2


def _new_sentence(reply: str) -> bool:
    """Tell whether a reply begins with a word as a sentence does."""
    first, second = reply[:1], reply[1:2]
    if not first.isalpha() or first.islower():
        return False
    return not second.isupper() and not second.isdigit()


def _in_sentence(partial: str) -> bool:
    """Tell whether a text ends in the middle of a sentence or of a line."""
    text = partial.rstrip(" \t")
    return text[-1:] not in {"", "\n", ".", "!", "?", ":", "…", "。", "！", "？", "："}


def _camel(partial: str, reply: str) -> bool:
    """Tell whether the words before and after a break make a name like `JavaScript`."""
    if not partial[-1:].isalnum():
        return False
    before = re.search(r"[^\W_]+$", partial)
    after = re.match(r"[^\W_]+", reply)
    if before is None or after is None:
        return False
    if re.search(rf"(?<=[^\W\d_]){re.escape(after[0])}(?![^\W_])", partial):
        return True
    return re.search(rf"(?<![^\W_]){re.escape(before[0])}[A-Z]", partial) is not None


def _scripts(text: str) -> set[str]:
    return {_script(sign) for sign in text[-400:] if sign.isalpha()}


def _script(sign: str) -> str:
    """Return the script of a letter, as its Unicode name begins."""
    return unicodedata.name(sign, "").partition(" ")[0]
