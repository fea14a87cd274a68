"""When a second target is asked though the first has not failed.

A target that is slow to begin may be overtaken: after as long as nearly all of its
answers take to begin, one other is asked too, and the first that begins wins. That
makes more load, and it must never be that which brings a target down: so both are to be
well, neither is to have said lately that it has too much to do, and of the requests
lately only a small share is hedged.
"""

from __future__ import annotations

from turnout._frozen import frozen
from turnout.routes._demands import demanded_state, offers_tools
from turnout.routes._health import Health
from turnout.routes._ranges import check_least, check_seconds, check_share
from turnout.types import ChatRequest

__all__ = ["HedgeShare", "Hedging"]

# Fields of `extra` that ask for what is no text; twice of it is too dear.
_NOT_TEXT = ("audio", "modalities")


class HedgeShare:
    """Count the requests that were hedged among those of late.

    Once there are `recent` requests, all counts are halved: a long time without hedges
    does not allow many at once. The first hedge comes once its share of the requests is
    a whole one, which is after twenty for one in twenty.

    Args:
        share: Of the requests that may be hedged at most.
        recent: Requests that are counted.
    """

    __slots__ = ("_hedges", "_recent", "_requests", "_share")

    def __init__(self, share: float, recent: int) -> None:
        self._share = share
        self._recent = recent
        self._requests = 0.0
        self._hedges = 0.0

    def asked(self) -> None:
        """Count a request, hedged or not."""
        if self._requests >= self._recent:
            self._requests /= 2
            self._hedges /= 2
        self._requests += 1

    def allows(self) -> bool:
        """Tell whether one more request may be hedged."""
        return self._requests > 0 and (self._hedges + 1) / self._requests <= self._share

    def hedged(self) -> None:
        """Count a hedge, of a request that was counted."""
        self._hedges += 1


@frozen
class Hedging:
    """Which requests are hedged, and after how long.

    Raises:
        ValueError: A field is out of range.
    """

    enabled: bool = False
    least_delay: float = 1.0
    """Seconds after which a second target is asked, at least."""
    first_delay: float = 2.0
    """Seconds for a target of which too little is known."""
    least_samples: int = 20
    """Answers of which it must be known how long they took to begin."""
    calm: float = 60.0
    """Seconds for which a target must not have said that it has too much to do."""
    share: float = 0.05
    """Of the requests lately that may be hedged at most."""
    recent: int = 1000
    """Requests that are counted as lately."""

    def __post_init__(self) -> None:
        check_seconds(self, "least_delay", "first_delay", "calm")
        check_least(self, 1, "least_samples", "recent")
        check_share(self, "share")

    def counted(self) -> HedgeShare:
        """Return a count of hedges of this policy's share."""
        return HedgeShare(self.share, self.recent)

    def delay(self, health: Health) -> float:
        """Return the seconds after which a second target is asked.

        Args:
            health: The first one's.
        """
        usual = health.first_delta_p95
        if usual is None or health.samples < self.least_samples:
            return self.first_delay
        return max(self.least_delay, usual)

    def allowed(
        self,
        first: Health,
        second: Health,
        request: ChatRequest,
        share: HedgeShare,
        now: float,
    ) -> bool:
        """Tell whether a second target is to be asked too.

        Args:
            first: The health of the target that was asked.
            second: Of the one that would be.
            request: What is asked.
            share: The hedges of late, this request among what was asked.
            now: In the seconds of the clock of both healths.
        """
        return (
            self.enabled
            and first.scope.provider != second.scope.provider
            and _may_be_asked_twice(request)
            and self._well(first, now)
            and self._well(second, now)
            and share.allows()
        )

    def _well(self, health: Health, now: float) -> bool:
        return (
            health.breaker.state(now) == "closed"
            and not health.cooling(now)
            and now - health.last_limited >= self.calm
        )


def _may_be_asked_twice(request: ChatRequest) -> bool:
    """Tell whether nothing is done or kept because of a request but its answer."""
    return (
        not offers_tools(request)
        and demanded_state(request) is None
        and not any(request.extra.get(name) for name in _NOT_TEXT)
    )
