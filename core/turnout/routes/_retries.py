"""Whether a request asks a failed target again, and after how long.

A target that names a time is waited for once, as far as the request's patience goes.
One that names no time is asked again once and soon, while other targets are left;
without others it gets more time after each failure.

Where the target named no time, the wait is drawn from the whole span up to a ceiling
that doubles ("full jitter"): callers that failed together do not come back together.
"""

from __future__ import annotations

from turnout.errors import ConnectError, ProviderError
from turnout.routes._backoff import Random, after_hint, backoff
from turnout.routes._candidate import Candidate
from turnout.routes._policy import Policy, rule

__all__ = ["LONGEST_WAIT", "Retries"]

LONGEST_WAIT = 20.0
"""Seconds that a request waits for a target that names a time, if no other is left. A
user who waits longer for nothing would rather get an error."""

_QUICK_RETRY = 0.05
"""Seconds at most to the one retry while others are left. It helps against the failure
of one connection or one worker; for more, the next target is the better choice, and a
longer wait would cost more than it does."""

_BACKOFF = 0.5
_LIMITED_BACKOFF = 1.0
_LONGEST_BACKOFF = 8.0
_LONGEST_CONNECT_BACKOFF = 2.0
"""Seconds of the first ceiling, of the same for a target without capacity, and of the
last: what the SDKs of OpenAI and AWS use. A connection costs little to try."""


class Retries:
    """The retries of one request.

    Args:
        policy: The route's.
        random: For the length of waits.
    """

    __slots__ = ("_patience", "_policy", "_random")

    def __init__(self, policy: Policy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self._patience = policy.patience

    def grant(
        self,
        candidate: Candidate,
        error: ProviderError,
        now: float,
        latest: float,
        *,
        others: bool,
    ) -> float | None:
        """Return when to ask a target again, and pay for it; None for not at all.

        Args:
            candidate: The target that failed.
            error: What it failed with; of a class that is retried.
            now: In the seconds of the clock.
            latest: When the last attempt may begin.
            others: Whether another target can be asked instead.
        """
        if not error.retryable:
            return None
        delay = self._delay(candidate, error, now, others=others)
        if delay is None or now + delay >= latest:
            return None
        if not candidate.health(now).spend_retry():
            return None
        if others and error.retry_after is not None:
            self._patience -= delay
        candidate.retries += 1
        return now + delay

    def _delay(
        self, candidate: Candidate, error: ProviderError, now: float, *, others: bool
    ) -> float | None:
        hint, earlier = error.retry_after, candidate.retries
        # A time that was kept and did not help is not waited for again.
        if earlier and (others or hint is not None):
            return None
        if hint is not None:
            longest = self._patience if others else LONGEST_WAIT
            if hint > longest:
                return None
            delay = after_hint(hint, self._random)
            return min(delay, longest) if others else delay
        limited = rule(error, self._policy).limited
        if others:
            if limited or candidate.health(now).is_down(now):
                return None
            return self._random() * _QUICK_RETRY
        connecting = isinstance(error, ConnectError)
        return backoff(
            earlier,
            self._random,
            base=_LIMITED_BACKOFF if limited else _BACKOFF,
            cap=_LONGEST_CONNECT_BACKOFF if connecting else _LONGEST_BACKOFF,
        )
