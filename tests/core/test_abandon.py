"""A plugin's code that ignores its cancellation is abandoned."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import warnings
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

import pytest

import turnout
from turnout._abandon import GRACE, Abandonable, AbandonedError
from turnout.errors import (
    DeadlineError,
    FirstDeltaTimeoutError,
    PluginError,
    StreamStalledError,
    TurnoutError,
)
from turnout.testing import FakeProvider, run_simulated
from turnout.types import ChatRequest

from .scripted import Ledger, Scripted
from .subprocesses import output_of


async def deaf() -> None:
    """Catch each cancellation and continue."""
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(100)


async def deaf_to_all() -> None:
    """Catch every error that is thrown in, as a bare `except` does."""
    while True:
        with suppress(BaseException):
            await asyncio.sleep(100)


async def spinning() -> None:
    """Catch each cancellation, with `yield` in place of a future."""
    while True:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(0.01)
            await asyncio.sleep(0)


async def cleaning_up() -> None:
    """Wait in one `finally` after another."""
    try:
        await asyncio.sleep(100)
    finally:
        try:
            await asyncio.sleep(100)
        finally:
            await asyncio.sleep(100)


async def timed() -> None:
    """Ignore each cancellation within a timer, which would cancel the task later."""
    async with asyncio.timeout(30):
        await deaf()


async def through_a_task() -> None:
    """Wait for a task that ignores its cancellation for a long time."""

    async def work() -> None:
        for _ in range(20):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1)

    await asyncio.create_task(work())


WAYS = [
    pytest.param(way, id=way.__name__)
    for way in (deaf, deaf_to_all, spinning, cleaning_up, timed, through_a_task)
]

every_way = pytest.mark.parametrize("way", WAYS)

Way = Callable[[], Awaitable[None]]


def deaf_provider(way: Way, *texts: str, **options: Any) -> Scripted:
    """Return a provider that yields texts and then ignores its cancellation."""

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        for text in texts:
            yield text
        await way()
        yield "never"

    return Scripted(answer, **options)


@pytest.fixture(autouse=True)
def complaints() -> Iterator[list[object]]:
    """Collect the warnings of Python and asyncio; a test fails on any of them."""
    found: list[object] = []
    before, sys.unraisablehook = sys.unraisablehook, found.append
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield found
        gc.collect()
    sys.unraisablehook = before
    assert found == []


def complaints_of(loop: asyncio.AbstractEventLoop) -> list[str]:
    """Collect the loop's errors, such as those that were never retrieved."""
    found: list[str] = []
    loop.set_exception_handler(lambda _, context: found.append(context["message"]))
    return found


async def settled(found: list[str]) -> None:
    """Let abandoned code be freed and all timers fire; then nothing was reported."""
    gc.collect()
    await asyncio.sleep(60)
    gc.collect()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    assert found == []


def run(main: Callable[[asyncio.AbstractEventLoop], Awaitable[None]]) -> None:
    """Run a test in simulated time; nothing may be reported after it."""

    async def all_of_it() -> None:
        loop = asyncio.get_running_loop()
        found = complaints_of(loop)
        await main(loop)
        await settled(found)
        # At its end the loop reports a generator that cannot be closed.
        complaints_of(loop)

    run_simulated(all_of_it())


# The wait itself


@every_way
def test_code_that_ignores_its_cancellation_is_abandoned(way: Way) -> None:
    async def main(loop: asyncio.AbstractEventLoop) -> None:
        begun = loop.time()
        task = asyncio.ensure_future(_abandonable(way()))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        assert loop.time() - begun == pytest.approx(1 + GRACE, abs=0.1)

    run(main)


async def _abandonable(awaitable: Awaitable[Any], grace: float = GRACE) -> Any:
    return await Abandonable(awaitable, grace)


def test_abandoned_code_has_an_error_of_its_own() -> None:
    async def main(_: asyncio.AbstractEventLoop) -> None:
        async def wait(way: Way) -> str:
            try:
                await Abandonable(way())
            except asyncio.CancelledError as error:
                return type(error).__name__
            raise AssertionError

        kinds: list[str] = []
        for way in (deaf, asyncio.Event().wait):
            task = asyncio.ensure_future(wait(way))  # type: ignore[arg-type]
            await asyncio.sleep(1)
            task.cancel()
            kinds.append(await task)
        assert kinds == ["AbandonedError", "CancelledError"]

    run(main)
    assert issubclass(AbandonedError, asyncio.CancelledError)


