"""Threads of the operating system, under gevent and eventlet too.

Both replace what is in `threading`: a `Thread` becomes a greenlet, and all greenlets
share one thread of the operating system. Code that blocks its thread, as an engine
does that computes an answer, needs a real one there. It also needs real locks, as
theirs are not made for several threads.

Use them for code that never waits for a greenlet: a real lock that is held while a
greenlet waits stops all of them.
"""

from __future__ import annotations

import _thread  # noqa: PLC2701 what gevent and eventlet replace
import sys
import threading
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, cast

__all__ = ["GreenLibrary", "Thread", "green_library", "new_lock"]

GreenLibrary: TypeAlias = Literal["gevent", "eventlet"]


def green_library() -> GreenLibrary | None:
    """Return which library has replaced threads or sockets in this process."""
    gevent: Any = sys.modules.get("gevent.monkey")
    if gevent is not None and any(
        gevent.is_module_patched(name) for name in ("threading", "socket")
    ):
        return "gevent"
    eventlet: Any = sys.modules.get("eventlet.patcher")
    if eventlet is not None and any(
        eventlet.is_monkey_patched(name) for name in ("thread", "socket")
    ):
        return "eventlet"
    return None


def _original(name: str) -> Callable[..., Any]:
    """Return what `_thread` had before it was patched."""
    library = green_library()
    if library == "gevent":
        gevent: Any = sys.modules["gevent.monkey"]
        return cast("Callable[..., Any]", gevent.get_original("_thread", name))
    module: Any = _thread
    if library == "eventlet":
        eventlet: Any = sys.modules["eventlet.patcher"]
        module = eventlet.original("_thread")
    return cast("Callable[..., Any]", getattr(module, name))


def new_lock() -> threading.Lock:
    """Return a real lock."""
    return cast("threading.Lock", _original("allocate_lock")())


class Thread:
    """A real thread. It is a daemon: the process does not wait for it at its end.

    Args:
        function: What it runs, and then ends.
        name: For people who look at the process's threads.
    """

    def __init__(self, function: Callable[[], object], *, name: str) -> None:
        self._function = function
        self._running = new_lock()
        self._running.acquire()
        if green_library() is None:
            # So that debuggers, profilers and coverage see it.
            threading.Thread(target=self._run, name=name, daemon=True).start()
        else:
            _original("start_new_thread")(self._run, ())

    @property
    def alive(self) -> bool:
        """Whether the function runs."""
        return self._running.locked()

    def join(self, timeout: float = -1) -> None:
        """Block this thread until the function has returned.

        Args:
            timeout: Seconds to wait at most; -1 sets no limit.
        """
        if self._running.acquire(timeout=timeout):
            self._running.release()

    def _run(self) -> None:
        try:
            self._function()
        finally:
            self._running.release()
