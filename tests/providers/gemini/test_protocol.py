"""The decoder of Gemini's answers. The ids are those of cases.md."""

from __future__ import annotations

import json
import random
from typing import Any, cast

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError, TurnoutError
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole
from turnout.types import Event, Finish, ReasoningDelta, ToolCallDelta, Usage
from turnout_gemini._protocol import Decoder

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
from ..reading import Reading, end_of, text_of

TOLD = Usage(input_tokens=9, output_tokens=4, cached_tokens=0)
CALL = {"id": "c1", "name": "look", "args": {"at": "café", "n": 2}}


READING = Reading(Decoder)
decoded = READING.decoded


def events_of(*chunks: bytes) -> list[Event]:
    """Return the events of a complete answer."""
    return READING.decode(b"".join(chunks))


def fault_of(*chunks: bytes) -> Exception:
    """Return what is wrong with an answer."""
    return READING.error_of(b"".join(chunks))[1]


def reported_in(*chunks: bytes) -> dict[str, Any]:
    """Return the error that an answer reports."""
    _, value = READING.reported(b"".join(chunks))
    told: Any = cast("list[object]", value)[0] if isinstance(value, list) else value
    return dict(told["error"])


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


# Tool calls.


def test_a_call_comes_whole() -> None:
    events = events_of(part(functionCall=CALL), finish())

    assert events[0] == ToolCallDelta(
        index=0, id="c1", name="look", arguments='{"at": "café", "n": 2}'
    )
    assert end_of(events).reason == "tool_calls"


def test_calls_made_at_once_are_told_apart() -> None:
    other = {"name": "stop"}  # S03: no id, no arguments
    body = event(response([{"functionCall": CALL}, {"functionCall": other}], "STOP"))

    _, second, *_ = events_of(body)

    assert isinstance(second, ToolCallDelta)
    assert (second.index, second.name, second.arguments) == (1, "stop", "{}")
    assert second.id is not None


def test_an_id_is_made_where_there_is_none() -> None:
    body = part(functionCall={"name": "f", "args": {}})
    deltas = events_of(body, body, finish())[:2]

    ids = {delta.id for delta in deltas if isinstance(delta, ToolCallDelta)}

    assert len(ids) == 2
    assert all(made is not None and made.startswith("gemini_") for made in ids)


def pieces_of(*partial: dict[str, Any]) -> list[bytes]:
    """Return the events of a call in pieces, as Vertex AI sends one."""
    begin = {"id": "c1", "name": "look", "willContinue": True}
    middle = [{"partialArgs": [p], "willContinue": True} for p in partial]
    return [part(functionCall=c) for c in (begin, *middle, {})]


def test_a_call_in_pieces_is_put_together() -> None:
    body = pieces_of(
        {"jsonPath": "$.at", "stringValue": "New ", "willContinue": True},
        {"jsonPath": "$.at", "willContinue": True},
        {"jsonPath": "$.at", "stringValue": "Delhi"},
        {"jsonPath": "$.n", "numberValue": 2},
        {"jsonPath": "$.yes", "boolValue": False},
        {"jsonPath": "$.none", "nullValue": "NULL_VALUE"},
        {"jsonPath": "$.lines[0].text", "stringValue": "a"},
        {"jsonPath": "$.lines[1].text", "stringValue": "b"},
        {"jsonPath": "$.lines[1].more", "boolValue": True},
        {"jsonPath": "$.tags[0]", "stringValue": "x"},
        {"jsonPath": "$['odd.name']", "stringValue": "o"},
        {"jsonPath": '$["it\'s \\"so\\""]', "stringValue": "q"},
        {"jsonPath": "$.at", "stringValue": "Rome"},
    )

    begin, whole, *_ = events_of(*body, finish())

    assert begin == ToolCallDelta(index=0, id="c1", name="look")
    assert isinstance(whole, ToolCallDelta)
    assert (whole.index, whole.id, whole.name) == (0, None, None)
    assert json.loads(whole.arguments) == {
        "at": "Rome",
        "n": 2,
        "yes": False,
        "none": None,
        "lines": [{"text": "a"}, {"text": "b", "more": True}],
        "tags": ["x"],
        "odd.name": "o",
        'it\'s "so"': "q",
    }


