"""What is known of how a target fares, apart from any one request.

A target's health is a circuit (how its requests ended), a time before which it said it
is not to be asked (the cooldown), a budget of retries, and how soon its answers began.
Circuit and cooldown are apart: a target that is rate limited is not broken, and one
that is broken named no time. Both must allow a request.

A stream that goes well touches its target's health twice, at its start and at its end,
for a few attribute writes each.

A store in memory is used by the event loops of all threads. The interpreter's lock is
enough for that: what two threads write at once may lose a count, and nothing else. A
lock is taken where a target is met for the first time.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Iterable
from dataclasses import field
from hashlib import blake2b
from operator import itemgetter
from threading import Lock
from typing import NamedTuple, Protocol

from turnout._frozen import frozen
from turnout.routes._backoff import Random
from turnout.routes._breaker import Breaker, BreakerPolicy, BreakerState, Permit
from turnout.routes._budget import BudgetPolicy, RetryBudget
from turnout.routes._ranges import check_least
from turnout.types import Secret

__all__ = [
    "Health",
    "HealthPolicy",
    "HealthReport",
    "HealthStore",
    "MemoryHealth",
    "Scope",
    "fingerprint",
    "report",
]

_SHOWN_OF_A_FINGERPRINT = 4
"""Characters: enough to tell two keys apart, too few to look one up."""


class Scope(NamedTuple):
    """What a health is of; a field that is left empty makes it a wider one.

    A tuple, as it is looked up for every request, and they are hashed the quickest.
    """

    provider: str
    origin: str = ""
    """Scheme, host and port of its address."""
    credential: str = ""
    """The fingerprint of its key; empty where there is none."""
    model: str = ""

    def wider(self) -> Scope:
        """Return the scope of all its provider's models and keys at this origin."""
        return Scope(provider=self.provider, origin=self.origin)


@frozen
class HealthPolicy:
    """The numbers of every health in a store.

    Raises:
        ValueError: A field is out of range.
    """

    breaker: BreakerPolicy = field(default_factory=BreakerPolicy)
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
    samples: int = 100
    """Successes of which the seconds to the first delta are remembered."""

    def __post_init__(self) -> None:
        check_least(self, 1, "samples")


