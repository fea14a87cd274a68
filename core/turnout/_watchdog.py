"""Timeouts that share one timer for each event loop.

A timer for each wait would cost more than all other work for a token; a timer for each
stream would cost a tenth of a short request. So a wait only sets its due time. When the
shared timer fires, it expires the waits that are due, and is set to the next due time.
"""

from __future__ import annotations

import asyncio
import math
import os
import time
from abc import ABC, abstractmethod

from turnout._loops import LoopLocal

__all__ = ["AGAIN", "Watchdog"]

AGAIN = 1.0
"""Seconds after which a wait that did not end when it expired expires again."""


class _Rounds:
    """What is watched in one event loop, and when the timer fires next.

    It refers neither to the loop nor to a timer, which refers to the loop: so it is
    freed with the loop.
    """

    __slots__ = ("next", "watched")

    def __init__(self) -> None:
        self.next = math.inf
        self.watched: set[Watchdog] = set()

    def look_at(self, loop: asyncio.AbstractEventLoop, time: float) -> None:
        """Set the timer to `time`; a later time that was set before is ignored."""
        self.next = time
        loop.call_at(time, self._look, loop, time)

    def _look(self, loop: asyncio.AbstractEventLoop, time: float) -> None:
        if time != self.next:
            return  # The timer was set to an earlier time.
        now = loop.time()
        for watchdog in [w for w in self.watched if w.due <= now]:
            watchdog.due = now + AGAIN
            watchdog.expire()
        self.next = math.inf
        first = min((w.due for w in self.watched), default=math.inf)
        if first < math.inf:
            self.look_at(loop, first)


# Event loops are global to the process too.
_ROUNDS: LoopLocal[_Rounds] = LoopLocal()


_PARENT = object()


def _leave_with_the_parent() -> None:
    """Mark all that is watched as the parent's; called in a forked child."""
    for rounds in _ROUNDS.values():
        for watchdog in rounds.watched:
            watchdog.home = _PARENT


# Windows has no forks.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_leave_with_the_parent)


class Watchdog(ABC):
    """A wait with a due time, after which `expire` is called.

    Call `unwatch` at the end: until then it is not freed.

    Args:
        loop: The running event loop, whose clock the due times use.
    """

    __slots__ = ("_rounds", "due", "home", "loop", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.home: object = loop
        """The loop too; another object in a process that was forked since."""
        plain = type(loop).time is asyncio.BaseEventLoop.time
        # asyncio's own `time` calls the same, and costs one call more.
        self.now = time.monotonic if plain else loop.time
        """Return the loop's time, in seconds."""
        self.due = math.inf
        """When the current wait expires; infinite without one."""
        rounds = _ROUNDS.get(loop)
        if rounds is None:
            rounds = _Rounds()
            _ROUNDS.set(loop, rounds)
        self._rounds = rounds
        rounds.watched.add(self)

    @property
    def forked(self) -> bool:
        """Whether this process was forked from the one that watches."""
        return self.home is not self.loop

    @abstractmethod
    def expire(self) -> None:
        """End the wait, as its time is up.

        The event loop calls it, and again each `AGAIN` seconds until the wait is over,
        as the awaited code may ignore it.
        """

    def watch(self, due: float) -> None:
        """Begin a wait that expires at `due`, in the loop's seconds."""
        self.due = due
        if due < self._rounds.next:
            self._rounds.look_at(self.loop, due)

    def rest(self) -> None:
        """End the wait; nothing expires until the next one."""
        self.due = math.inf

    def unwatch(self) -> None:
        """Stop watching."""
        self.due = math.inf
        self._rounds.watched.discard(self)
