"""The event loop on which streams are read by code that has none.

There is one for the process, in a daemon thread, begun with the first synchronous
iteration. It is the one piece of state that this module holds, for the same reason
for which there is one main thread: whoever needs it must find the same one.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import cache
from typing import Any, TypeVar, cast

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
            ArgumentError: It is no coroutine, or this thread runs an event loop, which
                would stand still.
        """
        if not isinstance(cast("object", coroutine), Coroutine):
            raise ArgumentError(
                f"run is given a {type(coroutine).__name__}; it takes a coroutine, as "
                "in run(provider.complete(...))"
            )
        try:
            _check_no_event_loop()
        except ArgumentError:
            coroutine.close()  # Else Python warns that it was never awaited.
            raise
        return self.call(lambda: coroutine)

    def call(self, function: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run the coroutine that a function returns, as `run` does.

        Raises:
            ArgumentError: This thread runs an event loop, which would stand still.
        """
        _check_no_event_loop()
        future: Future[T] = Future()
        try:  # From here on, as Ctrl-C may come between any two steps.
            self._submit(function, future)
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def submit(self, function: Callable[[], Coroutine[Any, Any, object]]) -> None:
        """Begin to run the coroutine that a function returns; nobody waits for it."""
        self._submit(function, Future())

    def _submit(
        self, function: Callable[[], Coroutine[Any, Any, T]], future: Future[T]
    ) -> None:
        # The coroutine is made in the loop's thread: made here, one that Ctrl-C comes
        # across before it is begun would make Python warn that it was never awaited.
        self._loop.call_soon_threadsafe(self._begin, function, future)

    def _begin(
        self, function: Callable[[], Coroutine[Any, Any, T]], future: Future[T]
    ) -> None:
        task = self._loop.create_task(function())

        def cancel(cancelled: Future[T]) -> None:
            if cancelled.cancelled() and not task.done():
                self._loop.call_soon_threadsafe(task.cancel)

        def end(task: asyncio.Task[T]) -> None:
            if task.cancelled():
                future.cancel()
            if not future.set_running_or_notify_cancel():
                return
            error = task.exception()
            if error is None:
                future.set_result(task.result())
            else:
                future.set_exception(error)

        task.add_done_callback(end)
        future.add_done_callback(cancel)

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


def _check_no_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise ArgumentError(
        "an event loop runs in this thread; use `async for` and `await`"
    )


def background_loop() -> BackgroundLoop:
    """Return the process's background loop."""
    with _starting:
        loop = _background_loop()
        if not loop.alive:
            _background_loop.cache_clear()
            loop = _background_loop()
        return loop


@cache
def _background_loop() -> BackgroundLoop:
    return BackgroundLoop()


_starting = threading.Lock()
"""Held so that two threads do not begin two loops."""