class Health:
    """How one scope fares.

    Args:
        scope: Whose health it is.
        policy: Its numbers.
        random: For the circuit's open times.
    """

    __slots__ = (
        "_first_deltas",
        "breaker",
        "budget",
        "cool_reason",
        "failures",
        "last_limited",
        "limits_in_a_row",
        "not_before",
        "scope",
        "successes",
        "used",
    )

    def __init__(self, scope: Scope, policy: HealthPolicy, random: Random) -> None:
        self.scope = scope
        self.breaker = Breaker(policy.breaker, random)
        self.budget = RetryBudget(policy.budget)
        self._first_deltas: deque[float] = deque(maxlen=policy.samples)
        self.not_before = -math.inf
        """When the cooldown is over; long ago where there was none."""
        self.cool_reason = ""
        self.last_limited = -math.inf
        """When it last said that it was asked too much or had no capacity."""
        self.limits_in_a_row = 0
        self.successes = 0
        self.failures = 0
        """Those that count."""
        self.used = -math.inf
        """When its store last gave it to anyone."""

    def allows(self, now: float) -> bool:
        """Tell whether a request may go; nothing is taken."""
        return now >= self.not_before and self.breaker.allows(now)

    def next_at(self, now: float) -> float:
        """Return when a request may go, `now` where it may."""
        return max(self.not_before, self.breaker.next_at(now))

    def start(self, now: float) -> Permit | None:
        """Take a place for a request; None where it may not go.

        A permit is given back by one of `succeeded`, `failed` and `released`.
        """
        return self.breaker.start(now) if now >= self.not_before else None

    def probe(self) -> Permit | None:
        """Take a probe's place in spite of circuit and cooldown, where one is free.

        For a request that has no other target to go to.
        """
        return self.breaker.probe()

    def first_delta(self, permit: Permit) -> None:
        """Make room for the next probe. Need not be told where `permit` is none."""
        self.breaker.first_delta(permit)

    def succeeded(
        self, permit: Permit, now: float, first_delta: float | None = None
    ) -> None:
        """Give the permit back: the answer is complete.

        Args:
            permit: What `start` or `probe` gave.
            now: In the seconds of the clock that all times here are of.
            first_delta: Seconds that the answer took to begin; None where it had
                nothing in it.
        """
        self.breaker.succeeded(permit, now)
        self.budget.succeeded()
        self.successes += 1
        self.limits_in_a_row = 0
        if first_delta is not None:
            self._first_deltas.append(first_delta)

    def failed(self, permit: Permit, now: float) -> None:
        """Give the permit back: it failed in a way that counts."""
        self.breaker.failed(permit, now)
        self.failures += 1

    def released(self, permit: Permit) -> None:
        """Give the permit back: cancelled, or failed in a way that does not count."""
        self.breaker.released(permit)

    def cool(self, until: float, reason: str) -> None:
        """Let nobody ask before `until`; an earlier time than is known says nothing."""
        if until > self.not_before:
            self.not_before = until
            self.cool_reason = reason

    def cooling(self, now: float) -> float:
        """Return the seconds that are left of the cooldown; 0 where it is over."""
        return max(0.0, self.not_before - now)

    def limited(self, now: float) -> None:
        """Take down that it was asked too much, or had no capacity."""
        self.last_limited = now
        self.limits_in_a_row += 1

    @property
    def samples(self) -> int:
        """How many first deltas are remembered."""
        return len(self._first_deltas)

    @property
    def first_delta_p95(self) -> float | None:
        """Seconds in which 95 of 100 answers began; None before the first one."""
        times = sorted(self._first_deltas)
        if not times:
            return None
        # The nearest rank, in whole numbers: the least with 95 % at or below it.
        return times[(95 * len(times) + 99) // 100 - 1]

    def at_rest(self, now: float) -> bool:
        """Tell whether nothing would be lost by beginning with a new one."""
        return (
            now >= self.not_before
            and self.breaker.state(now) == "closed"
            and not self.breaker.failures_in_a_row
            and not self.budget.in_flight
        )


class HealthStore(Protocol):
    """Where the health of all targets is kept.

    All times are in the seconds of one clock, that of the event loops.
    """

    @property
    def salt(self) -> bytes:
        """What the fingerprints of keys are made with; nobody else knows it."""
        ...

    def of(self, scope: Scope, now: float) -> Health:
        """Return the health of a scope, a good one where it was not known."""
        ...

    def known(self) -> Iterable[tuple[Scope, Health]]:
        """Return every scope that is known, with its health."""
        ...


class MemoryHealth:
    """Keep health in this process, for a bounded number of scopes.

    When there is no room for a new one, an eighth of those that were not used for the
    longest goes; first those at rest, as a model's name may come from outside and a
    circuit is not to be closed by asking for many of them.

    Args:
        policy: The numbers of every health; None means what they are by default.
        random: For the circuits' open times.
        limit: How many scopes are known at most.
    """

    def __init__(
        self,
        policy: HealthPolicy | None = None,
        random: Random | None = None,
        *,
        limit: int = 4096,
    ) -> None:
        if limit < 1:
            raise ValueError("limit is at least 1")
        self.salt = os.urandom(16)
        self._policy = policy or HealthPolicy()
        self._random = _chance() if random is None else random
        self._limit = limit
        self._known: dict[Scope, Health] = {}
        self._lock = Lock()

    def of(self, scope: Scope, now: float) -> Health:
        """Return the health of a scope, a good one where it was not known."""
        health = self._known.get(scope)
        if health is None:
            health = self._met(scope, now)
        health.used = now
        return health

    def known(self) -> list[tuple[Scope, Health]]:
        """Return every scope that is known, with its health."""
        return list(self._known.items())

    def _met(self, scope: Scope, now: float) -> Health:
        with self._lock:
            health = self._known.get(scope)  # Another thread may have been first.
            if health is None:
                if len(self._known) >= self._limit:
                    self._make_room(now)
                health = self._known[scope] = Health(scope, self._policy, self._random)
            return health

    def _make_room(self, now: float) -> None:
        ranked = [
            (not health.at_rest(now), health.used, scope)
            for scope, health in self._known.items()
        ]
        ranked.sort(key=itemgetter(0, 1))
        for _, _, scope in ranked[: max(1, self._limit // 8)]:
            del self._known[scope]


def _chance() -> Random:
    from random import random  # Not with the module, for its time.

    return random


@frozen
class HealthReport:
    """How one target fares, to be shown."""

    target: str
    """`Provider:model`, or the provider alone where it is of all its models."""
    origin: str
    """Scheme, host and port of its address; empty where it has none."""
    key: str
    """The first characters of a hash of its key; empty where there is none."""
    state: BreakerState
    """Of its circuit."""
    wait: float
    """Seconds until it may be asked; infinite where its circuit was opened by hand."""
    reason: str
    """Why it may not be asked; empty where it may."""
    failures_in_a_row: int
    first_delta_p95: float | None
    """Seconds in which 95 of 100 answers began; None where none did."""
    retries_left: float


def report(scope: Scope, health: Health, now: float) -> HealthReport:
    """Return what is to be shown of a scope's health."""
    state = health.breaker.state(now)
    reason = ""
    if health.cooling(now):
        reason = health.cool_reason
    elif state != "closed":
        reason = f"circuit {state.replace('_', '-')}"
    return HealthReport(
        target=f"{scope.provider}:{scope.model}" if scope.model else scope.provider,
        origin=scope.origin,
        key=scope.credential[:_SHOWN_OF_A_FINGERPRINT],
        state=state,
        wait=health.next_at(now) - now,
        reason=reason,
        failures_in_a_row=health.breaker.failures_in_a_row,
        first_delta_p95=health.first_delta_p95,
        retries_left=health.budget.left,
    )


def fingerprint(key: Secret | None, salt: bytes) -> str:
    """Return what tells a key from another and does not show it.

    Args:
        key: The credential; None or an empty one has no fingerprint.
        salt: At most 64 bytes that nobody else knows. Processes that share a store
            share it; otherwise each has one of its own.
    """
    if not key:
        return ""
    value = key.reveal().encode("utf-8", "surrogatepass")
    return blake2b(value, digest_size=8, key=salt).hexdigest()
