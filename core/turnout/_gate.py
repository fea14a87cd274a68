"""Let no more streams of a provider be under way at once than its options allow.

Whoever finds a place free takes it, which is all that a stream costs here while there
are enough. Others wait in a queue, first come first served. A place is handed from
whoever leaves to the first who waits and is never free in between, so that nobody who
comes later can take it.

A place is free only while nobody waits. What gives up may have been handed a place in
the same moment, and hands it on.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from turnout._loops import LoopLocal
from turnout.errors import UnavailableError

if TYPE_CHECKING:
    import asyncio

    from turnout._waiter import Waiter

__all__ = ["Gate", "Gates"]


class Gate:
    """The places for one provider's streams in one event loop.

    Args:
        provider: The provider's name, for messages.
        places: How many streams are under way at most.
        most_queued: How many more wait at most.
        timeout: Seconds that one waits.
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
        self, provider: str, places: int, most_queued: int, timeout: float
    ) -> None:
        self._provider = provider
        self._places = places
        self._most_queued = most_queued
        self.timeout = timeout
        """Seconds that one waits at most."""
        self.free = places
        """How many places are free."""
        self._turns: deque[asyncio.Future[None]] = deque()

    @property
    def taken(self) -> int:
        """How many places are taken."""
        return self._places - self.free

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._turns)

    async def wait(self, waiter: Waiter, due: float) -> None:
        """Take a place when those who came before have had theirs.

        Where the wait is ended, by `waiter` or a cancellation, no place is taken.

        Args:
            waiter: Watches over the wait.
            due: When it is to be over, in the loop's seconds.

        Raises:
            UnavailableError: As many wait as may.
        """
        waiter.begin(due)
        try:
            if len(self._turns) >= self._most_queued:
                raise self._full()
            turn: asyncio.Future[None] = waiter.loop.create_future()
            self._turns.append(turn)
            try:
                await turn
            except BaseException:
                self._give_up(turn)
                raise
        finally:
            waiter.end()

    def leave(self) -> None:
        """Give a place back: to the first who waits, if anybody does."""
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():  # Else cancelled, by whoever has yet to hear of it.
                turn.set_result(None)
                return
        self.free += 1

    def overdue(self) -> UnavailableError:
        """Return the error for a wait that took too long."""
        return UnavailableError(
            f"{self._provider} had no place for the request within "
            f"queue_timeout={self.timeout:g} s, and nothing was sent: {self._load()}; "
            "raise max_concurrent or queue_timeout, or ask less at once"
        )

    def _full(self) -> UnavailableError:
        return UnavailableError(
            f"{self._provider} has no place for the request, and nothing was sent: "
            f"{self._load()}; raise max_concurrent or max_queued, or ask less at once"
        )

    def _load(self) -> str:
        return (
            f"{self.taken} under way (max_concurrent={self._places}) and "
            f"{self.queued} queued (max_queued={self._most_queued})"
        )

    def _give_up(self, turn: asyncio.Future[None]) -> None:
        if turn.done() and not turn.cancelled():
            self.leave()  # The place came in the same moment.
        elif turn in self._turns:
            self._turns.remove(turn)


class Gates:
    """A provider's gates, one for each event loop that asks it.

    Args:
        provider: The provider's name, for messages.
        places: How many streams are under way at once in an event loop.
        most_queued: How many more wait.
        timeout: Seconds that one waits at most.
    """

    __slots__ = ("_gates", "_numbers")

    def __init__(
        self, provider: str, places: int, most_queued: int, timeout: float
    ) -> None:
        self._numbers = (provider, places, most_queued, timeout)
        self._gates: LoopLocal[Gate] = LoopLocal()

    def enter(self, loop: asyncio.AbstractEventLoop) -> Gate | None:
        """Take a place if one is free, and return the gate to `leave`; else None.

        Args:
            loop: The running event loop.
        """
        gate = self.of(loop)
        if gate.free:
            gate.free -= 1
            return gate
        return None

    def of(self, loop: asyncio.AbstractEventLoop) -> Gate:
        """Return the gate of an event loop."""
        gate = self._gates.get(loop)
        if gate is None:
            # A loop that ended while somebody waited is held by its own queue.
            self._gates.discard_closed()
            gate = Gate(*self._numbers)
            self._gates.set(loop, gate)
        return gate

    def __len__(self) -> int:
        return len(self._gates)

    def __reduce__(self) -> tuple[type[Gates], tuple[str, int, int, float]]:
        # A copy of a provider has places of its own.
        return type(self), self._numbers
