from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, cast

import pytest

from turnout._watchdog import AGAIN, Watchdog


class Clock:
    """A fake event loop whose time a test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[tuple[float, Callable[[], object]]] = []
        self.armed = 0

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[..., object], *args: Any) -> None:
        self.timers.append((when, partial(callback, *args)))
        self.armed += 1

    def advance(self, now: float) -> None:
        """Advance the time to `now`, and call each callback when it is due."""
        while due := [timer for timer in self.timers if timer[0] <= now]:
            timer = min(due, key=lambda t: t[0])
            self.timers.remove(timer)
            self.now = timer[0]
            timer[1]()
        self.now = now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def expired() -> list[float]:
    return []


class Noting(Watchdog):
    """Records when it expires."""

    def __init__(self, clock: Clock, expired: list[float]) -> None:
        super().__init__(cast("asyncio.AbstractEventLoop", clock))
        self.clock = clock
        self.expired = expired

    def expire(self) -> None:
        self.expired.append(self.clock.now)


def watchdog_of(clock: Clock, expired: list[float]) -> Watchdog:
    return Noting(clock, expired)


def test_a_wait_expires_when_it_is_due(clock: Clock, expired: list[float]) -> None:
    watchdog_of(clock, expired).watch(5.0)

    clock.advance(4.9)
    assert expired == []
    clock.advance(5.0)
    assert expired == [5.0]


def test_a_wait_after_the_timer_fired_for_nothing_expires(
    clock: Clock, expired: list[float]
) -> None:
    watchdog = watchdog_of(clock, expired)
    watchdog.watch(5.0)
    watchdog.rest()
    clock.advance(6.0)
    watchdog.watch(12.0)
    clock.advance(12.0)

    assert expired == [12.0]


def test_a_wait_that_does_not_end_expires_again(
    clock: Clock, expired: list[float]
) -> None:
    watchdog = watchdog_of(clock, expired)
    watchdog.watch(5.0)

    clock.advance(5.0)
    clock.advance(5.0 + AGAIN)
    watchdog.rest()
    clock.advance(100.0)

    assert expired == [5.0, 5.0 + AGAIN]


def test_a_wait_that_is_over_does_not_expire(
    clock: Clock, expired: list[float]
) -> None:
    watchdog = watchdog_of(clock, expired)
    watchdog.watch(5.0)
    watchdog.rest()

    clock.advance(100.0)

    assert expired == []
    assert clock.timers == []


def test_all_waits_of_a_loop_share_one_timer(
    clock: Clock, expired: list[float]
) -> None:
    watchdogs = [watchdog_of(clock, expired) for _ in range(10)]
    for now in range(100):
        clock.now = now / 100
        for watchdog in watchdogs:
            watchdog.watch(clock.now + 5.0)
            watchdog.rest()

    assert clock.armed == 1


def test_each_wait_of_a_loop_expires_at_its_own_time(clock: Clock) -> None:
    expired: dict[float, list[float]] = {7.0: [], 5.0: [], 6.0: []}
    for due, own in expired.items():
        watchdog_of(clock, own).watch(due)
    for now in (5.0, 5.5, 6.0, 6.5, 7.0):
        clock.advance(now)

    assert {due: own[0] for due, own in expired.items()} == {
        5.0: 5.0,
        6.0: 6.0,
        7.0: 7.0,
    }


def test_a_later_wait_expires_at_its_own_time(
    clock: Clock, expired: list[float]
) -> None:
    watchdog = watchdog_of(clock, expired)
    watchdog.watch(5.0)
    clock.advance(3.0)
    watchdog.rest()
    watchdog.watch(8.0)

    clock.advance(7.9)
    assert expired == []
    clock.advance(8.0)
    assert expired == [8.0]


def test_an_earlier_wait_expires_at_its_own_time(
    clock: Clock, expired: list[float]
) -> None:
    watchdog = watchdog_of(clock, expired)
    watchdog.watch(60.0)
    watchdog.rest()
    watchdog.watch(2.0)

    clock.advance(2.0)

    assert expired == [2.0]
    watchdog.rest()
    clock.advance(100.0)
    assert expired == [2.0]
    assert clock.timers == []


def test_a_watchdog_that_watches_nothing_expires_no_more(
    clock: Clock, expired: list[float]
) -> None:
    watchdog = watchdog_of(clock, expired)
    watchdog.watch(5.0)
    watchdog.unwatch()
    watchdog.unwatch()
    clock.advance(6.0)

    assert expired == []
    assert clock.timers == []


def test_a_loop_is_freed_when_its_watchdogs_watch_nothing() -> None:
    clock = Clock()
    watchdog = watchdog_of(clock, [])
    watchdog.watch(5.0)
    watchdog.unwatch()
    kept = weakref.ref(clock)
    del watchdog, clock
    gc.collect()

    assert kept() is None


def test_many_watchdogs_share_one_timer(clock: Clock, expired: list[float]) -> None:
    for number in range(100):
        watchdog_of(clock, expired).watch(5.0 + number / 100)

    assert clock.armed == 1
    clock.advance(5.5)
    assert len(expired) == 51
