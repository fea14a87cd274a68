"""The engine's line, threads and hand-over, against a server that the test drives."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.providers.local.fakes import FakeServer, text
from turnout.errors import OverloadedError
from turnout_local import _engine
from turnout_local._engine import Engine, Generation
from turnout_local._protocol import Chunk


class User:
    """Somebody who wants the model kept."""


class Bench:
    """An engine over a fake server, and who uses it."""

    def __init__(self, slots: int) -> None:
        self.server = FakeServer()
        self.loads = 0
        self.load_error: Exception | None = None
        self.user = User()
        self.engine = Engine(self.load, slots=slots)

    def load(self) -> FakeServer:
        self.loads += 1
        if self.load_error is not None:
            raise self.load_error
        return self.server

    def ask(self, name: str = "") -> Generation:
        return self.engine.generate({"name": name}, user=self.user)

    async def ended(self) -> None:
        """Wait until the engine has no thread."""
        await asyncio.wait_for(asyncio.to_thread(self._join), 60)

    def _join(self) -> None:
        for thread in threading.enumerate():
            if thread.name == "turnout-local":
                thread.join()


@pytest_asyncio.fixture
async def one() -> AsyncIterator[Bench]:
    bench = Bench(slots=1)
    yield bench
    bench.server.let_go()
    bench.engine.close()


@pytest_asyncio.fixture
async def two() -> AsyncIterator[Bench]:
    bench = Bench(slots=2)
    yield bench
    bench.server.let_go()
    bench.engine.close()


async def test_an_answer_comes_chunk_by_chunk_and_ends(one: Bench) -> None:
    answer = one.ask()
    call = one.server.next_call()

    call.give(text("a"))
    first = await answer.read()
    call.give(text("b"))
    second = await answer.read()
    call.finish()

    assert (first, second, await answer.read()) == ([text("a")], [text("b")], [])


async def test_what_came_meanwhile_is_read_at_once(one: Bench) -> None:
    answer = one.ask()
    call = one.server.next_call()

    for letter in "abc":
        call.give(text(letter))

    assert await answer.read() == [text("a"), text("b"), text("c")]
    call.finish()


async def test_the_model_is_loaded_once_and_with_the_first_request(two: Bench) -> None:
    assert not two.engine.loaded

    for _ in range(3):
        answer = two.ask()
        two.server.next_call().finish()
        assert await answer.read() == []

    assert two.loads == 1


async def test_a_failed_load_fails_its_request_and_is_tried_again(one: Bench) -> None:
    one.load_error = RuntimeError("no weights")
    with pytest.raises(RuntimeError, match="no weights"):
        await one.ask().read()
    one.load_error = None

    answer = one.ask()
    one.server.next_call().finish()

    assert await answer.read() == []


async def test_what_the_engine_raises_comes_after_what_it_said(one: Bench) -> None:
    answer = one.ask()
    call = one.server.next_call()
    call.give(text("a"))
    call.finish(ValueError("no"))

    assert await answer.read() == [text("a")]
    with pytest.raises(ValueError, match="no"):
        await answer.read()


async def test_cancel_stops_at_the_next_token_and_ends_the_thread(one: Bench) -> None:
    answer = one.ask()
    call = one.server.next_call()
    call.give(text("a"))

    answer.cancel()
    before = call.aborted
    call.give(text("b"))

    assert (before, call.aborted) == (False, True)
    await one.ended()
    assert one.engine.busy == 0


async def test_more_streams_than_slots_wait_in_line(two: Bench) -> None:
    first, second = two.ask("1"), two.ask("2")
    calls = [two.server.next_call(), two.server.next_call()]
    waiting = [two.ask("3"), two.ask("4"), two.ask("5")]
    assert two.engine.busy == 2

    for answer in (first, second):
        answer.cancel()
    order: list[object] = []
    for call in two.server.calls:
        call.finish()
    for _ in waiting:
        call = two.server.next_call()
        order.append(call.body["name"])
        call.finish()

    assert len(calls) == 2
    assert order == ["3", "4", "5"]
    for answer in waiting:
        assert await answer.read() == []


async def test_cancelled_in_line_is_never_begun(one: Bench) -> None:
    one.ask("1")
    call = one.server.next_call()
    second, third = one.ask("2"), one.ask("3")

    second.cancel()
    call.finish()
    last = one.server.next_call()

    assert last.body["name"] == "3"
    last.finish()
    assert await third.read() == []


async def test_cancelled_while_loading_is_never_begun(one: Bench) -> None:
    loading, may_load = threading.Event(), threading.Event()

    def load() -> FakeServer:
        loading.set()
        assert may_load.wait(60)
        return one.server

    engine = Engine(load, slots=1)
    answer = engine.generate({}, user=one.user)
    assert await asyncio.to_thread(loading.wait, 5)

    answer.cancel()
    may_load.set()

    assert await answer.read() == []
    assert not one.server.calls
    engine.close()


async def test_a_line_that_is_too_long_is_refused(
    one: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_engine, "MAX_WAITING", 2)
    one.ask()
    one.server.next_call()
    waiting = [one.ask(), one.ask()]

    with pytest.raises(OverloadedError, match="2 requests wait"):
        one.ask()
    waiting[0].cancel()

    assert not one.ask().cancelled
    one.server.calls[0].finish()


async def test_a_cancelled_read_takes_nothing_with_it(one: Bench) -> None:
    answer = one.ask()
    call = one.server.next_call()
    reader = asyncio.create_task(answer.read())
    await asyncio.sleep(0)

    reader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reader
    call.give(text("a"))

    assert await answer.read() == [text("a")]
    call.finish()


def test_a_reader_that_vanished_with_its_loop_ends_the_generation() -> None:
    bench = Bench(slots=1)

    async def ask_and_leave() -> Generation:
        return bench.ask()

    answer = asyncio.run(ask_and_leave())
    call = bench.server.next_call()
    call.give(text("a"))

    assert call.aborted
    assert answer.cancelled
    bench.engine.close()


def test_a_loop_that_closes_between_two_tokens_ends_the_generation() -> None:
    bench = Bench(slots=1)

    async def ask_and_leave() -> None:
        bench.ask()
        bench.server.next_call().give(text("a"))

    asyncio.run(ask_and_leave())
    call = bench.server.calls[0]
    call.give(text("b"))

    assert call.aborted
    bench.engine.close()


def test_event_loops_of_several_threads_share_one_engine() -> None:
    bench = Bench(slots=2)
    got: list[list[Chunk]] = []

    async def ask() -> None:
        answer = bench.ask()
        while chunks := await answer.read():
            got.append(chunks)

    threads = [threading.Thread(target=asyncio.run, args=(ask(),)) for _ in range(2)]
    for thread in threads:
        thread.start()
    bench.server.next_call()
    bench.server.next_call()
    for call in bench.server.calls:
        call.give(text("a"))
        call.finish()
    for thread in threads:
        thread.join(60)

    assert got == [[text("a")], [text("a")]]
    assert bench.loads == 1
    bench.engine.close()


async def test_release_of_the_last_user_unloads(one: Bench) -> None:
    other = User()
    for user in (one.user, other):
        answer = one.engine.generate({}, user=user)
        one.server.next_call().finish()
        await answer.read()
    await one.ended()

    one.engine.release(other)
    kept = one.engine.loaded
    one.engine.release(one.user)

    assert kept
    assert not one.engine.loaded


async def test_release_waits_for_the_answers_under_way(one: Bench) -> None:
    answer = one.ask()
    call = one.server.next_call()

    one.engine.release(one.user)
    kept = one.engine.loaded
    call.finish()
    assert await answer.read() == []
    await one.ended()

    assert kept
    assert not one.engine.loaded


async def test_release_waits_for_what_was_cancelled_to_end(one: Bench) -> None:
    answer = one.ask()
    call = one.server.next_call()
    answer.cancel()
    releasing = asyncio.create_task(asyncio.to_thread(one.engine.release, one.user))
    await asyncio.sleep(0)

    call.give(text("a"))
    await releasing

    assert not one.engine.loaded
    assert one.engine.busy == 0


async def test_a_new_user_takes_back_an_unloading_to_come(one: Bench) -> None:
    one.ask("1")
    call = one.server.next_call()
    one.engine.release(one.user)

    one.ask("2")
    call.finish()
    one.server.next_call().finish()
    await one.ended()

    assert one.engine.loaded
    assert one.loads == 1


async def test_a_user_that_is_dropped_leaves_the_model_to_the_next(one: Bench) -> None:
    one.ask()
    one.server.next_call().finish()
    await one.ended()

    one.user = User()
    gc.collect()

    assert one.engine.loaded
    one.engine.release(one.user)
    assert not one.engine.loaded


async def test_close_stops_what_is_under_way_and_what_waits(one: Bench) -> None:
    first = one.ask()
    call = one.server.next_call()
    second = one.ask()
    closing = asyncio.create_task(asyncio.to_thread(one.engine.close))

    assert await second.read() == []
    call.give(text("a"))
    await closing

    assert call.aborted
    assert await first.read() == [text("a")]
    assert await first.read() == []
    assert not one.engine.loaded


async def test_an_engine_can_be_used_again_after_close(one: Bench) -> None:
    one.engine.close()

    answer = one.ask()
    one.server.next_call().finish()

    assert await answer.read() == []
