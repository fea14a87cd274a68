"""How one target answered lately, and whether it is down.

An attempt succeeds at its first delta; if it breaks later, that is a failure too. A
target is *down* when most of its recent attempts failed. Attempts that have waited
longer than usual count as failures while no later attempt gets a first delta, so a
target that accepts requests and never answers is found before its timeouts end.

A target that is down is tried again by one request at a time, then two, four and eight:
each first delta doubles the limit, and past the last step the target is up. A failure
halves the limit and delays the next try, unless a first delta came after that attempt
began, or shortly before: then the target answers others, and the failure says little.

Event loops of several threads share this state, under a lock where counts have to fit.
"""

from __future__ import annotations

import math
from collections import deque
from itertools import islice
from threading import RLock
from typing import TYPE_CHECKING

from turnout.errors import ProviderError, TurnoutError
from turnout.routes._holds import Hold, HoldStore
from turnout.routes._policy import Rule
from turnout.types import Target

if TYPE_CHECKING:
    from turnout.routes._health import Scope
    from turnout.routes._retries import Random

__all__ = ["Permit", "TargetHealth"]

_FAILURES_IN_A_ROW = 5
"""Failures without a first delta in between that mark a target as down. If 15 % fail,
that happens by chance once in 13,000 attempts, and ends at the next first deltas."""

_WINDOW = 30.0
_WINDOW_CALLS = 64
"""The seconds and calls of which the share of failures is taken. The limit in calls
keeps an hour of good answers a second ago from hiding a minute of bad ones."""

_CERTAIN_REFUSALS = 3
"""Refusals of a key, a model or a quota without a first delta in between that hold a
target which answered within the window. At 1 % of stray refusals that happens by chance
once in a million attempts; one would take the target away from all for minutes."""

_LEAST_CALLS = 10
"""Calls in the window below which the share of failures says nothing."""

_SAMPLES = 100
_LEAST_SAMPLES = 20
"""First deltas whose times are kept, and from how many on their 95th percentile is
taken for the usual time."""

_OVERDUE_FACTOR = 2.0
_LEAST_OVERDUE = 0.5
_OVERDUE_UNKNOWN = 5.0
"""An attempt is overdue after twice the usual seconds to the first delta, at least half
a second (a short pause is not silence); after 5 if too few answers are known."""

_FIRST_DELAY = 5.0
_LONGEST_DELAY = 60.0
"""Seconds until a target that is down is tried while others are up: doubled by each
failed try. At the longest delay a dead target costs one request a minute."""

_LONGEST_MESSAGE = 200
"""Characters that a hold keeps of an error's message."""

_FRESH = 1.0
"""Seconds after a first delta in which a failure says little about a target that is
down. Without them, one that fails 80 % would be asked by one at a time for ever."""

_TRUSTED = 8
_ANSWERING = 4
"""The limit that has to be passed for the target to be up again: 1, 2, 4, 8. A target
that answers some requests begins with four: if all targets fail often, one at a time
would lose answers."""

_RETRIES = 10.0
_PER_ANSWER = 0.1
_LEAST_RETRIES = 3
"""The retry budget of gRPC's proposal A6: ten, and one for ten answers. Three retries
at a time go even when it is empty, so that a target with little traffic has some."""


class Permit:
    """One attempt at a target; reports how it went to the target's health.

    It ends once, by `completed`, `failed` or `released`; later ends change nothing.
    """

    paid = False
    """Whether the target's retry budget paid for the attempt."""
    _answering = False
    _ended = False

    def __init__(self, health: TargetHealth, now: float) -> None:
        self.health = health
        self.began = now
        """When the attempt began, or got its slot."""

    def sent(self, now: float) -> None:
        """Record that the attempt has its slot: its time to the first delta begins."""
        self.began = now
        with self.health.lock:
            self.health.waiting[self] = None

    def first_delta(self, now: float) -> None:
        """Record that the target answers."""
        self._answering = True
        health = self.health
        if health.probes:
            health.probes.discard(self)
        health.succeeded(now, self.began)

    def completed(self) -> None:
        """End the attempt: the answer is complete."""
        if self._end() and self.health.retries_left < _RETRIES:
            self.health.earn()

    def failed(self, error: TurnoutError, rule: Rule, now: float) -> None:
        """End the attempt: it failed with an error, for which there is a rule."""
        if self._ended:
            return
        health = self.health
        hint = error.retry_after if isinstance(error, ProviderError) else None
        seconds = 0.0 if hint is None else min(hint, rule.longest_hold)
        if hint is None and rule.hold and health.is_certain(now):
            seconds = rule.hold
        if seconds > 0:
            reason, message = type(error).__name__, _shortened(str(error))
            health.hold(Hold(until=now + seconds, reason=reason, message=message), now)
        if rule.limited:
            health.last_limited = now
        if rule.counts:
            self._end()
            health.failed(now, self.began, answered=self._answering)
        elif isinstance(error, ProviderError):
            self._end()  # The target works: the request was refused.
        else:
            self.released(now)

    def released(self, now: float) -> None:
        """End the attempt without a verdict, as its caller has left.

        If it was overdue, it counts as a failure: its caller did not wait for that.
        """
        waited = now - self.began if self in self.health.waiting else 0.0
        if self._end() and waited > self.health.overdue_after:
            self.health.failed(now, self.began, answered=False)

    def _end(self) -> bool:
        """Give back what the attempt holds; return whether this is its first end."""
        if self._ended:
            return False
        self._ended = True
        if not self._answering:  # Else it left both with its first delta.
            with self.health.lock:
                self.health.waiting.pop(self, None)
                self.health.probes.discard(self)
        if self.paid:
            self.health.return_retry()
        return True


