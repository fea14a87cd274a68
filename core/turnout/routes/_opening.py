"""Tell an opening ("Sure, here is the rest:"), a new answer and the rest apart.

No phrases are known here, only forms, so that any language will do: a sentence does not
begin in the middle of a word, and what follows a sentence is not in lower case.
"""

from __future__ import annotations

import re
import unicodedata

__all__ = ["fence_of", "in_fence", "is_opening", "opening_of", "may_be_opening", "sentences_of", "starts_over"]

_SENTENCE = re.compile(r"[^\n.!?:…。！？：]{1,120}[.!?:…。！？：]+(\s*)")
_NO_SPEECH = re.compile(r"[(){}\[\]<>=|;/\\_#$%&+^~@`\d]")
"""What no sentence has that speaks of the reply itself."""
_ABBREVIATED = re.compile(r"\b[^\W\d_](?:\.[^\W\d_])*\.$")
_SHORT_WORD = re.compile(r"\b[^\W\d_]{2,3}\.$")
"""What may be an abbreviation too, as `etc.` and `vs.` are."""
_DOTS = re.compile(r"(?:\.{3}|…) ?")
_FENCE = re.compile(r"(?:```|~~~)([\w+-]*)[ \t]*\r?\n")
_FENCE_LINE = re.compile(r"^[ \t>]*(?:```|~~~)", re.MULTILINE)
_OPENS = re.compile(r"[\"'“‘«„*`]+|(?:#+|[>*+-]|\d{1,2}[.)]) ")
"""Marks that stand before a word at the start of a line or of a sentence."""
_WORD = r"[^\W\d_][\w'’-]*[*_`\"”»,:;.!?]{0,4}"
_PROSE = re.compile(rf"(?:{_WORD}[ \t]+){{2}}(?:{_WORD}(?:\s+|$)){{2,5}}")
_FIRST_WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|['’-])*(?![\w`])")
_SENTENCE_ENDS = frozenset(".!?:…。！？：\n")
_LINE_MARK = re.compile(r"[-*+>#|] |\||```|\*\*|\d{1,2}[.)] ")
_CAMEL = re.compile(r"[a-z][A-Z]")
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
        last = _FENCE.fullmatch(partial[partial[:-1].rfind("\n") + 1 :])
        closes = line_start and not fence[1] and last is None
        return 0 if closes else fence.end()
    plain = fence[1] in {"", "text", "txt", "md", "markdown", "plaintext"}
    return fence.end() if plain and not line_start else 0


def sentences_of(partial: str, reply: str) -> list[int]:
    """Return where the sentences at a reply's start end that may be an opening."""
    ends: list[int] = []
    at = 0
    if not _new_sentence(partial, reply) or _camel(partial, reply):
        return ends
    while len(ends) < 3 and (found := _SENTENCE.match(reply, at)):
        said = found[0].rstrip().rstrip(".!?:…。！？：")
        if found.end() > _LONGEST_OPENING or not said[-1:].isalpha():
            break
        if _NO_SPEECH.search(said):
            break
        if found[1] == " " and ":" in found[0] and not at and " " not in said:
            break  # As in "KeyError: b", which is a name and no sentence.
        at = found.end()
        ends.append(at)
    return ends


def may_be_opening(text: str) -> bool:
    """Tell whether a text before a repetition may be an opening, and not the answer."""
    text = _FENCE.sub("", text).rstrip("\"'`*_“‘«„ ")
    if text[:1].isspace() and text.strip():
        return False  # It is indented, as code is.
    said = text.strip("\"'`*_“‘«„ .…\n")
    return not said or (not _NO_SPEECH.search(said) and text[-1] in _SENTENCE_ENDS)


def is_opening(partial: str, text: str) -> bool:
    """Tell whether a text is an opening for sure: it begins as a new sentence does."""
    text = text.lstrip("\"'“‘«„.… ")
    return not text or (may_be_opening(text) and _new_sentence(partial, text))


def opening_of(partial: str, reply: str) -> int:
    """Return the length of an opening that a reply has before the rest; 0 for none."""
    dots = _DOTS.match(reply)
    if dots:
        return _dots(partial, reply, dots.end())
    last = partial[-1:]
    inside = last.isalnum() or _in_sentence(partial)
    line = partial[-80:].rpartition("\n")[2]
    if inside and last.isspace() and _NO_SPEECH.search(line.strip()):
        return 0  # Between two words of code or of data, any name may come.
    at = 0
    for end in sentences_of(partial, reply):
        said = reply[at:end].rstrip()
        space = reply[at + len(said) : end]
        if end == len(reply) or (not space and said[-1].isascii()):
            return 0
        own = _own_space(partial, space, reply[end:])
        if not inside:
            if last == "\n" and _lines_go_on(partial, own + reply[end:]):
                return end - len(own)
        elif _goes_on(partial, space, own, reply[end:]):
            unsure = _ABBREVIATED.search(said) or (
                not last.isalnum()
                and partial.rstrip()[-1:] != ","
                and _SHORT_WORD.search(said)
            )
            return 0 if unsure else end - len(own)
        at = end
    return 0


def _dots(partial: str, reply: str, end: int) -> int:
    """Return how much of the dots at a reply's start is not the answer's own."""
    last, after = partial[-1:], reply[end : end + 1]
    if "..." in partial or "…" in partial:
        return 0
    line = partial[-80:].rpartition("\n")[2].strip()
    if not last.isalnum() and (
        last not in " ,;" or not partial[-2:-1].isalnum() or _NO_SPEECH.search(line)
    ):
        return 0
    if not after or not (after.isalnum() or after.isspace() or reply[0] == "…"):
        return 0
    # One space may be the answer's own: most answers break off between two words.
    own = reply[end - 1] == " " and not after.isspace() and last != " "
    if own and (word := _FIRST_WORD.match(reply, end)):
        begun = re.search(r"[^\W\d_]*$", partial)
        assert begun is not None
        own = not re.search(rf"\b{begun[0] + word[0]}\b", partial)
    return end - own


def _lines_go_on(partial: str, rest: str) -> bool:
    """Tell whether a text begins as the last lines of what was shown do."""
    lines = [line for line in partial[-2000:].splitlines() if line.strip()][-3:]
    shapes = {_shape(line) for line in lines[-2:]}
    return not rest[:2].isalpha() and len(lines) > 1 and shapes == {_shape(rest)}


def _shape(line: str) -> str:
    letters = re.sub(r"[^\W\d_]", "a", line[:5])
    return re.sub(r"\d", "0", letters)[:4]


def _own_space(partial: str, space: str, after: str) -> str:
    """Return how much of the white space after an opening is the answer's own."""
    lines = len(space) - len(space.lstrip("\n"))
    if not lines:
        return space[1:]
    if space == "\n\n" and not partial[-1:].isspace() and _LINE_MARK.match(after):
        return "\n"  # A new line begins, so the answer has a line break there.
    return space[min(lines, 2) :]


def _goes_on(partial: str, space: str, own: str, rest: str) -> bool:
    """Tell whether what follows an opening goes on in the middle of a sentence.

    Args:
        partial: What was shown.
        space: The white space after the opening.
        own: The part of it that is the answer's own.
        rest: What follows the white space.
    """
    last, sign, after = partial[-1:], rest[0], rest[1:2]
    glued = last.isalnum()
    if "\n\n\n" in space or (space[:1] == " " and "\n" in space):
        return True
    if own == " " and not last.isspace():
        return True
    # These join the parts of one word, or stand before a name.
    if last in "-_./@\"'“‘«([{<*#>$" and space != "\n\n":
        return False
    if len(own) > 1 and ("\n" in space or not glued):
        return False
    if not glued and space not in {" ", "  ", "\n\n"}:
        return False
    if sign.isalpha() or unicodedata.category(sign)[0] == "M":
        if sign.islower() or not sign.isalpha():
            return True
        if sign.isupper():
            return partial[-1:].isupper() and after.isupper()
        return _script(sign) in _scripts(partial)
    if sign.isdigit():
        listed = re.match(r"\d{1,3}[.)]\s", rest) is not None
        return not listed and (glued or partial.rstrip()[-1:] in "-;,|=:(/_")
    if sign in ",;)" or (glued and sign in ".:]}%=/|!?"):
        return True
    if sign in "<>":
        return glued and not after.isspace()
    if sign in "(-_":
        return glued and not after.isspace() and not after.isupper()
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
    if not marks and (not _new_sentence(partial, text) or _camel(partial, text)):
        return False
    first, prose = _FIRST_WORD.match(text), _PROSE.match(text)
    if prose is None or (first is None and not marks):
        return False
    if first and not first[0][1:].islower() and len(first[0]) > 1:
        return False
    if _CAMEL.search(partial) and "\n" in prose[0]:
        return False
    return sum(word[0].islower() for word in prose[0].split()) >= 2


def _new_sentence(partial: str, reply: str) -> bool:
    """Tell whether a reply begins with a word as a sentence does."""
    first, second = reply[:1], reply[1:2]
    if not first.isalpha() or first.islower():
        return False
    if not first.isupper():  # A script without capitals.
        return _script(first) not in _scripts(partial)
    if not second.isalpha():
        return not partial[-1:].isupper()  # "OpenA" and "I, Groq" are no sentence.
    return not second.isupper()


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
