"""The provider against servers on loopback. The ids are those of cases.md."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from turnout import fallback, get_provider
from turnout.errors import (
    AuthenticationError,
    ConfigError,
    ContextLengthError,
    FirstDeltaTimeoutError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamBrokenError,
    StreamError,
    StreamTruncatedError,
    TurnoutError,
    UnsupportedError,
)
from turnout.testing import (
    FaultServer,
    Step,
    respond,
    until,
)
from turnout.testing import (
    chunk as http_chunk,
)
from turnout.testing._slicing import Slicing, by_size, whole
from turnout.types import (
    Conversation,
    Failover,
    FilePart,
    ImagePart,
    Message,
    ReasoningDelta,
    Reply,
    TextPart,
    ToolCall,
    Usage,
)
from turnout_anthropic import Anthropic

from ...support.anthropic_server import (
    PING,
    STOP,
    AnthropicServer,
    answer,
    begin,
    delta,
    error,
    finish,
    start,
    stop,
    texts,
    thinking,
    tool,
)
from ..asking import ENDS, GARBAGE, failure_of, streaming

KEY = "sk-ant-canary-0123456789"
OLD = "claude-sonnet-4-5"
TOOL: dict[str, object] = {
    "type": "function",
    "function": {
        "name": "look",
        "description": "Look.",
        "parameters": {"type": "object", "properties": {"at": {"type": "string"}}},
    },
}
CONVERSATION: Conversation = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    Message(
        role="assistant",
        tool_calls=(
            ToolCall(id="c", name="f", arguments="{}"),
            ToolCall(id="d", name="f", arguments=""),
        ),
    ),
    {"role": "tool", "tool_call_id": "c", "content": "4"},
    {"role": "tool", "tool_call_id": "d", "content": ""},
    Message(
        role="user",
        content=(
            TextPart(text="See:"),
            ImagePart(data=b"x", media_type="image/png"),
            FilePart(data=b"y", media_type="application/pdf", filename="y.pdf"),
        ),
    ),
]


async def failure_at(url: str, question: str = "Why?", **options: Any) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    return await failure_of(Anthropic(base_url=url, **options), question)


# Requests.


async def test_a_question_alone_keeps_every_rule() -> None:
    async with AnthropicServer() as server:
        reply = await Anthropic(base_url=server.url).complete("Why?")

    assert server.refusals == []
    (body,) = server.bodies
    assert (body["model"], body["max_tokens"]) == ("claude-haiku-5-5", 128_000)
    assert server.requests[0].values("anthropic-version") == ["2023-06-01"]
    assert server.requests[0].values("anthropic-beta") == []
    assert reply.text == "Hello there."
    assert reply.finish_reason == "stop"
    assert reply.usage == Usage(input_tokens=9, output_tokens=4)
    assert reply.state is None
    assert str(reply.target) == "Anthropic:claude-haiku-5-5"
    assert reply.details == {
        "id": "msg_1",
        "model": "m-1",
        "finish_reason": "end_turn",
        "request_id": "req_1",
    }


async def test_a_conversation_with_every_option_keeps_every_rule() -> None:
    async with AnthropicServer(answer("{}"), key=KEY) as server:
        await Anthropic(base_url=f"{server.url}/", api_key=KEY).complete(
            CONVERSATION,
            model=OLD,
            temperature=0.2,
            max_tokens=9,
            top_p=0.9,
            stop=["a", "b"],
            tools=[TOOL],
            tool_choice={"type": "function", "function": {"name": "look"}},
            response_format={"type": "object"},
            extra={"metadata": {"user_id": "u"}, "top_k": 3},
        )

    assert server.refusals == []
    (body,) = server.bodies
    assert body["model"] == "claude-sonnet-4-5-20250929"
    assert (body["max_tokens"], body["top_k"]) == (9, 3)


# As the examples of Anthropic's own pages have it: "Vision" (the image), "Tool use
# overview" (the tool) and "Structured outputs" (the format of the output), read
# 2026-11-22; the order of the fields is nobody's.
RECORDED = (
    b'{"model":"claude-opus-5-5","max_tokens":1024,"messages":[{"role":"user","content":['
    b'{"type":"text","text":"What is in this image?"},'
    b'{"type":"image","source":{"type":"base64","media_type":"image/jpeg",'
    b'"data":"/9j/4A=="}}]}],'
    b'"stream":true,"system":"Be brief.","tools":[{"name":"get_weather",'
    b'"description":"Get the current weather in a given location","input_schema":'
    b'{"type":"object","properties":{"location":{"type":"string","description":'
    b'"The city and state, e.g. San Francisco, CA"}},"required":["location"]}}],'
    b'"tool_choice":{"type":"auto"},'
    b'"output_config":{"format":{"type":"json_schema","schema":{"type":"object",'
    b'"properties":{"name":{"type":"string"},"email":{"type":"string"}},'
    b'"required":["name","email"],"additionalProperties":false}}}}'
)


async def test_a_request_is_byte_for_byte_the_documented_one() -> None:
    weather: dict[str, object] = {
        "name": "get_weather",
        "description": "Get the current weather in a given location",
        "parameters": {
            "type": "object",
            "properties": {
                "location": {
                    "type": "string",
                    "description": "The city and state, e.g. San Francisco, CA",
                }
            },
            "required": ["location"],
        },
    }
    image = {"url": "data:image/jpeg;base64,/9j/4A=="}
    content = [
        {"type": "text", "text": "What is in this image?"},
        {"type": "image_url", "image_url": image},
    ]
    reply = answer('{"name": "A", "email": "a@example.org"}')
    async with AnthropicServer(reply, key=KEY) as server:
        await Anthropic(base_url=server.url, api_key=KEY).complete(
            [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": content},
            ],
            model="claude-opus-5-5",
            max_tokens=1024,
            tools=[{"type": "function", "function": weather}],
            tool_choice="auto",
            response_format={
                "type": "object",
                "properties": {
                    "name": {"type": "string"},
                    "email": {"type": "string"},
                },
                "required": ["name", "email"],
                "additionalProperties": False,
            },
        )

    (request,) = server.requests
    assert request.body == RECORDED
    sent = {n.lower(): v for n, v in request.headers if n.lower() != "host"}
    sent.pop("user-agent")
    assert sent == {
        "accept": "text/event-stream",
        "accept-encoding": "identity",
        "anthropic-version": "2023-06-01",
        "content-length": str(len(RECORDED)),
        "content-type": "application/json",
        "x-api-key": KEY,
    }


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        ("claude-opus-4-5", {}, 64_000),
        ("claude-opus-4-5", {"default_max_tokens": 100}, 100),
        ("another", {}, 4096),
        ("another", {"default_max_tokens": 100}, 100),
    ],
)
async def test_max_tokens_is_given_where_the_request_gives_none(
    model: str, options: dict[str, Any], expected: int
) -> None:
    async with AnthropicServer() as server:
        await Anthropic(base_url=server.url, **options).complete("Why?", model=model)

    assert server.bodies[0]["max_tokens"] == expected


async def test_beta_features_are_named_in_their_header() -> None:
    async with AnthropicServer() as server:
        provider = Anthropic(
            base_url=server.url, anthropic_beta=("one-2026-01-01", "two-2026-02-02")
        )
        await provider.complete("Why?")

    (request,) = server.requests
    assert request.values("anthropic-beta") == ["one-2026-01-01,two-2026-02-02"]


@pytest.mark.parametrize(
    "options",
    [
        {"anthropic_version": "latest"},
        {"anthropic_version": "2023-06-01\r\nx: y"},
        {"anthropic_beta": ("a,b",)},
        {"anthropic_beta": ("a\n",)},
        {"auth_header": "Cookie"},
        {"default_max_tokens": 0},
    ],
)
def test_an_option_that_is_wrong_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(options))):
        Anthropic(**options)


# What cannot be asked.


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"seed": 1}, "seed"),
        ({"temperature": 1.0}, "temperature"),
        ({"top_p": 1.0}, "top_p"),
        ({"model": "another", "response_format": {"type": "object"}}, "format"),
        ({"response_format": {"type": "json_object"}}, "schema"),
        ({"tool_choice": "some", "tools": [TOOL]}, "tool_choice"),
    ],
)
async def test_what_a_model_cannot_do_is_refused_before_any_request(
    options: dict[str, Any], said: str
) -> None:
    async with AnthropicServer() as server:
        with pytest.raises(UnsupportedError, match=said):
            await Anthropic(base_url=server.url).complete("Why?", **options)

    assert server.connections == []


async def test_a_later_version_of_the_protocol_has_no_sampling() -> None:
    async with AnthropicServer() as server:
        provider = Anthropic(base_url=server.url, anthropic_version="2026-10-21")
        with pytest.raises(
            UnsupportedError, match="does not accept temperature and top_p with"
        ):
            await provider.complete("Why?", model=OLD, temperature=1, top_p=0.5)
        assert server.connections == []
        await provider.complete("Why?", model=OLD)

    assert server.refusals == []
    assert server.requests[0].values("anthropic-version") == ["2026-10-21"]


BEGUN: Conversation = [
    {"role": "user", "content": "Why?"},
    {"role": "assistant", "content": "Because \n"},
]


@pytest.mark.parametrize("model", [OLD, "another"])
async def test_a_beginning_is_gone_on_with(model: str) -> None:
    async with AnthropicServer(prefill=True) as server:
        await Anthropic(base_url=server.url).complete(BEGUN, model=model)

    assert server.refusals == []
    assert server.bodies[0]["messages"][-1]["content"][0]["text"] == "Because"


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-opus-5-5"])
async def test_later_models_go_on_with_no_beginning(model: str) -> None:
    async with AnthropicServer() as server:
        with pytest.raises(UnsupportedError, match="end the conversation with"):
            await Anthropic(base_url=server.url).complete(BEGUN, model=model)

    assert server.connections == []


SEARCH: dict[str, object] = {"type": "web_search_20250305", "name": "web_search"}


@pytest.mark.parametrize("slicing", [whole, by_size(1)])
async def test_a_paused_answer_is_sent_back_and_goes_on(slicing: Slicing) -> None:
    first = (
        begin()
        + thinking("hm")
        + texts("One. ", index=1)
        + start(2, "server_tool_use", id="s1", name="web_search", input={})
        + delta(2, "input_json_delta", partial_json='{"query": "x"}')
        + stop(2)
        + finish("pause_turn")
        + STOP
    )
    found = start(0, "web_search_tool_result", tool_use_id="s1", content=[]) + stop(0)
    rest = begin() + found + texts("Two.", index=1) + finish() + STOP
    replies: list[Reply] = []
    conversation: list[Any] = [{"role": "user", "content": "Why?"}]
    async with AnthropicServer(first, rest, slicing=slicing) as server:
        provider = Anthropic(base_url=server.url)
        for question in ([], [], ["And now?"]):
            conversation += question
            replies.append(await provider.complete(conversation, tools=[SEARCH]))
            conversation.append(replies[-1].to_message())

    assert server.refusals == []
    paused, ended, _ = replies
    assert (paused.finish_reason, ended.finish_reason) == ("unknown", "stop")
    assert paused.details["finish_reason"] == "pause_turn"
    assert [item["type"] for item in ended.items] == ["web_search_tool_result"]
    assert [block["type"] for block in server.bodies[2]["messages"][1]["content"]] == [
        "thinking",
        "text",
        "server_tool_use",
        "web_search_tool_result",
        "text",
    ]


async def test_an_answer_of_the_service_s_tools_alone_is_not_empty() -> None:
    found = start(0, "web_search_tool_result", tool_use_id="s1", content=[]) + stop(0)
    async with AnthropicServer(begin() + found + finish() + STOP) as server:
        reply = await Anthropic(base_url=server.url).complete("Why?")

    assert (reply.text, len(reply.items)) == ("", 1)


async def test_messages_of_the_user_s_own_are_not_checked() -> None:
    turns = [{"role": "assistant", "content": [{"type": "text", "text": "So"}]}]
    async with AnthropicServer() as server:
        with pytest.raises(InvalidRequestError):
            await Anthropic(base_url=server.url).complete(
                BEGUN, extra={"messages": turns}
            )

    assert server.requests == []


async def test_further_fields_reach_the_service() -> None:
    cache = {"type": "ephemeral"}
    part = {"type": "text", "text": "Why?", "cache_control": cache}
    tool_ = {**TOOL, "cache_control": cache}
    async with AnthropicServer() as server:
        await Anthropic(base_url=server.url).complete(
            [
                {"role": "system", "content": [part]},
                {"role": "user", "content": [part]},
            ],
            tools=[tool_, SEARCH],
            tool_choice={"type": "any", "disable_parallel_tool_use": True},
        )

    assert server.refusals == []
    (body,) = server.bodies
    assert body["system"][0]["cache_control"] == cache
    assert body["messages"][0]["content"][0]["cache_control"] == cache
    assert body["tools"][0]["cache_control"] == cache
    assert body["tools"][1] == SEARCH


@pytest.mark.parametrize("kind", ["input_audio", "video_url"])
async def test_sounds_and_videos_are_refused_before_any_request(kind: str) -> None:
    fields = {"data": "AAAA", "format": "wav", "url": "https://example.org/a.mp4"}
    content = [{"type": "text", "text": "Look!"}, {"type": kind, kind: fields}]
    async with AnthropicServer() as server:
        with pytest.raises(UnsupportedError):
            await Anthropic(base_url=server.url).complete(
                {"role": "user", "content": content}
            )

    assert server.connections == []


async def test_arguments_that_are_not_json_go_back_as_such() -> None:
    cut = begin() + tool('{"at": "a', id="c1", name="look") + finish("max_tokens")
    async with AnthropicServer(cut + STOP, answer("Done.")) as server:
        provider = Anthropic(base_url=server.url)
        reply = await provider.complete("Look!", tools=[TOOL])
        (call,) = reply.tool_calls
        result = Message(role="tool", tool_call_id="c1", content="not JSON")
        await provider.complete(["Look!", reply.to_message(), result], tools=[TOOL])

    assert server.refusals == []
    assert (call.arguments, call.has_valid_arguments) == ('{"at": "a', False)
    assert reply.finish_reason == "length"
    (block,) = server.bodies[1]["messages"][1]["content"]
    assert block["input"] == {"INVALID_JSON": '{"at": "a'}


async def test_an_empty_beginning_is_refused_too() -> None:
    async with AnthropicServer() as server:
        with pytest.raises(UnsupportedError, match="end the conversation with"):
            await Anthropic(base_url=server.url).complete(
                {"role": "assistant", "content": ""}
            )

    assert server.connections == []


def test_which_models_go_on_with_a_beginning_is_said_of_each() -> None:
    prefills = {m.name: m.prefill for m in Anthropic.info.model_infos}

    assert {n for n, prefill in prefills.items() if prefill != "none"} == {
        "claude-opus-4-5-20251101",
        "claude-sonnet-4-5-20250929",
        "claude-haiku-4-5-20251001",
    }
    assert all(model.source for model in Anthropic.info.model_infos)


# Keys.


async def test_the_key_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
    async with AnthropicServer(key=KEY) as server:
        await Anthropic(base_url=server.url).complete("Why?")

    assert server.refusals == []


async def test_a_bearer_token_stands_in_its_own_header_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "another")
    async with AnthropicServer(key=KEY, bearer=True, models=["m"]) as server:
        provider = Anthropic(
            base_url=server.url, api_key=KEY, auth_header="Authorization"
        )
        await provider.complete("Why?")
        await provider.list_models()

    assert server.refusals == []


async def test_a_key_is_needed_at_anthropics_own_address() -> None:
    with pytest.raises(
        AuthenticationError, match="ANTHROPIC_API_KEY in the environment"
    ):
        await Anthropic().complete("Why?")
    with pytest.raises(
        AuthenticationError, match="ANTHROPIC_API_KEY in the environment"
    ):
        await Anthropic().list_models()


@pytest.mark.parametrize("header", ["x-api-key", "Authorization"])
@pytest.mark.parametrize("refused", [True, False])
async def test_neither_the_key_nor_the_question_is_quoted(
    refused: bool, header: str
) -> None:
    question = "A question that stays private."  # E21
    told = error(KEY, f"{KEY} {question} Shorten it")
    body = told.partition(b"data: ")[2]
    script = respond(400, body) if refused else streaming(http_chunk(told))
    async with FaultServer(script) as server:
        failure = await failure_at(
            server.url, question, api_key=KEY, auth_header=header
        )

    assert "Shorten it" in str(failure)
    for shown in (str(failure), repr(failure), repr(vars(failure))):
        assert "canary" not in shown
        assert "private" not in shown


# Answers.


async def test_a_whole_message_is_an_answer() -> None:
    # F21.
    message = {
        "type": "message",
        "content": [{"type": "text", "text": "Hi"}],
        "stop_reason": "max_tokens",
        "usage": {"input_tokens": 1},
    }
    script = respond(
        200, json.dumps(message).encode(), ("Content-Type", "application/json")
    )
    async with FaultServer(script) as server:
        got = await Anthropic(base_url=server.url).complete("Why?")

    assert (got.text, got.finish_reason) == ("Hi", "length")
    assert got.usage == Usage(input_tokens=1)


@pytest.mark.parametrize("slicing", [whole, by_size(1)])
async def test_thinking_and_calls_go_back_exactly(slicing: Slicing) -> None:
    # S13, S14: with the tools' results, in the next turn.
    body = b"".join(
        [
            begin(),
            thinking("Let me", " look.", signature="c2lnbmF0dXJl"),
            start(1, "redacted_thinking", data="b3BhcXVl"),
            stop(1),
            texts("I", " look.", index=2),
            tool(*'{"at": "a"}', index=3, id="c1", name="look"),
            tool(index=4, id="c2", name="look"),
            finish("tool_use"),
            STOP,
        ]
    )
    async with AnthropicServer(body, answer("Done."), slicing=slicing) as server:
        provider = Anthropic(base_url=server.url)
        question: dict[str, object] = {"role": "user", "content": "Look!"}
        stream = provider.stream(question, tools=[TOOL])
        thoughts = [e async for e in stream.events() if isinstance(e, ReasoningDelta)]
        first = stream.reply
        results = [
            Message(role="tool", tool_call_id=call.id, content=f"saw {call.arguments}")
            for call in first.tool_calls
        ]
        # As an application may keep it meanwhile.
        state = json.loads(json.dumps(first.state))
        answered = first.to_message()
        assert answered.state == state
        second = await provider.complete([question, answered, *results], tools=[TOOL])

    assert server.refusals == []
    assert "".join(thought.text for thought in thoughts) == "Let me look."
    assert first.finish_reason == "tool_calls"
    assert first.tool_calls == (
        ToolCall(id="c1", name="look", arguments='{"at": "a"}'),
        ToolCall(id="c2", name="look", arguments="{}"),
    )
    assert second.text == "Done."
    assert server.bodies[1]["messages"][1:] == [
        {
            "role": "assistant",
            "content": [
                {
                    "type": "thinking",
                    "thinking": "Let me look.",
                    "signature": "c2lnbmF0dXJl",
                },
                {"type": "redacted_thinking", "data": "b3BhcXVl"},
                {"type": "text", "text": "I look."},
                {"type": "tool_use", "id": "c1", "name": "look", "input": {"at": "a"}},
                {"type": "tool_use", "id": "c2", "name": "look", "input": {}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "c1",
                    "content": 'saw {"at": "a"}',
                },
                {"type": "tool_result", "tool_use_id": "c2", "content": "saw {}"},
            ],
        },
    ]


@pytest.mark.parametrize("said", [(), ("Well", "...")])
async def test_a_refusal_is_a_normal_end(said: tuple[str, ...]) -> None:
    # S19: nobody else is asked in its place.
    why = {"type": "refusal", "category": "cyber", "explanation": None}
    body = begin() + texts(*said) + finish("refusal", stop_details=why) + STOP
    async with AnthropicServer(body) as server, AnthropicServer() as other:
        route = fallback(Anthropic(base_url=server.url), Anthropic(base_url=other.url))
        got = await route.complete("Why?")

    assert (got.text, got.finish_reason) == ("".join(said), "content_filter")
    assert got.details["stop_details"] == why
    assert other.connections == []


# The end.


@pytest.mark.parametrize("end", [*ENDS, GARBAGE])
@pytest.mark.parametrize(
    ("last", "lenient"),
    [
        pytest.param(finish() + STOP, False, id="H11"),
        pytest.param(finish(), True, id="S15"),
        pytest.param(finish()[:-2], True, id="F15"),
    ],
)
async def test_after_the_end_the_connection_may_break(
    last: bytes, lenient: bool, end: list[Step]
) -> None:
    begun = http_chunk(begin() + texts("Hi"))
    async with FaultServer(streaming(begun, http_chunk(last), *end)) as server:
        got = await Anthropic(base_url=server.url).complete("Why?")

    assert (got.text, got.finish_reason) == ("Hi", "stop")
    assert got.usage == Usage(input_tokens=9, output_tokens=4)
    assert got.details.get("lenient", False) is lenient


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("last", [b"", finish()[:-9]], ids=["H12", "F16"])
async def test_before_the_end_the_connection_may_not_break(
    last: bytes, end: list[Step]
) -> None:
    script = streaming(http_chunk(begin() + texts("Hi") + last), *end)
    async with FaultServer(script) as server:
        failure = await failure_at(server.url)

    assert isinstance(failure, StreamTruncatedError)
    assert failure.reply is not None
    assert failure.reply.text == "Hi"
    assert failure.reply.finish_reason is None


# Failures.


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (400, {"type": "invalid_request_error"}, InvalidRequestError),
        (
            400,
            {"message": "prompt is too long: 205351 tokens > 200000 maximum"},
            ContextLengthError,
        ),
        (
            400,
            {"message": "Your credit balance is too low to access the Anthropic API."},
            QuotaExceededError,
        ),
        (
            400,
            {"message": "You have reached your specified API usage limits."},
            QuotaExceededError,
        ),
        (401, {"type": "authentication_error"}, AuthenticationError),
        (402, {"type": "billing_error"}, QuotaExceededError),
        (403, {"type": "permission_error"}, PermissionDeniedError),
        (404, {"type": "not_found_error"}, ModelUnavailableError),
        (409, {"type": "conflict_error"}, ServerError),
        (
            409,
            {
                "type": "conflict_error",
                "details": {"error_code": "thread_continue_in_flight"},
            },
            InvalidRequestError,
        ),
        (413, {"type": "request_too_large"}, RequestTooLargeError),
        (429, {"type": "rate_limit_error"}, RateLimitError),
        (
            429,
            {
                "type": "rate_limit_error",
                "details": {"error_code": "ramp_limit_exceeded"},
            },
            RateLimitError,
        ),
        (
            429,
            {
                "type": "rate_limit_error",
                "details": {"error_code": "contract_spend_limit_reached"},
            },
            QuotaExceededError,
        ),
        (429, {"details": {"error_code": "a_new_one"}}, RateLimitError),
        (500, {"type": "api_error"}, ServerError),
        (504, {"type": "timeout_error"}, ServerError),
        (529, {"type": "overloaded_error"}, OverloadedError),
    ],
)
async def test_a_refusal_has_its_class(
    status: int, told: dict[str, object], expected: type[TurnoutError]
) -> None:
    document = {"type": "error", "error": {"message": "no", **told}}
    body = json.dumps({**document, "request_id": "req_9"}).encode()
    script = respond(status, body, ("request-id", "req_9"), ("retry-after", "3"))
    async with FaultServer(script) as server:
        failure = await failure_at(server.url)

    assert type(failure) is expected
    assert (
        vars(failure).items()
        >= {
            "status_code": status,
            "request_id": "req_9",
            "retry_after": 3.0,
        }.items()
    )


@pytest.mark.parametrize("path", ["/v1", "/v1/"])
async def test_a_path_that_is_there_already_is_to_be_left_out(path: str) -> None:
    told = b'{"type":"error","error":{"type":"not_found_error","message":"Not Found"}}'
    async with FaultServer(respond(404, told)) as server:
        elsewhere = await failure_at(server.url)
        error = await failure_at(f"{server.url}{path}")
        with pytest.raises(ModelUnavailableError) as caught:
            await Anthropic(base_url=f"{server.url}{path}").list_models()

    assert "base_url" not in str(elsewhere)
    for each in (error, caught.value):
        assert str(each).endswith("is appended to base_url; remove '/v1' from it")


async def test_a_spend_limit_is_no_matter_of_waiting() -> None:
    # E09: it comes without retry-after, and the next target is asked at once.
    told = {
        "type": "error",
        "error": {
            "type": "rate_limit_error",
            "message": "Spend limit reached.",
            "details": {"error_code": "enforced_spend_limit_reached"},
        },
        "request_id": "req_9",
    }
    script = respond(429, json.dumps(told).encode())
    async with FaultServer(script) as server, AnthropicServer() as other:
        route = fallback(
            Anthropic(base_url=server.url, api_key=KEY),
            Anthropic(base_url=other.url),
        )
        got = await route.complete("Why?")

    assert got.text == "Hello there."
    first, second = got.attempts
    assert type(first.error) is QuotaExceededError
    assert first.error.retry_after is None
    assert not first.error.retryable
    assert second.outcome == "complete"
    assert len(server.connections) == 1


async def test_what_should_not_be_tried_again_is_not_retryable() -> None:
    body = error("api_error", "no").partition(b"data: ")[2]
    script = respond(500, body, ("x-should-retry", "false"))
    async with FaultServer(script) as server:
        failure = await failure_at(server.url)

    assert isinstance(failure, ServerError)
    assert not failure.retryable


@pytest.mark.parametrize("document", [True, False], ids=["F20", "S11"])
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("overloaded_error", OverloadedError),
        ("rate_limit_error", RateLimitError),
        ("api_error", ServerError),
        ("timeout_error", ServerError),
        ("billing_error", QuotaExceededError),
        ("authentication_error", AuthenticationError),
        ("permission_error", PermissionDeniedError),
        ("not_found_error", ModelUnavailableError),
        ("request_too_large", RequestTooLargeError),
        ("invalid_request_error", InvalidRequestError),
        ("a_new_one", StreamError),
    ],
)
async def test_a_reported_error_has_its_class(
    kind: str, expected: type[TurnoutError], document: bool
) -> None:
    told = error(kind, "Not now")
    body = told.partition(b"data: ")[2] if document else begin() + texts("Hi") + told
    async with AnthropicServer(body) as server:
        failure = await failure_at(server.url)

    assert type(failure) is expected
    assert "Not now" in str(failure)
    assert failure.reply is not None
    assert failure.reply.text == ("" if document else "Hi")
    assert (
        vars(failure).items()
        >= {
            "provider": "Anthropic",
            "model": "claude-haiku-5-5",
            "status_code": 200,
            "request_id": "req_1",
        }.items()
    )


async def test_an_overload_before_any_text_is_not_seen() -> None:
    # S11.
    async with (
        AnthropicServer(begin() + error(), key=KEY) as server,
        AnthropicServer() as other,
    ):
        route = fallback(
            Anthropic(base_url=server.url, api_key=KEY), Anthropic(base_url=other.url)
        )
        stream = route.stream("Why?")
        events = [event async for event in stream.events()]

    assert "".join(e for e in events if isinstance(e, str)) == "Hello there."
    assert not any(isinstance(event, Failover) for event in events)
    assert type(stream.reply.attempts[0].error) is OverloadedError


@pytest.mark.parametrize("model", [OLD, "claude-opus-5-5"])
async def test_an_overload_after_text_is_continued(model: str) -> None:
    # S11: with a beginning where the model takes one, else with a message.
    prefill = model == OLD
    cut = begin() + texts("One, two, ") + error()
    rest = answer("three, four." if not prefill else " three, four.")
    async with (
        AnthropicServer(cut, key=KEY) as server,
        AnthropicServer(rest, prefill=prefill) as other,
    ):
        route = fallback(
            Anthropic(base_url=server.url, api_key=KEY).target(model),
            Anthropic(base_url=other.url).target(model),
        )
        stream = route.stream("Count.")
        events = [event async for event in stream.events()]

    assert other.refusals == []
    assert "".join(e for e in events if isinstance(e, str)) == "One, two, three, four."
    assert any(isinstance(event, Failover) for event in events)
    roles = [message["role"] for message in other.bodies[0]["messages"]]
    assert roles == ["user", "assistant"] + ["user"] * (not prefill)


async def test_a_call_that_was_begun_is_not_continued() -> None:
    cut = begin() + tool('{"a', index=0) + error()  # M08
    async with AnthropicServer(cut, key=KEY) as server, AnthropicServer() as other:
        route = fallback(
            Anthropic(base_url=server.url, api_key=KEY), Anthropic(base_url=other.url)
        )
        with pytest.raises(StreamBrokenError):
            async for _ in route.stream("Look!", tools=[TOOL]).events():
                pass

    assert other.connections == []


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(PING * 3, id="T02"),
        pytest.param(begin() + texts("") + thinking("") + PING, id="T06"),
    ],
)
async def test_what_brings_nothing_is_no_progress(begun: bytes) -> None:
    script = streaming(http_chunk(begun), until(asyncio.Event()))
    async with FaultServer(script) as server:
        failure = await failure_at(server.url, first_delta_timeout=0.1)

    assert type(failure) is FirstDeltaTimeoutError


# The list of models.


async def test_models_are_listed_by_the_service_page_by_page() -> None:
    names = ["claude-haiku-5-5", OLD, "new/one", "new&two", "last"]
    async with AnthropicServer(key=KEY, models=names) as server:
        models = await Anthropic(base_url=server.url, api_key=KEY).list_models()

    assert server.refusals == []
    assert [model.name for model in models] == names
    assert {model.context_window for model in models} == {500_000}
    assert {model.max_output_tokens for model in models} == {1000}
    assert [request.target for request in server.requests] == [
        "/v1/models?limit=1000",
        f"/v1/models?limit=1000&after_id={OLD}",
        "/v1/models?limit=1000&after_id=new%26two",
    ]
    known = Anthropic(base_url=server.url).catalog.info_of("claude-haiku-5-5")
    assert models[0].capabilities == known.capabilities
    assert models[2].capabilities is None


def listing(*pages: bytes) -> list[list[Step]]:
    return [respond(200, page) for page in pages]


async def test_what_a_list_does_not_say_is_what_is_known() -> None:
    page = b'{"data":[{"id":"claude-haiku-5-5"},{"id":"x","max_tokens":null}]}'
    async with FaultServer(*listing(page)) as server:
        known, other = await Anthropic(base_url=server.url).list_models()

    assert known.max_output_tokens == 128_000
    assert (other.name, other.max_output_tokens) == ("x", None)


@pytest.mark.parametrize(
    "page",
    [
        b"[]",
        b"{}",
        b'{"data":7}',
        b'{"data":[7]}',
        b'{"data":[{"id":7}]}',
        b'{"data":[{"id":"a"}],"has_more":true,"last_id":null}',
        b"no json",
    ],
)
async def test_a_list_that_is_none_breaks_the_protocol(page: bytes) -> None:
    async with FaultServer(*listing(page)) as server:
        with pytest.raises(ProtocolError):
            await Anthropic(base_url=server.url).list_models()


async def test_a_list_without_an_end_is_given_up() -> None:
    page = b'{"data":[{"id":"a"}],"has_more":true,"last_id":"a"}'
    async with FaultServer(*listing(page)) as server:
        models = await Anthropic(base_url=server.url).list_models()

    assert len(models) == 100


async def test_a_list_may_be_refused() -> None:
    async with AnthropicServer(key=KEY) as server:
        with pytest.raises(AuthenticationError):
            await Anthropic(base_url=server.url, api_key="another").list_models()


# What it says of itself.


def test_it_is_found_by_its_name() -> None:
    provider = get_provider("anthropic")

    assert isinstance(provider, Anthropic)
    assert provider.info.first_model == "claude-haiku-5-5"
    assert provider.target("brand-new").model == "brand-new"
    assert provider.target("claude-opus-4-5").model == "claude-opus-4-5-20251101"
