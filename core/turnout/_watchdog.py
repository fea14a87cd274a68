"""Timers that cost nothing while all goes well.

A timer for each wait would cost more than all else that is done for a token, and even
one for each stream a tenth of a short request. So all waits of an event loop share
one: a wait only notes when it is due, and the timer, when it fires, looks whether any
is, and sleeps on until the next one may be.
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
    """What is watched in one event loop, and when that is looked at next.

    It holds neither the loop nor a timer, which would hold the loop: it is kept for
    as long as the loop is.
    """

    __slots__ = ("next", "watched")

    def __init__(self) -> None:
        self.next = math.inf
        self.watched: set[Watchdog] = set()

    def look_at(self, loop: asyncio.AbstractEventLoop, time: float) -> None:
        """Look at what is watched when it is `time`, and no more at a later one."""
        self.next = time
        loop.call_at(time, self._look, loop, time)

    def _look(self, loop: asyncio.AbstractEventLoop, time: float) -> None:
        if time != self.next:
            return  # A look at an earlier time has taken its place.
        now = loop.time()
        for watchdog in [w for w in self.watched if w.due <= now]:
            watchdog.due = now + AGAIN
            watchdog.expire()
        self.next = math.inf
        first = min((w.due for w in self.watched), default=math.inf)
        if first < math.inf:
            self.look_at(loop, first)


# State of the process by its nature, as event loops are.
_ROUNDS: LoopLocal[_Rounds] = LoopLocal()


_PARENT = object()


def _leave_with_the_parent() -> None:
    """Mark all that is watched as the parent's; called in a process that was forked."""
    for rounds in _ROUNDS.values():
        for watchdog in rounds.watched:
            watchdog.home = _PARENT


# Windows has no forks.
if hasattr(os, "register_at_fork"):  # pragma: no branch
    os.register_at_fork(after_in_child=_leave_with_the_parent)


class Watchdog(ABC):
    """A wait that ends, or is told that it is over its due time.

    To be closed: until then the event loop's rounds hold it.

    Args:
        loop: The running event loop, whose clock the due times are of.
    """

    __slots__ = ("_rounds", "due", "home", "loop", "now")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.home: object = loop
        """The loop too; something else in a process that was forked since."""
        plain = type(loop).time is asyncio.BaseEventLoop.time
        # What asyncio's own asks, without its call in between.
        self.now = time.monotonic if plain else loop.time
        """Gives the loop's time, in seconds."""
        self.due = math.inf
        """When the wait under way is to be over; infinite where there is none."""
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
        """Hear that the wait's time is up.

        Called from the event loop; again each `AGAIN` seconds until the wait is over,
        as whoever waits may not have listened.
        """

    def watch(self, due: float) -> None:
        """Begin a wait that is to be over by `due`, in the loop's seconds."""
        self.due = due
        if due < self._rounds.next:
            self._rounds.look_at(self.loop, due)

    def rest(self) -> None:
        """End the wait; what happens until the next one is not watched."""
        self.due = math.inf

    def unwatch(self) -> None:
        """Watch nothing any more."""
        self.due = math.inf
        self._rounds.watched.discard(self)
