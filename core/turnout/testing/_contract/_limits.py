"""Every test has its end, whatever the provider does: a run of them never hangs.

What holds the event loop up is told where it is called, and what waits for nothing is
told after a while. The contract needs no plugin of pytest's for either.
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
"""Seconds; the longest test takes some five, and more on a machine that is busy."""

_SIMULATED_LIMIT = 1000.0
"""More than any timer in a test has; they take no time."""


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine as `asyncio.run` does, for a while at most."""
    return asyncio.run(_limited(main, _LIMIT))


def run_clean(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Do as `turnout.testing.run_clean`, for a while at most."""
    return _leaks.run_clean(lambda: _limited(main(), _LIMIT))


def run_simulated(main: Coroutine[Any, Any, T]) -> T:
    """Do as `turnout.testing.run_simulated`, for a while at most."""
    return _clock.run_simulated(_limited(main, _SIMULATED_LIMIT))


def forbid_blocking(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where `time.sleep` or a blocking socket holds an event loop up."""
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
        f"{what} holds the event loop up, and with it all that runs in it; {instead}, "
        "or put what blocks into a thread with asyncio.to_thread"
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
        f"it was not over within {seconds:g} s: `generate` waits for what never comes, "
        "or keeps its response open (use `async with`), or takes a cancellation "
        "(`asyncio.CancelledError`) for an error and goes on"
    )


def _fail(reason: str) -> NoReturn:
    # No Exception, which turnout would tell as a fault of the plugin.
    pytest.fail(reason)
