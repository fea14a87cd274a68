"""The event loop on which streams are read by code that has none.

There is one for the process, in a daemon thread, begun with the first synchronous
iteration. It is the one piece of state that this module holds, for the same reason
for which there is one main thread: whoever needs it must find the same one.
"""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

from turnout.errors import ArgumentError

__all__ = ["BackgroundLoop", "background_loop"]

T = TypeVar("T")

_PATIENCE = 5.0
"""Seconds that the process's end waits for streams to close."""


class BackgroundLoop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve()), name="turnout", daemon=True
        )
        self._thread.start()
        self._ready.wait()
        atexit.register(self.close)

    @property
    def alive(self) -> bool:
        """Whether it serves; not so after a fork, which leaves threads behind."""
        return self._thread.is_alive()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result.

        An exception that reaches the waiting thread meanwhile, as Ctrl-C does,
        cancels the coroutine.

        Raises:
            ArgumentError: This thread runs an event loop, which would stand still.
        """
        if _in_event_loop():
            coroutine.close()  # Else Python warns that it was never awaited.
            raise ArgumentError(
                "an event loop runs in this thread; use `async for` and `await`"
            )
        future = self.submit(coroutine)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def submit(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Begin to run a coroutine, in whichever thread this is."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def close(self) -> None:
        """Close what is open, and end the thread."""
        atexit.unregister(self.close)
        if self.alive:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_PATIENCE)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._ready.set()
        await self._stop.wait()


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def background_loop() -> BackgroundLoop:
    """Return the process's background loop."""
    loop = _background_loop()
    if not loop.alive:
        _background_loop.cache_clear()
        loop = _background_loop()
    return loop


@cache
def _background_loop() -> BackgroundLoop:
    return BackgroundLoop()
