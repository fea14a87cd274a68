"""Requests to bodies, chunks and errors to turnout's own values."""

from __future__ import annotations

import pytest

from turnout.errors import (
    ContextLengthError,
    InvalidRequestError,
    OverloadedError,
    ProviderError,
    ServerError,
    StreamTruncatedError,
)
from turnout.types import (
    ChatRequest,
    Event,
    Finish,
    Message,
    ReasoningDelta,
    RequestOptions,
    TextPart,
    Usage,
)
from turnout_local._protocol import AnswerReader, Chunk, body_of, error_of

# As observed of xllamacpp 2026.10.11549 on 2026-11-22, less the fields that all
# chunks have: created, id, model, object, system_fingerprint, index.
PROGRESS: Chunk = {"choices": [{"finish_reason": None, "delta": {"content": None}}]}
FINISH: Chunk = {"choices": [{"finish_reason": "stop", "delta": {}}]}
USAGE: Chunk = {
    "choices": [],
    "usage": {
        "completion_tokens": 8,
        "prompt_tokens": 27,
        "prompt_tokens_details": {"cached_tokens": 20},
    },
}
TOO_LONG: Chunk = {
    "error": {
        "code": 400,
        "message": "request (5021 tokens) exceeds the available context size",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": 5021,
        "n_ctx": 2048,
    }
}


def read(*chunks: Chunk) -> list[Event]:
    reader = AnswerReader()
    return [event for chunk in chunks for event in reader.read(chunk)]


def text(value: str) -> Chunk:
    return {"choices": [{"finish_reason": None, "delta": {"content": value}}]}


def test_a_bare_question_gets_a_system_message_and_steady_answers() -> None:
    body = body_of(ChatRequest.build("Hi"))

    assert body == {
        "messages": [
            {"role": "system", "content": "You are a helpful assistant."},
            {"role": "user", "content": "Hi"},
        ],
        "temperature": 0.0,
        "repeat_penalty": 1.1,
        "stream": True,
        "stream_options": {"include_usage": True},
        "return_progress": True,
    }


def test_the_callers_system_message_stands_alone() -> None:
    body = body_of(
        ChatRequest.build([{"role": "system", "content": "Be brief."}, "Hi"])
    )

    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_parts_of_text_are_joined_and_names_kept() -> None:
    parts = (TextPart(text="Good "), TextPart(text="day"))
    message = Message(role="user", content=parts, name="Ann")

    body = body_of(ChatRequest.build(["You are a bot.", message]))

    turns = body["messages"]
    assert isinstance(turns, list)
    assert turns[-1] == {"role": "user", "content": "Good day", "name": "Ann"}


def test_parameters_are_passed_on() -> None:
    body = body_of(
        ChatRequest.build(
            "Hi", temperature=0.5, max_tokens=7, top_p=0.9, stop=["x"], seed=3
        )
    )

    assert (
        body.items()
        >= {
            "temperature": 0.5,
            "max_tokens": 7,
            "top_p": 0.9,
            "stop": ["x"],
            "seed": 3,
        }.items()
    )
    assert "repeat_penalty" not in body


@pytest.mark.parametrize("sampling", [{"temperature": 1}, {"top_p": 1}, {"seed": 1}])
def test_who_asks_for_sampling_gets_the_engines_own(sampling: RequestOptions) -> None:
    body = body_of(ChatRequest.build("Hi", **sampling))

    assert body.items() >= sampling.items()
    assert "repeat_penalty" not in body
    assert "temperature" in sampling or "temperature" not in body


def test_json_may_repeat_itself() -> None:
    schema = {"type": "object"}

    body = body_of(ChatRequest.build("Hi", response_format=schema))

    assert body["temperature"] == 0.0
    assert "repeat_penalty" not in body
    assert body["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": schema},
    }


def test_extra_may_take_a_field_away() -> None:
    extra = {"repeat_penalty": None, "chat_template_kwargs": {"a": 1}}

    body = body_of(ChatRequest.build("Hi", extra=extra))

    assert "repeat_penalty" not in body
    assert (body["temperature"], body["chat_template_kwargs"]) == (0.0, {"a": 1})


def test_a_developers_message_is_a_system_message() -> None:
    request = ChatRequest.build([{"role": "developer", "content": "Be brief."}, "Hi"])

    messages = body_of(request)["messages"]

    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hi"},
    ]


def test_extra_goes_over_all_but_what_makes_a_stream() -> None:
    extra = {"top_k": 5, "repeat_penalty": 1.0, "stream": False, "n": 1}

    body = body_of(ChatRequest.build("Hi", extra=extra))

    assert body.items() >= {"top_k": 5, "repeat_penalty": 1.0, "stream": True}.items()


def test_several_answers_are_refused() -> None:
    with pytest.raises(InvalidRequestError, match="n answers"):
        body_of(ChatRequest.build("Hi", extra={"n": 2}))


def test_an_answer_is_read() -> None:
    events = read(PROGRESS, text("The"), text(" end"), FINISH, USAGE)

    assert events == [
        "The",
        " end",
        Finish(reason="stop", details={"finish_reason": "stop"}),
        Usage(input_tokens=27, output_tokens=8, cached_tokens=20),
    ]


def test_reasoning_is_told_from_text() -> None:
    chunk: Chunk = {"choices": [{"delta": {"reasoning_content": "Hm"}}]}

    assert read(chunk) == [ReasoningDelta(text="Hm")]


@pytest.mark.parametrize(
    ("said", "reason"),
    [("stop", "stop"), ("length", "length"), ("tired", "unknown")],
)
def test_finish_reasons(said: str, reason: str) -> None:
    (finish,) = read({"choices": [{"finish_reason": said}]})

    assert isinstance(finish, Finish)
    assert finish.reason == reason
    assert finish.details == {"finish_reason": said}


def test_an_answer_without_its_end_is_truncated() -> None:
    reader = AnswerReader()
    reader.read(text("The"))

    with pytest.raises(StreamTruncatedError):
        reader.close()
    reader.read(FINISH)
    reader.close()


def test_an_input_that_is_too_long_says_by_how_much() -> None:
    with pytest.raises(ContextLengthError) as caught:
        read(TOO_LONG)

    assert "5021 tokens, more than the 2048 of context_size" in str(caught.value)
    assert caught.value.status_code == 400
    assert caught.value.details == {"type": "exceed_context_size_error"}


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("invalid_request_error", InvalidRequestError),
        ("not_supported_error", InvalidRequestError),
        ("unavailable_error", OverloadedError),
        ("server_error", ServerError),
        ("new_error", ServerError),
    ],
)
def test_the_engines_errors_are_told_apart(
    kind: str, error: type[ProviderError]
) -> None:
    with pytest.raises(error, match="refused: bad day"):
        read({"error": {"code": 500, "message": "bad day", "type": kind}})


@pytest.mark.parametrize("kind", [ValueError, TypeError, RuntimeError])
def test_what_it_raises_is_the_requests_fault(kind: type[Exception]) -> None:
    error = error_of(kind("cannot parse; messages = [a secret]"))

    assert type(error) is InvalidRequestError
    assert str(error) == "the engine refused the request: cannot parse"


def test_what_else_it_raises_is_its_own_fault() -> None:
    error = error_of(MemoryError())

    assert type(error) is ServerError
    assert str(error) == "the engine failed: MemoryError"
