"""Wake a caller that waits for the background loop: a thread or a greenlet.

A greenlet that waited for a real lock would stop all others of its thread, so each
library has a signal of its own.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Protocol

from turnout.threads import GreenLibrary, new_lock

__all__ = ["SIGNALS", "EventletSignal", "GeventSignal", "Signal", "ThreadSignal"]


class Signal(Protocol):
    """Wakes the caller that waits for a coroutine."""

    def set(self) -> None:
        """Wake the caller; called in the loop's thread, once."""
        ...

    def wait(self) -> None:
        """Wait until `set` is called."""
        ...

    def close(self) -> None:
        """Free what it holds; `set` may still be called."""
        ...


class ThreadSignal:
    """Wakes a thread."""

    def __init__(self) -> None:
        self._lock = new_lock()
        self._lock.acquire()

    def set(self) -> None:
        self._lock.release()

    def wait(self) -> None:
        self._lock.acquire()

    def close(self) -> None:
        pass


class GeventSignal:
    """Wakes a greenlet of gevent."""

    def __init__(self) -> None:
        module: Any = import_module("gevent.hub")  # Not a statement: it has no types.
        hub = module.get_hub()
        self._waiter = module.Waiter(hub)
        # The one watcher that another thread may trigger.
        self._watcher = hub.loop.async_()
        self._watcher.start(self._waiter.switch, None)
        self._lock = new_lock()
        self._open = True

    def set(self) -> None:
        with self._lock:
            if self._open:
                self._watcher.send()

    def wait(self) -> None:
        self._waiter.get()

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._watcher.stop()
            self._watcher.close()


class EventletSignal:
    """Wakes a green thread of eventlet."""

    def __init__(self) -> None:
        module: Any = import_module("eventlet.green.socket")
        self._receiver, self._sender = module.socketpair()
        self._sender.setblocking(False)
        self._lock = new_lock()
        self._open = True

    def set(self) -> None:
        with self._lock:
            if self._open:
                self._sender.send(b"\0")

    def wait(self) -> None:
        self._receiver.recv(1)

    def close(self) -> None:
        with self._lock:
            self._open = False
            self._sender.close()
            self._receiver.close()


SIGNALS: dict[GreenLibrary | None, type[Signal]] = {
    None: ThreadSignal,
    "gevent": GeventSignal,
    "eventlet": EventletSignal,
}
