"""Wait for a provider, and be able to end the wait from outside.

A wait is ended by cancelling the task that waits, as `asyncio.timeout` does, since
nothing else reaches into whatever a provider may be waiting for. Whose cancellation
a `CancelledError` was is told by the task's count of them, so that a caller's own
cancellation is never taken for ours.
"""

from __future__ import annotations

import asyncio

from turnout._watchdog import Watchdog

__all__ = ["Waiter"]


class Waiter:
    """Watch over the waits of one stream; made within a running event loop."""

    __slots__ = ("_before", "_task", "_watchdog", "closed", "loop")

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.closed = False
        """Whether the caller has closed the stream."""
        self._watchdog = Watchdog(self.loop, self._interrupt)
        self._task: asyncio.Task[object] | None = None
        # How many cancellations the task had before ours; None until there is ours.
        self._before: int | None = None

    def begin(self, due: float) -> None:
        """Begin a wait in the present task, to be ended by `due` at the latest."""
        self._task = asyncio.current_task(self.loop)
        self._watchdog.watch(due)

    def end(self) -> None:
        """End the wait."""
        self._task = None
        self._watchdog.rest()

    def interrupted(self) -> bool:
        """Tell whether the `CancelledError` that ended this wait was ours alone.

        Called in its handler, before `end`, and once; the cancellation is then
        taken back.
        """
        if self._before is None or self._task is None:
            return False
        before, self._before = self._before, None
        return self._task.uncancel() <= before

    def close(self) -> None:
        """End a wait under way because the caller wants no more, and all watching."""
        self.closed = True
        self._interrupt()
        self._watchdog.close()

    def _interrupt(self) -> None:
        if self._task is not None and self._before is None:
            self._before = self._task.cancelling()
            self._task.cancel()
