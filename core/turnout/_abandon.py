"""Await a plugin's code, and abandon it if it ignores its cancellation.

A plugin runs in its caller's task. Code that catches `CancelledError` and continues
would block the caller forever, since a task can only be cancelled at an `await`. So
`Abandonable` sits between the plugin's code and the task. The first cancellation starts
a timer. When the timer fires, the task is woken, and the plugin's code is closed at its
current `await`. No second task is made, so context variables, the current task and
cancel scopes are those of the caller.

This module is imported with the first stream that is read, as asyncio takes long to
import.
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

Closing a connection takes milliseconds. The caller of a failed request should not wait
for much longer.
"""

_CLOSINGS = 10
"""How often code is closed at most; each `await` in a `finally` needs one attempt."""


class _LeftError(BaseException):
    """Closes code. Unlike `GeneratorExit` it reaches the innermost `await`."""


class AbandonedError(asyncio.CancelledError):
    """The awaited code was cancelled, did not end in time, and was abandoned."""


class Abandonable(Generic[T]):
    """Await something, and abandon it if it continues after it was cancelled.

    The task sees it as the future that the code awaits: it forwards the task's callback
    and cancellation to the real future.

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
        # What the task threw, until the code receives it.
        self._error: BaseException | None = None
        # The future that the code awaits, and the callback that wakes the task.
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
                    # A task treats an object with this attribute as a future.
                    self._asyncio_future_blocking = True
                    future = self
                try:
                    yield future
                except BaseException as error:  # noqa: BLE001 passed on below
                    self._error = error
                # Outside the handler, so that errors of the code have no `__context__`.
                future = next(code) if self._error is None else self._throw(code)
        except StopIteration as stop:
            return cast("T", stop.value)
        finally:
            self._waits_for = None
            if self._timer is not None:
                self._timer.cancel()

    @property
    def cancelled(self) -> bool:
        """Whether the code was cancelled, even if it then returned a value."""
        return self._timer is not None

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """Return the event loop, as a future does."""
        return self._future.get_loop()

    def add_done_callback(
        self, callback: Callable[[Any], object], *, context: Context | None = None
    ) -> None:
        """Have the real future call the task when it is done."""
        self._wake, self._context = callback, context
        future = self._future
        # The task does this to each future that it awaits.
        future._asyncio_future_blocking = False
        future.add_done_callback(callback, context=context)

    def cancel(self, msg: object = None) -> bool:
        """Cancel the real future; the task calls this when it is cancelled."""
        future = self._future
        # The future's loop: a loop also cancels its tasks when it is not running.
        self._start_timer(future.get_loop())
        return future.cancel(msg=msg)

    def result(self) -> NoReturn:
        """Raise what ends the wait; the task calls this after `_time_up` woke it."""
        raise asyncio.CancelledError

    @property
    def _future(self) -> asyncio.Future[object]:
        assert self._waits_for is not None
        return self._waits_for

    def _throw(self, code: Generator[Any, None, T]) -> Any:
        """Throw the task's error into the code; return the next future."""
        if self._late:
            raise self._leave(code)
        if not hasattr(code, "throw"):
            raise self._taken()
        if isinstance(self._error, asyncio.CancelledError):
            self._start_timer(asyncio.get_running_loop())
        # No frame may hold the error, as it may quote a key.
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
        """Close the code, and return the error for its caller."""
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
    """Never free code that catches every error that it is closed with.

    If it were freed, it would continue to run. At the end of the process no event loop
    runs, and the code may catch that error too, and loop forever.
    """
    import ctypes  # Here, as few processes need it.

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(code))
