"""What every service's provider does alike. The ids are those of cases.md."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError, TurnoutError
from turnout.testing import (
    FaultServer,
    chunk,
    expect_close,
    fin,
    last_chunk,
    respond,
    rst,
    run_clean,
    send,
    until,
    wait_request,
)
from turnout.testing._slicing import Slicing, at_random, by_size, whole
from turnout.types import Finish

from ..cases.services import ANTHROPIC, GEMINI, OLLAMA, OPENAI, Service
from .asking import failure_of

SERVICES = [
    pytest.param(service, id=service.name)
    for service in (OPENAI, ANTHROPIC, GEMINI, OLLAMA)
]

every_service = pytest.mark.parametrize("service", SERVICES)


async def failure_at(service: Service, url: str) -> TurnoutError:
    """Ask the service, and return the error that comes of it."""
    return await failure_of(service.provider(url), model=service.model)


@every_service
@pytest.mark.parametrize("slicing", [whole, by_size(1), by_size(7), at_random(5)])
async def test_an_answer_is_the_same_however_it_is_cut(
    service: Service, slicing: Slicing
) -> None:
    pieces = ("Café", " \U0001f5fc", " end")  # F01, F11
    parts = slicing(service.answer(*pieces))
    async with FaultServer(service.streaming(*map(chunk, parts))) as server:
        stream = service.provider(server.url).stream("Why?", model=service.model)
        events = [event async for event in stream.events()]

    assert events[:3] == list(pieces)
    assert events[3] == service.told
    assert isinstance(events[4], Finish)
    assert stream.reply.finish_reason == "stop"


@every_service
@pytest.mark.parametrize("complete", [True, False])
async def test_the_protocols_own_end_proves_what_the_bodys_cannot(
    service: Service, complete: bool
) -> None:
    # H13.
    body = service.answer("Hi") if complete else service.begun("Hi")
    script = [wait_request(), send(service.head()), send(body), fin()]
    async with FaultServer(script) as server:
        if complete:
            provider = service.provider(server.url)
            assert (await provider.complete("Why?", model=service.model)).text == "Hi"
        else:
            failure = await failure_at(service, server.url)
            assert isinstance(failure, StreamTruncatedError)


@every_service
async def test_an_empty_body_is_truncated(service: Service) -> None:
    async with FaultServer(respond(200)) as server:  # F23
        failure = await failure_at(service, server.url)

    assert isinstance(failure, StreamTruncatedError)


@every_service
async def test_a_page_breaks_the_protocol(service: Service) -> None:
    page = b"<html><title>Log in</title>"
    script = respond(200, page, ("Content-Type", "text/html"))
    async with FaultServer(script) as server:  # F22
        assert isinstance(await failure_at(service, server.url), ProtocolError)


@every_service
async def test_an_odd_event_ends_the_answer_and_frees_the_connection(
    service: Service,
) -> None:
    body = service.begun("Hi") + b"data: oops\n\n"
    script = service.streaming(chunk(body), until(asyncio.Event()))
    async with FaultServer(script) as server:
        failure = await failure_at(service, server.url)
        await server.connections[0].wait_peer_closed()

    assert isinstance(failure, ProtocolError)
    assert failure.reply is not None
    assert failure.reply.text == "Hi"


# Gemini's answers have an end and no mark behind it.
@pytest.mark.parametrize("service", [s for s in SERVICES if s.id != GEMINI.name])
async def test_reading_stops_at_the_mark_though_the_connection_stays(
    service: Service,
) -> None:
    # H24.
    script = service.streaming(
        chunk(service.answer("Hi")), expect_close(5), until(asyncio.Event())
    )
    async with FaultServer(script) as server:
        loop = asyncio.get_running_loop()
        stream = service.provider(server.url).stream("Why?", model=service.model)
        finished = [loop.time() async for event in stream.events() if event != "Hi"]
        ended = loop.time()
        await server.connections[0].wait_peer_closed()

    assert ended - finished[-1] < 0.1
    assert stream.reply.finish_reason == "stop"


@every_service
async def test_a_connection_is_used_again(service: Service) -> None:
    parts = by_size(50)(service.answer("Hello", " there."))
    script = service.streaming(*map(chunk, parts), last_chunk())
    async with FaultServer(script, keep_alive=True) as server:
        provider = service.provider(server.url)
        for _ in range(3):
            await provider.complete("Why?", model=service.model)

    assert len(server.connections) == 1


@every_service
def test_leaving_and_failing_leave_nothing(service: Service) -> None:
    async def main() -> None:
        begun = service.begun("Hi")
        waits = service.streaming(chunk(begun), until(asyncio.Event()))
        cut = service.streaming(chunk(begun), rst())
        odd = service.streaming(chunk(b"data: oops\n\n"), until(asyncio.Event()))
        last = service.answer("Hi").rstrip(b"\n")
        late = service.streaming(chunk(last), rst())
        async with FaultServer(waits, cut, odd, late) as server:
            provider = service.provider(server.url)
            async with provider.stream("Why?", model=service.model) as stream:
                async for _ in stream:
                    break
            for _ in range(2):
                await failure_of(provider, model=service.model)
            await provider.complete("Why?", model=service.model)

    run_clean(main)


@every_service
def test_loading_it_loads_no_client(service: Service) -> None:
    package = service.provider_class.__module__.partition(".")[0]
    statement = (
        f"import sys, {package}._plugin\n"
        "print({'aiohttp', 'asyncio', 'pydantic', 'pydantic_core'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, check=True
    )

    assert done.stdout == "set()\n"
