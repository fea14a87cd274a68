"""Ask a route's targets one after another, as its policy says.

All the rules are in `_policy.py`; this does the asking.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from turnout._attempt import AttemptReader
from turnout._record import Record
from turnout._waiter import Waiter
from turnout.errors import DeadlineError, FallbackError, TurnoutError
from turnout.fallback._policy import Policy, Verdict, verdict
from turnout.provider import BoundTarget
from turnout.types import Attempt, ChatRequest, Event

__all__ = ["DEFAULT_DEADLINE", "RouteReader"]

DEFAULT_DEADLINE = 600.0
"""Seconds for a request with all of its attempts."""

_LEAST = 1.0
"""With fewer seconds left than these, no further target is asked."""


class RouteReader:
    """Give the answer of the first target that has one, in batches.

    Args:
        targets: In the order in which they are asked.
        request: What to ask; each target is given its own model.
        policy: The route's.
        record: Takes down the answer and every attempt.
        waiter: Watches over the waits.
    """

    def __init__(
        self,
        targets: Sequence[BoundTarget],
        request: ChatRequest,
        policy: Policy,
        record: Record,
        waiter: Waiter,
    ) -> None:
        self._request = request
        self._policy = policy
        self._record = record
        self._waiter = waiter
        limit = request.deadline or policy.deadline or DEFAULT_DEADLINE
        self._deadline = waiter.now() + limit
        self._errors: list[TurnoutError] = []
        self._shown = False
        self._left = self._askable(targets)
        self._attempt: AttemptReader | None = None

    async def read(self) -> Sequence[Event] | None:
        """Return the next batch; None when the answer is complete, or was closed.

        Raises:
            FallbackError: Every target failed.
            DeadlineError: The time is up, or too short for another target.
            TurnoutError: A target failed and the policy asks no other; or it was the
                only one.
        """
        while True:
            if self._attempt is None:
                self._attempt = self._next_attempt()
            try:
                batch = await self._attempt.read()
            except TurnoutError as error:
                if verdict(error, self._policy, shown=self._shown) is Verdict.RAISE:
                    raise
                self._errors.append(error)
                self._attempt = None
            else:
                self._shown = True
                return batch
            if self._waiter.closed:
                return None

    async def close(self) -> None:
        """End the attempt under way where it stands."""
        if self._attempt is not None:
            await self._attempt.close()

    def _askable(
        self, targets: Sequence[BoundTarget]
    ) -> Iterator[tuple[BoundTarget, ChatRequest]]:
        """Yield the targets that can do what the request needs; note the others."""
        asked = 0
        for bound in targets:
            if asked == self._policy.max_attempts:
                return
            own = self._request.for_model(bound.model)
            unsupported = bound.provider.catalog.refusal(own)
            if unsupported is not None:
                self._errors.append(unsupported)
                passed = Attempt(
                    target=bound.target, outcome="passed_over", error=unsupported
                )
                self._record.end(passed)
            else:
                left = self._deadline - self._waiter.now()
                if asked and left < _LEAST:
                    raise DeadlineError(
                        f"the deadline left no time to ask {bound.target} too"
                    ) from self._errors[-1]
                asked += 1
                yield bound, own

    def _next_attempt(self) -> AttemptReader:
        for bound, request in self._left:
            return AttemptReader(
                bound.provider,
                request,
                self._record,
                self._waiter,
                self._deadline,
                self._policy.first_delta_timeout,
                self._policy.stall_timeout,
            )
        raise _failed(self._errors, self._record)


def _failed(errors: Sequence[TurnoutError], record: Record) -> TurnoutError:
    if len(errors) == 1:
        return errors[0]
    told = "; ".join(
        f"{attempt.target}: {attempt.error}"
        for attempt in record.attempts
        if attempt.error is not None
    )
    failure = FallbackError(f"no target answered: {told}", errors)
    failure.attempts = tuple(record.attempts)
    failure.__cause__ = errors[0]
    return failure
