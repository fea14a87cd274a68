"""Answers that the user leaves. C01 to C09 of the cases."""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

import turnout
from tests.core.subprocesses import output_of
from turnout import Stream
from turnout.routes import Health
from turnout.testing import (
    Connection,
    Step,
    chunk,
    expect_close,
    last_chunk,
    respond,
    rst,
    signal,
    until,
    wait_request,
)

from .harness import (
    FLOWGPT,
    HEALTHY,
    OPENAI,
    PATIENCE,
    PROMPT,
    Case,
    Service,
    come_true,
    serving,
)
from .routed import check_at_rest, leg, routed

# Leaving.


async def leave_the_block(stream: Stream) -> None:
    async with stream:
        async for _ in stream:
            break


async def close_it(stream: Stream) -> None:
    await anext(aiter(stream))
    await stream.aclose()


async def close_it_twice(stream: Stream) -> None:
    await close_it(stream)
    await stream.aclose()


async def close_it_at_the_same_time(stream: Stream) -> None:
    await anext(aiter(stream))
    await asyncio.gather(stream.aclose(), stream.aclose(), stream.aclose())


async def close_it_while_it_is_read(stream: Stream) -> None:
    texts = aiter(stream)
    await anext(texts)
    reading = asyncio.create_task(drained(texts))
    await asyncio.sleep(0)
    await stream.aclose()
    assert await reading == []


async def drained(texts: AsyncIterator[str]) -> list[str]:
    return [text async for text in texts]


async def raise_in_the_loop(stream: Stream) -> None:
    error = LookupError("the user's own")

    async def block() -> None:
        async with stream:
            async for _ in stream:
                raise error

    with pytest.raises(LookupError) as caught:
        await block()
    assert caught.value is error
    assert error.__cause__ is None
    assert error.__context__ is None


async def cancel_the_reader(stream: Stream) -> None:
    texts = aiter(stream)
    await anext(texts)
    reading = asyncio.create_task(drained(texts))
    await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


@pytest.mark.parametrize(
    "leave",
    [
        pytest.param(leave_the_block, id="C01-break"),
        pytest.param(cancel_the_reader, id="C02-cancel"),
        pytest.param(raise_in_the_loop, id="C07-raise"),
        pytest.param(close_it, id="C09-close"),
        pytest.param(close_it_twice, id="C09-twice"),
        pytest.param(close_it_at_the_same_time, id="C09-at-once"),
        pytest.param(close_it_while_it_is_read, id="C09-while-read"),
    ],
)
@pytest.mark.parametrize("routed", [False, True], ids=["alone", "route"])
async def test_an_answer_that_is_left_frees_its_connection(
    case: Case,
    service: Service,
    leave: Callable[[Stream], Awaitable[None]],
    routed: bool,
) -> None:
    half = service.streaming(chunk(service.piece("half")), expect_close(1.0))
    async with serving(half) as server, serving(respond(500)) as unasked:
        providers = [service.provider(s.url) for s in (server, unasked)]
        asked = turnout.fallback(*providers) if routed else providers[0]
        async with asked:
            stream = asked.stream(PROMPT)
            await leave(stream)
            # Before the connections that the block keeps are closed with it.
            await server.connections[0].wait_peer_closed()

    assert stream.reply.text == "half"
    assert stream.reply.finish_reason is None
    assert [attempt.outcome for attempt in stream.reply.attempts] == ["closed"]
    assert len(server.http_requests) == 1
    assert unasked.connections == []


async def test_c02_a_request_can_be_cancelled_at_each_step(
    case: Case, service: Service
) -> None:
    (asked, *answer) = service.answering("one", "two")
    async with serving([asked, *answer]) as server:
        async with service.provider(server.url) as provider:
            await swept(lambda: provider.complete(PROMPT))
            before = len(server.connections)
            assert (await provider.complete(PROMPT)).text == "onetwo"

    assert len(server.connections) <= before + 1


async def test_c02_a_route_can_be_cancelled_at_each_step(
    case: Case, service: Service
) -> None:
    broken: list[Step] = respond(404, b'{"error":"no such model"}')
    async with serving(broken) as primary, serving(service.answering(HEALTHY)) as well:
        providers = [service.provider(s.url) for s in (primary, well)]
        async with turnout.fallback(*providers) as route:
            await swept(lambda: route.complete(PROMPT))


async def swept(ask: Callable[[], Awaitable[object]]) -> None:
    """Ask again and again, each time cancelled one turn of the loop later."""
    for turns in itertools.count():
        asking = asyncio.ensure_future(ask())
        for _ in range(turns):
            await asyncio.sleep(0)
        if asking.done():
            await asking
            return
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert asking.cancelled()


# C03


async def test_c03_no_target_is_asked_after_a_wait_that_was_cancelled(
    case: Case, service: Service
) -> None:
    limited = respond(429, b"{}", ("Retry-After", "10"))
    health = Health()
    async with routed(leg(service, limited), health=health) as (route, (alone,)):
        asking = asyncio.create_task(route.complete(PROMPT))
        await come_true(lambda: any(one.retries_in_flight for one in health.known()))
        await cancelled(asking)
        check_at_rest(health)

    assert len(alone.http_requests) == 1


