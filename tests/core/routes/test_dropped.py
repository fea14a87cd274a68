"""A route's stream releases its slot and permit when it is closed or dropped."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

import pytest

from turnout.errors import ServerError, StreamTruncatedError
from turnout.routes import Health, Route
from turnout.streams import Stream
from turnout.testing import FakeProvider
from turnout.types import ChatRequest

from ..scripted import Scripted, saying


class Endless:
    """An answer that does not end, and whether it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def __call__(self, _: ChatRequest) -> AsyncGenerator[str]:
        try:
            while True:
                yield "and so on "
                await asyncio.sleep(0)
        finally:
            self.closed += 1


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def lose_an_iterator(stream: Stream) -> None:
    async for _ in stream:
        break


async def lose_what_was_entered(stream: Stream) -> None:
    _ = await stream.__aenter__()


async def lose_it_after_a_failover(stream: Stream) -> None:
    count = 0
    async for _ in stream:
        count += 1
        if count == 100:
            break


def is_at_rest(store: Health) -> bool:
    return not any(
        health.probes or health.waiting or health.retries_in_flight
        for health in store.known()
    )


@pytest.mark.parametrize(
    ("lose", "error"),
    [
        (lose_an_iterator, [ServerError("no")]),
        (lose_what_was_entered, [ServerError("no")]),
        (lose_it_after_a_failover, ["The first ", StreamTruncatedError("cut")]),
    ],
)
async def test_a_dropped_stream_closes_itself_after_another_target_failed(
    lose: Callable[[Stream], Coroutine[Any, Any, None]], error: list[Any]
) -> None:
    answer, store = Endless(), Health()
    first, second = saying(*error, name="A"), Scripted(answer)
    route = Route([first.target(), second.target()], {"max_attempts": 1}, health=store)
    stream = route.stream("Why?")
    dropped = weakref.ref(stream)
    gc.collect()
    gc.disable()  # It must work without the garbage collector.
    try:
        with pytest.warns(ResourceWarning, match="dropped half-read"):  # noqa: PT031
            await lose(stream)
            del stream
            # The errors belong to this test, and their tracebacks refer to the stream.
            for one in filter(lambda one: isinstance(one, Exception), error):
                one.__traceback__ = None
            await turns()
        await turns()  # The warning may have kept it alive until now.
        closed, gone = answer.closed, dropped() is None
    finally:
        gc.enable()

    assert gone
    assert closed == 1
    assert is_at_rest(store)


async def test_a_dropped_stream_returns_the_place_at_a_target_that_is_down() -> None:
    answer, store = Endless(), Health()
    route = Route([Scripted(answer).target()], health=store)
    async with route.stream("Why?"):
        pass
    (health,) = store.known()
    for _ in range(5):
        health.failed(0.0, 0.0, answered=False)

    async def lose() -> None:
        _ = await route.stream("Why?").__aenter__()

    with pytest.warns(ResourceWarning, match="dropped half-read"):
        await lose()
    await turns()

    assert answer.closed == 2
    assert is_at_rest(store)


async def test_an_exception_of_the_caller_is_not_a_failure_of_the_target() -> None:
    store = Health()
    route = Route([FakeProvider("a", "b", "c").target()], health=store)

    async def fail() -> None:
        async with route.stream("Why?") as stream:
            async for _ in stream:
                raise KeyError("mine")

    for _ in range(20):
        with pytest.raises(KeyError):
            await fail()

    (health,) = store.known()
    assert health.failures_in_a_row == 0
    assert is_at_rest(store)
