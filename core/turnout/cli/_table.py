"""Data in columns."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from turnout.cli._output import on_terminal, write
from turnout.cli._text import one_line

__all__ = ["write_json", "write_table"]

_GAP = "  "


def write_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Write rows in aligned columns.

    Args:
        heads: What stands above the columns, on a terminal alone.
        rows: A text for each head.
    """
    lines = [[one_line(cell) for cell in row] for row in rows]
    if lines and on_terminal(sys.stdout):
        lines.insert(0, list(heads))
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    padded = (_GAP.join(map(str.ljust, line, widths)).rstrip() for line in lines)
    if lines:
        write("\n".join(padded))


def write_json(value: object) -> None:
    """Write a value as JSON, for programs."""
    write(json.dumps(value, indent=2))