class TargetHealth:
    """How one target answered lately."""

    def __init__(
        self, scope: Scope, target: Target, store: HoldStore, random: Random
    ) -> None:
        self.scope = scope
        self.target = target
        self.used = -math.inf
        """When it was last looked up."""
        self.waiting: dict[Permit, None] = {}
        """Attempts sent after the last one that was answered, the oldest first."""
        self.failures_in_a_row = 0
        """Failures since the last first delta."""
        self.refusals_in_a_row = 0
        """Refusals of a key, a model or a quota since the last first delta."""
        self.last_limited = -math.inf
        """When it last refused a request for want of capacity or allowance."""
        self.probes: set[Permit] = set()
        """While it is down: attempts that wait for their first delta."""
        self.retry_at = -math.inf
        """While it is down: when to try it though others are up."""
        self.retries_left = _RETRIES
        """The retries that its budget allows."""
        self.retries_in_flight = 0
        # Reentrant: the garbage collector may release a dropped stream's permit while
        # the lock is held.
        self.lock = RLock()
        self._key = scope.key
        self._store = store
        self._random = random
        # Of each outcome: when, how many calls and how many failures. A break adds a
        # failure to a call that was counted at its first delta.
        self._window: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW_CALLS)
        self._first_deltas: deque[float] = deque(maxlen=_SAMPLES)
        self._last_first_delta = -math.inf
        # When the failed attempts in a row began, at the latest.
        self._last_failed_began = -math.inf
        self._down = False
        self._limit = 1
        self._delay = _FIRST_DELAY
        self._delayed_at = -math.inf

    def start(self, now: float) -> Permit:
        """Record that an attempt begins."""
        permit = Permit(self, now)
        if self._down:
            self.probes.add(permit)
        return permit

    def succeeded(self, now: float, began: float) -> None:
        """Record the first delta of an attempt that was sent at `began`."""
        waiting = self.waiting
        with self.lock:
            # The target is not silent: those sent earlier are slow, and say nothing.
            while waiting and (oldest := next(iter(waiting))).began <= began:
                del waiting[oldest]
            self.failures_in_a_row = self.refusals_in_a_row = 0
            self._last_first_delta = now
            self._first_deltas.append(now - began)
            self._window.append((now, 1, 0))
            if not self._down:
                return
            self._limit *= 2
            self._delay = _FIRST_DELAY
            self.retry_at = now
            if self._limit > _TRUSTED:
                self._down = False
                self._window.clear()

    def failed(self, now: float, began: float, *, answered: bool) -> None:
        """Record the failure of an attempt, before or after its first delta."""
        with self.lock:
            self._window.append((now, 0 if answered else 1, 1))
            if not answered:
                self.failures_in_a_row += 1
                self._last_failed_began = max(self._last_failed_began, began)
            if not self._down:
                self._judge(now)
            # Attempts that began before the last delay add none.
            elif began > max(self._last_first_delta + _FRESH, self._delayed_at):
                self._limit = max(1, self._limit // 2)
                self._put_off(now, min(_LONGEST_DELAY, 2 * self._delay))

    def is_certain(self, now: float) -> bool:
        """Record that it refused a key, a model or a quota; return whether that holds.

        A target that answered a moment ago may refuse one request by mistake.
        """
        self.refusals_in_a_row += 1
        answers = now < self._last_first_delta + _WINDOW
        return not answers or self.refusals_in_a_row >= _CERTAIN_REFUSALS

    def is_down(self, now: float) -> bool:
        """Return whether most of its recent attempts failed."""
        if not self._down and self.waiting:
            with self.lock:
                if self._is_open(0, now - _LEAST_OVERDUE):
                    self._judge(now)
        return self._down

    def is_due(self, now: float) -> bool:
        """Return whether to try it now, though it is down and others are up."""
        return now >= self.retry_at and self.has_room

    @property
    def has_room(self) -> bool:
        """Whether one more attempt may wait for its first delta while it is down."""
        return len(self.probes) < self._limit

    def reason(self, now: float) -> str:
        """Return why it is down, for people."""
        if self.failures_in_a_row >= _FAILURES_IN_A_ROW:
            return f"its last {self.failures_in_a_row} attempts failed"
        with self.lock:
            calls, failures = self._counts(now)
        if failures:
            return f"{failures} of its last {calls} attempts failed"
        return "its last attempts failed or were not answered"

    def held(self, now: float) -> Hold | None:
        """Return the hold that forbids to ask it now; None without one."""
        try:
            return self._store.get(self._key, now)
        except Exception as error:  # noqa: BLE001 whatever a store raises
            _report_store(error)
            return None

    def hold(self, hold: Hold, now: float) -> None:
        """Forbid to ask it before a time."""
        try:
            self._store.put(self._key, hold, now)
        except Exception as error:  # noqa: BLE001 whatever a store raises
            _report_store(error)

    def spend_retry(self) -> bool:
        """Take a retry from the budget; return whether there was one."""
        with self.lock:
            if self.retries_left > 1 - _PER_ANSWER / 2:  # Tenths do not sum up exactly.
                self.retries_left -= 1
            elif self.retries_in_flight >= _LEAST_RETRIES:
                return False
            self.retries_in_flight += 1
            return True

    def return_retry(self) -> None:
        """Record that a retry of the budget is over."""
        with self.lock:
            self.retries_in_flight -= 1

    def earn(self) -> None:
        """Add to the budget what one whole answer is worth."""
        with self.lock:
            self.retries_left = min(_RETRIES, self.retries_left + _PER_ANSWER)

    @property
    def first_delta_p95(self) -> float | None:
        """Seconds in which 95 of 100 answers began; None before the first answer."""
        times = sorted(self._first_deltas)
        # The nearest rank, in whole numbers: the least with 95 % at or below it.
        return times[(95 * len(times) + 99) // 100 - 1] if times else None

    @property
    def usual_first_delta(self) -> float | None:
        """The same; None until enough answers are known."""
        known = len(self._first_deltas) >= _LEAST_SAMPLES
        return self.first_delta_p95 if known else None

    @property
    def overdue_after(self) -> float:
        """Seconds to the first delta after which an attempt waits longer than usual."""
        usual = self.usual_first_delta
        if usual is None:
            return _OVERDUE_UNKNOWN
        return max(_LEAST_OVERDUE, _OVERDUE_FACTOR * usual)

    def _judge(self, now: float) -> None:
        """Mark the target as down if most of its recent attempts failed."""
        latest, in_a_row = now - self.overdue_after, self.failures_in_a_row
        oldest = list(islice(self.waiting, _FAILURES_IN_A_ROW))
        overdue = sum(permit.began < latest for permit in oldest)
        # Failures may come early and first deltas late: failures in a row say nothing
        # while a larger number of attempts is open that were sent no later.
        if self._is_open(in_a_row + 2 * overdue, self._last_failed_began):
            early, failed = in_a_row, overdue
        else:
            early, failed = 0, in_a_row + overdue
        if failed < _FAILURES_IN_A_ROW:
            calls, failures = self._counts(now)
            if calls - early < _LEAST_CALLS or 2 * (failures - early) < calls - early:
                return
        self._down = True
        is_answering = now < self._last_first_delta + _FRESH
        self._limit = _ANSWERING if is_answering else 1
        self.probes.clear()
        self._put_off(now, _FIRST_DELAY)

    def _is_open(self, index: int, latest: float) -> bool:
        """Return whether more than `index` attempts wait that were sent by `latest`."""
        permit = next(islice(self.waiting, index, None), None)
        return permit is not None and permit.began <= latest

    def _put_off(self, now: float, delay: float) -> None:
        self._delay = delay
        self._delayed_at = now
        # Spread by a quarter, so that processes do not try it all at once.
        self.retry_at = now + delay * (0.75 + self._random() / 2)

    def _counts(self, now: float) -> tuple[int, int]:
        """Return the calls and the failures in the window."""
        recent = [entry for entry in self._window if entry[0] > now - _WINDOW]
        failures = sum(entry[2] for entry in recent)
        # The first delta of a call that broke may have left the window.
        return max(failures, sum(entry[1] for entry in recent)), failures


def _shortened(message: str) -> str:
    """Return a message on one line, cut if it is long."""
    line = " ".join(message.split())
    if len(line) <= _LONGEST_MESSAGE:
        return line
    return f"{line[:_LONGEST_MESSAGE]}\u2026"


def _report_store(error: Exception) -> None:
    import logging  # Not with the module: the import takes time.

    logging.getLogger("turnout.attempts").error(
        "the store of holds failed, so the target is asked as if it had none: %s",
        type(error).__name__,
    )
