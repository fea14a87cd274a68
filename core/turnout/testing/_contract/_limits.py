"""Limits, so that no test hangs, whatever the provider does.

A call that blocks the event loop fails at once, and a test that never ends fails after
a limit. Neither needs a plugin of pytest.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn, TypeVar

import pytest

from turnout.testing import _clock, _leaks

__all__ = ["forbid_blocking", "run", "run_clean", "run_simulated"]

T = TypeVar("T")

_LIMIT = 30.0
"""Seconds; the longest test takes about five, and more on a busy machine."""

_SIMULATED_LIMIT = 1000.0
"""Simulated seconds; more than any timer in a test."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, with a time limit."""
    return asyncio.run(_limited(main, _LIMIT))


def run_clean(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it as `turnout.testing.run_clean` does, with a time limit."""
    return _leaks.run_clean(lambda: _limited(main(), _LIMIT))


def run_simulated(main: Coroutine[Any, Any, T]) -> T:
    """Run it as `turnout.testing.run_simulated` does, with a time limit."""
    return _clock.run_simulated(_limited(main, _SIMULATED_LIMIT))


def forbid_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail if `time.sleep` or a blocking socket blocks an event loop."""
    sleep, connect = time.sleep, socket.socket.connect

    def sleeping(seconds: float) -> None:
        _insist_on_no_loop("time.sleep", "await asyncio.sleep")
        sleep(seconds)

    def connecting(self: socket.socket, address: Any) -> None:
        if self.gettimeout() != 0.0:
            _insist_on_no_loop("connecting a blocking socket", "use self.http")
        connect(self, address)

    monkeypatch.setattr(time, "sleep", sleeping)
    monkeypatch.setattr(socket.socket, "connect", connecting)


def _insist_on_no_loop(what: str, instead: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    _fail(
        f"{what} blocks the event loop; {instead}, or run the call in a thread with "
        "asyncio.to_thread"
    )


async def _limited(main: Coroutine[Any, Any, T], seconds: float) -> T:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await main
    except TimeoutError:
        if not limit.expired():
            raise
    _fail(
        f"the test did not end within {seconds:g} s: `generate` waits for something "
        "that never comes, or keeps its response open (use `async with`), or catches "
        "asyncio.CancelledError and continues"
    )


def _fail(reason: str) -> NoReturn:
    # pytest's failure is not an Exception, which turnout would report as a plugin's.
    pytest.fail(reason)
