"""What follows the reason why an answer ended: usage, a mark, more text, or nothing.

A protocol with a reason and a mark behind it is tried, and one that has no mark.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import pytest

import turnout
from turnout import Provider, get_provider
from turnout.errors import (
    ServerError,
    StreamStalledError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.streams import Stream
from turnout.testing import (
    FakeProvider,
    FaultServer,
    Step,
    chunk,
    fin,
    forever,
    last_chunk,
    rst,
    run_simulated,
    sleep,
    until,
)
from turnout.testing._slicing import Slicing, at_random, by_size, whole
from turnout.types import Event, Finish, ReasoningDelta, ToolCallDelta, Usage

from .asking import streaming

COMMENT = b": still here\n\n"


def sse(*datas: object) -> bytes:
    return b"".join(b"data: " + json.dumps(d).encode() + b"\n\n" for d in datas)


class Wire(NamedTuple):
    """What a service sends for each part of an answer."""

    provider: str
    begin: bytes
    text: Callable[[str], bytes]
    reasoning: Callable[[str], bytes]
    call: bytes
    reason: bytes
    """The reason why the answer ended, with a usage of 7 tokens."""
    mark: bytes
    """What comes after it; empty if the protocol has no mark."""


def _chat(delta: dict[str, Any], reason: str | None = None) -> bytes:
    return sse({"choices": [{"index": 0, "delta": delta, "finish_reason": reason}]})


def _chat_of(field: str, text: str) -> bytes:
    return _chat({field: text})


CHAT = Wire(
    provider="OpenAI",
    begin=b"",
    text=partial(_chat_of, "content"),
    reasoning=partial(_chat_of, "reasoning_content"),
    call=_chat(
        {
            "tool_calls": [
                {"index": 0, "id": "1", "function": {"name": "f", "arguments": "{}"}}
            ]
        }
    ),
    reason=_chat({}, "stop")
    + sse({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 7}}),
    mark=b"data: [DONE]\n\n",
)


def _candidate(*parts: dict[str, Any], **fields: object) -> bytes:
    content = {"content": {"role": "model", "parts": list(parts)}} if parts else {}
    return sse({"candidates": [{**content, **fields}]})


def _part(fields: dict[str, Any], text: str) -> bytes:
    return _candidate({"text": text, **fields})


GEMINI = Wire(
    provider="Gemini",
    begin=b"",
    text=partial(_part, {}),
    reasoning=partial(_part, {"thought": True}),
    call=_candidate({"functionCall": {"name": "f", "args": {}}}),
    reason=sse(
        {
            "candidates": [{"finishReason": "STOP"}],
            "usageMetadata": {"promptTokenCount": 1, "candidatesTokenCount": 7},
        }
    ),
    mark=b"",
)


def _block(kind: str, field: str, text: str) -> bytes:
    block = {"type": kind, field: text}
    return sse({"type": "content_block_start", "index": 0, "content_block": block})


ANTHROPIC = Wire(
    provider="Anthropic",
    begin=sse(
        {"type": "message_start", "message": {"usage": {"input_tokens": 1}}},
    ),
    text=partial(_block, "text", "text"),
    reasoning=partial(_block, "thinking", "thinking"),
    call=sse(
        {
            "type": "content_block_start",
            "index": 1,
            "content_block": {"type": "tool_use", "id": "1", "name": "f", "input": {}},
        }
    ),
    reason=sse(
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": {"output_tokens": 7},
        }
    ),
    mark=sse({"type": "message_stop"}),
)

WIRES = [pytest.param(wire, id=wire.provider) for wire in (CHAT, GEMINI, ANTHROPIC)]

every_wire = pytest.mark.parametrize("wire", WIRES)

SLICINGS = [
    pytest.param(whole, id="whole"),
    pytest.param(by_size(1), id="bytes"),
    pytest.param(at_random(3), id="random"),
]


def provider_of(wire: Wire, server: FaultServer, **options: Any) -> Provider:
    return get_provider(wire.provider, base_url=server.url, api_key="k", **options)


async def heard(stream: Stream) -> tuple[list[Event], TurnoutError | None]:
    """Read a stream to its end; return its events and its error, if any."""
    events: list[Event] = []
    try:
        async for event in stream.events():
            events.append(event)  # What came before an error counts too.
    except TurnoutError as error:
        return events, error
    return events, None


def ask(
    wire: Wire, script: list[Step], **options: Any
) -> tuple[list[Event], TurnoutError | None]:
    """Ask a service that follows a script, by simulated time."""

    async def main() -> tuple[list[Event], TurnoutError | None]:
        async with FaultServer(script) as server:
            provider = provider_of(wire, server, **options)
            return await heard(provider.stream("Why?", model="m"))

    return run_simulated(main())


def text_of(events: list[Event]) -> str:
    return "".join(event for event in events if isinstance(event, str))


# More after the reason


@every_wire
@pytest.mark.parametrize("slicing", SLICINGS)
def test_text_after_a_reason_takes_the_end_back(wire: Wire, slicing: Slicing) -> None:
    body = wire.begin + wire.text("a") + wire.reason + wire.text("b")
    body += wire.text("c") + wire.reason + wire.mark

    events, error = ask(wire, streaming(*map(chunk, slicing(body)), last_chunk()))

    assert error is None
    assert text_of(events) == "abc"
    assert [type(event) for event in events[-2:]] == [Usage, Finish]
    assert sum(isinstance(event, Finish) for event in events) == 1


@every_wire
@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("ending", [last_chunk(), fin(), rst()], ids=["end", "f", "r"])
def test_text_after_the_last_reason_is_a_truncated_answer(
    wire: Wire, slicing: Slicing, ending: Step
) -> None:
    body = wire.begin + wire.text("a") + wire.reason + wire.text("b")

    events, error = ask(wire, streaming(*map(chunk, slicing(body)), ending))

    assert isinstance(error, StreamTruncatedError)
    assert text_of(events) == "ab"
    assert not any(isinstance(event, Finish) for event in events)


@every_wire
@pytest.mark.parametrize("kind", ["reasoning", "call"])
def test_any_increment_takes_the_end_back(wire: Wire, kind: str) -> None:
    more = wire.reasoning("hm") if kind == "reasoning" else wire.call
    begun = wire.begin + wire.text("a") + wire.reason + more

    _, cut = ask(wire, streaming(chunk(begun), last_chunk()))
    events, error = ask(wire, streaming(chunk(begun + wire.reason), last_chunk()))

    assert isinstance(cut, StreamTruncatedError)
    assert error is None
    found = ReasoningDelta if kind == "reasoning" else ToolCallDelta
    assert any(isinstance(event, found) for event in events)


@pytest.mark.parametrize("wire", [CHAT, ANTHROPIC], ids=["OpenAI", "Anthropic"])
def test_a_mark_ends_an_answer_whose_reason_was_taken_back(wire: Wire) -> None:
    body = wire.begin + wire.text("a") + wire.reason + wire.text("b") + wire.mark

    events, error = ask(wire, streaming(chunk(body), last_chunk()))

    assert error is None
    assert text_of(events) == "ab"


@pytest.mark.parametrize("wire", [CHAT, ANTHROPIC], ids=["OpenAI", "Anthropic"])
def test_nothing_after_the_mark_counts(wire: Wire) -> None:
    body = wire.begin + wire.text("a") + wire.reason + wire.mark + wire.text("b")

    events, error = ask(wire, streaming(chunk(body), last_chunk()))

    assert error is None
    assert text_of(events) == "a"


@every_wire
def test_text_after_a_reason_is_given_when_it_comes(wire: Wire) -> None:
    pieces = [str(number) for number in range(12)]
    steps = [chunk(wire.begin + wire.reason)]
    for piece in pieces:
        steps += [sleep(2), chunk(wire.text(piece))]
    script = streaming(*steps, chunk(wire.reason + wire.mark), last_chunk())

    async def main() -> list[float]:
        async with FaultServer(script) as server:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            stream = provider_of(wire, server).stream("Why?", model="m")
            times = [loop.time() - begun async for _ in stream]
        assert stream.reply.text == "".join(pieces)
        return times

    # Each one at its own time, and not all of them together.
    times = run_simulated(main())
    assert times == pytest.approx([2 * (i + 1) for i in range(12)], abs=0.5)


@every_wire
def test_a_reason_on_every_event_ends_nothing(wire: Wire) -> None:
    steps = [chunk(COMMENT + wire.begin)]
    for piece in "abcdef":
        steps += [chunk(wire.text(piece) + wire.reason), sleep(3)]
    script = streaming(*steps, chunk(wire.mark or COMMENT), last_chunk())

    events, error = ask(wire, script)

    assert error is None
    assert text_of(events) == "abcdef"


@every_wire
def test_the_timers_hold_again_once_the_end_is_taken_back(wire: Wire) -> None:
    body = wire.begin + wire.text("a") + wire.reason + wire.text("b")
    quiet = streaming(chunk(body), forever(sleep(1), chunk(COMMENT)))
    silent = streaming(chunk(body), until(asyncio.Event()))

    _, stalled = ask(wire, quiet, stall_timeout=20)
    _, idle = ask(wire, silent, idle_timeout=20)

    assert isinstance(stalled, StreamStalledError)
    assert "stall_timeout" in str(stalled)
    assert isinstance(idle, StreamStalledError)
    assert "idle_timeout" in str(idle)


@every_wire
def test_a_slow_reader_loses_nothing_after_a_reason(wire: Wire) -> None:
    steps = [chunk(COMMENT + wire.begin)]
    for piece in "abcdef":
        steps += [chunk(wire.text(piece) + wire.reason), sleep(1)]
    script = streaming(*steps, chunk(wire.mark or COMMENT), last_chunk())

    async def main() -> str:
        text = ""
        async with FaultServer(script) as server:
            async for piece in provider_of(wire, server).stream("Why?", model="m"):
                text += piece
                await asyncio.sleep(30)
        return text

    assert run_simulated(main()) == "abcdef"


# Nothing after the reason


TIMERS = [
    pytest.param({"stall_timeout": 2}, id="stall"),
    pytest.param({"idle_timeout": 2}, id="idle"),
    pytest.param({"deadline": 2}, id="deadline"),
    pytest.param({}, id="none"),
]


@every_wire
@pytest.mark.parametrize("timer", TIMERS)
@pytest.mark.parametrize("comments", [True, False])
def test_no_timer_makes_a_failure_of_an_answer_that_has_ended(
    wire: Wire, timer: dict[str, Any], comments: bool
) -> None:
    body = wire.begin + wire.text("The whole answer.") + wire.reason
    waits = forever(sleep(0.2), chunk(COMMENT)) if comments else until(asyncio.Event())

    async def main() -> float:
        async with FaultServer(streaming(chunk(body), waits)) as server:
            loop = asyncio.get_running_loop()
            begun = loop.time()
            provider = provider_of(wire, server, **timer)
            reply = await provider.complete("Why?", model="m")
            took = loop.time() - begun
            await server.connections[0].wait_peer_closed()
        assert reply.text == "The whole answer."
        assert reply.finish_reason == "stop"
        assert reply.usage is not None
        assert reply.usage.output_tokens == 7
        (attempt,) = reply.attempts
        assert (attempt.outcome, attempt.error) == ("complete", None)
        return took

    alive = timer == {"idle_timeout": 2} and comments
    limit = 5 if not timer or alive else 2
    assert limit - 0.5 < run_simulated(main()) < limit + 1


@every_wire
@pytest.mark.parametrize("timer", TIMERS)
def test_a_route_asks_no_other_after_the_end(wire: Wire, timer: dict[str, Any]) -> None:
    body = wire.begin + wire.text("The whole answer.") + wire.reason
    script = streaming(chunk(body), forever(sleep(0.2), chunk(COMMENT)))
    other = FakeProvider("Another answer.")

    async def main() -> str:
        async with FaultServer(script) as server:
            first = provider_of(wire, server, **timer).target("m")
            return (await turnout.fallback(first, other).complete("Why?")).text

    assert run_simulated(main()) == "The whole answer."
    assert other.requests == []


@every_wire
def test_a_continuation_that_has_ended_is_whole_in_spite_of_a_timer(wire: Wire) -> None:
    broken = FakeProvider("One, two, three, four, ", ServerError("no"))
    body = wire.begin + wire.text("five, six.") + wire.reason
    script = streaming(chunk(body), forever(sleep(0.2), chunk(COMMENT)))

    async def main() -> str:
        async with FaultServer(script) as server:
            second = provider_of(wire, server, stall_timeout=2).target("m")
            stream = turnout.fallback(broken, second).stream("Count.")
            return "".join([text async for text in stream])

    assert run_simulated(main()) == "One, two, three, four, five, six."


@every_wire
def test_a_first_delta_timeout_takes_an_ended_answer_as_it_is(wire: Wire) -> None:
    script = streaming(chunk(wire.begin + wire.reason), until(asyncio.Event()))

    async def main() -> turnout.Reply:
        async with FaultServer(script) as server:
            provider = provider_of(wire, server, first_delta_timeout=2)
            return await provider.complete("Why?", model="m", allow_empty=True)

    reply = run_simulated(main())
    assert (reply.text, reply.finish_reason) == ("", "stop")


@every_wire
def test_a_caller_that_cancels_after_the_end_is_cancelled(wire: Wire) -> None:
    body = wire.begin + wire.text("a") + wire.reason
    script = streaming(chunk(body), until(asyncio.Event()))

    async def main() -> None:
        async with FaultServer(script) as server:
            stream = provider_of(wire, server).stream("Why?", model="m")
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(2):
                    await stream.collect()
            (attempt,) = stream.reply.attempts
            assert attempt.outcome == "closed"

    run_simulated(main())


@every_wire
def test_closing_after_the_end_closes(wire: Wire) -> None:
    body = wire.begin + wire.text("a") + wire.reason
    script = streaming(chunk(body), until(asyncio.Event()))

    async def main() -> None:
        async with FaultServer(script) as server:
            stream = provider_of(wire, server).stream("Why?", model="m")
            reading = asyncio.ensure_future(heard(stream))
            await asyncio.sleep(2)
            await stream.aclose()
            events, error = await reading
        assert (events, error) == (["a"], None)
        assert stream.reply.attempts[0].outcome == "closed"

    run_simulated(main())


@every_wire
def test_what_is_odd_after_the_end_harms_nothing(wire: Wire) -> None:
    body = wire.begin + wire.text("a") + wire.reason + b"data: oops\n\n"

    events, error = ask(wire, streaming(chunk(body), until(asyncio.Event())))

    assert error is None
    assert text_of(events) == "a"


def test_a_reported_error_after_a_reason_is_an_error() -> None:
    # Some servers put a reason before the error that stopped them.
    failure = sse({"error": {"message": "no", "code": 500}})
    body = CHAT.text("a") + CHAT.reason + failure + CHAT.mark

    events, error = ask(CHAT, streaming(chunk(body), last_chunk()))

    assert isinstance(error, TurnoutError)
    assert text_of(events) == "a"


def test_arguments_of_a_call_may_follow_the_reason() -> None:
    piece = sse(
        {
            "type": "content_block_delta",
            "index": 1,
            "delta": {"type": "input_json_delta", "partial_json": '{"a": 1}'},
        }
    )
    body = ANTHROPIC.begin + ANTHROPIC.call + ANTHROPIC.reason + piece + ANTHROPIC.mark

    async def main() -> turnout.Reply:
        async with FaultServer(streaming(chunk(body), last_chunk())) as server:
            provider = provider_of(ANTHROPIC, server)
            return await provider.complete("Why?", model="m")

    (call,) = run_simulated(main()).tool_calls
    assert call.arguments == '{"a": 1}'
