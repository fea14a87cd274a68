"""Lines over time as an SVG: panels one above another, with one axis of time."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

WIDTH, LEFT, RIGHT, TOP = 860, 60, 150, 44
HEIGHT, GAP = 130, 34
"""Of a panel, and between two."""

COLOURS = ("#0072b2", "#d55e00", "#009e73")
"""Distinct for people with red-green colour blindness."""

STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#333}.title{font-size:15px;"
    "font-weight:600}.grid{stroke:#ddd}.shaded{fill:#f3e3c8}.line{fill:none}"
)


@dataclass(frozen=True)
class Line:
    name: str
    values: Sequence[float]
    width: float = 1.4


@dataclass(frozen=True)
class Panel:
    title: str
    lines: Sequence[Line]
    shaded: tuple[float, float] | None = None
    """A span of time, from and to."""


def svg(title: str, unit: str, times: Sequence[float], panels: Sequence[Panel]) -> str:
    """Return a plot; the times are in `unit`, and each panel says its own."""
    height = TOP + len(panels) * (HEIGHT + GAP) + 24
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'role="img" aria-label="{title}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        _text(LEFT, 20, title, "title"),
    ]
    last = times[-1]
    for place, panel in enumerate(panels):
        parts += _panel(panel, times, last, TOP + place * (HEIGHT + GAP) + 16)
    bottom = TOP + len(panels) * (HEIGHT + GAP) - GAP + 16
    for tick in _ticks(last):
        parts.append(_text(_x(tick, last), bottom + 16, f"{tick:g}", anchor="middle"))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts += [_text(middle, bottom + 34, unit, anchor="middle"), "</svg>"]
    return "\n".join(parts) + "\n"


def _panel(
    panel: Panel, times: Sequence[float], last: float, top: float
) -> Iterator[str]:
    ticks = list(_ticks(1.05 * max(max(line.values) for line in panel.lines)))
    highest = ticks[-1] + ticks[1]
    yield _text(LEFT, top - 6, panel.title)
    if panel.shaded is not None:
        since, until = (_x(time, last) for time in panel.shaded)
        yield (
            f'<rect class="shaded" x="{since:.1f}" y="{top:g}" '
            f'width="{until - since:.1f}" height="{HEIGHT}"/>'
        )
    for tick in ticks:
        y = top + HEIGHT * (1 - tick / highest)
        right = WIDTH - RIGHT
        yield f'<path class="grid" d="M{LEFT} {y:.1f}H{right}"/>'
        yield _text(LEFT - 6, y + 4, f"{tick:,g}", anchor="end")
    # The first one is drawn last, and so is on top.
    for number, line in reversed([*enumerate(panel.lines)]):
        points = " ".join(
            f"{_x(time, last):.1f},{top + HEIGHT * (1 - value / highest):.1f}"
            for time, value in zip(times, line.values, strict=True)
        )
        colour = COLOURS[number]
        yield (
            f'<polyline class="line" stroke="{colour}" stroke-width="{line.width:g}" '
            f'points="{points}"/>'
        )
        beside, y = WIDTH - RIGHT + 10, top + 20 + 18 * number
        yield f'<path d="M{beside} {y - 4}h14" stroke="{colour}" stroke-width="3"/>'
        yield _text(beside + 20, y, line.name)


def _x(time: float, last: float) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * time / last


def _ticks(highest: float) -> Iterator[float]:
    """Return round numbers from nothing up to `highest`, four to nine of them."""
    power = 10 ** math.floor(math.log10(highest))
    step = next(p * power for p in (0.2, 0.5, 1, 2) if highest / (p * power) < 9)
    for number in range(math.floor(highest / step) + 1):
        yield number * step


def _text(x: float, y: float, text: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="{kind}" x="{x:g}" y="{y:g}" text-anchor="{anchor}">{text}</text>'
    )
