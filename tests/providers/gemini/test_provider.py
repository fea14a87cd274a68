"""The provider against servers on loopback. The ids are those of cases.md."""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

import pytest

from turnout import fallback, get_provider
from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    TurnoutError,
    UnsupportedError,
)
from turnout.testing import (
    FaultServer,
    Step,
    fin,
    respond,
    rst,
    send,
    until,
)
from turnout.testing import (
    chunk as http_chunk,
)
from turnout.types import (
    ChatRequest,
    Conversation,
    Finish,
    ImagePart,
    Message,
    Tool,
    ToolCall,
    Usage,
)
from turnout_gemini import Gemini

from ...support.gemini_server import (
    BAD_KEY,
    PER_DAY,
    PER_MINUTE,
    SOON,
    GeminiServer,
    answer,
    error,
    event,
    finish,
    response,
    text,
)
from ..asking import ENDS, GARBAGE, failure_of, streaming

KEY = "AIza-canary-0123456789"
TOLD = Usage(input_tokens=9, output_tokens=4, cached_tokens=0)
CONVERSATION: Conversation = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Hi"},
    Message(role="assistant", tool_calls=(ToolCall(id="c", name="f", arguments="{}"),)),
    {"role": "tool", "tool_call_id": "c", "content": "4"},
    Message(role="user", content=(ImagePart(data=b"x", media_type="image/png"),)),
]


async def failure_at(url: str, question: str = "Why?", **options: Any) -> TurnoutError:
    """Ask, and return the error that comes of it."""
    return await failure_of(Gemini(base_url=url, **options), question)


# Requests.


async def test_a_question_alone_keeps_every_rule() -> None:
    async with GeminiServer() as server:
        reply = await Gemini(base_url=server.base_url).complete("Why?")

    assert server.refusals == []
    assert server.models == ["gemini-3.8-flash"]
    assert reply.text == "Hello there."
    assert reply.finish_reason == "stop"
    assert reply.usage == TOLD
    assert str(reply.target) == "Gemini:gemini-3.8-flash"
    assert reply.details == {"id": "resp-1", "model": "m-1", "finish_reason": "STOP"}


async def test_an_answer_that_came_whole_is_given_at_once() -> None:
    whole = respond(200, answer("Hello ", "there."))
    async with FaultServer(whole) as server:
        request = ChatRequest.build("Why?", model="m-1")
        batches = [
            batch async for batch in Gemini(base_url=server.url).generate(request)
        ]

    (events,) = batches
    assert events[:2] == ["Hello ", "there."]
    assert isinstance(events[-1], Finish)


async def test_a_conversation_with_every_option_keeps_every_rule() -> None:
    async with GeminiServer(answer("{}"), key=KEY) as server:
        provider = Gemini(
            base_url=f"{server.base_url}/", api_key=KEY, include_thoughts=True
        )
        await provider.complete(
            CONVERSATION,
            model="any model",
            temperature=0.2,
            max_tokens=9,
            top_p=0.9,
            stop=["a", "b"],
            seed=1,
            tools=[Tool(name="look")],
            tool_choice={"type": "function", "function": {"name": "look"}},
            response_format={"type": "object"},
            extra={"safetySettings": []},
        )

    assert server.refusals == []
    assert server.models == ["any model"]


@pytest.mark.parametrize("name", ["../../admin", "a?b=c", "a%2fb"])
async def test_a_models_name_stays_in_its_place(name: str) -> None:
    async with GeminiServer() as server:  # G06
        provider = Gemini(base_url=server.base_url)
        await provider.complete("Why?", model=name)

    assert server.refusals == []
    assert server.models == [name]


@pytest.mark.parametrize("options", [{"temperature": 0.5}, {"top_p": 0.5}])
async def test_what_a_model_would_pass_over_is_refused(options: Any) -> None:
    async with GeminiServer() as server:
        with pytest.raises(UnsupportedError, match=next(iter(options))):
            await Gemini(base_url=server.base_url).complete("Why?", **options)

    assert server.connections == []


# Keys.


async def test_the_key_is_that_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", KEY)
    async with GeminiServer(key=KEY) as server:
        await Gemini(base_url=server.base_url).complete("Why?")

    assert server.refusals == []
    assert all(KEY not in request.target for request in server.http_requests)


async def test_a_key_is_needed_at_its_own_address() -> None:
    with pytest.raises(AuthenticationError, match="GEMINI_API_KEY in the environment"):
        await Gemini().complete("Why?")


