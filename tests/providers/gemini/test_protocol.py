"""The decoder of Gemini's answers. The ids are those of cases.md."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError, TurnoutError
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole
from turnout.types import Finish, ReasoningDelta

from ...support.gemini_server import (
    USAGE,
    answer,
    error,
    event,
    finish,
    part,
    response,
    text,
)
from ..reading import end_of
from .answers import CALL, READING, TOLD, decoded, events_of, fault_of, reported_in

# Text.


def test_text_comes_as_it_is_sent() -> None:
    events = events_of(answer("Par", "is", "."))

    assert events[:-1] == ["Par", "is", ".", TOLD]
    assert end_of(events) == Finish(
        reason="stop",
        details={
            "id": "resp-1",
            "model": "m-1",
            "finish_reason": "STOP",
            "request_id": "req-1",
        },
    )


def test_two_parts_of_one_response_are_two_increments() -> None:
    body = event(response([{"text": "a"}, {"text": "b"}], "STOP"))  # S16

    assert events_of(body)[:2] == ["a", "b"]


LACKING: list[object] = [
    {"candidates": [{"index": 0}]},
    {"candidates": [{"content": {}}]},
    {"candidates": [{"content": {"role": "model"}}]},
    {"candidates": [{"content": {"parts": []}}]},
    {"candidates": [{"content": {"parts": [{}]}}]},
    {"candidates": [{"content": {"parts": [None]}}]},
    {"candidates": [{"content": {"parts": [{"text": None, "thought": None}]}}]},
    {"candidates": [{"content": {"role": "model", "parts": None}}]},
    {"candidates": [{"content": {"parts": {}}}]},
    {"candidates": [{"content": None, "finishReason": None, "index": None}]},
    {"candidates": [{"content": ""}]},
    {"candidates": []},
    {"candidates": None, "usageMetadata": None, "promptFeedback": None},
    {"error": None, "candidates": [{}]},
    {"responseId": "r"},
    {"promptFeedback": {"safetyRatings": []}},
]


@pytest.mark.parametrize("chunk", LACKING)
def test_a_response_may_lack_anything(chunk: object) -> None:
    events = events_of(text("a"), event(chunk), finish())  # S16

    assert events[:2] == ["a", TOLD]
    assert end_of(events).items == ()
    assert end_of(events).state is None


OTHER_FORMS: list[object] = [
    {"parts": {"text": "a"}},
    {"parts": "a"},
    {"parts": ["a"]},
    [{"text": "a"}],
    "a",
    {"parts": [{"text": "a", "thought": None, "thoughtSignature": None}]},
]


@pytest.mark.parametrize("content", OTHER_FORMS)
def test_a_content_may_have_another_form(content: object) -> None:
    body = event({"candidates": [{"content": content, "finishReason": "STOP"}]})

    assert events_of(body)[0] == "a"


def test_other_candidates_are_passed_over() -> None:
    other = response([{"text": "other"}], "STOP")
    other["candidates"] = [{"index": 1, "content": {"parts": [{"text": "other"}]}}]

    assert events_of(event(other), answer("a"))[0] == "a"


def test_thoughts_are_reasoning() -> None:
    body = part(text="hm", thought=True) + text("a") + finish()  # S16

    assert events_of(body)[:2] == [ReasoningDelta(text="hm"), "a"]


def test_text_that_is_marked_as_no_thought_is_text() -> None:
    assert events_of(part(text="a", thought=False) + finish())[0] == "a"


def test_what_a_candidate_says_is_kept() -> None:
    rating = {"category": "HARM", "probability": "LOW"}
    events = events_of(
        text("a"),
        event(response([], None, safetyRatings=[rating])),
        finish("CONTINUATION", finishMessage="more", continuationToken="t"),
    )

    assert end_of(events).reason == "length"
    assert (
        end_of(events).details.items()
        >= {
            "safety_ratings": [rating],
            "finish_message": "more",
            "continuation_token": "t",
        }.items()
    )


# How it is cut, and framed.

LONG = (
    part(text="hm", thought=True)
    + answer("Café", " \U0001f5fc", " a\u0301")[:-2].replace(b'"STOP"', b'""')
    + b"\n\n"
    + part(functionCall=CALL, thoughtSignature="x")
    + finish()
)


@pytest.mark.parametrize(
    "slicing", [by_size(1), by_size(3), *map(at_random, range(20))]
)
def test_an_answer_is_the_same_however_it_is_cut(slicing: Any) -> None:
    for body in (LONG, LONG.replace(b"\n", b"\r\n"), LONG.replace(b"\n", b"\r")):
        assert READING.decode(body, slicing) == events_of(LONG)  # F01, F02, F03, F11


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(LONG.replace(b"}\n\n", b"}\r\n\n"), id="F04"),
        pytest.param(LONG.replace(b"data: ", b"data:"), id="F05"),
        pytest.param(LONG.replace(b"data: ", b"data:  "), id="F06"),
        pytest.param(b"\xef\xbb\xbf" + LONG, id="F07"),
        pytest.param(LONG.replace(b"data: ", b": ping\n: more\ndata: "), id="F08"),
        pytest.param(LONG.replace(b', "', b'\ndata: , "'), id="F09"),
        pytest.param(
            LONG.replace(b"data: ", b"id: 1\nevent: x\nodd\ndata: "), id="F10"
        ),
    ],
)
def test_framing_is_met(body: bytes) -> None:
    assert events_of(body) == events_of(LONG)


def test_an_answer_is_the_same_cut_in_two_at_any_byte() -> None:
    expected = events_of(LONG)  # F11: within a character too.

    for position in range(len(LONG) + 1):
        assert READING.decode(LONG, at(position)) == expected


@pytest.mark.parametrize("slicing", [whole, by_size(65536)])
def test_an_event_of_nearly_a_megabyte_is_read(slicing: Slicing) -> None:
    words = "ab\n[{" * 160_000  # F17

    assert READING.decode(answer(words), slicing)[0] == words


def test_an_event_of_more_than_a_megabyte_is_refused() -> None:
    _, fault = READING.error_of(text("x" * (1 << 20)), by_size(65536))  # F18

    assert isinstance(fault, ProtocolError)
    assert "too much at once" in str(fault)


# Errors.

UNAVAILABLE = error(503, "UNAVAILABLE", "The model is overloaded.")


@pytest.mark.parametrize("document", [UNAVAILABLE, b"[" + UNAVAILABLE + b"]"])
@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"], ids=["LF", "CRLF", "CR"])
@pytest.mark.parametrize("blank", [True, False])
def test_an_error_without_data_in_mid_stream_is_found(
    document: bytes, end: bytes, blank: bool
) -> None:
    body = (text("a") if blank else text("a")[:-1]) + document
    body = body.replace(b"\n", end)

    for position in range(len(body)):
        decoder, events = decoded(body, at(position))
        assert events[0] == "a"
        assert decoder.reported is not None
        assert not any(isinstance(event, Finish) for event in events)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(UNAVAILABLE, id="F20"),
        pytest.param(b"[" + UNAVAILABLE + b"]", id="in-a-list"),
        pytest.param(
            text("a") + b"data: " + UNAVAILABLE.replace(b"\n", b""), id="event"
        ),
        pytest.param(
            b"data: [" + UNAVAILABLE.replace(b"\n", b"") + b"]\n\n",
            id="event-in-a-list",
        ),
        pytest.param(text("a") + event({"error": {"code": 503}}), id="short"),
        pytest.param(finish() + event({"error": {"code": 503}}), id="after-the-end"),
    ],
)
def test_an_error_is_reported(body: bytes) -> None:
    assert reported_in(body)["code"] == 503


def test_a_flat_error_is_reported() -> None:
    decoder, _ = decoded(b'{"message": "no", "code": 503}')

    assert decoder.reported is not None


FLAT: list[dict[str, object]] = [
    {"code": 401, "message": "Unauthorized"},
    {"type": "error", "message": "no"},
    {"success": False, "usageMetadata": None},
]


@pytest.mark.parametrize("told", FLAT)
def test_an_error_in_another_form_is_an_error(told: dict[str, object]) -> None:
    assert READING.reported(text("a") + event(told)) == ("a", told)


def test_an_error_that_is_cut_off_is_not_an_end() -> None:
    assert isinstance(fault_of(text("a"), UNAVAILABLE[:-9]), StreamTruncatedError)


@pytest.mark.parametrize(
    "reason",
    ["SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT", "IMAGE_SAFETY", "JAILBREAK"],
)
def test_a_blocked_prompt_is_reported(reason: str) -> None:
    feedback: dict[str, object] = {"blockReason": reason, "safetyRatings": []}
    # E16, S16.
    body = event({"promptFeedback": feedback, "usageMetadata": USAGE})

    decoder, events = decoded(body)

    assert events == [TOLD]
    assert decoder.usage == TOLD
    assert reported_in(body) == {
        "code": "content_filter",
        "reason": reason,
        "message": f"the prompt was blocked ({reason})",
    }


def test_a_prompt_that_is_not_blocked_has_its_ratings() -> None:
    feedback: dict[str, object] = {
        "blockReason": "BLOCK_REASON_UNSPECIFIED",
        "safetyRatings": [{"category": "x"}],
    }

    end = end_of(events_of(event({"promptFeedback": feedback}), answer("a")))

    assert end.details["prompt_feedback"] == feedback


def test_why_a_prompt_was_blocked_is_told() -> None:
    feedback = {"blockReason": "OTHER", "blockReasonMessage": "It is long."}

    told = reported_in(event({"promptFeedback": feedback}))

    assert told["message"] == "the prompt was blocked (OTHER): It is long."


# Whole documents.


@pytest.mark.parametrize("many", [True, False])
def test_whole_responses_are_an_answer(many: bool) -> None:
    # F21: without `alt=sse` the body is a list.
    first = response([{"text": "a"}])
    last = response([{"text": "b"}], "STOP")
    document = [first, last] if many else last

    events = events_of(json.dumps(document, indent=1).encode())

    assert events[:-1] == [*(["a"] if many else []), "b", TOLD]


# Oddities.


ODD: list[tuple[object, str]] = [
    ("oops", "not a JSON object"),
    ([{"candidates": []}], "not a JSON object"),
    ({"candidates": {"a": 1}}, "no list for candidates"),
    ({"candidates": [1]}, "candidate that is not an object"),
    ({"candidates": [{"content": 5}]}, "has a int for parts"),
    ({"candidates": [{"content": {"parts": 5}}]}, "has a int for parts"),
    ({"candidates": [{"content": {"parts": [5]}}]}, "a int for a part"),
    ({"candidates": [{"content": {"parts": [{"text": 1}]}}]}, "int for text"),
]


@pytest.mark.parametrize(("chunk", "fault"), ODD)
def test_an_odd_event_breaks_the_protocol(chunk: object, fault: str) -> None:
    error = fault_of(text("a"), event(chunk), finish())

    assert isinstance(error, ProtocolError)
    assert fault in str(error)


@pytest.mark.parametrize("data", [b"data: oops\n\n", b'data: {"a": NaN}\n\n'])
def test_what_is_not_json_breaks_the_protocol(data: bytes) -> None:
    assert "is not JSON" in str(fault_of(text("a"), data, finish()))


def test_odd_text_breaks_the_protocol() -> None:
    bad = text("a").replace(b'"a"', b'"\xff"')  # F14

    assert isinstance(fault_of(bad, finish()), ProtocolError)


def test_a_page_breaks_the_protocol() -> None:
    assert isinstance(fault_of(b"<html>"), ProtocolError)  # F22


def test_garbage_gives_no_other_error() -> None:
    shuffled = random.Random(25)  # F25
    for _ in range(2000):
        body = bytearray(LONG)
        for _ in range(shuffled.randint(1, 9)):
            body[shuffled.randrange(len(body))] = shuffled.randrange(256)
        decoder, _ = decoded(bytes(body), at(shuffled.randrange(len(body))))
        try:
            decoder.check()
        except TurnoutError:
            continue
