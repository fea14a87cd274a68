"""The provider against servers on loopback. The ids are those of cases.md."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from turnout import get_provider
from turnout.errors import (
    AuthenticationError,
    ConfigError,
    ContextLengthError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamError,
    StreamTruncatedError,
    TurnoutError,
    UnsupportedError,
)
from turnout.testing import (
    FaultServer,
    Step,
    fin,
    respond,
    response_head,
    rst,
    send,
    sleep,
    until,
    wait_request,
)
from turnout.testing import (
    chunk as http_chunk,
)
from turnout.types import (
    Conversation,
    ImagePart,
    Message,
    ProviderInfo,
    ToolCall,
    Usage,
)
from turnout_openai import OpenAI

from ...support.openai_server import (
    DONE,
    OpenAIServer,
    answer,
    chunk,
    event,
    finish,
    text,
    usage,
)
from ..asking import ENDS, GARBAGE, failure_of, streaming

KEY = "sk-canary-0123456789"
TOOL: dict[str, object] = {
    "type": "function",
    "function": {"name": "look", "parameters": {}},
}
CONVERSATION: Conversation = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    Message(role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments="{}"),)),
    {"role": "tool", "tool_call_id": "c", "content": "4"},
    Message(role="user", content=(ImagePart(data=b"x", media_type="image/png"),)),
]


async def failure_at(url: str, question: str = "Why?", **options: Any) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    return await failure_of(OpenAI(base_url=url, **options), question)


# Requests.


async def test_a_question_alone_keeps_every_rule() -> None:
    async with OpenAIServer() as server:
        reply = await OpenAI(base_url=server.base_url).complete("Why?")

    assert server.refusals == []
    assert server.bodies[0]["model"] == "gpt-4o-mini"
    assert reply.text == "Hello there."
    assert reply.finish_reason == "stop"
    assert reply.usage == Usage(input_tokens=9, output_tokens=4)
    assert str(reply.target) == "OpenAI:gpt-4o-mini"
    assert reply.details == {
        "id": "chatcmpl-1",
        "model": "m-1",
        "finish_reason": "stop",
        "request_id": "req-1",
    }


async def test_a_conversation_with_every_option_keeps_every_rule() -> None:
    async with OpenAIServer(answer("{}"), key=KEY) as server:
        await OpenAI(base_url=f"{server.base_url}/", api_key=KEY).complete(
            CONVERSATION,
            model="any-model:latest",
            temperature=0.2,
            max_tokens=9,
            top_p=0.9,
            stop=["a", "b"],
            seed=1,
            tools=[TOOL],
            tool_choice={"type": "function", "function": {"name": "look"}},
            response_format={"type": "object"},
            extra={"user": "u", "seed": 2},
        )

    assert server.refusals == []
    (body,) = server.bodies
    assert body["model"] == "any-model:latest"
    assert (body["max_tokens"], body["seed"], body["user"]) == (9, 2, "u")


async def test_the_field_for_max_tokens_can_be_set() -> None:
    async with OpenAIServer() as server:
        provider = OpenAI(
            base_url=server.base_url, max_tokens_field="max_completion_tokens"
        )
        await provider.complete("Why?", max_tokens=7)

    assert server.bodies[0]["max_completion_tokens"] == 7


def test_there_is_no_other_field_for_max_tokens() -> None:
    with pytest.raises(ConfigError, match="max_tokens_field"):
        OpenAI(max_tokens_field="tokens")


@pytest.mark.parametrize("n", [2, 0, "2"])
async def test_several_answers_are_refused_before_any_request(n: object) -> None:
    # S09.
    async with OpenAIServer() as server:
        with pytest.raises(UnsupportedError, match="one answer"):
            await OpenAI(base_url=server.base_url).complete("Why?", extra={"n": n})

    assert server.connections == []


async def test_one_answer_may_be_asked_for() -> None:
    async with FaultServer(streaming(http_chunk(answer("a")))) as server:
        provider = OpenAI(base_url=server.url)

        assert (await provider.complete("Why?", extra={"n": 1})).text == "a"


# Keys.


async def test_the_key_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    async with OpenAIServer(key=KEY) as server:
        await OpenAI(base_url=server.base_url).complete("Why?")

    assert server.refusals == []


@pytest.mark.parametrize("options", [{}, {"base_url": "https://api.openai.com/v1"}])
async def test_a_key_is_needed_at_openais_own_address(
    options: dict[str, Any],
) -> None:
    with pytest.raises(AuthenticationError, match="OPENAI_API_KEY in the environment"):
        await OpenAI(**options).complete("Why?")


async def test_a_row_of_another_vendor_needs_its_own_key() -> None:
    info = ProviderInfo(
        name="Vendor",
        models=("v-1",),
        key_variable="VENDOR_API_KEY",
        needs_key=True,
        provider_class=OpenAI,
        options={"base_url": "http://127.0.0.1:9/v1"},
    )

    with pytest.raises(AuthenticationError, match="VENDOR_API_KEY in the environment"):
        await OpenAI(info=info).complete("Why?")


@pytest.mark.parametrize("refused", [True, False])
async def test_neither_the_key_nor_the_question_is_quoted(refused: bool) -> None:
    question = "A question that stays private."  # E21
    told = {"error": {"message": f"{KEY} {question} Shorten it", "code": KEY}}
    body = event(told)[len("data: ") :]
    script = (
        respond(400, body) if refused else streaming(http_chunk(event(told) + DONE))
    )
    async with FaultServer(script) as server:
        error = await failure_at(server.url, question, api_key=KEY)

    assert "Shorten it" in str(error)
    for shown in (str(error), repr(error), repr(vars(error))):
        assert "canary" not in shown
        assert "private" not in shown


# Answers.


async def test_a_whole_completion_is_an_answer() -> None:
    # F21.
    completion = (
        b'{"choices":[{"message":{"role":"assistant","content":"Hi"},'
        b'"finish_reason":"length"}],"usage":{"prompt_tokens":1}}'
    )
    script = respond(200, completion, ("Content-Type", "application/json"))
    async with FaultServer(script) as server:
        got = await OpenAI(base_url=server.url).complete("Why?")

    assert (got.text, got.finish_reason) == ("Hi", "length")
    assert got.usage == Usage(input_tokens=1)


async def test_calls_at_once_are_put_together() -> None:
    def increment(**call: object) -> bytes:
        return event(chunk({"tool_calls": [call]}))

    body = (  # S03
        increment(index=0, id="a", function={"name": "look_", "arguments": ""})
        + increment(index=1, id="b", function={"name": "now"})
        + increment(index=0, id="a", function={"name": "up", "arguments": '{"a"'})
        + increment(index=1, id="b", function={"arguments": ""})
        + increment(index=0, function={"arguments": ":1}"})
        + finish("tool_calls")
        + DONE
    )
    async with OpenAIServer(body) as server:
        got = await OpenAI(base_url=server.base_url).complete("Why?")

    assert got.tool_calls == (
        ToolCall(id="a", name="look_up", arguments='{"a":1}'),
        ToolCall(id="b", name="now", arguments=""),
    )


async def test_tool_calls_and_reasoning_are_put_together() -> None:
    call = {"index": 0, "id": "c", "function": {"name": "f", "arguments": '{"a"'}}
    more = {"index": 0, "function": {"arguments": ":1}"}}
    body = (
        event(chunk({"reasoning_content": "hm"}))
        + event(chunk({"tool_calls": [call]}))
        + event(chunk({"tool_calls": [more]}))
        + finish("tool_calls")
        + DONE
    )
    async with OpenAIServer(body) as server:
        got = await OpenAI(base_url=server.base_url).complete("Why?")

    assert got.reasoning == "hm"
    assert got.tool_calls == (ToolCall(id="c", name="f", arguments='{"a":1}'),)
    assert got.finish_reason == "tool_calls"


# The end.


@pytest.mark.parametrize("end", [*ENDS, GARBAGE])
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(finish() + usage() + DONE, id="H11"),
        pytest.param(finish() + usage(), id="no-mark"),
        pytest.param(finish() + usage()[:-2], id="no-blank-line"),
        pytest.param(usage() + DONE[:-2], id="F15"),
        pytest.param(usage() + DONE, id="no-reason"),
    ],
)
async def test_after_the_end_the_connection_may_break(
    last: bytes, end: list[Step]
) -> None:
    script = streaming(http_chunk(text("Hi")), http_chunk(last), *end)
    async with FaultServer(script) as server:
        got = await OpenAI(base_url=server.url).complete("Why?")

    assert got.text == "Hi"
    assert got.usage == Usage(input_tokens=9, output_tokens=4)


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    "last",
    [b"", usage(), finish()[:-9], b"data: [DON"],
    ids=["H12", "usage", "F16", "mark"],
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


@pytest.mark.parametrize(
    ("last", "complete"),
    [
        pytest.param(finish(), True, id="reason"),
        pytest.param(DONE, True, id="mark"),
        pytest.param(b"", False, id="H13"),
    ],
)
async def test_the_protocols_own_end_proves_what_the_bodys_cannot(
    last: bytes, complete: bool
) -> None:
    script = [wait_request(), send(response_head(200)), send(text("Hi") + last), fin()]
    async with FaultServer(script) as server:
        if complete:
            assert (await OpenAI(base_url=server.url).complete("Why?")).text == "Hi"
        else:
            assert isinstance(await failure_at(server.url), StreamTruncatedError)


async def test_reading_stops_some_time_after_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnout.service._AFTERWORDS", 0.05)
    script = streaming(http_chunk(text("Hi") + finish()), until(asyncio.Event()))
    async with FaultServer(script) as server:
        got = await OpenAI(base_url=server.url).complete("Why?")

    assert (got.text, got.finish_reason) == ("Hi", "stop")


async def test_what_follows_the_reason_is_read() -> None:
    script = streaming(
        http_chunk(text("Hi") + finish()),
        sleep(0.01),
        http_chunk(usage()),
        sleep(0.01),
        http_chunk(DONE),
        until(asyncio.Event()),
    )
    async with FaultServer(script) as server:
        got = await OpenAI(base_url=server.url).complete("Why?")

    assert got.usage == Usage(input_tokens=9, output_tokens=4)


# Failures.


@pytest.mark.parametrize(
    ("status", "told", "expected"),
    [
        (400, {"code": "context_length_exceeded"}, ContextLengthError),
        (400, {}, InvalidRequestError),
        (401, {"code": "invalid_api_key"}, AuthenticationError),
        (404, {"code": "model_not_found"}, ModelUnavailableError),
        (429, {"code": "rate_limit_exceeded"}, RateLimitError),
        *(
            (429, {"code": code}, QuotaExceededError)  # E08
            for code in (
                "insufficient_quota",
                "credit_balance_exhausted",
                "organization_spend_limit_exceeded",
                "project_spend_limit_exceeded",
                "organization_usage_limit_exceeded",
            )
        ),
        (500, {"type": "server_error"}, ServerError),
        (503, {}, OverloadedError),
    ],
)
async def test_a_refusal_has_its_class(
    status: int, told: dict[str, object], expected: type[TurnoutError]
) -> None:
    body = event({"error": {"message": "no", **told}})[len("data: ") :]
    script = respond(status, body, ("x-request-id", "req-9"), ("retry-after", "3"))
    async with FaultServer(script) as server:
        error = await failure_at(server.url)

    assert type(error) is expected
    assert (
        vars(error).items()
        >= {
            "status_code": status,
            "request_id": "req-9",
            "retry_after": 3.0,
        }.items()
    )


@pytest.mark.parametrize("document", [True, False], ids=["F20", "S06"])
@pytest.mark.parametrize(
    ("told", "expected", "status"),
    [
        ({"type": "rate_limit_error"}, RateLimitError, 200),
        ({"code": "insufficient_quota"}, QuotaExceededError, 200),
        ({"code": 400, "type": "BadRequestError"}, InvalidRequestError, 400),
        ({"code": 502, "metadata": {}}, ServerError, 502),
        ({"code": "503"}, OverloadedError, 503),
        ({"type": "server_error"}, ServerError, 200),
        ({"code": "context_length_exceeded"}, ContextLengthError, 200),
        ({}, StreamError, 200),
    ],
)
async def test_a_reported_error_has_its_class(
    told: dict[str, object],
    expected: type[TurnoutError],
    status: int,
    document: bool,
) -> None:
    data = event({"error": {"message": "Not now", **told}})
    body = data[len("data: ") :] if document else text("Hi") + data + DONE
    async with OpenAIServer(body) as server:
        error = await failure_at(server.base_url)

    assert type(error) is expected
    assert "Not now" in str(error)
    assert error.reply is not None
    assert error.reply.text == ("" if document else "Hi")
    assert (
        vars(error).items()
        >= {
            "provider": "OpenAI",
            "model": "gpt-4o-mini",
            "status_code": status,
            "request_id": "req-1",
        }.items()
    )


async def test_an_error_for_a_reason_is_a_stream_error() -> None:
    async with OpenAIServer(text("Hi") + finish("error") + DONE) as server:  # S05
        error = await failure_at(server.base_url)

    assert type(error) is StreamError
    assert str(error) == "OpenAI reported an error (inside its answer)"


@pytest.mark.parametrize("end", [fin(), rst(), http_chunk(b"")])
async def test_an_error_document_whose_body_is_cut_off_is_classified(end: Step) -> None:
    script = streaming(http_chunk(b'{"error": {"code": 429}}'), end)
    async with FaultServer(script) as server:
        assert type(await failure_at(server.url)) is RateLimitError


# What it says of itself.


def test_it_is_found_by_its_name() -> None:
    provider = get_provider("openai")

    assert isinstance(provider, OpenAI)
    assert provider.info.first_model == "gpt-4o-mini"
    assert provider.target("brand-new").model == "brand-new"


def test_each_models_facts_have_their_source() -> None:
    for model in OpenAI.info.model_infos:
        assert "2026-" in model.source
        assert model.max_output_tokens is not None
