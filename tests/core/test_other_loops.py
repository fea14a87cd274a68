"""Streams in another event loop, without one, and in loops that are closed by hand."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator

import pytest

import turnout
from tests.support.openai_server import OpenAIServer
from turnout.errors import ArgumentError, UnknownModelError
from turnout.http import _transport
from turnout.streams import Stream
from turnout.types import ChatRequest

from .scripted import Scripted, saying
from .subprocesses import SLOW, output_of, run_script

ELSEWHERE = "begun in another event loop, and can only be read and closed there"


@pytest.fixture
def other() -> Iterator[asyncio.AbstractEventLoop]:
    """Return an event loop that runs in another thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()


async def in_loop(loop: asyncio.AbstractEventLoop, code: Awaitable[object]) -> object:
    async def run() -> object:
        return await code

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(run(), loop))


def endless() -> Stream:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        while True:
            yield "a"
            await asyncio.sleep(0)

    return Scripted(answer).stream("Why?")


async def read_text(stream: Stream) -> None:
    async for _ in stream:
        pass


async def read_events(stream: Stream) -> None:
    async for _ in stream.events():
        pass


async def read_synchronously(stream: Stream) -> None:
    await asyncio.to_thread(list, stream)


@pytest.mark.parametrize(
    "use", [read_text, read_events, Stream.collect, Stream.aclose, read_synchronously]
)
async def test_a_stream_can_only_be_used_in_the_loop_that_began_it(
    other: asyncio.AbstractEventLoop, use: Callable[[Stream], Awaitable[object]]
) -> None:
    stream = endless()
    await in_loop(other, stream.__aenter__())

    with pytest.raises(ArgumentError, match=ELSEWHERE):
        await use(stream)

    assert "under way" in repr(stream)
    await in_loop(other, stream.aclose())


async def test_a_stream_continues_after_it_was_refused_in_another_loop(
    other: asyncio.AbstractEventLoop,
) -> None:
    stream = endless()
    texts = aiter(stream)
    await in_loop(other, anext(texts))

    with pytest.raises(ArgumentError, match=ELSEWHERE):
        await stream.aclose()

    assert await in_loop(other, anext(texts)) == "a"
    await in_loop(other, stream.aclose())


async def test_the_end_is_awaited_in_the_loop_that_began_the_stream(
    other: asyncio.AbstractEventLoop,
) -> None:
    closing, ended = threading.Event(), asyncio.Event()

    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            yield "a"
        finally:
            closing.set()
            await ended.wait()

    stream = Scripted(answer).stream("Why?")
    await in_loop(other, stream.__aenter__())
    close = asyncio.create_task(in_loop(other, stream.aclose()))
    await asyncio.to_thread(closing.wait)

    with pytest.raises(ArgumentError, match=ELSEWHERE):
        await stream.aclose()

    other.call_soon_threadsafe(ended.set)
    await close
    await stream.aclose()


async def test_a_complete_answer_can_be_read_in_any_loop(
    other: asyncio.AbstractEventLoop,
) -> None:
    stream = saying(["a", "b"]).stream("Why?")
    reply = await in_loop(other, stream.collect())

    assert await stream.collect() == reply


def test_without_an_event_loop_the_error_says_what_to_do() -> None:
    code = saying("a").complete("Why?")

    with pytest.raises(ArgumentError, match=r"turnout\.run"):
        code.send(None)


async def test_a_provider_is_entered_in_an_event_loop() -> None:
    code = saying("a").__aenter__()

    with pytest.raises(ArgumentError, match="asyncio event loop"):
        await asyncio.to_thread(code.send, None)


@pytest.mark.ci
def test_under_trio_the_error_says_what_to_do_and_that_works() -> None:
    output = output_of(
        SLOW,
        """
        import trio
        import turnout
        from turnout.testing import FakeProvider
        async def main():
            provider = FakeProvider("a")
            try:
                await provider.complete("Why?")
            except turnout.ArgumentError as error:
                print(error)
            try:
                async for text in provider.stream("Why?"):
                    pass
            except turnout.ArgumentError as error:
                print(error)
            code = provider.complete("Why?")
            print((await trio.to_thread.run_sync(turnout.run, code)).text)
        trio.run(main)
        """,
    )

    refused = (
        "turnout needs asyncio, and trio runs here; run the coroutine in a thread: "
        "`await trio.to_thread.run_sync(turnout.run, provider.complete(...))`\n"
    )
    assert output == refused * 2 + "a\n"


@pytest.mark.parametrize(
    "make", ["asyncio.new_event_loop()", "__import__('uvloop').new_event_loop()"]
)
async def test_a_loop_that_is_closed_by_hand_leaves_nothing(make: str) -> None:
    async with OpenAIServer() as server:
        done = await asyncio.to_thread(
            run_script,
            SLOW,
            f"""
            import asyncio, gc
            import turnout
            provider = turnout.get_provider("vLLM", base_url={server.base_url!r})
            for _ in range(2):
                loop = {make}
                reply = loop.run_until_complete(provider.complete("hi", model="m"))
                loop.close()
                loop.close()
                gc.collect()
                print(reply.text)
            """,
        )
        await server.wait_for(lambda: all(c.peer_closed for c in server.connections))

    assert (done.stdout, done.stderr) == ("Hello there.\n" * 2, "")
    assert len(server.connections) == 2


def test_a_loop_that_is_closed_within_another_is_closed() -> None:
    loop = asyncio.new_event_loop()
    pool = loop.run_until_complete(_transport.open_pool(loop))

    async def close() -> None:
        loop.close()
        await pool.aclose()  # Nothing else closes it, as the loop could not run.

    asyncio.run(close())

    assert loop.is_closed()


async def test_the_first_request_imports_in_a_thread() -> None:
    async with OpenAIServer() as server:
        done = await asyncio.to_thread(
            run_script,
            f"""
            import asyncio, sys, threading
            import turnout
            class Watch:
                def find_spec(self, name, path=None, target=None):
                    if name == "aiohttp":
                        print(threading.current_thread() is threading.main_thread())
            sys.meta_path.insert(0, Watch())
            async def main():
                provider = turnout.get_provider("vLLM", base_url={server.base_url!r})
                ask = [provider.complete("hi", model="m") for _ in range(3)]
                print([reply.text for reply in await asyncio.gather(*ask)])
            asyncio.run(main())
            """,
        )

    assert done.stdout == f"False\n{['Hello there.'] * 3}\n", done


async def test_after_warm_up_a_request_imports_nothing() -> None:
    async with OpenAIServer() as server:
        done = await asyncio.to_thread(
            run_script,
            f"""
            import asyncio, sys
            import turnout
            async def main():
                await turnout.warm_up("vLLM")
                before = set(sys.modules)
                provider = turnout.get_provider("vLLM", base_url={server.base_url!r})
                route = turnout.fallback(provider.target("m"))
                print((await route.complete("hi")).text)
                new = {{name.split(".")[0] for name in set(sys.modules) - before}}
                print(new - {{"turnout_openai"}})
                print("turnout_gemini" in sys.modules)
                await turnout.warm_up()
                print("turnout_gemini" in sys.modules)
            asyncio.run(main())
            """,
        )

    assert done.stdout == "Hello there.\nset()\nFalse\nTrue\n", done


async def test_warm_up_accepts_what_explain_accepts() -> None:
    await turnout.warm_up("OpenAI:gpt-4o", "gpt-4o")

    with pytest.raises(UnknownModelError, match="no-such-model"):
        await turnout.warm_up("no-such-model")


def test_warm_up_runs_without_an_event_loop() -> None:
    turnout.run(turnout.warm_up("OpenAI"))
