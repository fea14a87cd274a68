"""Wait for a provider, with a way to end the wait from outside.

A wait is ended by cancelling the task that waits, as in `asyncio.timeout`, since a
provider may await anything. The task's count of cancellations shows whether a
`CancelledError` is from here or from the caller, so the caller's own cancellation is
never swallowed.

This module is imported with the first stream that is read, as asyncio takes long to
import.
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

    Raised in place of the `CancelledError`: if a timer cancelled the provider, the
    answer is complete.

    Args:
        events: The last events of the answer.
    """

    def __init__(self, events: list[Event]) -> None:
        super().__init__()
        self.events = events


class Waiter(Watchdog):
    """The waits of one stream; made within a running event loop."""

    __slots__ = ("_before", "_interrupts", "_linked", "_task", "closed", "interrupted")

    def __init__(self) -> None:
        loop = self.running()
        if loop is None:
            raise no_loop()
        super().__init__(loop)
        self.closed = False
        """Whether the caller has closed the stream."""
        self.interrupted = False
        """Whether the last wait was ended by its due time or by `close`."""
        self._task: asyncio.Task[object] | None = None
        # How many cancellations the task had before the wait. They are counted then, as
        # the caller may cancel the task just before `expire` does.
        self._before = 0
        self._interrupts = 0
        self._linked: Waiter | None = None

    running = staticmethod(asyncio._get_running_loop)
    """Return the event loop that runs in this thread, or None."""

    def elsewhere(self) -> ArgumentError:
        """Return the error for a stream in another event loop or a forked process."""
        if self.forked:
            where = (
                "before this process was forked, and its connection stays with the "
                "parent; ask again in this process"
            )
        else:
            where = (
                "in another event loop, and can only be read and closed there; send "
                "the request again in this one"
            )
        return ArgumentError(f"the stream was begun {where}")

    def link(self, other: Waiter) -> None:
        """Close another waiter when this one is closed."""
        self._linked = other

    def begin(self, due: float) -> None:
        """Begin a wait in the current task, which ends at `due` at the latest."""
        self._task = task = asyncio.current_task(self.loop)
        assert task is not None
        self._before = task.cancelling()
        self.interrupted = False
        self.watch(due)

    def end(self) -> None:
        """End the wait, and undo the cancellations by `expire`."""
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
        """Return whether the caller cancelled the task, and so ended the last wait.

        A cancellation may be pending when the wait begins, such as Ctrl-C in the
        caller's own code. So if the wait was not interrupted, any cancellation counts.
        """
        task = asyncio.current_task(self.loop)
        others = 0 if task is None else task.cancelling()
        return others > (self._before if self.interrupted else 0)

    @property
    def wanted(self) -> bool:
        """Whether the caller has neither closed the stream nor cancelled the wait.

        It is valid during a wait; `cancelled` is valid after it.
        """
        task = self._task
        assert task is not None
        others = task.cancelling() - self._interrupts
        return not self.closed and others <= (self._before if self._interrupts else 0)

    def close(self) -> None:
        """End the current wait and stop watching, as the caller closes the stream.

        Call it again after the wait, which is watched until it ends.
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
        """Cancel the current wait."""
        assert self._task is not None  # Only a current wait expires.
        self._interrupts += 1
        self._task.cancel()

    def _take_back(self) -> None:
        assert self._task is not None
        for _ in range(self._interrupts):
            self._task.uncancel()
        self._interrupts = 0
        self.interrupted = True
