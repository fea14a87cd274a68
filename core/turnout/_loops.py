"""One value for each event loop: what belongs to a loop must not outlive it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar
from weakref import WeakKeyDictionary, ref

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

__all__ = ["LoopLocal"]

T = TypeVar("T")


class LoopLocal(Generic[T]):
    """Keep a value for each event loop, for as long as the loop is.

    A value that holds its loop keeps it: whoever sets one takes it out again.
    """

    __slots__ = ("_latest", "_values")

    def __init__(self) -> None:
        self._values: WeakKeyDictionary[asyncio.AbstractEventLoop, T]
        self._values = WeakKeyDictionary()
        # Nearly always the one that is asked for; a look-up takes five times as long.
        self._latest: tuple[ref[asyncio.AbstractEventLoop], T] | None = None

    def get(self, loop: asyncio.AbstractEventLoop) -> T | None:
        """Return the value of an event loop; None where it has none."""
        latest = self._latest
        if latest is not None and latest[0]() is loop:
            return latest[1]
        value = self._values.get(loop)
        if value is not None:
            self._latest = (ref(loop), value)
        return value

    def set(self, loop: asyncio.AbstractEventLoop, value: T) -> None:
        """Give an event loop its value."""
        self._values[loop] = value
        self._latest = (ref(loop), value)

    def discard(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take an event loop's value out, if it has one."""
        self._values.pop(loop, None)
        self._latest = None

    def discard_closed(self) -> None:
        """Take out the values of event loops that are closed and still held."""
        for loop in list(self):
            if loop.is_closed():
                self.discard(loop)

    def __iter__(self) -> Iterator[asyncio.AbstractEventLoop]:
        references = self._values.keyrefs()
        return (loop for loop in (r() for r in references) if loop is not None)

    def __len__(self) -> int:
        return len(self._values)