async def test_a_wrong_key_is_no_invalid_request() -> None:
    async with GeminiServer(key="other") as server:  # E17
        refused = await failure_at(server.base_url, api_key=KEY)

    assert type(refused) is AuthenticationError
    assert vars(refused)["status_code"] == 400


@pytest.mark.parametrize("refused", [True, False])
async def test_neither_the_key_nor_the_question_is_quoted(refused: bool) -> None:
    question = "A question that stays private."  # E21
    body = error(400, "INVALID_ARGUMENT", f"{KEY} {question} Shorten it")
    script = respond(400, body) if refused else streaming(http_chunk(body))
    async with FaultServer(script) as server:
        failure = await failure_at(server.url, question, api_key=KEY)

    assert "Shorten it" in str(failure)
    for shown in (str(failure), repr(failure), repr(vars(failure))):
        assert "canary" not in shown
        assert "private" not in shown


# Answers.


async def test_a_cut_at_any_byte_has_its_outcome() -> None:
    body = answer("Pa", "ris")
    ends = [body[:length] for length in range(len(body) + 1)]
    scripts = [streaming(http_chunk(end) if end else send(b""), fin()) for end in ends]
    async with FaultServer(*scripts) as server:
        provider = Gemini(base_url=server.url)
        outcomes: list[str] = []
        for _ in ends:
            try:
                outcomes.append((await provider.complete("Why?")).text)
            except StreamTruncatedError:
                outcomes.append("cut")

    assert outcomes == ["cut"] * (len(body) - 2) + ["Paris"] * 3


async def test_a_whole_document_is_an_answer() -> None:
    # F21.
    document = [response([{"text": "Hi"}]), response([{"text": "."}], "MAX_TOKENS")]
    script = respond(200, json.dumps(document).encode())
    async with FaultServer(script) as server:
        got = await Gemini(base_url=server.url).complete("Why?")

    assert (got.text, got.finish_reason) == ("Hi.", "length")


async def test_what_the_model_thought_comes_back_to_it() -> None:
    thought = {"text": "hm", "thought": True}
    call = {
        "functionCall": {"name": "look", "args": {"at": "x"}},
        "thoughtSignature": "c2lnbmF0dXJl",
    }
    first = event(response([thought, call], "STOP"))
    async with GeminiServer(first, answer("It is red.")) as server:
        provider = Gemini(base_url=server.base_url, include_thoughts=True)
        question = Message(role="user", content="Why?")
        tools = [Tool(name="look")]
        asked = await provider.complete(question, tools=tools)
        (made,) = asked.tool_calls
        result = Message(role="tool", tool_call_id=made.id, content="red")
        turns = [question, asked.to_message(), result]
        done = await provider.complete(turns, tools=tools)

    assert asked.reasoning == "hm"
    assert asked.finish_reason == "tool_calls"
    assert done.text == "It is red."
    assert server.refusals == []
    assert server.bodies[1]["contents"] == [
        {"role": "user", "parts": [{"text": "Why?"}]},
        {"role": "model", "parts": [thought, call]},
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "look", "response": {"output": "red"}}}
            ],
        },
    ]


async def test_a_filter_after_text_is_a_reason_and_no_error() -> None:
    body = text("Hi") + event(response(None, "SAFETY"))  # S16, S19
    async with GeminiServer(body) as server:
        got = await Gemini(base_url=server.base_url).complete("Why?")

    assert (got.text, got.finish_reason) == ("Hi", "content_filter")


# The end.


@pytest.mark.parametrize("end", [*ENDS, GARBAGE])
async def test_after_the_end_the_connection_may_break(end: list[Step]) -> None:
    script = streaming(http_chunk(text("Hi")), http_chunk(finish()), *end)
    async with FaultServer(script) as server:  # H11
        got = await Gemini(base_url=server.url).complete("Why?")

    assert (got.text, got.usage) == ("Hi", TOLD)


@pytest.mark.parametrize("end", ENDS)
async def test_before_the_end_the_connection_may_not_break(end: list[Step]) -> None:
    async with FaultServer(streaming(http_chunk(text("Hi")), *end)) as server:
        failure = await failure_at(server.url)  # H12, S16

    assert isinstance(failure, StreamTruncatedError)
    assert failure.reply is not None
    assert (failure.reply.text, failure.reply.usage) == ("Hi", TOLD)


