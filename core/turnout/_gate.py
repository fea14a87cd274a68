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
from turnout.errors import DeadlineError, TurnoutError, UnavailableError

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

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
        self._turns: OrderedDict[object, asyncio.Future[None]] = OrderedDict()

    @property
    def taken(self) -> int:
        """How many slots are taken."""
        return self._places - self.free

    @property
    def queued(self) -> int:
        """How many streams wait."""
        return len(self._turns)

    async def wait(
        self,
        waiter: Waiter,
        deadline: float,
        slot_timeout: float | None = None,
        is_free_elsewhere: Callable[[], bool] | None = None,
    ) -> None:
        """Wait in the queue for a slot and take it.

        If anything else ends the wait, no slot is taken.

        Args:
            waiter: Ends the wait when its time is up, or the stream is closed.
            deadline: When the whole request ends, in the loop's seconds.
            slot_timeout: Seconds to wait here at most; None sets no limit.
            is_free_elsewhere: Called when `slot_timeout` has passed. If it returns
                False, the stream waits as long again and keeps its position.

        Raises:
            UnavailableError: The queue is full, or the stream waited too long.
            DeadlineError: The deadline passed.
        """
        waiter.interrupted = False  # An earlier wait may have set it.
        if self._most_queued is not None and self.queued >= self._most_queued:
            raise self._full()
        began = waiter.now()
        last = deadline
        if self.timeout is not None:
            last = min(last, began + self.timeout)
        ticket, due = object(), last
        while True:
            if slot_timeout is not None:
                due = min(last, waiter.now() + slot_timeout)
            turn: asyncio.Future[None] = waiter.loop.create_future()
            self._turns[ticket] = turn
            waiter.begin(due)
            try:
                await turn
            except BaseException:
                waiter.end()
                if waiter.closed or waiter.cancelled() or not waiter.interrupted:
                    self._give_up(ticket, turn)
                    raise
                waiter.interrupted = False  # An error below says what ended the wait.
            else:
                waiter.end()
            if not turn.cancelled():
                if waiter.now() < deadline:
                    return
                self.leave()
                due = deadline
            if due >= last or is_free_elsewhere is None or is_free_elsewhere():
                self._turns.pop(ticket, None)
                raise self._overdue(waiter.now() - began, due, deadline, last)
            if self._take_free(ticket, turn):
                return

    def _take_free(self, ticket: object, turn: asyncio.Future[None]) -> bool:
        """Take a slot that is free after a wait ended, or stay in the queue.

        A slot that was released after the wait ended is free or went to the next
        stream, and this stream is not in the queue any more.
        """
        if self.free:
            self.free -= 1
            return True
        if ticket not in self._turns:
            self._turns[ticket] = turn
            self._turns.move_to_end(ticket, last=False)
        return False

    def leave(self) -> None:
        """Release a slot: to the first stream in the queue, if one waits."""
        while self._turns:
            _, turn = self._turns.popitem(last=False)
            if (
                not turn.done()
            ):  # Otherwise it is cancelled, but its task has not run yet.
                turn.set_result(None)
                return
        self.free += 1

    def _overdue(
        self, waited: float, due: float, deadline: float, last: float
    ) -> TurnoutError:
        """Return the error for a stream that waited too long for a slot."""
        lack = self._lack(f"{waited:.3g} s")
        if due == deadline:
            return DeadlineError(
                f"the deadline passed: {lack}; raise max_concurrent or the deadline, "
                f"or {_LESS}"
            )
        if due == last:
            lack = self._lack(f"queue_timeout={self.timeout:g} s")
            return UnavailableError(
                f"{lack}; raise max_concurrent or queue_timeout, or {_LESS}"
            )
        return UnavailableError(f"{lack}; raise max_concurrent, or {_LESS}")

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
            f"{self.taken} running (max_concurrent={self._places}) and "
            f"{self.queued} queued{limit}"
        )

    def _give_up(self, ticket: object, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.leave()  # The stream received a slot in the same moment.
        else:
            self._turns.pop(ticket, None)


class Gates:
    """A provider's gates, one for each event loop that uses the provider.

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
        """Return whether a request would get a slot now, without waiting.

        Args:
            loop: The running event loop.
        """
        return self.of(loop).free > 0

    def of(self, loop: asyncio.AbstractEventLoop) -> Gate:
        """Return the gate of an event loop."""
        gate = self._gates.get(loop)
        if gate is None:
            # If a loop was closed while a stream waited, the queue refers to the loop.
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
