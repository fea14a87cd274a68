"""A stream's life: begun, read, left, closed, cancelled, dropped."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
import tracemalloc
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any

import pytest

from turnout import _watchdog
from turnout.errors import ArgumentError, ServerError, StreamTruncatedError
from turnout.http import _transport
from turnout.streams import Stream
from turnout.testing import (
    CHUNKED,
    FaultServer,
    Step,
    chunk,
    forever,
    response_head,
    run_clean,
    send,
    until,
    wait_request,
)
from turnout.types import ChatRequest, Finish, ReasoningDelta

from .scripted import Lines, Scripted, saying
from .subprocesses import ENDLESS, output_of, run_script

Loop = Callable[[Callable[[], Coroutine[object, object, None]]], None]

UNKNOWN = Finish(reason="unknown")


def answering(*pieces: bytes, then: Step | None = None) -> list[Step]:
    """Return a script that answers in pieces, and then waits, or does as it is told."""
    return [
        wait_request(),
        send(response_head(200, CHUNKED)),
        *map(chunk, pieces),
        then or until(asyncio.Event()),
    ]


def whole(*pieces: bytes) -> list[Step]:
    return answering(*pieces, then=chunk(b""))


class Closing:
    """A provider's answer that does not end, and whether it was closed."""

    def __init__(self, *items: str) -> None:
        self._items = items
        self.begun = 0
        self.closed = 0

    async def __call__(self, _: ChatRequest) -> AsyncGenerator[str]:
        self.begun += 1
        try:
            for item in self._items:
                yield item
            await asyncio.Event().wait()
        finally:
            self.closed += 1


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_nothing_begins_before_a_stream_is_read() -> None:
    answer = Closing("a")
    stream = Scripted(answer).stream("Why?")
    aiter(stream)
    await turns()

    assert answer.begun == 0
    assert "not started" in repr(stream)
    assert stream.reply.text == ""
    assert stream.reply.attempts == ()


async def test_iterating_gives_text_alone() -> None:
    class Loud(str):
        pass

    items = ["a", "", ReasoningDelta(text="hm"), ["b", ""], Loud("c")]
    stream = saying(*items).stream("Why?")

    assert [text async for text in stream] == ["a", "b", "c"]
    assert "complete" in repr(stream)


async def test_events_are_everything_but_empty_text() -> None:
    thought = ReasoningDelta(text="hm")
    stream = saying("a", "", thought, ["", "b"]).stream("Why?")

    assert [event async for event in stream.events()] == ["a", thought, "b", UNKNOWN]


async def test_the_reply_grows_with_the_text() -> None:
    stream = saying("a", "b").stream("Why?")
    texts = aiter(stream)
    await anext(texts)
    assert stream.reply.text == "a"
    assert stream.reply.finish_reason is None
    await anext(texts)
    assert stream.reply.text == "ab"
    assert [text async for text in texts] == []
    assert stream.reply.finish_reason == "unknown"


async def test_a_stream_may_be_awaited_twice() -> None:
    stream = saying("a").stream("Why?")
    first = await stream

    assert await stream == first
    assert await stream.collect() == first


async def test_a_stream_that_was_iterated_may_be_collected() -> None:
    stream = saying("a").stream("Why?")
    async for _ in stream:
        pass

    assert (await stream.collect()).text == "a"


@pytest.mark.parametrize("read", [aiter, Stream.events, iter])
async def test_a_stream_is_read_once(read: Callable[[Stream], Any]) -> None:
    stream = saying("a").stream("Why?")
    aiter(stream)

    with pytest.raises(ArgumentError, match="read only once"):
        next(read(stream)) if read is iter else read(stream)


async def test_a_stream_that_is_read_cannot_be_collected() -> None:
    stream = saying("a").stream("Why?")
    async with stream:
        aiter(stream)
        with pytest.raises(ArgumentError, match="read only once"):
            await stream.collect()


async def test_a_stream_that_was_closed_cannot_be_read() -> None:
    answer = Closing("a")
    stream = Scripted(answer).stream("Why?")
    await stream.aclose()

    with pytest.raises(ArgumentError, match="closed"):
        aiter(stream)
    async with stream:
        pass
    assert answer.begun == 0


async def test_a_failed_stream_raises_once_and_has_ended() -> None:
    stream = saying("a", ServerError("no")).stream("Why?")
    texts = aiter(stream)
    assert await anext(texts) == "a"
    with pytest.raises(ServerError) as caught:
        await anext(texts)

    assert caught.value.reply == stream.reply
    assert [text async for text in texts] == []
    assert "failed" in repr(stream)
    await stream.aclose()


