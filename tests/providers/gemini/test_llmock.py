"""The provider against a server that nobody here wrote: llmock, over real sockets.

It reads requests as google-genai writes them, answers as the service does, and breaks
its answers where it is asked to.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from llmock.scenarios import Behavior, Fail, StreamFault
from llmock.testing import LLMockServer

from turnout.errors import (
    AuthenticationError,
    OverloadedError,
    ProtocolError,
    RateLimitError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.types import ImagePart, Message, TextPart, Tool
from turnout_gemini import Gemini

KEY = "AIza-canary-0123456789"

LOOK = Tool(
    name="look",
    description="Look closer.",
    parameters={
        "type": "object",
        "properties": {"at": {"type": "string"}, "times": {"type": "integer"}},
        "required": ["at", "times"],
    },
)


@pytest.fixture(scope="module")
def running() -> Iterator[LLMockServer]:
    with LLMockServer() as server:
        yield server


@pytest.fixture
def server(running: LLMockServer) -> Iterator[LLMockServer]:
    yield running
    running.state.scenarios.clear()
    running.state.journal.clear()


@pytest.fixture
def gemini(server: LLMockServer) -> Gemini:
    return Gemini(base_url=f"{server.base_url('gemini')}/v1beta", api_key=KEY)


async def test_it_answers(gemini: Gemini) -> None:
    stream = gemini.stream("Why is the sky blue?")
    pieces = [piece async for piece in stream]

    assert len(pieces) > 1
    assert "gemini-3.8-flash" in stream.reply.text
    assert stream.reply.finish_reason == "stop"
    assert stream.reply.usage is not None
    assert stream.reply.usage.output_tokens
    assert stream.reply.details["model"] == "gemini-3.8-flash"


async def test_it_calls_a_tool_and_reads_the_result(gemini: Gemini) -> None:
    question = Message(role="user", content="Take a look.")

    asked = await gemini.complete(question, tools=[LOOK])
    (call,) = asked.tool_calls
    result = Message(role="tool", tool_call_id=call.id, content="It is red.")
    done = await gemini.complete([question, asked.to_message(), result], tools=[LOOK])

    assert asked.finish_reason == "tool_calls"
    assert call.name == "look"
    assert call.arguments.startswith('{"at": ')
    assert done.text
    assert done.tool_calls == ()


async def test_it_understands_the_choice_of_a_tool(gemini: Gemini) -> None:
    other = Tool(name="other")

    forced = await gemini.complete(
        "Look.",
        tools=[LOOK, other],
        tool_choice={"type": "function", "function": {"name": "other"}},
    )
    without = await gemini.complete("Look.", tools=[LOOK], tool_choice="none")

    assert [call.name for call in forced.tool_calls] == ["other"]
    assert without.tool_calls == ()


async def test_it_understands_a_schema(gemini: Gemini) -> None:
    schema = {
        "type": "object",
        "properties": {"count": {"type": "integer"}},
        "required": ["count"],
    }

    reply = await gemini.complete("How many?", response_format=schema)

    assert reply.text == '{"count": 1}'


async def test_it_takes_an_image_and_a_system_message(
    gemini: Gemini, server: LLMockServer
) -> None:
    image = ImagePart(data=b"\x89PNG", media_type="image/png")
    question = Message(role="user", content=(TextPart(text="What is it?"), image))

    reply = await gemini.complete([Message(role="system", content="Short."), question])

    assert reply.text
    (record,) = server.state.journal.records(wait=2)
    assert record.status == 200


async def test_its_models_are_listed(gemini: Gemini) -> None:
    models = {model.name: model for model in await gemini.list_models()}

    assert models["gemini-2.5-pro"].context_window == 1_048_576


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fail(429, retry_after=2.0), RateLimitError),
        (Fail(401), AuthenticationError),
        (Fail(503), OverloadedError),
        (StreamFault("disconnect", after_chunks=1), StreamTruncatedError),
        (StreamFault("truncate", after_chunks=1), StreamTruncatedError),
        (StreamFault("malformed", after_chunks=1), ProtocolError),
    ],
)
async def test_its_faults_have_their_classes(
    gemini: Gemini,
    server: LLMockServer,
    fault: Behavior,
    expected: type[TurnoutError],
) -> None:
    server.state.scenarios.add(fault)

    with pytest.raises(TurnoutError) as caught:
        await gemini.complete("Why is the sky blue?")

    assert type(caught.value) is expected
    assert KEY not in repr(vars(caught.value))
