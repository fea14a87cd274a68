"""Hedging: send a request to a second target if the first is slow to begin.

Hedging adds load and must not overload a target. So both targets have to be up, neither
may have refused a request lately because of its capacity, and only a small share of the
requests is hedged.
"""

from __future__ import annotations

from turnout._request_traits import demanded_state, offers_tools
from turnout.routes._target_health import TargetHealth
from turnout.types import ChatRequest

__all__ = ["HedgeShare", "can_hedge", "hedge_delay"]

_SHARE = 0.05
"""The largest share of hedged requests: the second target's load stays small."""

_RECENT = 1000
"""After so many requests the counts are halved. So many hedges at once are not allowed
after an hour without any."""

_CALM = 60.0
"""Seconds in which a target must not have refused a request because of its capacity."""

# Fields of `extra` that request other output than text: two of these cost too much.
_NOT_TEXT = ("audio", "modalities")


class HedgeShare:
    """Counts how many of the recent requests were hedged."""

    __slots__ = ("_hedges", "_requests")

    def __init__(self) -> None:
        self._requests = 0.0
        self._hedges = 0.0

    def asked(self) -> None:
        """Count a request, hedged or not."""
        if self._requests >= _RECENT:
            self._requests /= 2
            self._hedges /= 2
        self._requests += 1

    def allows(self) -> bool:
        """Return whether one more request may be hedged."""
        return (self._hedges + 1) <= self._requests * _SHARE

    def hedged(self) -> None:
        """Count a hedge of a request that was counted before."""
        self._hedges += 1


def hedge_delay(hedge_after: float, health: TargetHealth) -> float:
    """Return the seconds after which the request goes to a second target.

    If the first one usually takes longer than `hedge_after`, its usual time is used.
    """
    return max(hedge_after, health.usual_first_delta or 0.0)


def can_hedge(
    first: TargetHealth, second: TargetHealth, request: ChatRequest, now: float
) -> bool:
    """Return whether a request may go to a second target too."""
    return (
        # The request must have no side effects.
        not offers_tools(request)
        and demanded_state(request) is None
        and not any(request.extra.get(name) for name in _NOT_TEXT)
        and _is_calm(first, now)
        and _is_calm(second, now)
    )


def _is_calm(health: TargetHealth, now: float) -> bool:
    return (
        not health.is_down(now)
        and health.held(now) is None
        and now - health.last_limited >= _CALM
    )