async def test_entering_sends_the_request() -> None:
    answer = Closing("a")
    async with Scripted(answer).stream("Why?") as stream:
        assert answer.begun == 1
        assert stream.reply.text == "a"

    assert answer.closed == 1


async def test_entering_raises_what_the_request_did() -> None:
    with pytest.raises(ServerError):
        async with saying(ServerError("no")).stream("Why?"):
            pytest.fail("it was entered")


async def test_what_entering_read_is_not_lost() -> None:
    async with saying(["a", "b"], "c").stream("Why?") as stream:
        assert [text async for text in stream] == ["a", "b", "c"]


async def test_a_stream_may_be_entered_while_it_is_read() -> None:
    stream = saying("a", "b").stream("Why?")
    texts = aiter(stream)
    await anext(texts)
    async with stream:
        assert [text async for text in texts] == ["b"]


async def break_inside(stream: Stream) -> None:
    async with stream:
        async for _ in stream:
            break


async def raise_in_the_body(stream: Stream) -> None:
    error = KeyError("mine")

    async def read() -> None:
        async with stream:
            async for _ in stream:
                raise error

    with pytest.raises(KeyError) as caught:
        await read()
    assert caught.value is error
    assert error.__context__ is None


async def enter_and_leave(stream: Stream) -> None:
    async with stream:
        pass


async def close_twice(stream: Stream) -> None:
    await anext(aiter(stream))
    await stream.aclose()
    await stream.aclose()


async def close_the_iterator(stream: Stream) -> None:
    texts = stream.events()
    await anext(texts)
    await texts.aclose()


async def close_at_the_same_time(stream: Stream) -> None:
    await anext(aiter(stream))
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(stream.aclose())


async def close_while_another_task_reads(stream: Stream) -> None:
    seen: list[str] = []
    begun = asyncio.Event()

    async def read() -> None:
        async for text in stream:
            seen.append(text)
            begun.set()

    async with asyncio.TaskGroup() as group:
        reading = group.create_task(read())
        await begun.wait()
        await turns()
        for _ in range(3):
            group.create_task(stream.aclose())
        await stream.aclose()

    assert not reading.cancelled()
    assert seen == ["text"]


async def close_before_the_first_text(stream: Stream) -> None:
    async with asyncio.TaskGroup() as group:
        collecting = group.create_task(stream.collect())
        await asyncio.sleep(0)
        await stream.aclose()
    assert collecting.result().text == ""


async def run_out_of_time(stream: Stream) -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), stream:
            await stream.collect()


@pytest.mark.parametrize(
    "leave",
    [
        break_inside,
        raise_in_the_body,
        enter_and_leave,
        close_twice,
        close_the_iterator,
        close_at_the_same_time,
        close_while_another_task_reads,
        close_before_the_first_text,
        run_out_of_time,
    ],
)
@pytest.mark.parametrize("uvloop", [False, True], ids=["asyncio", "uvloop"])
def test_a_stream_that_is_left_frees_its_connection(
    leave: Callable[[Stream], Awaitable[None]], uvloop: bool
) -> None:
    async def main() -> None:
        async with FaultServer(answering(b"text\n")) as server:
            provider = Lines(base_url=server.url)
            stream = provider.stream("Why?")
            await leave(stream)
            for connection in server.connections:
                await connection.wait_peer_closed()
            assert "closed before its end" in repr(stream)
            assert [a.outcome for a in stream.reply.attempts] in ([], ["closed"])
            assert len(server.http_requests) <= 1

    if not uvloop:
        run_clean(main)
        return
    runner = pytest.importorskip("uvloop")
    runner.run(main(), debug=True)


async def test_an_iterator_ends_when_its_stream_was_closed() -> None:
    stream = Scripted(Closing("a", "b")).stream("Why?")
    texts = aiter(stream)
    await anext(texts)
    await stream.aclose()

    assert [text async for text in texts] == []
    assert stream.reply.text == "a"


async def test_closing_waits_until_the_reader_has_closed() -> None:
    order: list[str] = []

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            await turns()
            order.append("closed")

    stream = Scripted(answer).stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await turns()
    await stream.aclose()
    order.append("aclose returned")

    assert order == ["closed", "aclose returned"]
    assert (await reading).text == "a"


