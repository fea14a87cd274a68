"""Whether one request asks a target again that has failed, and after how long.

A target that names a time is waited for once, as far as the request's patience goes.
One that names none is asked again quickly, and once, while there are others to ask;
where there are none, it is given more time from one failure to the next.
"""

from __future__ import annotations

from collections.abc import Callable

from turnout.errors import ConnectError, ProviderError
from turnout.routes._backoff import Random, after_hint, backoff
from turnout.routes._candidate import Candidate
from turnout.routes._policy import Policy, rule

__all__ = ["Retries"]


class Retries:
    """The retries of one request.

    Args:
        policy: The route's numbers.
        random: For the length of waits.
    """

    __slots__ = ("_count", "_patience", "_policy", "_random")

    def __init__(self, policy: Policy, random: Random) -> None:
        self._policy = policy
        self._random = random
        self._count = 0
        self._patience = policy.patience

    def grant(
        self,
        candidate: Candidate,
        error: ProviderError,
        now: float,
        latest: float,
        others: Callable[[], bool],
    ) -> float | None:
        """Return when a target is asked again, and pay for it; None where it is not.

        Args:
            candidate: The target that failed.
            error: What it failed with; of a class that is retried.
            now: In the seconds of the clock.
            latest: When the last attempt may begin.
            others: Tells whether another target may be asked in its place.
        """
        if not error.retryable or self._count >= self._policy.max_retries:
            return None
        standing = candidate.standing(now)
        # In spite of its cooldown: the wait is for the time that it named itself.
        if not (standing.own.breaker.allows(now) and standing.service.allows(now)):
            return None
        more = others()
        delay = self._delay(candidate.retries, error, others=more)
        if delay is None or now + delay >= latest or not standing.own.budget.spend():
            return None
        if more and error.retry_after is not None:
            self._patience -= delay
        self._count += 1
        candidate.retries += 1
        return now + delay

    def _delay(
        self, earlier: int, error: ProviderError, *, others: bool
    ) -> float | None:
        policy, hint = self._policy, error.retry_after
        # A time that was kept and did not help is not waited for again.
        if earlier and (others or hint is not None):
            return None
        if hint is not None:
            longest = self._patience if others else policy.longest_wait
            if hint > longest:
                return None
            delay = after_hint(hint, self._random)
            return min(delay, longest) if others else delay
        limited = rule(error, policy).limited
        if others:
            return None if limited else self._random() * policy.quick_retry
        unreached = isinstance(error, ConnectError)
        return backoff(
            earlier,
            self._random,
            base=policy.limited_backoff if limited else policy.backoff,
            cap=policy.connect_backoff if unreached else policy.longest_backoff,
        )
