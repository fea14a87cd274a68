"""The health of one target: whether most of its recent attempts failed.

An attempt succeeds at its first delta; if it fails later, that is a failure too. A
target is *down* when most of its recent attempts failed. Attempts that have waited
longer than usual count as failures while no later attempt gets a first delta. So a
target that accepts requests and never answers is found before its timeouts end.

A target that is down gets one request at a time, then two, four and eight: each first
delta doubles the limit, and past the last step the target is up. A failure halves the
limit and delays the next try. It does not if a first delta arrived after that attempt
began, or shortly before: then the target answers other requests.

Event loops of several threads share this state. A lock guards counts that must agree.
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
"""Consecutive failures, without a first delta, that mark a target as down. If 15 % of
the attempts fail, that happens by chance once in 13,000 attempts, and the next first
deltas end it."""

_WINDOW = 30.0
_WINDOW_CALLS = 64
"""The share of failures is that of so many seconds, and of so many calls at most. With
the limit of calls, many good answers do not hide the failures that follow them."""

_CERTAIN_REFUSALS = 3
"""Consecutive refusals of a key, a model or a quota, without a first delta, that hold a
target which answered within the window. At 1 % of stray refusals that happens by chance
once in a million attempts. A limit of one would hold the target for all callers."""

_LEAST_CALLS = 10
"""With fewer calls in the window than these, the share of failures is not used."""

_SAMPLES = 100
_LEAST_SAMPLES = 20
"""How many times to the first delta are kept, and how many are needed for their 95th
percentile to be the usual time."""

_OVERDUE_FACTOR = 2.0
_LEAST_OVERDUE = 0.5
_OVERDUE_UNKNOWN = 5.0
"""An attempt is overdue after twice the usual seconds to the first delta, and after at
least half a second, since a short pause is normal. If too few answers are known, it is
overdue after 5 seconds."""

_FIRST_DELAY = 5.0
_LONGEST_DELAY = 60.0
"""Seconds until a target that is down is tried while others are up. Each failed try
doubles them. At the longest delay a dead target costs one request a minute."""

_LONGEST_MESSAGE = 200
"""Characters that a hold keeps of an error's message."""

_FRESH = 1.0
"""Seconds after a first delta in which a failure does not halve the limit of a target
that is down. Without them, a target that fails 80 % would always stay at a limit of
one."""

_TRUSTED = 8
_ANSWERING = 4
"""The limit after which the target is up again (1, 2, 4, 8), and the first limit of a
target that answers some requests. If all targets fail often, a first limit of one would
lose answers."""

_RETRIES = 10.0
_PER_ANSWER = 0.1
_LEAST_RETRIES = 3
"""The retry budget of gRPC's proposal A6: ten retries, and one more for ten answers.
Three retries at a time are allowed even if it is empty, for targets with little
traffic."""


class Permit:
    """One attempt at a target; it reports its result to the target's health.

    `completed`, `failed` or `released` ends it. Further calls of these change nothing.
    """

    paid = False
    """Whether the attempt's cost was taken from the target's retry budget."""
    _answering = False
    _ended = False

    def __init__(self, health: TargetHealth, now: float) -> None:
        self.health = health
        self.began = now
        """When the attempt began, or got its slot."""

    def sent(self, now: float) -> None:
        """Record that the attempt has its slot; its time to the first delta begins."""
        self.began = now
        with self.health.lock:
            self.health.waiting[self] = None

    def first_delta(self, now: float) -> None:
        """Record the first delta."""
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
        """End the attempt: it failed with an error, to which a rule applies."""
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
            self._end()  # The target works; only this request was refused.
        else:
            self.released(now)

    def released(self, now: float) -> None:
        """End the attempt without a result, since its caller has left.

        If it was overdue, it counts as a failure.
        """
        waited = now - self.began if self in self.health.waiting else 0.0
        if self._end() and waited > self.health.overdue_after:
            self.health.failed(now, self.began, answered=False)

    def _end(self) -> bool:
        """Release what the attempt holds; return whether this is its first end."""
        if self._ended:
            return False
        self._ended = True
        if not self._answering:  # The first delta has removed it from both.
            with self.health.lock:
                self.health.waiting.pop(self, None)
                self.health.probes.discard(self)
        if self.paid:
            self.health.return_retry()
        return True


