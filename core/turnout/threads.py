"""Threads of the operating system, under gevent and eventlet too.

Both replace the contents of `threading`: a `Thread` becomes a greenlet, and all
greenlets share one thread of the operating system. Code that blocks its thread, such as
an engine that computes an answer, needs a real thread. It also needs real locks, since
theirs do not work across threads.

Use them for code that never waits for a greenlet: a real lock that is held while a
greenlet waits blocks all greenlets.
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
    """Return the library that has patched threads or sockets; None without one."""
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
    """Return a function of `_thread` from before it was patched."""
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
    """A real thread. It is a daemon: the process does not wait for it at exit.

    Args:
        function: The function to run; the thread ends when it returns.
        name: The thread's name, for debuggers and the like.
    """

    def __init__(self, function: Callable[[], object], *, name: str) -> None:
        self._function = function
        self._running = new_lock()
        self._running.acquire()
        if green_library() is None:
            # Debuggers, profilers and coverage see such a thread.
            threading.Thread(target=self._run, name=name, daemon=True).start()
        else:
            _original("start_new_thread")(self._run, ())

    @property
    def alive(self) -> bool:
        """Whether the function is running."""
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
