"""How answers end."""

from __future__ import annotations

import json
from typing import cast

import pytest

from turnout.errors import StreamTruncatedError
from turnout.types import Finish

from ...support.gemini_server import (
    answer,
    event,
    finish,
    part,
    response,
    text,
)
from ..reading import end_of, text_of
from .answers import CALL, TOLD, decoded, events_of, fault_of, reported_in

# The end.

WORDS = {
    "STOP": "stop",
    "stop": "stop",
    "MAX_TOKENS": "length",
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "OTHER": "unknown",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
    "IMAGE_OTHER": "unknown",
    "FINISH_REASON_UNSPECIFIED": "unknown",
    "BRAND_NEW": "unknown",
}


@pytest.mark.parametrize(("word", "reason"), WORDS.items())
def test_every_reason_has_its_meaning(word: str, reason: str) -> None:
    events = events_of(text("a"), event(response(None, word)))  # S16, S19

    assert events[0] == "a"
    assert end_of(events).reason == reason
    assert end_of(events).details["finish_reason"] == word


@pytest.mark.parametrize("word", ["STOP", "OTHER", "BRAND_NEW"])
def test_an_answer_with_a_call_ends_with_tool_calls(word: str) -> None:
    end = end_of(events_of(part(functionCall=CALL), finish(word)))

    assert end.reason == "tool_calls"
    assert end.details["finish_reason"] == word


@pytest.mark.parametrize("word", ["MAX_TOKENS", "SAFETY"])
def test_a_limit_and_a_filter_say_more_than_a_call(word: str) -> None:
    assert (
        end_of(events_of(part(functionCall=CALL), finish(word))).reason == (WORDS[word])
    )


def test_a_reason_that_is_not_a_text_is_unknown() -> None:
    end = end_of(events_of(text("a"), event(response(None, cast("str", 7)))))

    assert (end.reason, end.details["finish_reason"]) == ("unknown", 7)


FAILED = [
    "MALFORMED_FUNCTION_CALL",
    "MALFORMED_RESPONSE",
    "MISSING_THOUGHT_SIGNATURE",
    "NO_IMAGE",
    "TOO_MANY_TOOL_CALLS",
    "UNEXPECTED_TOOL_CALL",
]


@pytest.mark.parametrize("word", FAILED)
@pytest.mark.parametrize("before", [b"", text("}}],"), part(text="hm", thought=True)])
def test_an_answer_that_the_model_could_not_make_is_an_error(
    word: str, before: bytes
) -> None:
    body = before + event(response(None, word, finishMessage="It is odd."))

    decoder, events = decoded(body + text("not read"))

    assert reported_in(body) == {
        "code": word.lower(),
        "reason": word,
        "message": f"finish reason {word}: It is odd.",
    }
    assert "not read" not in events
    assert decoder.usage == events[-1] == TOLD


@pytest.mark.parametrize("word", ["TOO_MANY_TOOL_CALLS", "UNEXPECTED_TOOL_CALL"])
def test_a_call_of_an_unknown_function_is_for_the_caller(word: str) -> None:
    end = end_of(events_of(event(response([{"functionCall": CALL}], word))))

    assert (end.reason, end.details["finish_reason"]) == ("tool_calls", word)


def test_a_call_beside_a_malformed_one_is_not_an_answer() -> None:
    body = event(response([{"functionCall": CALL}], "MALFORMED_FUNCTION_CALL"))

    assert reported_in(body)["code"] == "malformed_function_call"


def test_an_error_among_whole_responses_ends_the_answer() -> None:
    chunks = [response([{"text": "a"}], "NO_IMAGE"), response([{"text": "b"}], "STOP")]

    decoder, events = decoded(json.dumps(chunks).encode())

    assert events == ["a", TOLD]
    assert decoder.reported is not None


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="F23"),
        pytest.param(text("a"), id="S16"),
        pytest.param(text("a") + finish()[:-9], id="F16"),
        pytest.param(text("a") + b"data: [DONE]\n\n", id="mark-alone"),
        pytest.param(b"[]", id="no-response"),
    ],
)
def test_without_a_reason_the_answer_is_cut_off(body: bytes) -> None:
    fault = fault_of(body)

    assert isinstance(fault, StreamTruncatedError)
    assert "without a finishReason" in str(fault)


@pytest.mark.parametrize("cut", range(1, 4))
def test_the_last_event_needs_no_blank_line(cut: int) -> None:
    body = answer("a", "b")[: -min(cut, 2)]  # F15

    assert events_of(body)[:2] == ["a", "b"]


def test_a_gateways_mark_is_passed_over() -> None:
    assert events_of(answer("a"), b"data: [DONE]\n\n", b"data:  \n\n")[0] == "a"


def test_a_cut_at_any_byte_has_its_outcome() -> None:
    body = answer("Paris", " is", " nice.")
    complete = len(body) - 2  # The blank line is not needed.

    for length in range(len(body)):
        decoder, events = decoded(body[:length])
        if length >= complete:
            decoder.check()
            assert isinstance(events[-1], Finish)
            continue
        with pytest.raises(StreamTruncatedError):
            decoder.check()
        assert "Paris is nice.".startswith(text_of(events))
        assert not any(isinstance(event, Finish) for event in events)
