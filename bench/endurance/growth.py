"""Whether a figure that goes up and down has grown.

A line is laid through the second half of the samples, by least squares, and what it
rises from end to end is computed with its standard error. Four standard errors are
subtracted, so that chance alone reports growth once in thirty thousand times. The rest
is compared with a share of the figure itself.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence


def rise(times: Sequence[float], values: Sequence[float]) -> tuple[float, float]:
    """Return by how much the values rise over the times, and its standard error."""
    slope, start = statistics.linear_regression(times, values)
    rest = [v - start - slope * t for t, v in zip(times, values, strict=True)]
    middle = statistics.fmean(times)
    spread = sum((t - middle) ** 2 for t in times)
    # Two degrees of freedom are the line's own.
    error = math.sqrt(sum(r * r for r in rest) / max(1, len(times) - 2) / spread)
    span = times[-1] - times[0]
    return slope * span, error * span


def grown(
    times: Sequence[float], values: Sequence[float], share: float
) -> tuple[float, bool]:
    """Return the rise in the second half, and whether it is more than chance and share.

    Args:
        times: Of the samples, in order.
        values: The samples.
        share: Of their mean, which they may rise by.
    """
    half = len(times) // 2
    rising, error = rise(times[half:], values[half:])
    return rising, rising - 4 * error > share * statistics.fmean(values[half:])
