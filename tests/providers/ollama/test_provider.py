"""The provider against servers on loopback. The ids are those of cases.md."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import turnout
from turnout import get_provider
from turnout.errors import (
    AuthenticationError,
    ProtocolError,
    StreamTruncatedError,
    TurnoutError,
    UnsupportedError,
)
from turnout.testing import (
    FaultServer,
    Step,
    expect_close,
    fin,
    respond,
    until,
)
from turnout.testing import (
    chunk as http_chunk,
)
from turnout.types import (
    Conversation,
    FilePart,
    ImagePart,
    Message,
    ModelInfo,
    ProviderInfo,
    TextPart,
    ToolCall,
    Usage,
)
from turnout_ollama import Ollama

from ...support.ollama_server import (
    OllamaServer,
    answer,
    calls,
    done,
    line,
    text,
    thinking,
)
from ..asking import ENDS, GARBAGE, failure_of, streaming

KEY = "canary-0123456789"
MODEL: dict[str, Any] = {"model": "m"}
USAGE = Usage(input_tokens=26, output_tokens=298)
TOOL: dict[str, object] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Get the weather in a given city",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {
                    "type": "string",
                    "description": "The city to get the weather for",
                }
            },
            "required": ["city"],
        },
    },
}
SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"age": {"type": "integer"}, "available": {"type": "boolean"}},
    "required": ["age", "available"],
}
CONVERSATION: Conversation = [
    {"role": "system", "content": "Be brief."},
    Message(
        role="user",
        content=(
            TextPart(text="what is the weather in Toronto?"),
            ImagePart(data=b"\x89PNG\r\n", media_type="image/png"),
        ),
    ),
    Message(
        role="assistant",
        tool_calls=(
            ToolCall(id="call_1", name="get_weather", arguments='{"city": "Toronto"}'),
        ),
        state={"ollama": {"thinking": "Ask the tool."}},
    ),
    {"role": "tool", "tool_call_id": "call_1", "content": "11 degrees celsius"},
]


def asked(url: str, **options: Any) -> Ollama:
    return Ollama(base_url=url, **options)


async def failure_at(
    url: str, question: str = "Why?", model: str = "llama3.2", **options: Any
) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    return await failure_of(asked(url, **options), question, model)


# Requests.


async def test_a_question_alone_keeps_every_rule() -> None:
    async with OllamaServer() as server:
        reply = await asked(server.url).complete("Why?", model="llama3.2")

    assert server.refusals == []
    assert reply.text == "Hello there."
    assert reply.finish_reason == "stop"
    assert reply.usage == USAGE
    assert str(reply.target) == "Ollama:llama3.2"
    assert reply.details == {
        "finish_reason": "stop",
        "model": "llama3.2",
        "total_duration": 5_191_566_416,
        "load_duration": 2_154_458,
        "prompt_eval_duration": 383_809_000,
        "eval_duration": 4_799_921_000,
    }


async def test_a_conversation_with_every_option_is_what_is_documented() -> None:
    # Byte for byte. The forms of the tool, its call, its result and the schema are the
    # examples of Ollama's docs/api.md ("Streaming with tools", "With history, with
    # tools", "Structured outputs", "Chat request (with images)"); `thinking`, and a
    # call's `id`, are `Message` and `ToolCall` of its api/types.go at fb30760.
    fitting = answer('{"age": 22, "available": true}')
    async with OllamaServer(fitting, key=KEY) as server:
        await asked(f"{server.url}/", api_key=KEY).complete(
            CONVERSATION,
            model="llama3.2",
            temperature=0,
            max_tokens=9,
            top_p=0.9,
            stop=["a", "b"],
            seed=1,
            tools=[TOOL],
            response_format=SCHEMA,
            extra={"think": True, "keep_alive": "5m", "options": {"num_ctx": 8192}},
        )

    assert server.refusals == []
    assert server.requests == [
        b'{"model":"llama3.2","messages":['
        b'{"role":"system","content":"Be brief."},'
        b'{"role":"user","content":"what is the weather in Toronto?",'
        b'"images":["iVBORw0K"]},'
        b'{"role":"assistant","content":"","thinking":"Ask the tool.","tool_calls":['
        b'{"id":"call_1","function":{"name":"get_weather",'
        b'"arguments":{"city":"Toronto"}}}]},'
        b'{"role":"tool","content":"11 degrees celsius",'
        b'"tool_name":"get_weather","tool_call_id":"call_1"}],'
        b'"stream":true,'
        b'"tools":[{"type":"function","function":{"name":"get_weather",'
        b'"description":"Get the weather in a given city",'
        b'"parameters":{"type":"object","properties":{"city":{"type":"string",'
        b'"description":"The city to get the weather for"}},"required":["city"]}}}],'
        b'"format":{"type":"object","properties":{"age":{"type":"integer"},'
        b'"available":{"type":"boolean"}},"required":["age","available"]},'
        b'"options":{"temperature":0,"num_predict":9,"top_p":0.9,"stop":["a","b"],'
        b'"seed":1,"num_ctx":8192},'
        b'"think":true,"keep_alive":"5m"}'
    ]


async def test_the_beginning_of_an_answer_is_the_last_message() -> None:
    # Where a plugin says of a model that it goes on with one.
    info = ProviderInfo(
        name="Ollama",
        models=(ModelInfo(name="m", prefill="trailing"),),
        capabilities=Ollama.info.capabilities,
    )
    cut = streaming(http_chunk(text("The capital of France")), fin())
    async with FaultServer(cut) as broken, OllamaServer(answer(" is Paris.")) as server:
        route = turnout.fallback(
            Ollama(base_url=broken.url, info=info),
            Ollama(base_url=server.url, info=info),
        )
        shown = [piece async for piece in route.stream("Where?")]

    assert "".join(shown) == "The capital of France is Paris."
    assert server.refusals == []
    messages = server.bodies[0]["messages"]
    assert isinstance(messages, list)
    assert messages[-1] == {"role": "assistant", "content": "The capital of France"}


@pytest.mark.parametrize(
    ("question", "options", "said"),
    [
        ("Why?", {"model": None}, "no default model"),
        ("Why?", {"tools": [TOOL], "tool_choice": "required"}, "tool_choice"),
        (
            Message(role="user", content=(ImagePart(url="http://a/b.png"),)),
            {},
            "give it as data",
        ),
        (Message(role="user", content=(FilePart(file_id="f"),)), {}, "files"),
    ],
)
async def test_what_cannot_be_said_is_refused_before_any_request(
    question: Conversation, options: dict[str, Any], said: str
) -> None:
    async with OllamaServer() as server:
        with pytest.raises(UnsupportedError, match=said):
            await asked(server.url).complete(question, **MODEL | options)

    assert server.connections == []


# Keys.


async def test_the_key_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", KEY)
    async with OllamaServer(key=KEY) as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url.removeprefix("http://"))
        await get_provider("ollama").complete("Why?", model="m")

    assert server.refusals == []


async def test_a_refused_key_says_where_it_goes() -> None:
    async with OllamaServer(key="other") as server:
        error = await failure_at(server.url, api_key=KEY)

    assert isinstance(error, AuthenticationError)
    assert "check OLLAMA_API_KEY in the environment" in str(error)


@pytest.mark.parametrize("refused", [True, False])
async def test_neither_the_key_nor_the_question_is_quoted(refused: bool) -> None:
    question = "A question that stays private."  # E21
    told = line({"error": f"{KEY} {question} Shorten it"})
    script = respond(400, told) if refused else streaming(http_chunk(told))
    async with FaultServer(script) as server:
        error = await failure_at(server.url, question, api_key=KEY)

    assert "Shorten it" in str(error)
    for shown in (str(error), repr(error), repr(vars(error))):
        assert "canary" not in shown
        assert "private" not in shown


# Answers.


async def test_a_reply_can_be_put_into_the_next_request() -> None:
    first = thinking("Ask ") + thinking("it.") + calls(("look", {"a": 1})) + done()
    async with OllamaServer(first, answer("A cat.")) as server:
        provider = asked(server.url)
        reply = await provider.complete("What?", model="m")
        (call,) = reply.tool_calls
        result = Message(role="tool", content="a cat", tool_call_id=call.id)
        question = Message(role="user", content="What?")
        last = await provider.complete(
            [question, reply.to_message(), result], model="m"
        )

    assert (reply.reasoning, reply.finish_reason) == ("Ask it.", "tool_calls")
    assert (call.name, call.arguments) == ("look", '{"a":1}')
    assert last.text == "A cat."
    assert server.refusals == []
    assert server.bodies[1]["messages"] == [
        {"role": "user", "content": "What?"},
        {
            "role": "assistant",
            "content": "",
            "thinking": "Ask it.",
            "tool_calls": [
                {"id": call.id, "function": {"name": "look", "arguments": {"a": 1}}}
            ],
        },
        {
            "role": "tool",
            "content": "a cat",
            "tool_name": "look",
            "tool_call_id": call.id,
        },
    ]


# The end.


@pytest.mark.parametrize("end", [*ENDS, GARBAGE])
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(done(), id="H11"),
        pytest.param(done()[:-1], id="F15"),
        pytest.param(done() + done("length"), id="S17-twice"),
    ],
)
async def test_after_the_end_the_connection_may_break(
    last: bytes, end: list[Step]
) -> None:
    script = streaming(http_chunk(text("Hi")), http_chunk(last), *end)
    async with FaultServer(script) as server:
        got = await asked(server.url).complete("Why?", model="m")

    assert (got.text, got.finish_reason, got.usage) == ("Hi", "stop", USAGE)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(b"", id="H12"),
        pytest.param(done()[:-9], id="F16"),
        pytest.param(done(None), id="S17-no-reason"),
        pytest.param(done(""), id="S17-empty-reason"),
    ],
)
async def test_before_the_end_the_connection_may_not_break(
    last: bytes, end: list[Step]
) -> None:
    script = streaming(http_chunk(text("Hi") + last), *end)
    async with FaultServer(script) as server:
        error = await failure_at(server.url)

    assert isinstance(error, StreamTruncatedError)
    assert error.reply is not None
    assert error.reply.text == "Hi"
    assert error.reply.finish_reason is None


@pytest.mark.parametrize("reason", ["", "stop"])
async def test_reading_stops_at_the_last_line_though_the_connection_stays(
    reason: str,
) -> None:
    # H24.
    script = streaming(
        http_chunk(text("Hi") + done(reason)), expect_close(5), until(asyncio.Event())
    )
    async with FaultServer(script) as server:
        stream = asked(server.url).stream("Why?", model="m")
        if reason:
            await stream.collect()
        else:
            with pytest.raises(StreamTruncatedError):
                await stream.collect()
        await server.connections[0].wait_peer_closed()

    assert stream.reply.text == "Hi"


async def test_the_loading_of_a_model_is_no_answer() -> None:
    script = respond(200, done("load"), ("Content-Type", "application/json"))
    async with FaultServer(script) as server:  # S17
        error = await failure_at(server.url)

    assert isinstance(error, ProtocolError)


# What it says of itself.


def test_a_model_is_given_time_to_be_loaded() -> None:
    options = Ollama().options

    assert options.first_delta_timeout == 300
    assert (options.idle_timeout, options.stall_timeout) == (120, 120)


def test_it_names_no_default_model() -> None:
    explained = turnout.explain("Ollama")

    assert explained.places[0].target.model == ""
    assert turnout.explain("Ollama:qwen3:0.6b").places[0].target.model == "qwen3:0.6b"
