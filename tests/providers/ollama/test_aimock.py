"""The provider against a mock server that is not ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest

from turnout.errors import (
    ModelUnavailableError,
    OverloadedError,
    StreamTruncatedError,
)
from turnout.types import Message, Usage
from turnout_ollama import Ollama

from ...support.aimock import aimock, asked, needs_aimock

pytestmark = needs_aimock

# It would cut an emoji into the halves of a surrogate pair.
TEXT = "Café, 東京, مرحبا: all is well."
TOOL: dict[str, object] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}


def fixture(said: str, response: object, **more: object) -> dict[str, object]:
    return {"match": {"userMessage": said}, "response": response, **more}


FIXTURES: list[Mapping[str, object]] = [
    fixture("in one piece", {"content": TEXT}, chunkSize=1000),
    fixture("letter by letter", {"content": TEXT}, chunkSize=1),
    {
        "match": {"userMessage": "weather", "turnIndex": 1},
        "response": {"content": "It is 11 degrees."},
    },
    fixture(
        "weather",
        {"toolCalls": [{"name": "get_weather", "arguments": '{"city":"Zürich"}'}]},
    ),
    # What it writes right before it hangs up is lost.
    fixture("cut", {"content": TEXT}, chunkSize=4, truncateAfterChunks=3, latency=20),
    fixture("busy", {"error": {"message": "busy", "type": "x"}, "status": 503}),
]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with aimock(*FIXTURES) as url:
        yield url


@pytest.mark.parametrize("question", ["in one piece", "letter by letter"])
async def test_it_understands_the_question_and_we_the_answer(
    url: str, question: str
) -> None:
    reply = await Ollama(base_url=url).complete(
        [
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": question},
        ],
        model="llama3.2",
        temperature=0.5,
        max_tokens=9,
    )

    assert (reply.text, reply.finish_reason) == (TEXT, "stop")
    assert reply.usage == Usage(input_tokens=0, output_tokens=0)
    understood = asked(url)[-1]
    assert understood["model"] == "llama3.2"
    assert understood["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": question},
    ]
    assert (understood["temperature"], understood["max_tokens"]) == (0.5, 9)


async def test_a_tool_is_called_and_answered(url: str) -> None:
    ollama = Ollama(base_url=url)
    question = Message(role="user", content="What is the weather?")
    first = await ollama.complete(question, model="m", tools=[TOOL])
    (call,) = first.tool_calls
    result = Message(role="tool", content="11 degrees", tool_call_id=call.id)
    second = await ollama.complete(
        [question, first.to_message(), result], model="m", tools=[TOOL]
    )

    assert first.finish_reason == "tool_calls"
    assert (call.name, call.arguments) == ("get_weather", '{"city":"Zürich"}')
    assert second.text == "It is 11 degrees."
    understood = asked(url)[-1]
    assert understood["tools"] == [TOOL]
    messages = understood["messages"]
    assert isinstance(messages, list)
    assert messages[1]["tool_calls"][0]["function"] == {
        "name": "get_weather",
        "arguments": '{"city":"Zürich"}',
    }


async def test_an_answer_that_is_cut_off_is_truncated(url: str) -> None:
    with pytest.raises(StreamTruncatedError) as caught:
        await Ollama(base_url=url).complete("cut", model="m")

    assert caught.value.reply is not None
    assert caught.value.reply.text
    assert TEXT.startswith(caught.value.reply.text)


async def test_refusals_have_their_classes(url: str) -> None:
    ollama = Ollama(base_url=url)
    with pytest.raises(OverloadedError):
        await ollama.complete("busy", model="m")
    with pytest.raises(ModelUnavailableError):
        await ollama.complete("what nobody foresaw", model="m")


async def test_its_models_are_listed(url: str) -> None:
    names = [model.name for model in await Ollama(base_url=url).list_models()]

    assert "gpt-4o" in names