def test_code_that_ends_in_time_is_not_abandoned() -> None:
    async def slowly() -> str:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(GRACE / 2)
        return "done"

    async def main(_: asyncio.AbstractEventLoop) -> None:
        task = asyncio.ensure_future(_abandonable(slowly()))
        await asyncio.sleep(1)
        task.cancel()

        assert await task == "done"

    run(main)


def test_results_and_errors_reach_the_code() -> None:
    async def main(loop: asyncio.AbstractEventLoop) -> None:
        future: asyncio.Future[str] = loop.create_future()
        loop.call_later(1, future.set_result, "value")
        failing: asyncio.Future[str] = loop.create_future()
        loop.call_later(1, failing.set_exception, KeyError("x"))

        assert await Abandonable(_awaited(future)) == "value"
        with pytest.raises(KeyError):
            await Abandonable(_awaited(failing))
        assert await Abandonable(asyncio.sleep(0, "at once")) == "at once"

    run(main)


async def _awaited(awaitable: Awaitable[str]) -> str:
    return await awaitable


def test_an_awaitable_without_a_generator_works() -> None:
    class Counted:
        """Waits without a generator, so that no error can be thrown into it."""

        def __init__(self) -> None:
            self.left = 3

        def __await__(self) -> Iterator[None]:
            return self

        def __iter__(self) -> Iterator[None]:
            return self

        def __next__(self) -> None:
            self.left -= 1
            if not self.left:
                raise StopIteration("counted")

    class Generated:
        def __await__(self) -> Generator[None, None, str]:
            yield
            return "generated"

    async def main(_: asyncio.AbstractEventLoop) -> None:
        counted: Any = Counted()
        assert await Abandonable(counted) == "counted"
        assert await Abandonable(Generated()) == "generated"
        stubborn: Any = Counted()
        stubborn.left = 1_000_000
        task = asyncio.ensure_future(_abandonable(stubborn))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    run(main)


