"""Real threads, and the event loop that uses them under gevent and eventlet."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from turnout._background import GreenLoop
from turnout._signals import EventletSignal, GeventSignal
from turnout.threads import Thread, green_library, new_lock


def test_a_thread_is_real_and_may_be_waited_for() -> None:
    seen: list[object] = []
    go_on = new_lock()
    go_on.acquire()

    def run() -> None:
        go_on.acquire()
        seen.append(threading.get_ident())

    thread = Thread(run, name="worker")
    thread.join(0.001)
    alive = thread.alive
    go_on.release()
    thread.join()

    assert (alive, thread.alive) == (True, False)
    assert seen[0] != threading.get_ident()


def test_no_library_is_named_where_none_is_in_use() -> None:
    assert green_library() is None


@pytest.fixture
def loop() -> Iterator[GreenLoop]:
    loop = GreenLoop()
    yield loop
    loop.close()


def test_the_executor_runs_functions_in_threads(loop: GreenLoop) -> None:
    async def run() -> None:
        assert await asyncio.to_thread(threading.get_ident) != threading.get_ident()
        assert await asyncio.to_thread(int, "3") == 3
        with pytest.raises(ValueError, match="three"):
            await asyncio.to_thread(int, "three")

    loop.run_until_complete(run())


def test_what_comes_too_late_is_dropped(loop: GreenLoop) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def work() -> None:
        go_on.wait()
        ended.set()

    async def run() -> None:
        code = asyncio.ensure_future(asyncio.to_thread(work))
        await asyncio.sleep(0)
        code.cancel()
        go_on.set()
        await loop.run_in_executor(None, ended.wait)
        await asyncio.gather(code, return_exceptions=True)

    loop.run_until_complete(run())
    loop.run_until_complete(asyncio.to_thread(lambda: None))

    last = threading.Event()
    loop.run_in_executor(None, last.wait).cancel()
    loop.close()
    last.set()


def test_names_are_looked_up(loop: GreenLoop) -> None:
    look_up = loop.getaddrinfo("127.0.0.1", 80, type=socket.SOCK_STREAM)

    found = loop.run_until_complete(look_up)

    assert [one[4] for one in found] == [("127.0.0.1", 80)]


@pytest.mark.ci
@pytest.mark.filterwarnings("ignore")  # eventlet says at its import that it is old.
@pytest.mark.parametrize("kind", [GeventSignal, EventletSignal])
def test_a_signal_wakes_who_waits_and_may_come_late(kind: Any) -> None:
    with ThreadPoolExecutor(1) as threads:
        signal = kind()
        threads.submit(signal.set)
        signal.wait()
        signal.close()
        threads.submit(signal.set).result()
