"""Draw what a stream and an event cost, as an SVG of bars on a logarithmic scale."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from html import escape

from bench.cases import SIDE_BY_SIDE
from bench.clients import TURNOUT
from bench.rounds import Measured
from bench.tables import number

SHOWN = {"full1": "CPU us an event at full speed", "one": "CPU us a one-event stream"}
"""The panels, by case."""

WIDTH, LABEL, BAR, GAP, HEAD = 760, 150, 18, 6, 40

STYLE = (
    "text { font: 13px sans-serif; fill: #222 } .head { font-weight: bold }"
    " .tick { fill: #777; font-size: 11px } line { stroke: #ddd }"
    " rect.other { fill: #9aa5b1 } rect.ours { fill: #2563eb }"
)


def drawn(measured: Sequence[Measured]) -> str | None:
    """Return the plot; None where no case of it was measured."""
    panels: list[str] = []
    top = 0
    for case, title in SHOWN.items():
        for each in measured:
            if each.case == case and each.protocol == SIDE_BY_SIDE:
                figures = {
                    client: statistics.median(each.values(client))
                    for client in each.clients
                }
                panels.append(panel(title, figures, top))
                top += HEAD + len(figures) * (BAR + GAP) + 2 * GAP
    if not panels:
        return None
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        f'role="img" aria-label="CPU time by client, lower is better">\n'
        f"<style>{STYLE}</style>\n"
        f'<rect width="{WIDTH}" height="{top}" fill="#fff"/>\n'
        + "\n".join(panels)
        + "\n</svg>\n"
    )


def panel(title: str, figures: Mapping[str, float], top: int) -> str:
    """Return the bars of a case, the cheapest first."""
    least = math.floor(math.log10(min(figures.values())))
    most = math.log10(max(figures.values()))
    # Room for the figure beside the longest bar.
    step = (WIDTH - LABEL - 70) / (most - least)
    bottom = top + HEAD + len(figures) * (BAR + GAP)
    lines = [f'<text class="head" x="{GAP}" y="{top + 18}">{escape(title)}</text>']
    for power in range(least, math.floor(most) + 1):
        x = LABEL + (power - least) * step
        lines.append(
            f'<line x1="{x:.0f}" x2="{x:.0f}" y1="{top + HEAD - 4}" y2="{bottom}"/>'
            f'<text class="tick" x="{x:.0f}" y="{top + HEAD - 8}">{10**power:g}</text>'
        )
    for row, (client, value) in enumerate(sorted(figures.items(), key=_value)):
        y = top + HEAD + row * (BAR + GAP)
        long = (math.log10(value) - least) * step
        kind = "ours" if client.startswith(TURNOUT) else "other"
        lines.append(
            f'<text x="{LABEL - GAP}" y="{y + 13}" text-anchor="end">'
            f"{escape(client)}</text>"
            f'<rect class="{kind}" x="{LABEL}" y="{y}" width="{long:.1f}" '
            f'height="{BAR}"/>'
            f'<text x="{LABEL + long + GAP:.1f}" y="{y + 13}">{number(value)}</text>'
        )
    return "\n".join(lines)


def _value(item: tuple[str, float]) -> float:
    return item[1]
