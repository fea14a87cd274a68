"""Streams in code without asyncio: in blocks, closed by hand, read as events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator
from typing import Any

import pytest

from turnout import _background
from turnout._background import BackgroundLoop
from turnout.errors import ArgumentError, ServerError
from turnout.streams import Stream
from turnout.types import ChatRequest, Event, Finish, ReasoningDelta

from .scripted import Scripted, saying
from .subprocesses import ENDLESS, output_of

UNKNOWN = Finish(reason="unknown")


class Endless:
    """An endless answer that records when it is closed."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.closed = threading.Event()

    async def __call__(self, _: ChatRequest) -> AsyncGenerator[Event]:
        self.begun.set()
        try:
            while True:
                yield "a"
                await asyncio.sleep(0)
        finally:
            self.closed.set()

    def stream(self) -> Stream:
        return Scripted(self).stream("Why?")


def test_a_block_sends_the_request_and_closes() -> None:
    answer = Endless()

    with answer.stream() as stream:
        assert answer.begun.is_set()
        for _ in stream:
            break
        assert not answer.closed.is_set()
        assert stream.reply.text == "a"

    assert answer.closed.is_set()
    assert "closed" in repr(stream)


def test_a_block_yields_the_whole_answer() -> None:
    with saying("a", ["b", "c"]).stream("Why?") as stream:
        assert list(stream) == ["a", "b", "c"]

    assert "complete" in repr(stream)
    assert stream.reply.text == "abc"


def test_a_block_raises_the_error_of_the_request() -> None:
    with (
        pytest.raises(ServerError, match="no"),
        saying(ServerError("no")).stream("Why?"),
    ):
        pytest.fail("the block is not entered")


def test_an_error_in_a_block_closes_the_stream() -> None:
    answer, error = Endless(), KeyError("mine")

    with pytest.raises(KeyError) as caught, answer.stream():
        raise error

    assert caught.value is error
    assert answer.closed.is_set()


def test_a_stream_may_be_entered_while_it_is_read() -> None:
    answer = Endless()
    stream = answer.stream()
    texts = iter(stream)
    next(texts)

    with stream:
        next(texts)

    assert answer.closed.is_set()
    assert list(texts) == []


def test_a_stream_may_be_closed_twice() -> None:
    answer = Endless()
    stream = answer.stream()
    next(iter(stream))

    stream.close()
    stream.close()

    assert answer.closed.is_set()


def test_a_stream_that_was_closed_before_it_began_sends_nothing() -> None:
    answer = Endless()
    stream = answer.stream()

    stream.close()

    with pytest.raises(ArgumentError, match="was closed"):
        list(stream)
    assert not answer.begun.is_set()


def test_a_stream_is_closed_from_another_thread() -> None:
    stream = Endless().stream()
    texts = iter(stream)
    next(texts)
    closing = threading.Thread(target=stream.close)
    closing.start()

    assert set(texts) <= {"a"}  # It ends.

    closing.join(10)
    assert not closing.is_alive()


async def test_a_stream_of_an_event_loop_is_not_closed_without_it() -> None:
    async with Endless().stream() as stream:
        with pytest.raises(ArgumentError, match=r"use `await stream\.aclose\(\)`"):
            stream.close()


async def test_a_block_within_an_event_loop_says_what_to_do() -> None:
    stream = saying("a").stream("Why?")

    with pytest.raises(ArgumentError, match="an event loop runs in this thread"):
        _ = stream.__enter__()

    assert [text async for text in stream] == ["a"]


def test_a_stream_whose_loop_has_ended_is_closed_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loop = BackgroundLoop()
    monkeypatch.setattr(_background, "background_loop", lambda: loop)
    stream = Endless().stream()
    next(iter_of(stream))
    loop.close()

    stream.close()

    assert "closed" in repr(stream)


ITERATORS: list[Iterator[Any]] = []


def iter_of(stream: Stream) -> Iterator[str]:
    """Return an iterator that is not dropped."""
    ITERATORS.append(iter(stream))
    return ITERATORS[-1]


ITEMS = ["a", "", ReasoningDelta(text="hm"), ["b", "", "c"], [""], ""]


def test_events_are_read_without_an_event_loop() -> None:
    stream = saying(*ITEMS).stream("Why?")

    assert list(stream.events()) == ["a", ReasoningDelta(text="hm"), "b", "c", UNKNOWN]
    assert stream.reply.text == "abc"


BATCHES = [["a"], [ReasoningDelta(text="hm")], ["b", "c"], [UNKNOWN]]


def test_batches_are_read_without_an_event_loop() -> None:
    assert list(saying(*ITEMS).stream("Why?").batches()) == BATCHES


async def test_a_batch_has_the_events_of_one_read() -> None:
    stream = saying(*ITEMS).stream("Why?")

    assert [batch async for batch in stream.batches()] == BATCHES
    assert stream.reply.text == "abc"


async def test_leaving_batches_closes_the_stream() -> None:
    answer = Endless()
    stream = answer.stream()

    batches = stream.batches()
    assert await anext(batches) == ["a"]
    await batches.aclose()

    assert answer.closed.is_set()


@pytest.mark.parametrize("read", [Stream.events, Stream.batches, iter, aiter])
def test_a_stream_is_read_only_once(read: Callable[[Stream], object]) -> None:
    stream = saying("a").stream("Why?")
    stream.batches()

    with pytest.raises(ArgumentError, match="read only once"):
        read(stream)


@pytest.mark.parametrize("read", [Stream.__iter__, Stream.events, Stream.batches])
def test_leaving_the_loop_closes_the_stream(
    read: Callable[[Stream], Iterable[object]],
) -> None:
    answer = Endless()
    for _ in read(answer.stream()):
        break

    assert answer.closed.wait(10)


def test_a_process_may_end_within_a_block() -> None:
    output = output_of(
        ENDLESS,
        """
        with Endless().stream("Why?") as stream:
            for event in stream.events():
                tell(event)
                sys.exit(0)
        """,
    )

    assert output == "a\nclosed\n"