class TargetHealth:
    """The health of one target."""

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
        """When it last refused a request because of its capacity or a limit."""
        self.probes: set[Permit] = set()
        """While it is down: attempts that wait for their first delta."""
        self.retry_at = -math.inf
        """While it is down: when to try it although others are up."""
        self.retries_left = _RETRIES
        """The retries left in its budget."""
        self.retries_in_flight = 0
        # Reentrant: the garbage collector may release a dropped stream's permit while
        # the lock is held.
        self.lock = RLock()
        self._key = scope.key
        self._store = store
        self._random = random
        # For each result: the time, the number of calls and the number of failures. An
        # attempt that breaks adds a failure: its call was counted at its first delta.
        self._window: deque[tuple[float, int, int]] = deque(maxlen=_WINDOW_CALLS)
        self._first_deltas: deque[float] = deque(maxlen=_SAMPLES)
        self._last_first_delta = -math.inf
        # When the latest of the consecutive failed attempts began.
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
            # The target answers, so the attempts sent earlier are only slow.
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
        """Record a refusal of a key, a model or a quota; return whether to hold it.

        A target that answered within the window may refuse one request by mistake.
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
        """Return whether to try it now, although it is down and others are up."""
        return now >= self.retry_at and self.has_room

    @property
    def has_room(self) -> bool:
        """Whether one more attempt may wait for its first delta while it is down."""
        return len(self.probes) < self._limit

    def reason(self, now: float) -> str:
        """Return why it is down, as a text for messages."""
        if self.failures_in_a_row >= _FAILURES_IN_A_ROW:
            return f"its last {self.failures_in_a_row} attempts failed"
        with self.lock:
            calls, failures = self._counts(now)
        if failures:
            return f"{failures} of its last {calls} attempts failed"
        return "its last attempts failed or were not answered"

    def held(self, now: float) -> Hold | None:
        """Return the hold of the target; None if it is not held."""
        try:
            return self._store.get(self._key, now)
        except Exception as error:  # noqa: BLE001 a store may raise anything
            _report_store(error)
            return None

    def hold(self, hold: Hold, now: float) -> None:
        """Hold the target."""
        try:
            self._store.put(self._key, hold, now)
        except Exception as error:  # noqa: BLE001 a store may raise anything
            _report_store(error)

    def spend_retry(self) -> bool:
        """Take a retry from the budget; return whether there was one."""
        with self.lock:
            if self.retries_left > 1 - _PER_ANSWER / 2:  # Sums of 0.1 are not exact.
                self.retries_left -= 1
            elif self.retries_in_flight >= _LEAST_RETRIES:
                return False
            self.retries_in_flight += 1
            return True

    def return_retry(self) -> None:
        """Record that a paid retry has ended."""
        with self.lock:
            self.retries_in_flight -= 1

    def earn(self) -> None:
        """Add to the retry budget after a complete answer."""
        with self.lock:
            self.retries_left = min(_RETRIES, self.retries_left + _PER_ANSWER)

    @property
    def first_delta_p95(self) -> float | None:
        """The 95th percentile of the seconds to the first delta; None without any."""
        times = sorted(self._first_deltas)
        # The nearest rank, in integers: the smallest time with 95 % at or below it.
        return times[(95 * len(times) + 99) // 100 - 1] if times else None

    @property
    def usual_first_delta(self) -> float | None:
        """The same; None until enough first deltas are known."""
        known = len(self._first_deltas) >= _LEAST_SAMPLES
        return self.first_delta_p95 if known else None

    @property
    def overdue_after(self) -> float:
        """Seconds without a first delta after which an attempt is overdue."""
        usual = self.usual_first_delta
        if usual is None:
            return _OVERDUE_UNKNOWN
        return max(_LEAST_OVERDUE, _OVERDUE_FACTOR * usual)

    def _judge(self, now: float) -> None:
        """Mark the target as down if most of its recent attempts failed."""
        latest, in_a_row = now - self.overdue_after, self.failures_in_a_row
        oldest = list(islice(self.waiting, _FAILURES_IN_A_ROW))
        overdue = sum(permit.began < latest for permit in oldest)
        # Failures often arrive early and first deltas late. So consecutive failures do
        # not count while more attempts are open that were sent no later.
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
        """Return whether more than `index` waiting attempts were sent by `latest`."""
        permit = next(islice(self.waiting, index, None), None)
        return permit is not None and permit.began <= latest

    def _put_off(self, now: float, delay: float) -> None:
        self._delay = delay
        self._delayed_at = now
        # Spread by a quarter, so that processes do not try it at the same time.
        self.retry_at = now + delay * (0.75 + self._random() / 2)

    def _counts(self, now: float) -> tuple[int, int]:
        """Return the numbers of calls and of failures in the window."""
        recent = [entry for entry in self._window if entry[0] > now - _WINDOW]
        failures = sum(entry[2] for entry in recent)
        # The call of an attempt that broke may have left the window.
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
        "the hold store failed, so the target counts as not held: %s",
        type(error).__name__,
    )
