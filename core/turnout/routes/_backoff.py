"""How long to wait before the same target is asked again.

Where the target said nothing, the wait is drawn from the whole span up to a ceiling
that doubles with each attempt ("full jitter"): callers that failed together do not come
back together. Where it said when, that is the least, with a little on top for the same
reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Random", "after_hint", "backoff"]

Random: TypeAlias = Callable[[], float]
"""Gives a number from 0 up to 1, evenly spread."""

_MOST_DOUBLINGS = 64
"""More than any cap leaves room for, and few enough for a float."""

_HINT_SPREAD = 0.1
"""Of the hint: how much later than it a target is asked at most."""

_WIDEST_SPREAD = 1.0
"""Seconds after a hint at most, however long the hint is."""


def backoff(attempt: int, random: Random, *, base: float, cap: float) -> float:
    """Return the seconds to wait after a failure that named no time.

    Args:
        attempt: How often the target was asked again before; from 0.
        random: Where in the span the wait falls.
        base: Seconds of the first ceiling.
        cap: Seconds that no ceiling goes above.
    """
    return random() * min(cap, base * 2.0 ** min(attempt, _MOST_DOUBLINGS))


def after_hint(hint: float, random: Random) -> float:
    """Return the seconds to wait where the target named `hint` seconds."""
    return hint + random() * min(_WIDEST_SPREAD, _HINT_SPREAD * hint)