def test_a_text_in_pieces_is_joined() -> None:
    body = pieces_of(
        {"jsonPath": "$.at", "stringValue": "New ", "willContinue": True},
        {"jsonPath": "$.at", "stringValue": "Delhi"},
    )

    _, whole, *_ = events_of(*body, finish())

    assert isinstance(whole, ToolCallDelta)
    assert json.loads(whole.arguments) == {"at": "New Delhi"}


def test_a_name_may_come_with_every_piece() -> None:
    first = {"name": "f", "willContinue": True}
    last = {"name": "f", "args": {"a": 1}}

    deltas = events_of(part(functionCall=first), part(functionCall=last), finish())

    assert deltas[1] == ToolCallDelta(index=0, arguments='{"a": 1}')


@pytest.mark.parametrize(
    ("word", "reason"), [("MAX_TOKENS", "length"), ("OTHER", "unknown")]
)
def test_half_a_call_is_not_valid_json(word: str, reason: str) -> None:
    begun, half, usage, end = events_of(
        *pieces_of({"jsonPath": "$.a", "stringValue": "b"})[:-1], finish(word)
    )

    assert begun == ToolCallDelta(index=0, id="c1", name="look")
    assert half == ToolCallDelta(index=0, arguments='{"a": "b"')
    assert usage == TOLD
    assert isinstance(end, Finish)
    assert end.reason == reason


def test_an_answer_that_stops_inside_of_a_call_is_an_error() -> None:
    body = pieces_of({"jsonPath": "$.a", "stringValue": "b"})[:-1]

    told = reported_in(*body, finish())

    assert told["code"] == "malformed_function_call"
    assert told["message"] == "the answer ends inside of a call"


def test_a_value_that_goes_on_keeps_its_call_open() -> None:
    begin = {"name": "f", "willContinue": True}
    pieces: list[dict[str, Any]] = [
        {"jsonPath": "$.a", "stringValue": "New ", "willContinue": True},
        {"jsonPath": "$.a", "stringValue": "York"},
    ]
    # Neither piece has `willContinue` of its own.
    calls = [begin, *({"partialArgs": [piece]} for piece in pieces)]

    _, whole, *_ = events_of(*(part(functionCall=c) for c in calls), finish())

    assert isinstance(whole, ToolCallDelta)
    assert json.loads(whole.arguments) == {"a": "New York"}


def test_a_second_end_of_a_call_is_passed_over() -> None:
    end: dict[str, Any] = {}
    body = [part(functionCall=c) for c in (CALL, end, {"args": None})]

    deltas = [e for e in events_of(*body, finish()) if isinstance(e, ToolCallDelta)]

    assert [delta.id for delta in deltas] == ["c1"]


@pytest.mark.parametrize(
    ("args", "expected", "kept"),
    [
        (None, "{}", True),
        ("", "{}", True),
        ([], "{}", True),
        ('{"at": "é"}', '{"at": "é"}', True),
        # What is not an object would be refused if it came back.
        ('{"at', '{"at', False),
        ("[1]", "[1]", False),
        ([1], "[1]", False),
        (7, "7", False),
    ],
)
def test_arguments_may_have_another_form(
    args: object, expected: str, kept: bool
) -> None:
    call = {"name": "f", "args": args}
    events = events_of(part(functionCall=call, thoughtSignature="x"), finish())

    (delta,) = [e for e in events if isinstance(e, ToolCallDelta)]

    assert delta.arguments == expected
    assert end_of(events).reason == "tool_calls"
    assert (end_of(events).state is not None) == kept


