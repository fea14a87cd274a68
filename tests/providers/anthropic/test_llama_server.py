"""The provider against llama.cpp's own server: a real one, which is not ours."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.llama_server import LlamaServer
from turnout.errors import AuthenticationError, ContextLengthError
from turnout.types import Finish, Message, ToolCall, Usage
from turnout_anthropic import Anthropic

MODEL = "smollm2"

TOOL: dict[str, object] = {
    "type": "function",
    "function": {"name": "look", "description": "Look.", "parameters": {}},
}


@pytest.fixture(params=["x-api-key", "Authorization"])
def anthropic(llama_server: LlamaServer, request: pytest.FixtureRequest) -> Anthropic:
    return Anthropic(
        base_url=llama_server.url, api_key=llama_server.key, auth_header=request.param
    )


async def test_it_streams_an_answer(anthropic: Anthropic) -> None:
    stream = anthropic.stream("Say hello.", model=MODEL, max_tokens=8, temperature=0)
    events = [event async for event in stream.events()]

    *texts, usage, end = events
    assert "".join(text for text in texts if isinstance(text, str))
    assert isinstance(usage, Usage)
    assert usage.input_tokens is not None
    assert usage.output_tokens is not None
    assert usage.input_tokens > 8 >= usage.output_tokens > 0
    assert isinstance(end, Finish)
    assert end.reason in {"stop", "length"}
    assert "lenient" not in end.details


async def test_what_it_has_in_its_cache_counts_as_input(anthropic: Anthropic) -> None:
    options: dict[str, Any] = {"model": MODEL, "max_tokens": 1, "temperature": 0}
    usages = [
        (await anthropic.complete("Say hello to me.", **options)).usage
        for _ in range(2)
    ]

    one, two = (usage.input_tokens for usage in usages if usage is not None)
    assert one == two


async def test_it_stops_where_it_is_told_to(anthropic: Anthropic) -> None:
    reply = await anthropic.complete(
        "Say hello.", model=MODEL, max_tokens=8, temperature=0, stop=["e"]
    )

    assert reply.finish_reason == "stop"
    assert reply.details["stop_sequence"] == "e"
    assert "e" not in reply.text


async def test_it_goes_on_with_a_beginning(anthropic: Anthropic) -> None:
    reply = await anthropic.complete(
        ["Count.", Message(role="assistant", content="One, two, ")],
        model=MODEL,
        max_tokens=8,
        temperature=0,
    )

    assert "three" in reply.text
    assert "two" not in reply.text


async def test_it_understands_tools_and_their_results(anthropic: Anthropic) -> None:
    # Whether so small a model calls any is left to it.
    call = ToolCall(id="c1", name="look", arguments='{"at": "it"}')
    reply = await anthropic.complete(
        [
            {"role": "system", "content": "Be brief."},
            "What is it?",
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", tool_call_id="c1", content="a cat"),
        ],
        model=MODEL,
        max_tokens=8,
        tools=[TOOL],
        tool_choice="auto",
    )

    assert reply.text or reply.tool_calls


async def test_it_says_that_the_input_is_too_long(anthropic: Anthropic) -> None:
    with pytest.raises(ContextLengthError):
        await anthropic.complete("a b " * 3000, model=MODEL)


async def test_its_list_of_models_is_read(anthropic: Anthropic) -> None:
    (model,) = await anthropic.list_models()

    assert model.name == MODEL


async def test_it_refuses_another_key(llama_server: LlamaServer) -> None:
    with pytest.raises(AuthenticationError):
        await Anthropic(base_url=llama_server.url, api_key="no").complete("Hi")