async def test_c03_nobody_is_asked_after_a_place_in_the_queue_was_left(
    case: Case, service: Service
) -> None:
    go = asyncio.Event()
    script = [wait_request(), until(go), *service.answering(HEALTHY)[1:]]
    async with serving(script) as server:
        async with service.provider(server.url, max_concurrent=1) as provider:
            first = asyncio.create_task(provider.complete(PROMPT))
            await server.wait_for(lambda: len(server.http_requests) == 1)
            second = asyncio.create_task(provider.complete(PROMPT))
            gate = provider.gates.of(asyncio.get_running_loop())
            await come_true(lambda: gate.queued == 1)
            await cancelled(second)
            go.set()
            assert (await first).text == HEALTHY

    assert len(server.http_requests) == 1


async def test_c03_both_attempts_end_when_a_hedged_request_is_cancelled(
    case: Case, service: Service
) -> None:
    silent = [wait_request(), expect_close(PATIENCE)]
    # One request in twenty is hedged.
    first_leg = leg(OPENAI, *[OPENAI.answering(HEALTHY)] * 19, silent)
    legs = first_leg, leg(FLOWGPT, silent), leg(service, respond(500))
    async with routed(*legs, hedge_after=0.03) as (route, (first, second, third)):
        for _ in range(19):
            await route.complete(PROMPT)
        asking = asyncio.create_task(route.complete(PROMPT))
        await second.wait_for(lambda: len(second.http_requests) == 1)
        await cancelled(asking)
        await first.connections[-1].wait_peer_closed()
        await second.connections[0].wait_peer_closed()

    assert len(first.http_requests) == 20
    assert third.connections == []


async def test_c03_nobody_is_asked_after_a_continuation_was_cancelled(
    case: Case, service: Service
) -> None:
    held = asyncio.Event()
    begun = chunk(service.piece("and the end of it"))
    legs = [
        leg(service, service.streaming(chunk(service.piece("The beginning ")), rst())),
        leg(service, service.streaming(begun, signal(held), expect_close(PATIENCE))),
        leg(service, respond(500)),
    ]
    async with routed(*legs) as (route, (_, second, third)):
        stream = route.stream(PROMPT)
        asking = asyncio.create_task(drained(aiter(stream)))
        await held.wait()
        await cancelled(asking)
        await second.connections[0].wait_peer_closed()

    # What came was held, as it might have repeated what was shown.
    assert stream.reply.text == "The beginning "
    assert third.connections == []


async def cancelled(asking: asyncio.Task[object]) -> None:
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_c04_an_answer_that_is_dropped_closes_itself(
    case: Case, service: Service
) -> None:
    half = service.streaming(chunk(service.piece("half")), expect_close(1.0))
    async with serving(half) as server:
        async with service.provider(server.url) as provider:
            texts = aiter(provider.stream(PROMPT))
            assert await anext(texts) == "half"
            closed = server.connections[0].wait_peer_closed()
            with pytest.warns(ResourceWarning, match="dropped half-read"):  # noqa: PT031
                del texts
                await closed


async def test_c06_a_slow_reader_holds_the_service_up(
    case: Case, service: Service
) -> None:
    piece = service.piece("x" * 100_000)
    pieces = 1_000
    held = asyncio.Event()

    async def pour(connection: Connection) -> None:
        for step in service.streaming():
            await step.run(connection)
        for _ in range(pieces):
            try:
                await asyncio.wait_for(connection.chunk(piece), 0.3)
            except TimeoutError:
                held.set()
                # What was being written is in the buffer, and goes on from there.
                await drain(connection)
        await connection.chunk(service.end)
        await last_chunk().run(connection)

    async with serving(pour) as server:
        async with service.provider(server.url, max_bytes=1 << 30) as provider:
            async with provider.stream(PROMPT) as stream:
                texts = aiter(stream)
                length = len(await anext(texts))
                await held.wait()
                # The buffers of two sockets and of one reader, and no more.
                assert sum(map(len, server.connections[0].sent)) < 30 << 20
                async for text in texts:
                    length += len(text)

    assert length == pieces * 100_000


async def drain(connection: Connection) -> None:
    await connection.send(b"")


# Ends of event loops and of the process.

SERVED = """
    import asyncio, threading
    from tests.cases.harness import SERVICES, PROMPT
    from turnout.testing import FaultServer, chunk, until

    service = SERVICES["FlowGpt"]

    def half():
        forever = until(asyncio.Event())
        return FaultServer(service.streaming(chunk(service.piece("half")), forever))

    async def keep():
        server = await half().__aenter__()
        stream = service.provider(server.url).stream(PROMPT)
        texts = aiter(stream)
        print(await anext(texts))
        return server, stream, texts
"""

ENDINGS = {
    "C05-run-ends": "kept = asyncio.run(keep())",
    "C05-loops-in-turn": "kept = [asyncio.run(keep()) for _ in range(2)]",
    "C05-thread": """
        kept = []
        thread = threading.Thread(target=lambda: kept.append(asyncio.run(keep())))
        thread.start()
        thread.join()
    """,
    "C05-exit-while-reading": """
        async def main():
            kept = await keep()
            raise SystemExit(0)
        asyncio.run(main())
    """,
    "C05-without-asyncio": """
        ready = threading.Event()

        def serve():
            async def main():
                global url
                async with half() as server:
                    url = server.url
                    ready.set()
                    await asyncio.Event().wait()
            asyncio.run(main())

        threading.Thread(target=serve, daemon=True).start()
        ready.wait()
        kept = iter(service.provider(url).stream(PROMPT))
        print(next(kept))
    """,
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS)
def test_an_ending_leaves_nothing(ending: str) -> None:
    # As a user runs it: what is left open at the end is told by warnings that only
    # developers see; what a loop or a session complains of, everybody does.
    told = output_of(SERVED, ending, command=[sys.executable])

    assert set(told.split()) == {"half"}
