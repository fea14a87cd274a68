from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from turnout._waiter import Waiter


def current() -> asyncio.Task[object]:
    task: asyncio.Task[object] | None = asyncio.current_task()
    assert task is not None
    return task


async def wait(waiter: Waiter, seconds: float | None = None) -> None:
    """Wait forever, as a provider might."""
    now = waiter.loop.time()
    waiter.begin(now + (60.0 if seconds is None else seconds))
    try:
        await asyncio.Event().wait()
    finally:
        waiter.end()


async def test_a_wait_ends_when_its_time_is_up() -> None:
    waiter = Waiter()

    with pytest.raises(asyncio.CancelledError):
        await wait(waiter, 0.0)

    assert waiter.interrupted
    assert not waiter.cancelled()
    assert not waiter.closed
    assert current().cancelling() == 0


async def test_a_wait_ends_when_another_task_closes() -> None:
    waiter = Waiter()
    waiter.loop.call_soon(waiter.close)

    with pytest.raises(asyncio.CancelledError):
        await wait(waiter)
    waiter.close()

    assert waiter.closed
    assert waiter.interrupted
    assert not waiter.cancelled()
    assert current().cancelling() == 0


async def test_a_callers_cancellation_is_not_an_interruption() -> None:
    waiter = Waiter()
    waiter.loop.call_soon(current().cancel)

    with pytest.raises(asyncio.CancelledError):
        await wait(waiter)

    assert not waiter.interrupted
    assert waiter.cancelled()
    assert current().uncancel() == 0


@pytest.mark.parametrize("first", ["caller", "waiter"])
async def test_a_callers_cancellation_is_seen_beside_an_interruption(
    first: str,
) -> None:
    waiter, task = Waiter(), current()

    def both() -> None:
        actions: list[Callable[[], object]] = [task.cancel, waiter.close]
        for action in actions if first == "caller" else reversed(actions):
            action()

    waiter.loop.call_soon(both)
    with pytest.raises(asyncio.CancelledError):
        await wait(waiter)

    assert waiter.cancelled()
    assert task.uncancel() == 0


async def test_a_task_that_was_cancelled_before_can_be_interrupted() -> None:
    waiter, task = Waiter(), current()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.sleep(0)

    with pytest.raises(asyncio.CancelledError):
        await wait(waiter, 0.0)

    assert waiter.interrupted
    assert not waiter.cancelled()
    assert task.uncancel() == 0


async def test_an_interruption_that_was_swallowed_is_undone() -> None:
    waiter = Waiter()
    waiter.begin(waiter.loop.time())
    with pytest.raises(asyncio.CancelledError):
        await asyncio.Event().wait()
    waiter.end()
    assert waiter.interrupted
    assert current().cancelling() == 0

    waiter.begin(waiter.loop.time() + 60.0)
    waiter.end()

    assert not waiter.interrupted


async def test_a_wait_that_ignores_an_interruption_is_interrupted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnout._watchdog.AGAIN", 0.01)
    waiter = Waiter()
    waiter.begin(waiter.loop.time())
    for _ in range(3):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
    waiter.end()

    assert waiter.interrupted
    assert current().cancelling() == 0


async def test_a_wait_that_ignores_close_is_interrupted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnout._waiter.AGAIN", 0.01)
    waiter = Waiter()
    waiter.begin(waiter.loop.time() + 60.0)
    waiter.loop.call_soon(waiter.close)
    waiter.loop.call_soon(waiter.close)
    for _ in range(2):
        with pytest.raises(asyncio.CancelledError):
            await asyncio.Event().wait()
    waiter.end()
    waiter.close()

    assert current().cancelling() == 0


async def test_nothing_is_interrupted_between_waits() -> None:
    waiter = Waiter()
    waiter.begin(waiter.loop.time())
    waiter.end()
    await asyncio.sleep(0)
    waiter.close()
    await asyncio.sleep(0)

    assert current().cancelling() == 0
    assert not waiter.interrupted


async def test_a_pause_lasts_until_its_time() -> None:
    waiter = Waiter()
    until = waiter.now() + 0.01
    await waiter.pause(until)

    assert waiter.now() >= until
    assert not waiter.interrupted
    waiter.close()


async def test_a_pause_ends_when_the_stream_is_closed() -> None:
    waiter = Waiter()
    waiter.loop.call_soon(waiter.close)
    begun = waiter.now()
    await waiter.pause(begun + 60.0)
    waiter.close()

    assert waiter.now() - begun < 30.0
    assert current().cancelling() == 0


async def test_a_pause_that_is_cancelled_raises() -> None:
    waiter = Waiter()
    waiter.loop.call_soon(current().cancel)

    with pytest.raises(asyncio.CancelledError):
        await waiter.pause(waiter.now() + 60.0)

    assert current().uncancel() == 0
    waiter.close()


async def test_closing_closes_what_is_linked() -> None:
    waiter, other = Waiter(), Waiter()
    waiter.link(other)
    waiter.close()

    assert other.closed
