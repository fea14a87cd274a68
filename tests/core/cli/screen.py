"""What a terminal shows after all that was sent to it."""

from __future__ import annotations

import pyte

__all__ = ["shown"]


def shown(sent: bytes, columns: int = 80, lines: int = 24) -> list[str]:
    """Return the lines of a screen and those that have left it, without blank ends."""
    screen = pyte.HistoryScreen(columns, lines, history=10_000, ratio=0.5)
    pyte.ByteStream(screen).feed(sent)
    left = [
        "".join(line[column].data for column in range(columns))
        for line in screen.history.top
    ]
    rows = [row.rstrip() for row in (*left, *screen.display)]
    while rows and not rows[-1]:
        rows.pop()
    return rows
