"""Read a route's answer: run the attempts and waits that `_course.py` schedules."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from random import random
from types import TracebackType

from turnout._attempt import AttemptReader, Batches
from turnout._record import Held, Record
from turnout._waiter import Waiter
from turnout.errors import TurnoutError
from turnout.joins._seam import Seam
from turnout.routes._candidate import RouteTarget
from turnout.routes._continuation import unsent
from turnout.routes._course import Ask, Course, Wait
from turnout.routes._hedging import HedgeShare, hedge_delay
from turnout.routes._joint import joined
from turnout.routes._policy import Policy, rule
from turnout.routes._race import Leg, race
from turnout.types import ChatRequest, Event, Failover, Restart, Target

__all__ = ["DEFAULT_DEADLINE", "RouteReader"]

_SLOT_TIMEOUT = 3.0
"""Seconds after which a request that waits for a slot moves to the next target, if that
has a free slot. It is worth waiting less than that for the preferred target."""

DEFAULT_DEADLINE = 600.0
"""Seconds for a request with all of its attempts."""


class RouteReader:
    """Read the answer of a route in batches, from one or more targets.

    The answer and every attempt go to `record`. Without a `share` no request is hedged.
    `given` has the names of the call's options; None if no target has options.
    """

    def __init__(
        self,
        targets: Sequence[RouteTarget],
        request: ChatRequest,
        policy: Policy,
        record: Record,
        waiter: Waiter,
        share: HedgeShare | None = None,
        given: Collection[str] | None = None,
    ) -> None:
        self._policy = policy
        self._record = record
        self._waiter = waiter
        self._share = share
        if share is not None:
            share.asked()
        limit = request.deadline or policy.deadline or DEFAULT_DEADLINE
        self._deadline = waiter.now() + limit
        self._course = Course(
            targets, request, policy, record, self._deadline, random, given
        )
        self._ask: Ask | None = None
        self._attempt: AttemptReader | None = None
        self._seam: Seam | None = None
        self._kept = 0  # Characters of the answer before the seam.
        # Whether the current attempt has returned a batch.
        self._begun = False
        # The target of the last batch.
        self._giver: Target | None = None
        # The target that broke and the class of its error, until another continues.
        self._lost: tuple[Target, str] | None = None

    async def read(self) -> Sequence[Event] | None:
        """Return the next batch; None when the answer is complete, or was closed.

        Raises:
            FallbackError: Every target failed.
            StreamBrokenError: The answer broke and could not be continued.
            DeadlineError: The time is up, or too short for another target.
            TurnoutError: A target failed, and the policy allows no other; or it was
                the only one.
        """
        try:
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
                if batch is None:
                    break
                if self._seam is not None:
                    batch = [e for e in batch if e and not isinstance(e, Held)]
                if not self._begun or self._record.complete:
                    batch = self._noted(batch)
                if batch or self._record.complete:
                    return batch
        except BaseException:
            self._release()
            raise
        self._release()
        return None

    async def close(self) -> None:
        """End the current attempt."""
        if self._attempt is not None:
            await self._attempt.close()
        self._release()

    def abandon(self) -> None:
        """Release the slot and the permit without awaiting."""
        if self._attempt is not None:
            self._attempt.abandon()
        self._release()

    async def _hedged(self, share: HedgeShare) -> Sequence[Event] | None:
        """Read the first batch, from a second target if the first is slow."""
        self._share = None  # A request is hedged at most once.
        ask, attempt, waiter = self._ask, self._attempt, self._waiter
        assert ask is not None
        assert attempt is not None

        def second() -> Leg | None:
            other = self._course.hedge_target(ask, share, waiter.now())
            if other is None:
                return None
            record, own = Record(self._record), Waiter()
            return Leg(other, self._reader(other, record, own), record, own)

        def lost(leg: Leg, error: TurnoutError | None) -> None:
            now, permit = waiter.now(), leg.ask.permit
            if leg is not first:
                self._record.attempts += leg.record.attempts
                leg.waiter.close()
            if error is None:
                permit.released(now)
                return
            permit.failed(error, rule(error, self._policy), now)
            self._course.lost_race(leg.ask.candidate, error)

        delay = hedge_delay(self._policy.hedge_after or 0.0, ask.permit.health)
        first = Leg(ask, attempt, self._record, waiter)
        leg, read = await race(first, delay, second, lost)
        if leg is not first:
            leg.attempt.hand_over(self._record, waiter)
            leg.waiter.close()
        self._ask, self._attempt = leg.ask, leg.attempt
        return read.result()

    async def _begin(self) -> None:
        """Begin the next attempt, or wait until one may begin."""
        step = self._course.next(self._waiter.now())
        if isinstance(step, Wait):
            await self._waiter.pause(step.until)
            return
        record = self._record
        if record.unseen and record.attempts:
            # Not earlier: an error that is raised has the answer so far.
            record.begin_anew()
        self._ask, self._begun, self._seam = step, False, None
        through = None
        if self._course.continuing:
            record.continue_answer()
            text = record.text
            self._kept = len(text)
            stripped = unsent(text) if step.prefill else ""
            self._seam = Seam(text, instruction=not step.prefill, stripped=stripped)
            through = partial(
                joined,
                seam=self._seam,
                record=record,
                stops=step.request.stop,
                verified=self._policy.join == "verified",
            )
        self._attempt = self._reader(step, record, self._waiter, through)

    def _reader(
        self,
        ask: Ask,
        record: Record,
        waiter: Waiter,
        through: Callable[[Batches], Batches] | None = None,
    ) -> AttemptReader:
        # A reference to this reader would be a cycle, see `_below`.
        course, candidate = self._course, ask.candidate
        return AttemptReader(
            candidate.bound.provider,
            ask.request,
            record,
            waiter,
            self._deadline,
            first_delta_timeout=self._policy.first_delta_timeout,
            stall_timeout=self._policy.stall_timeout,
            through=through,
            sent=ask.permit.sent,
            slot_timeout=_SLOT_TIMEOUT,
            is_free_elsewhere=lambda: course.has_free_slot(
                candidate, waiter.loop, waiter.now()
            ),
        )

    def _noted(self, batch: Sequence[Event]) -> Sequence[Event]:
        """Record the first batch of an attempt, or its completion."""
        ask = self._ask
        assert ask is not None
        target = ask.candidate.target
        if not self._begun:
            ask.permit.first_delta(self._waiter.now())
        if self._record.complete:
            ask.permit.completed()
            self._end()
        if batch and not self._begun:
            self._begun = True
            self._giver = target
            if self._lost is not None:
                batch = [self._change(target, *self._lost), *batch]
        return batch

    def _change(self, target: Target, source: Target, reason: str) -> Event:
        """Return the event for a change of target in the middle of an answer."""
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
        """End an attempt that failed, and report it to the course."""
        ask, record = self._ask, self._record
        assert ask is not None
        now = self._waiter.now()
        error.__traceback__ = _below(error.__traceback__)
        ask.permit.failed(error, rule(error, self._policy), now)
        begun, self._begun = self._begun, False
        self._end()
        if not begun or record.unseen:
            if not record.unseen:
                record.target = self._giver
            self._course.failed(ask.candidate, error, now)
            return
        self._lost = ask.candidate.target, type(error).__name__
        if self._course.broke(ask.candidate, error):
            record.begin_anew()

    def _release(self) -> None:
        """End an attempt whose result does not affect its target's health."""
        if self._ask is not None:
            self._ask.permit.released(self._waiter.now())
        self._end()

    def _end(self) -> None:
        self._ask = None
        self._attempt = None
        self._course.cancel_retry()


def _below(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback without this module's frames.

    They refer to the reader, which refers to the error. With that cycle, a stream that
    is dropped would be closed only by the garbage collector.
    """
    while traceback is not None and traceback.tb_frame.f_globals is globals():
        traceback = traceback.tb_next
    return traceback
