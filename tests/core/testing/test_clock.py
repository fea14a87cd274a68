from __future__ import annotations

import asyncio
import math
import time

import aiohttp
import pytest

from turnout.errors import FirstDeltaTimeoutError, StreamStalledError
from turnout.testing import (
    CHUNKED,
    FakeProvider,
    FaultServer,
    Pause,
    SimulatedClock,
    chunk,
    last_chunk,
    respond,
    respond_in_chunks,
    response_head,
    run_clean,
    run_simulated,
    send,
    sleep,
    wait_request,
)

from ..scripted import Lines

HOUR = 3600.0


def test_a_clock_passes_when_it_is_told_to() -> None:
    clock = SimulatedClock(5.0)

    clock.advance(0.5)

    assert clock() == 5.5


@pytest.mark.parametrize("seconds", [-1.0, math.nan])
def test_a_clock_does_not_go_back(seconds: float) -> None:
    with pytest.raises(ValueError, match="does not go back"):
        SimulatedClock().advance(seconds)


def test_hours_pass_in_no_time() -> None:
    async def main() -> float:
        begun = asyncio.get_running_loop().time()
        await asyncio.gather(*(asyncio.sleep(HOUR * n) for n in range(100)))
        return asyncio.get_running_loop().time() - begun

    assert run_simulated(main()) == pytest.approx(99 * HOUR)


def test_timers_fire_in_their_order() -> None:
    async def main() -> list[float]:
        fired: list[float] = []

        async def note(seconds: float) -> None:
            await asyncio.sleep(seconds)
            fired.append(asyncio.get_running_loop().time())

        await asyncio.gather(note(3), note(1), note(2))
        return fired

    assert run_simulated(main()) == pytest.approx([1, 2, 3])


def test_a_test_can_hold_the_clock() -> None:
    clock = SimulatedClock(100.0)

    async def main() -> None:
        timer = asyncio.create_task(asyncio.sleep(HOUR))
        await asyncio.sleep(0)
        clock.advance(HOUR)
        await timer
        assert asyncio.get_running_loop().time() == clock()

    run_simulated(main(), clock=clock)

    assert clock() == 100 + HOUR


def test_time_stands_still_while_a_thread_works() -> None:
    async def main() -> float:
        begun = asyncio.get_running_loop().time()
        async with asyncio.timeout(0.001):
            await asyncio.to_thread(time.sleep, 0.05)
        return asyncio.get_running_loop().time() - begun

    assert run_simulated(main()) == 0.0


def test_a_long_stream_over_loopback_is_read_in_time() -> None:
    pauses = [step for _ in range(20) for step in (sleep(50), chunk(b"a\n"))]
    script = [wait_request(), send(response_head(200, CHUNKED)), *pauses, last_chunk()]

    async def main() -> tuple[str, float]:
        async with FaultServer(script) as server, Lines(base_url=server.url) as lines:
            reply = await lines.complete("?", deadline=2 * HOUR)
            return reply.text, asyncio.get_running_loop().time()

    text, seconds = run_simulated(main())
    assert text == "a" * 20
    assert 1000 <= seconds < 1001


def test_no_time_passes_while_bytes_are_on_their_way() -> None:
    big = b"x" * (1 << 22)

    async def main() -> float:
        async with (
            FaultServer(respond(200, big), keep_alive=True) as server,
            aiohttp.ClientSession() as session,
        ):
            for _ in range(10):
                async with session.post(server.url, data=big[: 1 << 20]) as response:
                    assert await response.read() == big
            return asyncio.get_running_loop().time()

    assert run_simulated(main()) == 0.0


def test_turnouts_timers_go_by_the_simulated_time() -> None:
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        with pytest.raises(FirstDeltaTimeoutError):
            await FakeProvider(Pause(61)).complete("?")
        first = loop.time()
        with pytest.raises(StreamStalledError):
            await FakeProvider("a", Pause(61), "b").complete("?")
        return [first, loop.time()]

    first, second = run_simulated(main())
    assert 60 <= first < 62
    assert 60 <= second - first < 62


def test_nothing_is_left_of_a_simulated_run() -> None:
    async def served() -> None:
        async with FaultServer(respond_in_chunks([b"a\n"])) as server:
            async with Lines(base_url=server.url) as provider:
                await provider.complete("?")

    async def main() -> None:
        await asyncio.to_thread(lambda: run_simulated(served()))

    run_clean(main)


def test_a_run_within_an_event_loop_is_refused() -> None:
    async def main() -> None:
        run_simulated(asyncio.sleep(0))

    with pytest.raises(RuntimeError, match="an event loop runs in this thread"):
        asyncio.run(main())