async def test_reading_stops_some_time_after_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnout.service._AFTERWORDS", 0.05)
    script = streaming(http_chunk(text("Hi") + finish()), until(asyncio.Event()))
    async with FaultServer(script) as server:
        got = await Gemini(base_url=server.url).complete("Why?")

    assert (got.text, got.finish_reason) == ("Hi", "stop")


@pytest.mark.parametrize(
    ("model", "prefilled"),
    [("gemini-3.1-pro-preview", True), ("gemini-3.8-flash", False)],
)
async def test_a_broken_answer_is_gone_on_with(model: str, prefilled: bool) -> None:
    cut = streaming(http_chunk(text("Paris is")), rst())
    async with FaultServer(cut) as broken, GeminiServer(answer(" nice.")) as server:
        first = Gemini(base_url=broken.url)
        second = Gemini(base_url=server.base_url)
        stream = fallback(first.target(), second.target(model)).stream("Well?")
        pieces = [piece async for piece in stream]

    assert "".join(pieces) == "Paris is nice."
    turns = cast("list[dict[str, object]]", server.bodies[0]["contents"])
    begun = {"role": "model", "parts": [{"text": "Paris is"}]}
    assert turns[1] == begun
    assert (turns[-1] == begun) == prefilled
    assert stream.reply.state is None


# Failures.

TOO_LONG = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
NOT_HERE = "User location is not supported for the API use."

ERRORS = [
    pytest.param(
        error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", PER_DAY, SOON),
        QuotaExceededError,
        None,
        id="E10",
    ),
    pytest.param(
        error(429, "RESOURCE_EXHAUSTED", "Quota exceeded.", PER_MINUTE, SOON),
        RateLimitError,
        19.5,
        id="rate",
    ),
    pytest.param(
        error(402, "RESOURCE_EXHAUSTED"), QuotaExceededError, None, id="billing"
    ),
    pytest.param(
        error(400, "INVALID_ARGUMENT", "API key not valid.", BAD_KEY),
        AuthenticationError,
        None,
        id="E17",
    ),
    pytest.param(
        error(400, "INVALID_ARGUMENT", TOO_LONG), ContextLengthError, None, id="E14"
    ),
    pytest.param(
        error(400, "INVALID_ARGUMENT", "Unknown name"),
        InvalidRequestError,
        None,
        id="invalid",
    ),
    pytest.param(
        error(400, "FAILED_PRECONDITION", NOT_HERE),
        PermissionDeniedError,
        None,
        id="region",
    ),
    pytest.param(
        error(400, "FAILED_PRECONDITION", "The file is not active."),
        InvalidRequestError,
        None,
        id="file",
    ),
    pytest.param(
        error(403, "PERMISSION_DENIED"), PermissionDeniedError, None, id="403"
    ),
    pytest.param(error(404, "NOT_FOUND"), ModelUnavailableError, None, id="404"),
    pytest.param(error(500, "INTERNAL"), ServerError, None, id="500"),
    pytest.param(error(503, "UNAVAILABLE"), OverloadedError, None, id="503"),
    pytest.param(error(504, "DEADLINE_EXCEEDED"), ServerError, None, id="504"),
]


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "in-a-list"])
@pytest.mark.parametrize("where", ["status", "document", "mid-stream", "event"])
@pytest.mark.parametrize(("body", "expected", "wait"), ERRORS)
async def test_an_error_has_its_class_wherever_it_comes(
    body: bytes,
    expected: type[TurnoutError],
    wait: float | None,
    where: str,
    wrapped: bool,
) -> None:
    status = json.loads(body)["error"]["code"]
    if wrapped:
        body = b"[" + body + b"]\n"
    if where == "status":
        script = respond(status, body)
    else:
        told = body if where != "event" else event(json.loads(body))
        before = b"" if where == "document" else text("Hi")
        script = streaming(http_chunk(before + told), http_chunk(b""))
    async with FaultServer(script) as server:
        failure = await failure_at(server.url)

    assert type(failure) is expected
    assert vars(failure)["status_code"] == status
    assert vars(failure)["retry_after"] == wait
    assert failure.reply is not None
    shown = "Hi" if where in {"mid-stream", "event"} else ""
    assert failure.reply.text == shown


