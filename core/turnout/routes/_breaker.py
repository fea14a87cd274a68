"""Whether a target may be asked, by how its last requests ended.

Closed, requests go. Failures in a row, or too many of the calls of the last half
minute, open the circuit: none goes until a time that doubles from one opening to the
next. When it is over the circuit is half-open: a probe goes, and no second one until
the first has its first delta or has ended. Enough probes that succeed close the
circuit, one that fails opens it again.

Half-open is no state that is entered: it is what open is once its time is over, so
that no timer is needed. Each opening begins a generation, and a permit bears that of
its start. A request that was under way when the circuit opened ends in a generation
that is over, and what became of it changes nothing.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Literal, TypeAlias

from turnout._frozen import frozen
from turnout.routes._backoff import Random
from turnout.routes._ranges import check_least, check_seconds, check_share

__all__ = ["Breaker", "BreakerPolicy", "BreakerState", "Permit"]

BreakerState: TypeAlias = Literal["closed", "open", "half_open"]


@frozen
class BreakerPolicy:
    """When a circuit opens, for how long, and when it closes.

    Raises:
        ValueError: A field is out of range.
    """

    consecutive_failures: int = 5
    """Failures in a row that open the circuit."""
    failure_ratio: float = 0.5
    """Share of the window's calls that opens the circuit when it failed."""
    minimum_calls: int = 10
    """Calls in the window below which the share says nothing."""
    window: float = 30.0
    """Seconds that are looked back on for the share."""
    buckets: int = 10
    """Parts of the window; one at a time is forgotten."""
    open_time: float = 5.0
    """Seconds that the circuit is open the first time."""
    longest_open_time: float = 120.0
    """Seconds that it is open at most."""
    open_time_jitter: float = 0.2
    """Share by which an open time is made longer or shorter."""
    healthy_decay: float = 60.0
    """Seconds closed that make up for one opening."""
    probes: int = 1
    """Probes in flight at once."""
    successes_to_close: int = 2
    """Probes that succeed until the circuit closes."""

    def __post_init__(self) -> None:
        check_least(self, 1, "consecutive_failures", "minimum_calls", "buckets")
        check_least(self, 1, "probes", "successes_to_close")
        check_seconds(self, "window", "open_time", "longest_open_time", "healthy_decay")
        check_share(self, "failure_ratio")
        if self.longest_open_time < self.open_time:
            raise ValueError("longest_open_time is open_time at least")
        if not 0 <= self.open_time_jitter < 1:
            raise ValueError("open_time_jitter is a share: 0, or more and below 1")


class Permit:
    """The leave for one request; given back to the breaker that gave it, at its end."""

    __slots__ = ("generation", "probe")

    def __init__(self, generation: int, *, probe: bool) -> None:
        self.generation = generation
        self.probe = probe
        """Whether its first delta is to be told, as it makes room for the next one."""


class _Part:
    """What was counted in one part of a window."""

    __slots__ = ("calls", "failures", "number")

    def __init__(self, number: int) -> None:
        self.number = number
        self.calls = 0
        self.failures = 0


