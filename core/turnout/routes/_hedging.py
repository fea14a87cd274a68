"""Ask a second target when the first is slow to begin: when, and for which requests.

Hedging makes more load, and must not be what brings a target down. So both targets
have to be up, neither may have refused requests for want of capacity lately, and only a
small share of the requests is hedged.
"""

from __future__ import annotations

from turnout._request_traits import demanded_state, offers_tools
from turnout.routes._target_health import TargetHealth
from turnout.types import ChatRequest

__all__ = ["HedgeShare", "can_hedge", "hedge_delay"]

_SHARE = 0.05
"""Of the requests are hedged at most: the second target's load stays small."""

_RECENT = 1000
"""Requests after which all counts are halved, so that an hour without hedges does not
allow many at once."""

_CALM = 60.0
"""Seconds for which a target must not have refused a request for want of capacity."""

# Fields of `extra` that ask for other output than text; twice of it is too dear.
_NOT_TEXT = ("audio", "modalities")


class HedgeShare:
    """Count how many of the recent requests were hedged."""

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
        """Count a hedge of a request that was counted."""
        self._hedges += 1


def hedge_delay(hedge_after: float, health: TargetHealth) -> float:
    """Return the seconds after which a second target is asked.

    A target that usually takes longer than the policy says has its usual time.
    """
    return max(hedge_after, health.usual_first_delta or 0.0)


def can_hedge(
    first: TargetHealth, second: TargetHealth, request: ChatRequest, now: float
) -> bool:
    """Return whether a second target may be asked too."""
    return (
        # The request has no effect but its answer.
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