@pytest.mark.parametrize(
    ("path", "advised"), [("", True), ("/v1beta/openai/", True), ("/v1beta/", False)]
)
async def test_an_address_without_a_version_is_told(path: str, advised: bool) -> None:
    page = b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"
    async with FaultServer(respond(404, page)) as server:
        failure = await failure_at(f"{server.url}{path}")
        with pytest.raises(ModelUnavailableError) as caught:
            await Gemini(base_url=f"{server.url}{path}").list_models()

    for each in (failure, caught.value):
        assert ("base_url must end in a version, as https://" in str(each)) is advised


@pytest.mark.parametrize("reason", ["SAFETY", "PROHIBITED_CONTENT", "OTHER"])
async def test_a_blocked_prompt_is_the_filters_error(reason: str) -> None:
    body = event({"promptFeedback": {"blockReason": reason}})  # E16, S16
    async with GeminiServer(body) as server:
        failure = await failure_at(server.base_url)

    assert type(failure) is ContentFilterError
    assert f"the prompt was blocked ({reason})" in str(failure)


@pytest.mark.parametrize(
    "word",
    [
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "NO_IMAGE",
        "TOO_MANY_TOOL_CALLS",
        "UNEXPECTED_TOOL_CALL",
    ],
)
async def test_after_an_answer_that_the_model_could_not_make_a_route_goes_on(
    word: str,
) -> None:
    broken = event(response([{"text": "", "thoughtSignature": "x"}], word))
    async with GeminiServer(broken) as first, GeminiServer(answer("Yes.")) as second:
        one = Gemini(base_url=first.base_url)
        failure = await failure_of(one, "Why?")
        two = Gemini(base_url=second.base_url)
        reply = await fallback(one.target(), two.target()).complete("Why?")

    assert type(failure) is InvalidReplyError
    assert word in str(failure)
    assert reply.text == "Yes."


# The list of models.


def listed(name: str, *methods: str, **fields: object) -> dict[str, object]:
    return {"name": name, "supportedGenerationMethods": list(methods), **fields}


async def test_the_services_list_is_read_page_by_page() -> None:
    pages: list[dict[str, object]] = [
        {
            "models": [
                listed("models/gemini-3.8-flash", "generateContent", inputTokenLimit=1),
                listed("models/embedding", "embedContent"),
            ],
            "nextPageToken": "1 &a=b",
        },
        {
            "models": [
                listed(
                    "models/new",
                    "generateContent",
                    "countTokens",
                    inputTokenLimit=100,
                    outputTokenLimit=10,
                ),
                {"name": "models/odd"},
            ],
        },
    ]
    async with GeminiServer(key=KEY, pages=pages) as server:
        provider = Gemini(base_url=server.base_url, api_key=KEY)
        models = await provider.list_models()

    assert server.refusals == []
    assert [model.name for model in models] == ["gemini-3.8-flash", "new"]
    assert models[0] == provider.catalog.models["gemini-3.8-flash"]
    assert (models[1].context_window, models[1].max_output_tokens) == (100, 10)
    assert all(KEY not in request.target for request in server.http_requests)


async def test_an_empty_list_has_no_models() -> None:
    async with GeminiServer(pages=[{}]) as server:
        assert await Gemini(base_url=server.base_url).list_models() == ()


@pytest.mark.parametrize(
    "page",
    [
        [],
        {"models": {"a": 1}},
        {"models": [1]},
        {"models": [listed("a", "generateContent") | {"name": 1}]},
        {"models": [{"supportedGenerationMethods": "generateContent"}]},
        {"nextPageToken": 1},
        {"nextPageToken": "0"},
    ],
)
async def test_an_odd_list_breaks_the_protocol(page: Any) -> None:
    async with GeminiServer(pages=[page]) as server:
        with pytest.raises(ProtocolError, match="Gemini's list"):
            await Gemini(base_url=server.base_url).list_models()


async def test_a_list_that_is_refused_has_its_error() -> None:
    async with GeminiServer(key="other") as server:
        with pytest.raises(AuthenticationError):
            await Gemini(base_url=server.base_url, api_key=KEY).list_models()


# What it says of itself.


def test_it_is_found_by_its_name() -> None:
    provider = get_provider("gemini")

    assert isinstance(provider, Gemini)
    assert provider.info.first_model == "gemini-3.8-flash"
    assert provider.target("brand-new").model == "brand-new"


def test_each_models_facts_have_their_source() -> None:
    for model in Gemini.info.model_infos:
        assert "2026-" in model.source
        assert model.context_window is not None
        assert (model.prefill == "trailing") == ("prefill" in model.source)
