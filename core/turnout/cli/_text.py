"""Make text from elsewhere safe to be shown.

A terminal obeys what it is sent, and a model or a service can send anything: a title
to set, a line to overwrite, a text whose order is reversed.
"""

from __future__ import annotations

__all__ = ["one_line", "printable"]

_KEPT = {ord("\n"), ord("\t")}

# C0 with ESC, DEL, C1, and the characters that embed, override or isolate a
# direction of writing.
_CONTROLS = dict.fromkeys(
    code
    for codes in (
        range(0x20),
        range(0x7F, 0xA0),
        range(0x202A, 0x202F),
        range(0x2066, 0x206A),
    )
    for code in codes
    if code not in _KEPT
)


def printable(text: str) -> str:
    """Return a text without what a terminal would obey; newlines and tabs stay."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """Return a text on one line, without what a terminal would obey."""
    return printable(" ".join(text.split()))
