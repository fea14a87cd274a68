"""Answers that do not come in time. T01 to T10 of the cases.

Where a timer has to fire, the server waits for ever.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import pytest

from tests.support.openai_server import chunk as delta
from tests.support.openai_server import event
from turnout.errors import (
    DeadlineError,
    FallbackError,
    FirstDeltaTimeoutError,
    StreamStalledError,
    TurnoutError,
    UnavailableError,
)
from turnout.testing import (
    FaultServer,
    Step,
    chunk,
    expect_close,
    forever,
    last_chunk,
    respond,
    run_simulated,
    sleep,
    until,
    wait_request,
)

from .harness import (
    HEALTHY,
    OPENAI,
    PATIENCE,
    PROMPT,
    SERVICES,
    Case,
    Service,
    serving,
)
from .routed import leg, routed

T = TypeVar("T", bound=TurnoutError)

SHORT = 0.04
"""Seconds of a timer that is to fire."""


def silence() -> Step:
    return until(asyncio.Event())


async def test_t01_a_server_that_says_nothing_falls_over(
    case: Case, service: Service
) -> None:
    script = [wait_request(), silence()]
    error = await case.breaks(
        service, script, FirstDeltaTimeoutError, first_delta_timeout=SHORT
    )

    assert "first_delta_timeout=0.04 s" in str(error)


NOISE = {
    "OpenAI": [b": keep-alive\n\n", b"event: ping\n\n", event(delta({"role": "x"}))],
    "FlowGpt": [b"\n", b'{"event":"ping"}\n', b'{"event":"text","data":""}\n'],
}

EMPTY = {
    "OpenAI": [event(delta({"content": ""})), event(delta({"content": None}))],
    "FlowGpt": [b'{"event":"text","data":""}\n'],
}


@pytest.mark.parametrize(
    "noise",
    [pytest.param(NOISE, id="T02-pings"), pytest.param(EMPTY, id="T06-empty")],
)
async def test_bytes_that_bring_nothing_do_not_count(
    case: Case, service: Service, noise: dict[str, Sequence[bytes]]
) -> None:
    ping = [step for data in noise[service.name] for step in (chunk(data), sleep(0))]
    script = service.streaming(forever(*ping))

    await case.breaks(
        service, script, FirstDeltaTimeoutError, first_delta_timeout=SHORT
    )


@pytest.mark.parametrize("noisy", [False, True], ids=["silence", "pings"])
async def test_t03_an_answer_that_stops_coming_has_stalled(
    case: Case, service: Service, noisy: bool
) -> None:
    tokens = [chunk(service.piece(str(number))) for number in range(5)]
    noise = [chunk(data) for data in NOISE[service.name]]
    rest = forever(*noise, sleep(0)) if noisy else silence()
    error = await case.fails(
        service,
        service.streaming(*tokens, rest),
        StreamStalledError,
        stall_timeout=SHORT,
    )

    assert "stall_timeout=0.04 s, after 5 characters" in str(error)
    assert error.reply is not None
    assert error.reply.text == "01234"


async def test_t03_an_answer_whose_bytes_stop_has_stalled(
    case: Case, service: Service
) -> None:
    script = service.streaming(chunk(service.piece("half")), silence())
    error = await case.fails(service, script, StreamStalledError, idle_timeout=SHORT)

    assert "idle_timeout=0.04 s" in str(error)


# T07


async def test_t07_a_deadline_ends_the_second_attempt(
    case: Case, service: Service
) -> None:
    legs = [
        leg(service, service.answering(HEALTHY), respond(500)),
        leg(service, [wait_request(), expect_close(PATIENCE)]),
        leg(service, service.answering("never")),
    ]
    loop = asyncio.get_running_loop()
    async with routed(*legs, max_attempts=1, least_time=0) as (route, servers):
        # The first request of a process takes its time.
        assert (await route.complete(PROMPT)).text == HEALTHY
        began = loop.time()
        await case.fails_through(route, DeadlineError, deadline=0.5)
        seconds = loop.time() - began

    assert [len(server.http_requests) for server in servers] == [2, 1, 0]
    assert 0.499 <= seconds < PATIENCE


async def test_t07_a_wait_past_the_deadline_is_not_begun(
    case: Case, service: Service
) -> None:
    limited = respond(429, b"{}", ("Retry-After", "5"))
    async with routed(leg(service, limited)) as (route, (alone,)):
        await case.fails_through(route, FallbackError, deadline=5.0)

    assert len(alone.http_requests) == 1


async def test_t07_a_deadline_ends_a_wait_in_the_queue(
    case: Case, service: Service
) -> None:
    await one_too_many(case, service, DeadlineError, deadline=SHORT)


# T09, T10


async def test_t09_whoever_finds_no_place_is_refused(
    case: Case, service: Service
) -> None:
    error = await one_too_many(case, service, UnavailableError, queue_timeout=SHORT)

    assert "queue_timeout=0.04 s" in str(error)


async def test_t09_a_queue_that_is_full_refuses_at_once(
    case: Case, service: Service
) -> None:
    await one_too_many(case, service, UnavailableError, max_queued=0)


async def one_too_many(
    case: Case, service: Service, kind: type[T], **options: Any
) -> T:
    """Ask a provider whose one place is taken, which must fail so, and unasked."""
    go = asyncio.Event()
    script = [wait_request(), until(go), *service.answering(HEALTHY)[1:]]
    async with serving(script) as server:
        async with service.provider(
            server.url, max_concurrent=1, **options
        ) as provider:
            first = asyncio.create_task(provider.complete(PROMPT, deadline=60))
            await server.wait_for(lambda: len(server.http_requests) == 1)
            with pytest.raises(TurnoutError) as caught:
                await provider.complete(PROMPT)
            go.set()
            assert (await first).text == HEALTHY

    error = caught.value
    case.raised.append(error)
    assert type(error) is kind, repr(error)
    assert len(server.http_requests) == 1
    return error


async def test_t10_whoever_came_first_is_served_first(
    case: Case, service: Service
) -> None:
    async with serving(service.answering(HEALTHY), keep_alive=True) as server:
        async with service.provider(server.url, max_concurrent=1) as provider:
            numbers = [f"{number}: {PROMPT}" for number in range(40)]
            await asyncio.gather(*map(provider.complete, numbers))

    requests = sorted(server.http_requests, key=lambda one: one.received_at)
    order = [int(re.findall(rb"(\d+): A q", one.body)[0]) for one in requests]
    assert order == list(range(40))


# By a simulated clock, and so by asyncio's own loop alone.


def simulated(service: Service, *steps: Step) -> tuple[str, float]:
    """Ask by a clock that jumps; return the answer, and the seconds that it took."""

    async def main() -> tuple[str, float]:
        async with FaultServer(service.streaming(*steps, last_chunk())) as server:
            async with service.provider(server.url) as provider:
                began = asyncio.get_running_loop().time()
                reply = await provider.complete(PROMPT)
                return reply.text, asyncio.get_running_loop().time() - began

    return run_simulated(main())


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_t04_ten_minutes_of_tokens_are_no_fault(service: Service) -> None:
    # A second less than the default timers, and ten less than the deadline.
    tokens = [
        step for _ in range(10) for step in (sleep(59), chunk(service.piece(".")))
    ]
    text, seconds = simulated(service, *tokens, chunk(service.end))

    assert text == "." * 10
    assert 590 <= seconds < 600


def test_t05_thinking_is_progress() -> None:
    thought = event(delta({"reasoning_content": "hm"}))
    thinking = [step for _ in range(6) for step in (sleep(30), chunk(thought))]
    text, seconds = simulated(
        OPENAI, *thinking, sleep(30), chunk(OPENAI.answer("So: 4"))
    )

    assert text == "So: 4"
    assert seconds >= 180
