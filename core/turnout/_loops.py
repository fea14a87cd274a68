"""Event loops: the running one, imports in a thread, and a value for each loop."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary, ref

from turnout.errors import ArgumentError
from turnout.threads import green_library

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

__all__ = ["LoopLocal", "import_in_thread", "no_loop", "running_loop"]

T = TypeVar("T")


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the asyncio event loop that runs in this thread.

    Raises:
        ArgumentError: No event loop runs.
    """
    import asyncio  # Here, as it takes long to import.

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise no_loop() from None


def no_loop() -> ArgumentError:
    """Return the error for code that runs without an asyncio event loop."""
    trio: Any = sys.modules.get("trio")
    if trio is not None and trio.lowlevel.in_trio_run():
        return ArgumentError(
            "turnout needs asyncio, and trio runs here; run the coroutine in a thread: "
            "`await trio.to_thread.run_sync(turnout.run, provider.complete(...))`"
        )
    return ArgumentError(
        "turnout needs a running asyncio event loop; use "
        "`turnout.run(provider.complete(...))` or `for text in stream`, in another "
        "thread if another library's event loop runs in this one"
    )


async def import_in_thread(name: str) -> None:
    """Import a module in a thread, so that the event loop is not blocked.

    If the caller is cancelled, the thread continues the import.
    """
    module = sys.modules.get(name)
    # importlib sets `_initializing` while another request imports the module.
    if module is None or getattr(module.__spec__, "_initializing", False):
        # The import locks of gevent and eventlet are not safe between threads: a thread
        # that waits for one may never be woken.
        if green_library():
            import_module(name)
        else:
            await running_loop().run_in_executor(None, import_module, name)


class LoopLocal(Generic[T]):
    """Keep a value for each event loop, until the loop is freed.

    A value that refers to its loop keeps the loop alive, and must be discarded.
    """

    __slots__ = ("_latest", "_values")

    def __init__(self) -> None:
        self._values: WeakKeyDictionary[asyncio.AbstractEventLoop, T]
        self._values = WeakKeyDictionary()
        # Nearly always a hit; a look-up takes five times as long.
        self._latest: tuple[ref[asyncio.AbstractEventLoop], T] | None = None

    def get(self, loop: asyncio.AbstractEventLoop) -> T | None:
        """Return the value of an event loop; None if it has none."""
        latest = self._latest
        if latest is not None and latest[0]() is loop:
            return latest[1]
        value = self._values.get(loop)
        if value is not None:
            self._latest = (ref(loop), value)
        return value

    def set(self, loop: asyncio.AbstractEventLoop, value: T) -> None:
        """Set the value of an event loop."""
        self._values[loop] = value
        self._latest = (ref(loop), value)

    def discard(self, loop: asyncio.AbstractEventLoop) -> None:
        """Remove the value of an event loop, if it has one."""
        self._values.pop(loop, None)
        self._latest = None

    def discard_closed(self) -> None:
        """Remove the values of event loops that are closed but not freed."""
        for loop in list(self):
            if loop.is_closed():
                self.discard(loop)

    def take_all(self) -> list[T]:
        """Remove all values, and return them."""
        values = self.values()
        self._values.clear()
        self._latest = None
        return values

    def values(self) -> list[T]:
        """Return the values of all event loops."""
        return list(self._values.values())

    def __iter__(self) -> Iterator[asyncio.AbstractEventLoop]:
        references = self._values.keyrefs()
        return (loop for loop in (r() for r in references) if loop is not None)

    def __len__(self) -> int:
        return len(self._values)
