"""One timer that watches over many waits.

A timer for each wait would cost more than all else that is done for a token. So the
watchdog arms one timer and lets it run on from wait to wait: a wait only notes when
it is due, and the timer, when it fires, looks whether that has come, and sleeps on
where it has not.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

__all__ = ["Watchdog"]


def _nothing() -> None:
    """Do nothing."""


class Watchdog:
    """Call `expire` when a wait under way is not over by its due time.

    Args:
        loop: The running event loop, whose clock the due times are of.
        expire: Called at most once for each wait, from the event loop.
    """

    __slots__ = ("_due", "_expire", "_loop", "_timer")

    def __init__(
        self, loop: asyncio.AbstractEventLoop, expire: Callable[[], None]
    ) -> None:
        self._loop = loop
        self._expire = expire
        self._due = math.inf
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, due: float) -> None:
        """Begin a wait that is to be over by `due`, in the loop's seconds."""
        self._due = due
        timer = self._timer
        if timer is None:
            self._timer = self._loop.call_at(due, self._check)
        elif due < timer.when():
            timer.cancel()
            self._timer = self._loop.call_at(due, self._check)

    def rest(self) -> None:
        """End the wait; what happens until the next one is not watched."""
        self._due = math.inf

    def close(self) -> None:
        """Cancel the timer for good; nothing is watched any more."""
        self._due = math.inf
        # Its owner's method: kept, it would keep the two alive in a circle.
        self._expire = _nothing
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _check(self) -> None:
        self._timer = None
        due = self._due
        if due == math.inf:
            return
        if self._loop.time() >= due:
            self._due = math.inf
            self._expire()
        else:
            self._timer = self._loop.call_at(due, self._check)
