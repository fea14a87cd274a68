"""Write the tables and the plot of a run into the documentation."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bench import bars
from bench.rounds import Measured

DOCS = Path(__file__).parents[1] / "docs"

PAGE = DOCS / "performance.md"

PLOT = DOCS / "performance.svg"

BEGIN, END = "<!-- bench: begin -->\n", "<!-- bench: end -->\n"
"""Between these stands what a run writes."""


def fill(page: Path, text: str) -> None:
    """Replace what a run wrote into a page."""
    before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin
    assert end
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def cores() -> int:
    return os.cpu_count() or 1


def write(text: str, measured: Sequence[Measured]) -> None:
    """Replace the tables and the plot of the last run."""
    fill(PAGE, text)
    drawn = bars.drawn(measured)
    if drawn is not None:
        PLOT.write_text(drawn, encoding="utf-8")
