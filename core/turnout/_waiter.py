"""Wait for a provider, and be able to end the wait from outside.

A wait is ended by cancelling the task that waits, as `asyncio.timeout` does, since
nothing else reaches into whatever a provider may be waiting for. Whose cancellation
a `CancelledError` was is told by the task's count of them, so that a caller's own
cancellation is never taken for ours.

Loaded with the first stream that is read, as asyncio takes long to import.
"""

from __future__ import annotations

import asyncio
import math

from turnout._loops import no_loop
from turnout._watchdog import AGAIN, Watchdog
from turnout.errors import ArgumentError
from turnout.types import Event

__all__ = ["EndSeenError", "Waiter"]


class EndSeenError(asyncio.CancelledError):
    """A provider was cancelled after it had seen the end of its answer.

    Raised in place of the `CancelledError`: if a timer was what cancelled the provider,
    the answer is complete.

    Args:
        events: The last ones of the answer.
    """

    def __init__(self, events: list[Event]) -> None:
        super().__init__()
        self.events = events


class Waiter(Watchdog):
    """Watch over the waits of one stream; made within a running event loop."""

    __slots__ = ("_before", "_interrupts", "_linked", "_task", "closed", "interrupted")

    def __init__(self) -> None:
        loop = self.running()
        if loop is None:
            raise no_loop()
        super().__init__(loop)
        self.closed = False
        """Whether the caller has closed the stream."""
        self.interrupted = False
        """Whether the last wait was ended from here: its time was up, or `close`."""
        self._task: asyncio.Task[object] | None = None
        # How many cancellations the task had before the wait. To ask only when ours
        # comes would be too late: the caller's may have come just before it.
        self._before = 0
        self._interrupts = 0
        self._linked: Waiter | None = None

    running = staticmethod(asyncio._get_running_loop)
    """Returns the event loop that runs in this thread, or None."""

    def elsewhere(self) -> ArgumentError:
        """Return the error for a stream that is used where it was not begun."""
        if self.forked:
            where = (
                "before this process was forked, and its connection stays with the "
                "parent; ask again in this process"
            )
        else:
            where = (
                "in another event loop, and can only be read and closed there; ask "
                "again in this one"
            )
        return ArgumentError(f"the stream was begun {where}")

    def link(self, other: Waiter) -> None:
        """Have another waiter closed with this one."""
        self._linked = other

    def begin(self, due: float) -> None:
        """Begin a wait in the present task, to be ended by `due` at the latest."""
        self._task = task = asyncio.current_task(self.loop)
        assert task is not None
        self._before = task.cancelling()
        self.interrupted = False
        self.watch(due)

    def end(self) -> None:
        """End the wait; cancellations of ours are taken back."""
        self.due = math.inf
        if self._interrupts:
            self._take_back()
        self._task = None

    async def pause(self, until: float) -> None:
        """Wait for a time, in the loop's seconds, or until the stream is closed."""
        self.begin(math.inf)
        try:
            try:
                await asyncio.sleep(until - self.now())
            finally:
                self.end()
        except asyncio.CancelledError:
            if self.cancelled():
                raise

    def cancelled(self) -> bool:
        """Tell whether somebody else cancelled the task, and the last wait with it.

        A cancellation may be on its way when the wait begins: Ctrl-C in the caller's
        own code is one. So where nothing of ours ended the wait, any will do.
        """
        task = asyncio.current_task(self.loop)
        others = 0 if task is None else task.cancelling()
        return others > (self._before if self.interrupted else 0)

    @property
    def wanted(self) -> bool:
        """Whether the caller has neither closed the stream nor cancelled the wait.

        For use during a wait; `cancelled` is for after it.
        """
        task = self._task
        assert task is not None
        others = task.cancelling() - self._interrupts
        return not self.closed and others <= (self._before if self._interrupts else 0)

    def close(self) -> None:
        """End a wait under way because the caller wants no more, and all watching.

        To be called once more when the wait is over, as it is watched until then.
        """
        self.closed = True
        if self._linked is not None:
            self._linked.close()
        if self._task is None:
            self.unwatch()
        elif not self._interrupts:
            self.expire()
            self.watch(self.now() + AGAIN)

    def expire(self) -> None:
        """Cancel the wait under way."""
        assert self._task is not None  # Only a wait under way expires.
        self._interrupts += 1
        self._task.cancel()

    def _take_back(self) -> None:
        assert self._task is not None
        for _ in range(self._interrupts):
            self._task.uncancel()
        self._interrupts = 0
        self.interrupted = True
