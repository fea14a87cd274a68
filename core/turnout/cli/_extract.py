"""`--extract`: the first code block of an answer."""

from __future__ import annotations

import re

__all__ = ["first_code_block"]

_FENCE = re.compile(r"([ \t]*+(?:(?:[-*+>]|\d++[.)])[ \t]*+)?)(`{3,}+|~{3,}+)(.*+)")


def first_code_block(text: str) -> str | None:
    """Return the first fenced code block of a Markdown text; None if it has none.

    A block that is not closed does not count: the answer was cut off in it.
    """
    lines = iter(text.split("\n"))
    for line in lines:
        opening = _FENCE.fullmatch(line.rstrip("\r"))
        if opening is None or _is_inline(opening):
            continue
        indent, fence = len(opening[1].expandtabs()), opening[2]
        block: list[str] = []
        for inner in lines:
            mark = inner.strip(" \t\r")
            if mark.startswith(fence) and not mark.strip(fence[0]):
                return "\n".join(block)
            spaces = len(inner) - len(inner.lstrip(" "))
            block.append(inner[min(indent, spaces) :].rstrip("\r"))
    return None


def _is_inline(opening: re.Match[str]) -> bool:
    """Return whether what looks like a fence is code in a line: "```a``` b"."""
    return opening[2].startswith("`") and "`" in opening[3]
