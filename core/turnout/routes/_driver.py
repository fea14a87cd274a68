"""Ask a route's targets one after another, as the request's course has it.

All the rules are in `_course.py`; this does the asking and the waiting.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from random import random
from types import TracebackType

from turnout._attempt import AttemptReader, Batches
from turnout._record import Held, Record
from turnout._waiter import Waiter
from turnout.errors import TurnoutError
from turnout.routes._candidate import RouteTarget
from turnout.routes._continuation import unsent
from turnout.routes._course import Ask, Course, Wait
from turnout.routes._hedging import HedgeShare, hedge_delay
from turnout.routes._joint import joined
from turnout.routes._policy import Policy, rule
from turnout.routes._race import Leg, race
from turnout.routes._retries import Random
from turnout.routes._seam import Seam
from turnout.types import ChatRequest, Event, Failover, Restart, Target

__all__ = ["DEFAULT_DEADLINE", "RouteReader"]

_SLOT_TIMEOUT = 3.0
"""Seconds after which a request that waits for a slot goes to the next target, if that
one has a free slot. A shorter wait for the preferred target is worth its time."""

DEFAULT_DEADLINE = 600.0
"""Seconds for a request with all of its attempts."""


class RouteReader:
    """Give the answer of a route, in batches, whoever gives its parts.

    Args:
        targets: The targets, in the order in which they are asked.
        request: What to ask; each target is given its own model.
        policy: The route's.
        record: Takes down the answer and every attempt.
        waiter: Watches over the waits.
        share: How much was hedged of late; None where nothing is.
        random: For the length of waits.
    """

    def __init__(
        self,
        targets: Sequence[RouteTarget],
        request: ChatRequest,
        policy: Policy,
        record: Record,
        waiter: Waiter,
        share: HedgeShare | None = None,
        random: Random = random,
    ) -> None:
        self._policy = policy
        self._record = record
        self._share = share
        if share is not None:
            share.asked()
        self._waiter = waiter
        limit = request.deadline or policy.deadline or DEFAULT_DEADLINE
        self._deadline = waiter.now() + limit
        self._course = Course(targets, request, policy, record, self._deadline, random)
        self._ask: Ask | None = None
        self._attempt: AttemptReader | None = None
        self._seam: Seam | None = None
        self._kept = 0  # Characters that the seam joins to.
        # Whether the caller has seen anything; and of the attempt under way.
        self._shown = False
        self._begun = False
        # Who gave what was shown last.
        self._giver: Target | None = None
        # Whose part of the answer broke, and how, until another goes on.
        self._lost: tuple[Target, str] | None = None

    async def read(self) -> Sequence[Event] | None:
        """Return the next batch; None when the answer is complete, or was closed.

        Raises:
            FallbackError: Every target failed.
            StreamBrokenError: The answer broke and could not be continued.
            DeadlineError: The time is up, or too short for another target.
            TurnoutError: A target failed and the policy asks no other; or it was the
                only one.
        """
        while not self._waiter.closed:
            if self._attempt is None:
                await self._begin()
                continue
            try:
                if self._share is None:
                    batch = await self._attempt.read()
                else:
                    batch = await self._hedged(self._share)
            except TurnoutError as error:
                self._failed(error)
                continue
            except BaseException:
                self._release()
                raise
            if batch is None:
                break
            if not self._begun or self._record.complete:
                batch = self._noted(batch)
            elif self._seam is not None:
                batch = _without_held(batch)
            if batch or self._record.complete:
                return batch
        self._release()
        return None

    async def close(self) -> None:
        """End the attempt under way where it stands."""
        if self._attempt is not None:
            await self._attempt.close()
        self._release()

    def abandon(self) -> None:
        """Give back what others wait for; nobody is left to close the attempt."""
        if self._attempt is not None:
            self._attempt.abandon()
        self._release()

    async def _hedged(self, share: HedgeShare) -> Sequence[Event] | None:
        """Read the first batch of the request, from a second target if it is late."""
        self._share = None  # Once a request.
        ask, attempt = self._ask, self._attempt
        hedge_after = self._policy.hedge_after
        assert ask is not None
        assert attempt is not None
        assert hedge_after is not None
        waiter = self._waiter

        def second() -> Leg | None:
            other = self._course.hedge_target(ask, share, waiter.now())
            if other is None:
                return None
            record, own = Record(), Waiter()
            return Leg(other, self._reader(other, record, own), record, own)

        def lost(leg: Leg, error: TurnoutError | None) -> None:
            now = waiter.now()
            if leg.record is not self._record:
                self._record.attempts += leg.record.attempts
                leg.waiter.close()
            if error is None:
                leg.ask.permit.released(now)
                return
            leg.ask.permit.failed(error, rule(error, self._policy), now)
            self._course.lost_race(leg.ask.candidate, error)

        delay = hedge_delay(hedge_after, ask.permit.health)
        first = Leg(ask, attempt, self._record, waiter)
        leg, read = await race(first, delay, second, lost)
        if leg is not first:
            leg.attempt.hand_over(self._record, waiter)
            leg.waiter.close()
        self._ask, self._attempt = leg.ask, leg.attempt
        return read.result()

    async def _begin(self) -> None:
        """Begin the next attempt, or wait until there may be one."""
        waiter = self._waiter
        step = self._course.next(waiter.now())
        if isinstance(step, Wait):
            try:
                await waiter.pause(step.until)
            except BaseException:
                self._release()
                raise
            return
        policy, record = self._policy, self._record
        if record.unseen and record.attempts:
            # Not before another is asked: an error that is raised holds what had come.
            record.begin_anew()
        self._ask = step
        self._begun = False
        self._seam = None
        through = None
        if self._course.continuing:
            text = self._record.text
            self._kept = len(text)
            self._seam = Seam(
                text,
                instruction=not step.prefill,
                stripped=unsent(text) if step.prefill else "",
            )
            through = partial(
                joined,
                seam=self._seam,
                record=record,
                stops=step.request.stop,
                verified=policy.join == "verified",
            )
        self._attempt = self._reader(step, self._record, waiter, through)

    def _reader(
        self,
        ask: Ask,
        record: Record,
        waiter: Waiter,
        through: Callable[[Batches], Batches] | None = None,
    ) -> AttemptReader:
        return AttemptReader(
            ask.candidate.bound.provider,
            ask.request,
            record,
            waiter,
            self._deadline,
            first_delta_timeout=self._policy.first_delta_timeout,
            stall_timeout=self._policy.stall_timeout,
            through=through,
            sent=ask.permit.sent,
            slot_timeout=_SLOT_TIMEOUT,
            is_free_elsewhere=partial(
                self._course.has_free_slot, ask.candidate, waiter.loop, waiter.now
            ),
        )

    def _noted(self, batch: Sequence[Event]) -> Sequence[Event]:
        """Take down that an attempt gives something, or is complete."""
        ask = self._ask
        assert ask is not None
        if not self._begun:
            ask.permit.first_delta(self._waiter.now())
        if self._seam is not None:
            batch = _without_held(batch)
        if self._record.complete:
            ask.permit.completed()
            self._end()
        if batch and not self._begun:
            self._begun = True
            self._shown = not self._record.unseen
            self._giver = ask.candidate.target
            if self._lost is not None:
                batch = [self._change(ask.candidate.target, *self._lost), *batch]
        return batch

    def _change(self, target: Target, source: Target, reason: str) -> Event:
        """Return the event that tells of another target in the middle of an answer."""
        self._lost = None
        if self._seam is None:
            return Restart(source=source, target=target, reason=reason)
        self._course.continued()
        return Failover(
            source=source,
            target=target,
            reason=reason,
            characters=self._kept,
            dropped=self._seam.dropped,
            join=self._seam.join or "unverified",
        )

    def _failed(self, error: TurnoutError) -> None:
        """Take an attempt's failure; what follows is the course's matter."""
        ask = self._ask
        assert ask is not None
        now = self._waiter.now()
        error.__traceback__ = _below(error.__traceback__)
        ask.permit.failed(error, rule(error, self._policy), now)
        begun, self._begun = self._begun, False
        self._end()
        if not (begun and self._shown):
            if not self._record.unseen:
                self._record.target = self._giver
            self._course.failed(ask.candidate, error, now)
            return
        self._lost = ask.candidate.target, type(error).__name__
        if self._course.broke(ask.candidate, error):
            self._record.begin_anew()

    def _release(self) -> None:
        """Give back what an attempt holds of which nothing is to be concluded."""
        if self._ask is not None:
            self._ask.permit.released(self._waiter.now())
        self._end()

    def _end(self) -> None:
        self._ask = None
        self._attempt = None
        self._course.cancel_retry()


def _below(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback without this module's frames.

    They hold the reader, which holds the error: a stream that is dropped could not
    close itself without the garbage collector.
    """
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    return traceback


def _without_held(batch: Sequence[Event]) -> list[Event]:
    return [event for event in batch if event and not isinstance(event, Held)]
