"""Run a coroutine on a loop of its own and insist that it leaves nothing behind."""

from __future__ import annotations

import asyncio
import gc
import socket
import warnings
from collections.abc import Callable, Coroutine
from typing import TypeVar

_Result = TypeVar("_Result")


def run_clean(main: Callable[[], Coroutine[object, object, _Result]]) -> _Result:
    """Run `main()` under asyncio's debug mode and return its result.

    Raises:
        AssertionError: A task was still there at its end, a socket is still open, the
            loop's exception handler was called, or a warning was given.
    """
    complaints: list[object] = []

    async def watched() -> _Result:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context))
        result = await main()
        complaints.extend(asyncio.all_tasks() - {asyncio.current_task()})
        return result

    gc.collect()
    before = _open_sockets()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = asyncio.run(watched(), debug=True)
        gc.collect()
    complaints.extend(warning.message for warning in caught)
    complaints.extend(_open_sockets() - before)
    assert not complaints, complaints
    return result


def _open_sockets() -> set[socket.socket]:
    return {
        thing
        for thing in gc.get_objects()
        if isinstance(thing, socket.socket) and thing.fileno() != -1
    }