class _Window:
    """The calls of the last seconds, in parts of which the oldest is forgotten."""

    __slots__ = ("_buckets", "_ends", "_parts", "_present", "_span", "failures")

    def __init__(self, span: float, buckets: int) -> None:
        self._span = span / buckets
        self._buckets = buckets
        self._parts: deque[_Part] = deque()
        self._present = _Part(0)
        self._ends = -math.inf  # The present part.
        self.failures = 0

    @property
    def calls(self) -> int:
        """How many they are. A count of its own would make every call dearer."""
        return sum(part.calls for part in self._parts)

    def add(self, now: float, failures: int) -> None:
        """Count a call that ended with `failures`, which is 0 or 1."""
        if now >= self._ends:
            self._begin(int(now // self._span))
        self._present.calls += 1
        self._present.failures += failures
        self.failures += failures

    def clear(self) -> None:
        """Forget everything."""
        self._parts.clear()
        self._ends = -math.inf
        self.failures = 0

    def _begin(self, number: int) -> None:
        parts = self._parts
        while parts and parts[0].number <= number - self._buckets:
            self.failures -= parts.popleft().failures
        self._present = _Part(number)
        self._ends = (number + 1) * self._span
        parts.append(self._present)


class Breaker:
    """One target's circuit.

    Args:
        policy: Its numbers.
        random: Where in the jitter an open time falls.
    """

    __slots__ = (
        "_closed_at",
        "_generation",
        "_open_until",
        "_openings",
        "_permit",
        "_policy",
        "_probes",
        "_random",
        "_successes",
        "_window",
        "failures_in_a_row",
    )

    def __init__(self, policy: BreakerPolicy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self._window = _Window(policy.window, policy.buckets)
        self._generation = 0
        self._probes: set[Permit] = set()
        self._open_until = -math.inf
        self._openings = 0
        self._closed_at = 0.0
        self._successes = 0
        # What each request of a closed circuit is given, None while it is not closed.
        # They need not be told apart, so the many that go well make no object.
        self._permit: Permit | None = Permit(0, probe=False)
        self.failures_in_a_row = 0

    def state(self, now: float) -> BreakerState:
        """Return what the circuit is at `now`."""
        if self._permit is not None:
            return "closed"
        return "open" if now < self._open_until else "half_open"

    def allows(self, now: float) -> bool:
        """Tell whether a request may go; nothing is taken."""
        if self._permit is not None:
            return True
        return now >= self._open_until and self._room

    def next_at(self, now: float) -> float:
        """Return when a request may go: `now` where it may, infinite where none may.

        It is not known while a probe is in flight. Returned is then the soonest that
        another may go if that one fails.
        """
        if self.allows(now):
            return now
        if now < self._open_until:
            return self._open_until
        return now + self._policy.open_time

    def start(self, now: float) -> Permit | None:
        """Take a place for a request; None where it may not go.

        A permit is given back by one of `succeeded`, `failed` and `released`.
        """
        if self._permit is not None:
            return self._permit
        return self.probe() if now >= self._open_until else None

    def probe(self) -> Permit | None:
        """Take a probe's place though the circuit is open, where one is free.

        For a request that has no other target to go to. Nobody goes through a circuit
        that was opened by hand.
        """
        if not self._room or self._open_until == math.inf:
            return None
        permit = Permit(self._generation, probe=True)
        self._probes.add(permit)
        return permit

    def first_delta(self, permit: Permit) -> None:
        """Make room for the next probe: this one's target answers."""
        self._probes.discard(permit)

    def succeeded(self, permit: Permit, now: float) -> None:
        """Give the permit back: the answer is complete."""
        if permit.probe:
            self._probes.discard(permit)
        if permit.generation != self._generation:
            return
        self.failures_in_a_row = 0
        if self._permit is not None:
            self._window.add(now, 0)
            if self._window.failures:  # With one call more, they may be a share.
                self._judge(now)
            return
        self._successes += 1
        if self._successes >= self._policy.successes_to_close:
            self.force_close(now)
        else:
            # It may have gone before the time: the next probe need not wait either.
            self._open_until = min(self._open_until, now)

    def failed(self, permit: Permit, now: float) -> None:
        """Give the permit back: it failed in a way that counts."""
        self._probes.discard(permit)
        if permit.generation != self._generation:
            return
        self.failures_in_a_row += 1
        if self._permit is None:
            self._open(now)
        else:
            self._window.add(now, 1)
            self._judge(now)

    def released(self, permit: Permit) -> None:
        """Give the permit back: cancelled, or failed in a way that does not count.

        Does nothing for one that was given back before.
        """
        self._probes.discard(permit)

    def force_open(self) -> None:
        """Let no request go until `force_close` or `reset`."""
        self._trip(math.inf)

    def force_close(self, now: float) -> None:
        """Let requests go. How often it was open lately is not forgotten."""
        self._permit = Permit(self._generation, probe=False)
        self._open_until = -math.inf
        self._closed_at = now
        self._window.clear()
        self.failures_in_a_row = 0

    def reset(self) -> None:
        """Forget everything, the requests under way too."""
        self._generation += 1
        self._probes.clear()
        self._openings = 0
        self.force_close(0.0)

    @property
    def _room(self) -> bool:
        return len(self._probes) < self._policy.probes

    def _judge(self, now: float) -> None:
        """Open the circuit if what it has seen is too bad."""
        window, policy = self._window, self._policy
        if self.failures_in_a_row >= policy.consecutive_failures or (
            window.calls >= policy.minimum_calls
            and window.failures / window.calls >= policy.failure_ratio
        ):
            healthy = max(0.0, now - self._closed_at) // policy.healthy_decay
            self._openings = max(0, self._openings - int(healthy))
            self._open(now)

    def _open(self, now: float) -> None:
        policy = self._policy
        longest = policy.longest_open_time
        nominal = min(longest, policy.open_time * 2.0**self._openings)
        # Past the longest time a further opening changes nothing, and would only take
        # the longer to be made up for.
        if nominal < longest:
            self._openings += 1
        jitter = 1 + policy.open_time_jitter * (2 * self._random() - 1)
        # It may be open still, as a probe may go before the time.
        self._trip(max(self._open_until, now + min(longest, nominal * jitter)))

    def _trip(self, until: float) -> None:
        self._generation += 1
        self._permit = None
        self._open_until = until
        self._successes = 0
