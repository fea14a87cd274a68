"""Run two attempts of a hedged request, and continue with the faster one.

Each leg reads in a task of its own, with its own waiter and record, so that neither
affects the other. The slower leg is closed before the caller receives anything.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeAlias

from turnout._attempt import AttemptReader
from turnout._frozen import frozen
from turnout._record import Record
from turnout._waiter import Waiter
from turnout.errors import TurnoutError
from turnout.routes._course import Ask
from turnout.types import Event

__all__ = ["Leg", "race"]

_Read: TypeAlias = "asyncio.Task[Sequence[Event] | None]"


@frozen(kw_only=False)
class Leg:
    """One of the two attempts."""

    ask: Ask
    attempt: AttemptReader
    record: Record
    waiter: Waiter


async def race(
    first: Leg,
    delay: float,
    second_leg: Callable[[], Leg | None],
    lost: Callable[[Leg, TurnoutError | None], None],
) -> tuple[Leg, _Read]:
    """Return the leg that continues, and the task with its first batch or failure.

    After `delay` seconds `second_leg` is called; it may return None. `lost` is called
    with the leg that does not continue and its failure, or None if it was slower. An
    error of `lost` is raised. Cancelling closes both legs.
    """
    running: dict[_Read, Leg] = {asyncio.create_task(_read(first)): first}
    won: dict[_Read, Leg] = {}
    try:
        done, _ = await asyncio.wait(running, timeout=delay)
        second = None if done or first.waiter.closed else second_leg()
        if second is not None:
            first.waiter.link(second.waiter)
            running[asyncio.create_task(_read(second))] = second
        while True:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            # The first leg wins a tie, since its record is the request's own.
            for read in [read for read in running if read in done]:
                leg = running.pop(read)
                error = read.exception()
                if not isinstance(error, TurnoutError) or not running:
                    won[read] = leg
                    return leg, read
                lost(leg, error)
    finally:
        for read in running:
            read.cancel()
        try:
            for read, leg in running.items():
                await asyncio.wait([read])
                if not read.cancelled():
                    read.exception()  # So that asyncio logs nothing.
                await leg.attempt.close()
        except BaseException:  # This task is cancelled while it waits.
            running |= won
            raise
        finally:
            for leg in running.values():
                leg.attempt.abandon()
                lost(leg, None)


async def _read(leg: Leg) -> Sequence[Event] | None:
    if leg.waiter.closed:  # Closed before this task began, so no wait was ended.
        await leg.attempt.close()
        return None
    return await leg.attempt.read()
