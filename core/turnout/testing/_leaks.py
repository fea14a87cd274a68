"""Check that no task, socket or async generator is left open."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from collections.abc import Callable, Coroutine, Iterator
from types import AsyncGeneratorType, TracebackType
from typing import Any, Self, TypeVar, cast, final

__all__ = ["LeakCheck", "run_clean"]

T = TypeVar("T")

_PAUSE = 0.01
"""Seconds between the first two checks; each later wait is twice as long."""


@final
class LeakCheck:
    """Fail if a block leaves tasks, open sockets or async generators behind.

        async with LeakCheck():
            async with MyProvider() as provider:
                await provider.complete("Hi")

    What was open before the block may stay open. Enter a provider or a route inside the
    block, as above: one that is not entered keeps its connections until the event loop
    ends, which `run_clean` checks.

    Only sockets of Python's `socket` module are found, and not those of uvloop.

    Args:
        within: Seconds to wait for what is closing, by the real clock or that of
            `run_simulated`.
    """

    def __init__(self, *, within: float = 5.0) -> None:
        self._within = within
        self._before: set[int] = set()
        # Kept, so that no new object can get the id of one of them.
        self._kept: list[object] = []

    async def __aenter__(self) -> Self:
        """Record what is open."""
        gc.collect()
        self._kept = _open_things()
        self._before = {id(thing) for thing in self._kept}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Check that nothing is left, unless the block raised.

        Raises:
            AssertionError: Something is left; the message lists it.
        """
        if error is None:
            left = await self._left()
            assert not left, f"left behind: {left}"
        self._kept.clear()

    async def _left(self) -> list[object]:
        loop = asyncio.get_running_loop()
        end = loop.time() + self._within
        pause = _PAUSE
        while True:
            gc.collect()
            left = [thing for thing in _open_things() if id(thing) not in self._before]
            if not left or loop.time() >= end:
                return left
            del left  # Otherwise it would keep the objects alive.
            await asyncio.sleep(min(pause, end - loop.time()))
            pause *= 2


def run_clean(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `main()` in a new event loop, in debug mode, and return its result.

    Raises:
        AssertionError: A task or a socket was left open, the loop's exception handler
            was called, or a warning was issued.
    """
    complaints: list[object] = []

    async def watched() -> T:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        result = await main()
        complaints.extend(asyncio.all_tasks() - {asyncio.current_task()})
        return result

    gc.collect()
    before = set(_open_sockets())
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = asyncio.run(watched(), debug=True)
        gc.collect()
    complaints.extend(warning.message for warning in caught)
    complaints.extend(set(_open_sockets()) - before)
    assert not complaints, complaints
    return result


def _open_things() -> list[object]:
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    return [*tasks, *_open_sockets(), *_open_generators()]


# By `type`, because `isinstance` reads `__class__`, and some proxies among all objects
# raise if any attribute is read.
def _open_sockets() -> Iterator[socket.socket]:
    for thing in gc.get_objects():
        if issubclass(type(thing), socket.socket) and thing.fileno() != -1:
            if not _wakes_a_loop(thing):
                yield thing


def _wakes_a_loop(thing: socket.socket) -> bool:
    """Return whether a socket belongs to a pair with which an event loop wakes itself.

    uvloop makes a new pair each time that it begins to run, so for each fixture too.
    """
    return thing.family == getattr(socket, "AF_UNIX", None) and not thing.getsockname()


def _open_generators() -> Iterator[object]:
    for thing in gc.get_objects():
        if type(thing) is AsyncGeneratorType and thing.ag_frame is not None:
            yield cast("object", thing)
