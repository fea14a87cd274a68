"""Ask a route's targets one after another, as its policy says.

All the rules are in `_policy.py`; this does the asking. Loaded with the first
request, as all that needs asyncio is.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from turnout._attempt import Batch, attempt, refusal
from turnout._record import Record
from turnout._waiter import Waiter
from turnout.errors import FallbackError, TurnoutError
from turnout.fallback._policy import Policy, Verdict, verdict
from turnout.provider import BoundTarget
from turnout.types import Attempt, ChatRequest

__all__ = ["DEFAULT_DEADLINE", "drive"]

DEFAULT_DEADLINE = 600.0
"""Seconds for a request with all of its attempts."""


async def drive(
    targets: Sequence[BoundTarget],
    request: ChatRequest,
    policy: Policy,
    record: Record,
    waiter: Waiter,
) -> AsyncGenerator[Batch]:
    """Give the answer of the first target that has one, in batches.

    Args:
        targets: In the order in which they are asked.
        request: What to ask; each target is given its own model.
        policy: The route's.
        record: Takes down the answer and every attempt.
        waiter: Watches over the waits.

    Raises:
        FallbackError: Every target failed.
        TurnoutError: A target failed and the policy asks no other; or it was the
            only one.
    """
    limit = request.deadline or policy.deadline or DEFAULT_DEADLINE
    deadline = waiter.loop.time() + limit
    errors: list[TurnoutError] = []
    asked = 0
    for bound in targets:
        own = request.for_model(bound.model)
        unsupported = refusal(bound.provider, own)
        if unsupported is not None:
            errors.append(unsupported)
            record.end(
                Attempt(target=bound.target, outcome="passed_over", error=unsupported)
            )
            continue
        if asked == policy.max_attempts:
            break
        asked += 1
        shown = False
        try:
            async with aclosing(
                attempt(bound.provider, own, record, waiter, deadline)
            ) as batches:
                async for batch in batches:
                    shown = True
                    yield batch
            return
        except TurnoutError as error:
            if verdict(error, policy, shown=shown) is Verdict.RAISE:
                raise
            errors.append(error)
    raise _failed(errors, record)


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