async def test_closing_waits_for_a_reader_that_does_not_hear_it() -> None:
    heard = asyncio.Event()

    async def deaf(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            heard.set()
            yield "late"

    stream = Scripted(deaf).stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await turns()
    await stream.aclose()

    assert heard.is_set()
    reply = await reading
    assert reply.finish_reason is None
    assert [attempt.outcome for attempt in reply.attempts] == ["closed"]


async def test_closing_ends_a_provider_that_gives_nothing() -> None:
    async def deaf(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield ""
            await asyncio.Event().wait()

    stream = Scripted(deaf).stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await turns()
    await stream.aclose()

    assert [a.outcome for a in (await reading).attempts] == ["closed"]


async def test_closing_hides_what_the_provider_makes_of_it() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise StreamTruncatedError("cut") from None
        yield "never"

    stream = Scripted(answer).stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await turns()
    await stream.aclose()

    assert [a.outcome for a in (await reading).attempts] == ["closed"]


async def test_closing_may_be_cancelled() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
        finally:
            await asyncio.Event().wait()

    stream = Scripted(answer).stream("Why?")
    await anext(aiter(stream))
    closing = asyncio.create_task(stream.aclose())
    await turns()
    other = asyncio.create_task(stream.aclose())
    await turns()
    assert not other.done()
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    await other

    assert [a.outcome for a in stream.reply.attempts] == ["closed"]


@pytest.mark.parametrize("entered", [False, True])
def test_cancelling_at_any_step_leaves_nothing(entered: bool) -> None:
    async def ask(url: str) -> str:
        provider = Lines(base_url=url)
        if not entered:
            return (await provider.complete("Why?")).text
        async with provider, provider.stream("Why?") as stream:
            return "".join([text async for text in stream])

    async def main() -> int:
        step = 0
        script = [
            wait_request(),
            # Else the connection of an answer that was read whole would be kept.
            send(response_head(200, CHUNKED, ("Connection", "close"))),
            *map(chunk, (b"a\n", b"b\n", b"c\n", b"")),
            until(asyncio.Event()),
        ]
        async with FaultServer(script) as server:
            for step in range(1000):
                task = asyncio.create_task(ask(server.url))
                await turns(step)
                if not task.cancel():
                    assert await task == "abc"
                    break
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert task.cancelling() == 1
                # Whatever was left open would be seen by `run_clean`, but for
                # connections: those are to be closed at once, not at the end.
                for connection in list(server.connections):
                    await connection.wait_peer_closed()
            return step

    assert run_clean(main) > 10


def test_cancelling_while_a_body_runs_frees_the_connection() -> None:
    async def main() -> None:
        async with FaultServer(answering(b"a\n")) as server:

            async def read() -> None:
                async with Lines(base_url=server.url).stream("Why?") as stream:
                    async for _ in stream:
                        reading.set()
                        await asyncio.Event().wait()

            reading = asyncio.Event()
            task = asyncio.create_task(read())
            await reading.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            await server.connections[0].wait_peer_closed()

    run_clean(main)


async def read_one(stream: Stream) -> None:
    async for _ in stream:
        break


async def lose_an_iterator(stream: Stream) -> None:
    await anext(stream.events())


@pytest.mark.parametrize("drop", [read_one, lose_an_iterator])
async def test_a_stream_that_is_dropped_warns_and_is_closed_on_the_next_turn(
    drop: Callable[[Stream], Awaitable[None]],
) -> None:
    gc.disable()  # No collector is needed for it.
    answer = Closing("a")
    stream = Scripted(answer).stream("Why?")
    dropped = weakref.ref(stream)
    try:
        with pytest.warns(ResourceWarning, match="dropped half-read"):  # noqa: PT031
            await drop(stream)
            del stream
            await turns()
    finally:
        gc.enable()

    assert answer.closed == 1
    assert dropped() is None


async def test_a_stream_that_was_entered_and_lost_warns_and_is_closed() -> None:
    answer = Closing("a")

    async def lose() -> None:
        _ = await Scripted(answer).stream("Why?").__aenter__()

    with pytest.warns(ResourceWarning, match="dropped half-read"):
        await lose()
    await turns()  # The warning itself has kept it until now.

    assert answer.closed == 1
    rounds = _watchdog._ROUNDS.get(asyncio.get_running_loop())  # pyright: ignore[reportPrivateUsage]
    assert rounds is not None
    assert rounds.watched == set()


async def test_leaving_a_loop_within_a_block_leaves_the_stream_to_the_block() -> None:
    answer = Closing("a", "b")
    async with Scripted(answer).stream("Why?") as stream:
        async for _ in stream:
            break
        await turns()
        assert answer.closed == 0

    assert answer.closed == 1


async def test_a_stream_that_has_ended_is_dropped_in_silence() -> None:
    await saying("a").complete("Why?")
    stream = saying("a", "b").stream("Why?")
    texts = aiter(stream)
    assert [await anext(texts), await anext(texts)] == ["a", "b"]
    await stream.aclose()
    del stream, texts
    gc.collect()
    await turns()


def test_the_end_of_a_loop_closes_what_is_open() -> None:
    output = output_of(
        ENDLESS,
        """
        kept = []
        async def main():
            stream = Endless().stream("Why?")
            kept.append(stream)
            async with stream:
                kept.append(aiter(stream))
                print(await anext(kept[1]))
                raise KeyboardInterrupt
        for _ in range(2):  # A second loop in the same process is as good.
            kept.clear()
            try:
                asyncio.run(main())
            except KeyboardInterrupt:
                print("interrupted")
        """,
    )

    assert output == "a\nclosed\ninterrupted\n" * 2


def test_the_end_of_a_loop_with_an_open_stream_warns_of_that_alone() -> None:
    done = run_script(
        ENDLESS,
        """
        kept = []
        async def main():
            kept.append(aiter(Endless().stream("Why?")))
            print(await anext(kept[0]))
        asyncio.run(main())
        """,
        command=[sys.executable, "-X", "dev"],
    )

    assert done.returncode == 0
    assert done.stdout == "a\nclosed\n"
    assert done.stderr.count("ResourceWarning: <Stream") == 1
    for word in ("Unclosed", "never", "Event loop is closed", "Traceback"):
        assert word not in done.stderr


def test_a_connection_that_is_open_when_a_loop_ends_is_closed() -> None:
    kept: list[object] = []

    async def begin(server: FaultServer) -> None:
        stream = Lines(base_url=server.url).stream("Why?")
        kept.append(await stream.__aenter__())

    async def main() -> None:
        # The server has a loop of its own, since it outlives the client's.
        server = FaultServer(answering(b"a\n"))
        async with server:
            thread = threading.Thread(target=lambda: asyncio.run(begin(server)))
            thread.start()
            await server.wait_for(lambda: bool(server.http_requests))
            await server.connections[0].wait_peer_closed()
            await asyncio.to_thread(thread.join)

    run_clean(main)
    stream = kept.pop()
    assert isinstance(stream, Stream)
    with pytest.warns(ResourceWarning, match="dropped half-read"):
        del stream


def test_a_slow_reader_holds_the_server_back() -> None:
    piece = b"x" * 65535 + b"\n"
    sent = 0

    async def count() -> None:
        nonlocal sent
        sent += len(piece)
        if sent > 64 << 20:  # Not held back: stop, and let the test fail.
            await asyncio.Event().wait()

    counting = Step("count", lambda _: count())
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        forever(chunk(piece), counting),
    ]

    async def main() -> int:
        async with (
            FaultServer(script) as server,
            Lines(base_url=server.url).stream("Why?") as stream,
        ):
            texts = aiter(stream)
            await anext(texts)
            # Whatever the server can send while nobody reads goes into buffers; it
            # is held back when nothing has gone for a hundred turns.
            before = -1
            while before != sent:
                before = sent
                for _ in range(100):
                    await asyncio.sleep(0.0005)
            for _ in range(200):
                await anext(texts)
            assert sent > before  # It goes on.
        return before

    tracemalloc.start()
    try:
        held = run_clean(main)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert held < 16 << 20  # Most of it in the kernel's buffers.
    assert peak < 64 << 20


def test_a_client_in_a_threads_loop_leaves_nothing() -> None:
    texts: list[str] = []
    provider: list[Lines] = []

    async def ask() -> None:
        texts.append((await provider[0].complete("Why?")).text)

    async def main() -> None:
        async with FaultServer(whole(b"a\n")) as server:
            provider.append(Lines(base_url=server.url))
            await ask()
            for _ in range(2):
                await asyncio.to_thread(lambda: asyncio.run(ask()))

    run_clean(main)
    assert texts == ["a"] * 3


def test_loops_one_after_another_leave_nothing() -> None:
    async def main() -> str:
        async with FaultServer(whole(b"a\n"), whole(b"a\n")) as server:
            async with Lines(base_url=server.url) as provider:
                await provider.complete("Why?")
            return (await provider.complete("Why?")).text

    assert [run_clean(main), run_clean(main)] == ["a", "a"]


def test_a_loop_that_was_closed_by_hand_is_forgotten() -> None:
    loop = asyncio.new_event_loop()

    async def main() -> None:
        async with FaultServer(whole(b"a\n")) as server:
            await Lines(base_url=server.url).complete("Why?")

    loop.run_until_complete(main())
    pools = _transport._POOLS  # pyright: ignore[reportPrivateUsage]
    kept = pools.get(loop)
    assert kept is not None
    # What the pool's keeper does for loops that are closed by the rules.
    loop.run_until_complete(kept[0].aclose())
    loop.close()
    run_clean(main)

    assert pools.get(loop) is None