def test_fields_of_a_call_are_kept_for_the_next_turn() -> None:
    call = {"name": "f", "args": {"a": 1}, "brandNew": 5, "other": None}
    body = part(functionCall=call, thoughtSignature="x", alsoNew=6)

    assert end_of(events_of(body, finish())).state == {
        "gemini": {
            "parts": [
                {
                    "functionCall": {"name": "f", "args": {"a": 1}, "brandNew": 5},
                    "thoughtSignature": "x",
                    "alsoNew": 6,
                }
            ]
        }
    }


@pytest.mark.parametrize(
    "call",
    [
        pytest.param("f", id="text"),
        pytest.param({"args": {"a": 1}}, id="no-name"),
        pytest.param({"name": "f", "id": 1}, id="id"),
        pytest.param({"name": "f", "partialArgs": {"a": 1}}, id="partial"),
        pytest.param({"name": "f", "partialArgs": [1]}, id="piece"),
        *(
            pytest.param(
                {"name": "f", "partialArgs": [{"jsonPath": p, "stringValue": "x"}]},
                id=f"path-{number}",
            )
            for number, p in enumerate(
                (None, "", "$", "a", "$a", "$.a[1]", "$[0]", "$..a", "$.a]")
            )
        ),
        pytest.param(
            {
                "name": "f",
                "partialArgs": [{"jsonPath": "$" + ".a" * 65, "stringValue": "x"}],
            },
            id="too-deep",
        ),
        pytest.param(
            {
                "name": "f",
                "partialArgs": [
                    {"jsonPath": "$.a", "stringValue": "x"},
                    {"jsonPath": "$.a.b", "stringValue": "x"},
                ],
            },
            id="a-text-with-fields",
        ),
    ],
)
def test_an_odd_call_breaks_the_protocol(call: object) -> None:
    assert isinstance(fault_of(part(functionCall=call), finish()), ProtocolError)


def test_a_call_inside_of_another_breaks_the_protocol() -> None:
    first = {"name": "f", "willContinue": True}
    other = {"name": "g"}

    fault = fault_of(part(functionCall=first), part(functionCall=other), finish())

    assert "inside of another" in str(fault)


# What the service wants to see again.


def test_without_a_signature_nothing_is_kept() -> None:
    assert end_of(events_of(answer("a", "b"))).state is None


def test_signed_parts_are_kept_as_they_were() -> None:
    signed = {"functionCall": CALL, "thoughtSignature": "c2ln"}  # S14
    body = (
        part(text="I ", thought=True)
        + part(text="think", thought=True)
        + text("Let ")
        + text("me look.")
        + part(text="", thoughtSignature="bGFzdA==")
        + part(**signed)
        + part(functionCall={"name": "g"})
        + finish()
    )

    assert end_of(events_of(body)).state == {
        "gemini": {
            "parts": [
                {"text": "I think", "thought": True},
                {"text": "Let me look."},
                {"text": "", "thoughtSignature": "bGFzdA=="},
                signed,
                {"functionCall": {"name": "g", "args": {}}},
            ]
        }
    }


def test_signed_text_is_not_joined() -> None:
    signed = {"text": "a", "thoughtSignature": "x"}

    state = end_of(events_of(part(**signed), text("b"), text("c"), finish())).state

    assert state == {"gemini": {"parts": [signed, {"text": "bc"}]}}


def test_a_call_in_pieces_is_kept_whole_with_its_signature() -> None:
    first = {"name": "f", "willContinue": True}
    last = {"partialArgs": [{"jsonPath": "$.a", "numberValue": 1}]}
    body = part(functionCall=first, thoughtSignature="x") + part(functionCall=last)

    assert end_of(events_of(body + finish())).state == {
        "gemini": {
            "parts": [
                {
                    "functionCall": {"name": "f", "args": {"a": 1}},
                    "thoughtSignature": "x",
                }
            ]
        }
    }


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


def test_an_error_that_is_cut_off_is_no_end() -> None:
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
