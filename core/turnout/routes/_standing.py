"""How one target of a route stands, as one request meets it.

A target has a health of its own, by its model and its key, and shares one with all that
is asked of its service. The shared one hears of connections alone: a service that
cannot be reached is down for every model and key, and whatever else goes wrong is the
target's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ModelUnavailableError,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    TurnoutError,
)
from turnout.routes._breaker import Permit
from turnout.routes._health import Health, HealthStore, Scope, fingerprint
from turnout.routes._policy import Rule

if TYPE_CHECKING:
    from turnout.provider import BoundTarget
    from turnout.types import Secret

__all__ = ["Member", "Standing", "Turn"]

_MOST_DOUBLINGS = 10
"""More than any cooldown leaves room for."""

_LASTING = {
    cls.__name__
    for cls in (
        AuthenticationError,
        ModelUnavailableError,
        PermissionDeniedError,
        QuotaExceededError,
    )
}
"""Why a target cools for which to ask all the same would be of no use."""


class Member:
    """A target of a route, with where its health is found.

    Args:
        bound: The target.
        store: Where the health of all targets is kept.
    """

    __slots__ = ("_key", "_own", "_service", "_store", "bound")

    def __init__(self, bound: BoundTarget, store: HealthStore) -> None:
        self.bound = bound
        self._store = store
        self._key: Secret | None = None
        self._own: Scope | None = None
        self._service: Scope | None = None

    def standing(self, now: float) -> Standing:
        """Return how the target stands."""
        own, service = self._scopes()
        return Standing(self._store.of(own, now), self._store.of(service, now))

    def _scopes(self) -> tuple[Scope, Scope]:
        key = self.bound.provider.api_key
        known = key is self._key or key == self._key
        if self._own is None or self._service is None or not known:
            provider = self.bound.provider
            address = urlsplit(provider.options.base_url or "")
            self._key = key
            self._own = Scope(
                provider=provider.info.name,
                origin=f"{address.scheme}://{address.netloc}" if address.netloc else "",
                credential=fingerprint(key, self._store.salt),
                model=self.bound.model,
            )
            self._service = self._own.wider()
        return self._own, self._service


class Standing:
    """A target's own health and its service's, as one."""

    __slots__ = ("own", "service")

    def __init__(self, own: Health, service: Health) -> None:
        self.own = own
        self.service = service

    def allows(self, now: float) -> bool:
        """Tell whether the target may be asked; nothing is taken."""
        return self.own.allows(now) and self.service.allows(now)

    def next_at(self, now: float) -> float:
        """Return when the target may be asked, `now` where it may."""
        return max(self.own.next_at(now), self.service.next_at(now))

    def reason(self, now: float) -> str:
        """Return why the target may not be asked."""
        for health, whose in ((self.own, "it"), (self.service, "its service")):
            if health.cooling(now):
                return f"{whose} is let alone after {health.cool_reason}"
            if not health.breaker.allows(now):
                return f"{whose} failed too often"
        return ""

    def lasting(self, now: float) -> bool:
        """Tell whether to ask in spite of all would be of no use."""
        return self.own.cooling(now) > 0 and self.own.cool_reason in _LASTING

    def start(self, now: float) -> Turn | None:
        """Take leave to ask the target once; None where it may not be asked."""
        return self._taken(self.own.start(now), self.service.start(now))

    def again(self, now: float) -> Turn | None:
        """Take leave to ask once more, after the time that the target named itself."""
        return self._taken(self.own.breaker.start(now), self.service.start(now))

    def probe(self, now: float) -> Turn | None:
        """Take leave in spite of everything, where nobody else has it just now."""
        return self._taken(_probe(self.own, now), _probe(self.service, now))

    def _taken(self, own: Permit | None, service: Permit | None) -> Turn | None:
        if own is not None and service is not None:
            return Turn(self, own, service)
        if own is not None:
            self.own.released(own)
        if service is not None:
            self.service.released(service)
        return None


def _probe(health: Health, now: float) -> Permit | None:
    # A closed circuit lets all through, and one is to go while the target cools.
    if health.cooling(now):
        return health.probe()
    return health.breaker.start(now) or health.probe()


class Turn:
    """Leave to ask a target once; ended by one of `succeeded`, `failed`, `released`.

    Only the first end is heard.
    """

    __slots__ = ("_ended", "_own", "_service", "paid", "standing")

    def __init__(self, standing: Standing, own: Permit, service: Permit) -> None:
        self._ended = False
        self.standing = standing
        self._own = own
        self._service = service
        self.paid = False
        """Whether one of the target's budget is given back at the end."""

    def pay(self) -> bool:
        """Take one from the target's budget; False if it is empty."""
        self.paid = self.standing.own.budget.spend()
        return self.paid

    def first_delta(self) -> None:
        """Tell that the target answers, so that others may try it too."""
        if self._own.probe:
            self.standing.own.first_delta(self._own)
        if self._service.probe:
            self.standing.service.first_delta(self._service)

    def succeeded(self, now: float, first_delta: float | None) -> None:
        """Tell that the answer is complete.

        Args:
            now: In the seconds of the store's clock.
            first_delta: Seconds that it took to begin; None where it had nothing.
        """
        if self._end():
            self.standing.own.succeeded(self._own, now, first_delta)
            self.standing.service.breaker.succeeded(self._service, now)

    def failed(self, error: TurnoutError, found: Rule, now: float) -> None:
        """Tell what the attempt failed with.

        Args:
            error: The attempt's.
            found: What follows such an error.
            now: In the seconds of the store's clock.
        """
        own, service = self.standing.own, self.standing.service
        if not isinstance(error, ProviderError):
            self.released()
            return
        if not self._end():
            return
        if isinstance(error, ConnectError):
            service.failed(self._service, now)
            own.released(self._own)
            return
        service.breaker.succeeded(self._service, now)  # It was reached.
        if found.counts:
            own.failed(self._own, now)
        else:
            own.released(self._own)
        seconds = found.cooldown
        if found.limited:
            seconds *= 2.0 ** min(own.limits_in_a_row, _MOST_DOUBLINGS)
            own.limited(now)
        if error.retry_after is not None:
            seconds = error.retry_after
        seconds = min(seconds, found.longest_cooldown)
        if seconds:
            own.cool(now + seconds, type(error).__name__)

    def released(self) -> None:
        """Tell that nothing is to be concluded: the caller wanted no more."""
        if self._end():
            self.standing.own.released(self._own)
            self.standing.service.released(self._service)

    def _end(self) -> bool:
        """Give back what was paid; tell whether this is the first end."""
        if self._ended:
            return False
        self._ended = True
        if self.paid:
            self.standing.own.budget.release()
        return True