def test_code_that_ends_as_its_time_is_up_returns_or_is_abandoned() -> None:
    async def exactly(waits: int) -> str:
        for _ in range(waits):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(GRACE)
        return "done"

    async def main(_: asyncio.AbstractEventLoop) -> None:
        # The first wait is cancelled; the second ends with the grace, a third does not.
        for waits, left in ((2, False), (3, True)):
            task = asyncio.ensure_future(_abandonable(exactly(waits)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or not left
        await asyncio.sleep(0)

    run(main)


def test_an_interrupt_while_code_is_closed_is_raised() -> None:
    async def interrupting() -> None:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            await asyncio.sleep(100)
        finally:
            if len(calls) == 0:
                calls.append(1)
                raise KeyboardInterrupt

    calls: list[int] = []

    async def main() -> None:
        task = asyncio.ensure_future(_abandonable(interrupting()))
        await asyncio.sleep(1)
        task.cancel()
        await asyncio.wait([task])

    with pytest.raises(KeyboardInterrupt):
        run_simulated(main())


# An attempt


@every_way
@pytest.mark.parametrize(
    ("texts", "options", "kind"),
    [
        pytest.param([], {"first_delta_timeout": 3}, FirstDeltaTimeoutError, id="f"),
        pytest.param(["a"], {"stall_timeout": 3}, StreamStalledError, id="stall"),
        pytest.param(["a"], {"deadline": 3}, DeadlineError, id="deadline"),
    ],
)
def test_a_timeout_ends_a_plugin_that_ignores_it(
    way: Way,
    texts: list[str],
    options: dict[str, float],
    kind: type[TurnoutError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(loop: asyncio.AbstractEventLoop) -> None:
        provider = deaf_provider(way, *texts, **options)
        ledger = Ledger()
        begun = loop.time()
        with pytest.raises(kind) as caught:
            await provider.complete("A secret question?")

        assert loop.time() - begun == pytest.approx(3 + GRACE, abs=0.1)
        error = caught.value
        assert error.reply is not None
        assert error.reply.text == "".join(texts)
        (attempt,) = error.reply.attempts
        assert (attempt.outcome, attempt.error) == ("failed", error)
        assert ledger.over == [attempt]
        assert isinstance(error.__cause__, PluginError)
        assert "'Scripted' ignored its cancellation" in str(error.__cause__)

    run(main)
    (record,) = [r for r in caplog.records if r.name == "turnout.plugins"]
    assert record.levelno == logging.ERROR
    assert "'Scripted' ignored its cancellation" in record.getMessage()
    assert "secret" not in record.getMessage()


@every_way
def test_a_route_fails_over_from_a_plugin_that_ignores_a_timeout(way: Way) -> None:
    async def main(loop: asyncio.AbstractEventLoop) -> None:
        first = deaf_provider(way, first_delta_timeout=3)
        begun = loop.time()
        reply = await turnout.fallback(first, FakeProvider("Because.")).complete("Why?")

        assert reply.text == "Because."
        assert loop.time() - begun < 3 + GRACE + 0.1

    run(main)


@every_way
def test_a_caller_that_cancels_is_not_blocked(way: Way) -> None:
    async def main(loop: asyncio.AbstractEventLoop) -> None:
        stream = deaf_provider(way, "a").stream("Why?")
        begun = loop.time()
        # `asyncio.timeout` accepts no subclass, so it is a plain `CancelledError`.
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await stream.collect()

        assert loop.time() - begun == pytest.approx(1 + GRACE, abs=0.1)
        (attempt,) = stream.reply.attempts
        assert attempt.outcome == "closed"
        assert isinstance(attempt.error, PluginError)

    run(main)


@every_way
def test_closing_from_another_task_is_not_blocked(way: Way) -> None:
    async def main(loop: asyncio.AbstractEventLoop) -> None:
        stream = deaf_provider(way, "a").stream("Why?")

        async def read() -> list[str]:
            return [text async for text in stream]

        reading = asyncio.ensure_future(read())
        await asyncio.sleep(1)
        begun = loop.time()
        await stream.aclose()

        assert loop.time() - begun < GRACE + 0.1
        assert await reading == ["a"]
        assert stream.reply.attempts[0].outcome == "closed"

    run(main)


@every_way
def test_leaving_a_stream_is_not_blocked_by_its_cleanup(way: Way) -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            await way()

    async def main(loop: asyncio.AbstractEventLoop) -> None:
        begun = loop.time()
        async with Scripted(answer).stream("Why?") as stream:
            pass

        assert loop.time() - begun < GRACE + 0.1
        (attempt,) = stream.reply.attempts
        assert attempt.outcome == "closed"
        assert isinstance(attempt.error, PluginError)

    run(main)


def test_a_caller_that_cancels_is_not_blocked_by_a_cleanup() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
            yield "b"
        finally:
            await deaf()

    async def main(loop: asyncio.AbstractEventLoop) -> None:
        stream = Scripted(answer).stream("Why?")

        async def read() -> None:
            async with stream:
                pass

        reading = asyncio.ensure_future(read())
        await asyncio.sleep(0.5)
        begun = loop.time()
        reading.cancel()
        await asyncio.wait([reading])

        assert reading.cancelled()
        assert loop.time() - begun < GRACE + 0.1
        assert stream.reply.attempts[0].outcome == "closed"

    run(main)


def test_a_plugin_that_yields_after_the_deadline_is_closed() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        while True:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(0.5)
            yield "a"

    async def main(loop: asyncio.AbstractEventLoop) -> None:
        begun = loop.time()
        with pytest.raises(DeadlineError) as caught:
            await Scripted(answer, deadline=3).complete("Why?")

        assert loop.time() - begun == pytest.approx(3, abs=0.1)
        assert caught.value.__cause__ is None

    run(main)


def test_a_plugin_runs_in_its_callers_task_and_context() -> None:
    said: ContextVar[str] = ContextVar("said", default="nothing")
    seen: list[object] = []

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        await asyncio.sleep(0)
        seen.extend([asyncio.current_task(), said.get()])
        yield "a"

    async def main(_: asyncio.AbstractEventLoop) -> None:
        said.set("something")
        await Scripted(answer).complete("Why?")

        assert seen == [asyncio.current_task(), "something"]

    run(main)


def test_a_process_ends_after_it_abandoned_code_that_cannot_be_closed() -> None:
    output = output_of(
        """
        import asyncio
        from contextlib import suppress
        from turnout._abandon import Abandonable

        async def deaf():
            while True:
                with suppress(BaseException):
                    await asyncio.sleep(100)

        async def wait():
            await Abandonable(deaf(), 0.01)

        async def main():
            task = asyncio.create_task(wait())
            await asyncio.sleep(0)
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            print("left")

        asyncio.run(main())
        """
    )

    assert output == "left\n"
