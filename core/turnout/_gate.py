"""Limit how many streams of one provider run at once in one event loop.

A stream that finds a free slot takes it at once, without waiting. Other streams wait in
a queue, first come first served. A slot that is released goes to the first stream in
the queue. It is not free in between, so that a newcomer cannot take it.

A slot is free only while the queue is empty. A stream that stops waiting may have
received a slot in the same moment. It then passes the slot on.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from turnout._loops import LoopLocal
from turnout.errors import DeadlineError, UnavailableError

if TYPE_CHECKING:
    import asyncio

    from turnout._waiter import Waiter

__all__ = ["Gate", "Gates"]

_LESS = "send fewer requests at once"


class Gate:
    """The slots for one provider's streams in one event loop.

    Args:
        provider: The provider's name, for messages.
        places: How many streams run at once.
        most_queued: How many more may wait; None means any number.
        timeout: Seconds that a stream may wait; None means until its deadline.
    """

    __slots__ = (
        "_most_queued",
        "_places",
        "_provider",
        "_turns",
        "free",
        "timeout",
    )

    def __init__(
        self,
        provider: str,
        places: int,
        most_queued: int | None,
        timeout: float | None,
    ) -> None:
        self._provider = provider
        self._places = places
        self._most_queued = most_queued
        self.timeout = timeout
        """Seconds that a stream may wait; None means until its deadline."""
        self.free = places
        """How many slots are free."""
        # A dictionary, so that a stream can leave the queue from its middle at the same
        # cost as from its front. A plain one is slow at its front.
        self._turns: OrderedDict[asyncio.Future[None], None] = OrderedDict()

    @property
    def taken(self) -> int:
        """How many slots are taken."""
        return self._places - self.free

    @property
    def queued(self) -> int:
        """How many streams wait."""
        return len(self._turns)

    async def wait(self, waiter: Waiter, due: float) -> None:
        """Wait in the queue for a slot and take it.

        If `waiter` or a cancellation ends the wait, no slot is taken.

        Args:
            waiter: Ends the wait when it is due.
            due: When the wait ends at the latest, in the loop's seconds.

        Raises:
            UnavailableError: The queue is full.
        """
        waiter.begin(due)
        try:
            if self._most_queued is not None and self.queued >= self._most_queued:
                raise self._full()
            turn: asyncio.Future[None] = waiter.loop.create_future()
            self._turns[turn] = None
            try:
                await turn
            except BaseException:
                self._give_up(turn)
                raise
        finally:
            waiter.end()

    def leave(self) -> None:
        """Release a slot: to the first stream in the queue, if one waits."""
        while self._turns:
            turn, _ = self._turns.popitem(last=False)
            if not turn.done():  # Else cancelled, and its task does not know it yet.
                turn.set_result(None)
                return
        self.free += 1

    def due(self, now: float, deadline: float, slot_timeout: float | None) -> float:
        """Return when a wait that begins now ends at the latest.

        Args:
            now: The loop's time, in seconds.
            deadline: When the whole request ends.
            slot_timeout: Seconds that this wait may take; None sets no limit.
        """
        limits = (self.timeout, slot_timeout)
        return min([deadline, *(now + one for one in limits if one is not None)])

    def overdue(self, slot_timeout: float | None) -> UnavailableError:
        """Return the error for a stream that waited too long for a slot.

        Args:
            slot_timeout: As `due` was given it.
        """
        timeout = self.timeout
        if slot_timeout is None or (timeout is not None and timeout <= slot_timeout):
            limit, advice = f"queue_timeout={timeout:g} s", " or queue_timeout"
        else:
            limit, advice = f"{slot_timeout:g} s", ""
        return UnavailableError(
            f"{self._lack(limit)}; raise max_concurrent{advice}, or {_LESS}"
        )

    def too_late(self, waited: float) -> DeadlineError:
        """Return the error for a stream whose deadline passed in the queue.

        Args:
            waited: For how many seconds it waited.
        """
        return DeadlineError(
            f"the deadline passed: {self._lack(f'{waited:.3g} s')}; raise "
            f"max_concurrent or the deadline, or {_LESS}"
        )

    def _lack(self, limit: str) -> str:
        return (
            f"{self._provider} had no free slot for the request within {limit}, and "
            f"nothing was sent: {self._load()}"
        )

    def _full(self) -> UnavailableError:
        return UnavailableError(
            f"{self._provider} has no free slot for the request, its queue is full, "
            f"and nothing was sent: {self._load()}; raise max_concurrent or "
            f"max_queued, or {_LESS}"
        )

    def _load(self) -> str:
        limit = (
            "" if self._most_queued is None else f" (max_queued={self._most_queued})"
        )
        return (
            f"{self.taken} under way (max_concurrent={self._places}) and "
            f"{self.queued} queued{limit}"
        )

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.leave()  # The slot came in the same moment.
        else:
            self._turns.pop(turn, None)


class Gates:
    """A provider's gates, one for each event loop that asks it.

    Args:
        provider: The provider's name, for messages.
        places: How many streams run at once in an event loop.
        most_queued: How many more may wait; None means any number.
        timeout: Seconds that a stream may wait; None means until its deadline.
    """

    __slots__ = ("_gates", "_numbers")

    def __init__(
        self,
        provider: str,
        places: int,
        most_queued: int | None,
        timeout: float | None,
    ) -> None:
        self._numbers = (provider, places, most_queued, timeout)
        self._gates: LoopLocal[Gate] = LoopLocal()

    def enter(self, loop: asyncio.AbstractEventLoop) -> Gate | None:
        """Take a slot if one is free, and return the gate to `leave`; else None.

        Args:
            loop: The running event loop.
        """
        gate = self.of(loop)
        if gate.free:
            gate.free -= 1
            return gate
        return None

    def has_free(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Tell whether a request would get a slot now, without waiting.

        Args:
            loop: The running event loop.
        """
        return self.of(loop).free > 0

    def of(self, loop: asyncio.AbstractEventLoop) -> Gate:
        """Return the gate of an event loop."""
        gate = self._gates.get(loop)
        if gate is None:
            # The queue of a loop that was closed while a stream waited holds the loop.
            self._gates.discard_closed()
            gate = Gate(*self._numbers)
            self._gates.set(loop, gate)
        return gate

    def __len__(self) -> int:
        return len(self._gates)

    def __reduce__(
        self,
    ) -> tuple[type[Gates], tuple[str, int, int | None, float | None]]:
        # A copy of a provider has slots of its own.
        return type(self), self._numbers
