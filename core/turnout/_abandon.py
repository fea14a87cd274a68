"""Await a plugin's code, and leave it if it ignores its cancellation.

A plugin runs in its caller's task. Code that catches `CancelledError` and goes on would
hold the caller for ever, since a task can only be cancelled where it waits. So what a
plugin awaits passes through here on its way to the task. The first cancellation starts
a timer. When that fires, the task is woken, and the plugin's code is closed where it
stands. There is no second task, so that context variables, the current task and cancel
scopes are those of the caller.

Loaded with the first stream that is read, as asyncio takes long to import.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator
from contextvars import Context
from typing import Any, Generic, NoReturn, TypeVar, cast

__all__ = ["GRACE", "Abandonable", "AbandonedError"]

T = TypeVar("T")

GRACE = 2.0
"""Seconds that a plugin's code has to end after it was cancelled.

Closing a connection takes milliseconds; somebody who waits for an answer that failed
should not wait for much longer.
"""

_CLOSINGS = 10
"""How often code is closed at most: each `await` in a `finally` needs one more."""


class _LeftError(BaseException):
    """Closes code. Unlike `GeneratorExit` it reaches the innermost `await`."""


class AbandonedError(asyncio.CancelledError):
    """The awaited code was cancelled, did not end in time, and was left."""


class Abandonable(Generic[T]):
    """Await something, and leave it if it goes on after it was cancelled.

    For the task it is the future that the code waits for: it passes the task's callback
    and its cancellation on to the real one.

    Args:
        awaitable: Code of a plugin.
        grace: Seconds that it has to end after it was cancelled.
    """

    __slots__ = (
        "_asyncio_future_blocking",
        "_awaitable",
        "_context",
        "_error",
        "_grace",
        "_late",
        "_timer",
        "_waits_for",
        "_wake",
    )

    def __init__(self, awaitable: Awaitable[T], grace: float = GRACE) -> None:
        self._awaitable = awaitable
        self._grace = grace
        self._timer: asyncio.TimerHandle | None = None
        self._late = False
        # What the task threw, until it is passed on.
        self._error: BaseException | None = None
        # The future that the code waits for, and what wakes the task.
        self._waits_for: asyncio.Future[object] | None = None
        self._wake: Callable[[Any], object]
        self._context: Context | None

    def __await__(self) -> Generator[object, None, T]:
        code: Generator[Any, None, T] = cast("Any", self._awaitable.__await__())
        try:
            future = next(code)
            while True:
                if self._late:
                    raise self._leave(code)
                if getattr(future, "_asyncio_future_blocking", False):
                    self._waits_for = future
                    # A task takes what has this attribute for a future.
                    self._asyncio_future_blocking = True
                    future = self
                try:
                    yield future
                except BaseException as error:  # noqa: BLE001 passed on below
                    self._error = error
                # Outside the handler: what the code raises gets no `__context__`.
                future = next(code) if self._error is None else self._throw(code)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            self._waits_for = None
            if self._timer is not None:
                self._timer.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the code was cancelled, even if it returned something then."""
        return self._timer is not None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop, as a future does."""
        return self._future.get_loop()

    def add_done_callback(
        self, callback: Callable[[Any], object], *, context: Context | None = None
    ) -> None:
        """Call the task when the real future is done."""
        self._wake, self._context = callback, context
        future = self._future
        # The task does this to whatever it waits for.
        future._asyncio_future_blocking = False
        future.add_done_callback(callback, context=context)

    def cancel(self, msg: object = None) -> bool:
        """Cancel the real future; the task calls this when it is cancelled."""
        future = self._future
        # That of the future, as a loop cancels its tasks when it does not run, too.
        self._start_timer(future.get_loop())
        return future.cancel(msg=msg)

    def result(self) -> NoReturn:
        """Raise what ends the wait; the task asks when `_time_up` has woken it."""
        raise asyncio.CancelledError

    @property
    def _future(self) -> asyncio.Future[object]:
        assert self._waits_for is not None
        return self._waits_for

    def _throw(self, code: Generator[Any, None, T]) -> Any:
        """Pass on what the task threw; return the next future."""
        if self._late:
            raise self._leave(code)
        if not hasattr(code, "throw"):
            raise self._taken()
        if isinstance(self._error, asyncio.CancelledError):
            self._start_timer(asyncio.get_running_loop())
        # No frame holds the error, as it may quote a key.
        return code.throw(self._taken())

    def _taken(self) -> BaseException:
        error, self._error = self._error, None
        assert error is not None
        return error

    def _start_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None:
            self._timer = loop.call_later(self._grace, self._time_up)

    def _time_up(self) -> None:
        """Wake the task, unless it is about to be woken."""
        self._late = True
        future = self._waits_for
        if future is not None and future.remove_done_callback(self._wake):
            future.get_loop().call_soon(self._wake, self, context=self._context)

    def _leave(self, code: Generator[object, None, object]) -> AbandonedError:
        """Close the code, and return what its caller is to get in its place."""
        self._waits_for = self._error = None
        for _ in range(_CLOSINGS):
            try:
                code.throw(_LeftError())
            except (KeyboardInterrupt, SystemExit):
                raise
            except BaseException:  # noqa: BLE001 whatever a plugin raises
                break
        else:
            _keep_for_ever(code)
        return AbandonedError()


def _keep_for_ever(code: Generator[object, None, object]) -> None:
    """Never free code that catches whatever it is closed with.

    Freed, it would run on: at the end of the process without an event loop, where it
    may catch that error too, and loop.
    """
    import ctypes  # Not with the module: hardly any process needs it.

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(code))
