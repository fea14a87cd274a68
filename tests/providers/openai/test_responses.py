"""Responses, without any network. The ids are those of cases.md."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import partial
from typing import cast

import pytest

from turnout.errors import ProtocolError, StreamTruncatedError
from turnout.testing._slicing import Slicing, whole
from turnout.types import Finish, ReasoningDelta, ToolCallDelta, Usage
from turnout_openai._responses import ResponsesDecoder

from ...support.made_ids import MADE
from ...support.responses_events import (
    Fields,
    answer,
    call,
    call_item,
    completed,
    created,
    delta,
    ended,
    item_done,
    message,
    message_item,
    numbered,
    reasoning,
    reasoning_item,
    response,
    sent,
)
from ..reading import SLICINGS, Reading, end_of, text_of, usage_of

READING = Reading(ResponsesDecoder)
decode, decoded = READING.decode, READING.decoded


def error_of(data: bytes, slicing: Slicing = whole) -> Exception:
    return READING.error_of(data, slicing)[1]


def reported(data: bytes) -> object:
    return READING.reported(data)[1]


@pytest.mark.parametrize("slicing", SLICINGS)
def test_an_answer_is_the_same_however_it_is_cut(slicing: Slicing) -> None:
    events = decode(answer("Café", " \u2028", "\U0001f5fc"), slicing)  # S18

    assert events == [
        "Café",
        " \u2028",
        "\U0001f5fc",
        Usage(
            input_tokens=9,
            output_tokens=7,
            cached_tokens=3,
            reasoning_tokens=2,
            cache_write_tokens=0,
        ),
        Finish(
            reason="stop",
            details={
                "id": "resp_1",
                "model": "m-1",
                "finish_reason": "completed",
                "request_id": "req-1",
            },
        ),
    ]


def test_every_cut_of_an_answer_is_truncated_or_complete() -> None:
    data = answer("a", "b")
    complete = len(data) - len(b"\n\n")

    for cut in range(0, complete, 7):
        assert isinstance(error_of(data[:cut]), StreamTruncatedError)
    for cut in range(complete, len(data) + 1):
        assert text_of(decode(data[:cut])) == "ab"


def test_a_mark_of_chat_completions_ends_nothing() -> None:
    data = numbered(created(), *message("a")) + b"data: [DONE]\n\n"

    assert isinstance(error_of(data), StreamTruncatedError)


def test_what_follows_the_end_is_passed_over() -> None:
    limits: Fields = {"type": "response.rate_limits.updated"}  # S18

    decoder, events = decoded(answer("a") + sent(limits) + b"data: oops\n\n")

    assert decoder.done
    assert end_of(events).reason == "stop"


@pytest.mark.parametrize(
    ("details", "reason", "word"),
    [
        ({"reason": "max_output_tokens"}, "length", "max_output_tokens"),
        ({"reason": "content_filter"}, "content_filter", "content_filter"),
        ({"reason": "steered"}, "unknown", "steered"),
        ({}, "unknown", "incomplete"),
        ({"reason": None}, "unknown", "incomplete"),
    ],
)
def test_an_incomplete_answer_ends_with_its_reason(
    details: Fields, reason: str, word: str
) -> None:
    last = ended("incomplete", incomplete_details=details)  # S18

    end = end_of(decode(numbered(created(), *message("a"), last)))

    assert (end.reason, end.details["finish_reason"]) == (reason, word)


@pytest.mark.parametrize(
    ("last", "error"),
    [
        pytest.param(
            ended("failed", error={"code": "server_error", "message": "no"}),
            {"error": {"code": "server_error", "message": "no"}},
            id="failed",
        ),
        pytest.param(
            {"type": "error", "code": "rate_limit_exceeded", "message": "no"},
            {"type": "error", "code": "rate_limit_exceeded", "message": "no"},
            id="error",
        ),
        pytest.param(
            ended("completed", error={"code": "bio_policy"}),
            {"error": {"code": "bio_policy"}},
            id="completed with an error",
        ),
    ],
)
def test_a_failure_is_no_success(last: Fields, error: object) -> None:
    assert reported(b"".join(map(sent, [created(), *message("a"), last]))) == error


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("failed", "failed"),
        ("failed", None),
        ("completed", "failed"),
        ("completed", "cancelled"),
        ("done", "cancelled"),
        ("cancelled", "cancelled"),
    ],
)
def test_a_failure_may_say_nothing(kind: str, status: str | None) -> None:
    whole = {**response("completed"), "status": status}

    error = reported(sent({"type": f"response.{kind}", "response": whole}))

    word = status or "failed"
    message = f"the service ended the answer with {word!r}"
    assert error == {"error": {"code": word, "message": message}}


def test_a_reason_that_tells_of_a_failure_is_an_error() -> None:
    last = ended("incomplete", incomplete_details={"reason": "network_error"})

    error = cast(
        "dict[str, Fields]", reported(numbered(created(), *message("a"), last))
    )

    assert error["error"]["code"] == "network_error"


@pytest.mark.parametrize(
    "event",
    [
        {"error": {"message": "no"}},
        {"message": "no", "code": 500},
        {"type": "server_error", "message": "no"},
        {"type": "response.error", "code": "x", "message": "no"},
    ],
)
def test_an_error_need_not_have_the_type_of_one(event: Fields) -> None:
    data = numbered(created(), *message("a"))

    assert reported(data + b"data: " + json.dumps(event).encode() + b"\n\n") == event


@pytest.mark.parametrize(
    ("kind", "status", "reason"),
    [
        ("completed", "complete", "stop"),
        ("completed", "in_progress", "stop"),
        ("completed", None, "stop"),
        ("done", None, "stop"),
        ("done", "incomplete", "unknown"),
        ("incomplete", None, "unknown"),
        ("incomplete", "completed", "unknown"),
        ("completed", "archived", "unknown"),
    ],
)
def test_the_end_is_what_its_event_and_its_status_say(
    kind: str, status: str | None, reason: str
) -> None:
    whole = {**response("completed"), "status": status}
    last: Fields = {"type": f"response.{kind}", "response": whole}

    assert end_of(decode(numbered(created(), *message("a"), last))).reason == reason


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("max_output_tokens", "length"),
        ("content_filter",) * 2,
        ("steered", "tool_calls"),
    ],
)
def test_a_call_is_the_reason_unless_the_answer_was_cut(word: str, reason: str) -> None:
    last = ended("incomplete", incomplete_details={"reason": word})

    end = end_of(decode(numbered(created(), *call("f", "{}"), last)))

    assert (end.reason, end.details["finish_reason"]) == (reason, word)


def test_what_the_end_leaves_out_stands_in_the_beginning() -> None:
    begun = {**created(), "response": response("in_progress", service_tier="flex")}
    last: Fields = {"type": "response.completed", "response": {"status": "completed"}}

    end = end_of(decode(numbered(begun, *message("a"), last)))

    assert (end.details["id"], end.details["service_tier"]) == ("resp_1", "flex")


def test_a_beginning_may_be_odd() -> None:
    begun: Fields = {"type": "response.created", "response": None}

    assert text_of(decode(numbered(begun, *message("a"), completed("a")))) == "a"


# Numbers.


def test_an_event_that_is_sent_twice_counts_once() -> None:
    first = numbered(created(), delta("a"))
    second = numbered(delta("a"), delta("b"), completed("ab"), start=1)

    assert text_of(decode(first + second)) == "ab"


@pytest.mark.parametrize("number", [0, None])
def test_a_server_need_not_count(number: int | None) -> None:
    given = [created(), delta("a"), delta("a"), completed("aa")]

    data = b"".join(sent({**event, "sequence_number": number}) for event in given)

    assert text_of(decode(data)) == "aa"


def test_a_gap_breaks_an_answer_that_lacks_text() -> None:
    lost = numbered(created(), delta("a"))  # S18
    after = numbered(delta("c"), completed("abc"), start=3)

    error = error_of(lost + after)

    assert isinstance(error, ProtocolError)
    assert "with missing events" in str(error)


def test_a_gap_in_which_no_text_was_lost_harms_nothing() -> None:
    refused = {"type": "refusal", "refusal": "no"}
    last = ended(
        "completed",
        reasoning_item("hm"),
        {**message_item("a"), "content": [refused]},
    )
    refusal: Fields = {"type": "response.refusal.delta", "delta": "no"}
    data = numbered(created(), refusal) + numbered(last, start=9)

    assert text_of(decode(data)) == "no"


# What an answer holds.


def test_calls_come_in_increments() -> None:
    last = ended("completed", call_item("f", "{}"), call_item("g", "", 2))
    calls = [*call("f", "{", "", "}"), *call("g", number=2)]

    *events, _, end = decode(numbered(created(), *calls, last))

    assert events == [
        ToolCallDelta(index=0, id="call_1", name="f"),
        ToolCallDelta(index=0, arguments="{"),
        ToolCallDelta(index=0, arguments="}"),
        ToolCallDelta(index=1, id="call_2", name="g"),
    ]
    assert isinstance(end, Finish)
    assert end.reason == "tool_calls"
    assert end.state is None


def test_a_call_may_come_at_once() -> None:
    done = item_done(call_item("f", "{}"))

    events = decode(b"".join(map(sent, [created(), done, ended("completed")])))

    assert events[:2] == [
        ToolCallDelta(index=0, id="call_1", name="f"),
        ToolCallDelta(index=0, arguments="{}"),
    ]


def test_calls_are_known_by_their_places_where_their_ids_change() -> None:
    # As GitHub's Copilot sends them: vercel/ai, pull request 18548.
    calls = [*call("f", "{", "}"), *call("g", "1", number=2)]
    for number, event in enumerate(calls):
        if "item_id" in event:
            event["item_id"] = f"other-{number}"
        else:
            event["item"] = {**cast("Fields", event["item"]), "id": f"other-{number}"}

    events = decode(numbered(created(), *calls, ended("completed")))

    assert events[:-2] == [
        ToolCallDelta(index=0, id="call_1", name="f"),
        ToolCallDelta(index=0, arguments="{"),
        ToolCallDelta(index=0, arguments="}"),
        ToolCallDelta(index=1, id="call_2", name="g"),
        ToolCallDelta(index=1, arguments="1"),
    ]


def test_calls_are_known_by_their_ids_where_all_have_one_place() -> None:
    both = [call("f", "{}"), call("g", "1", number=2)]
    added, deltas, done = (
        [{**events[at], "output_index": 0} for events in both] for at in (0, 1, -1)
    )

    events = decode(numbered(created(), *added, *deltas, *done, ended("completed")))

    assert events[:-2] == [
        ToolCallDelta(index=0, id="call_1", name="f"),
        ToolCallDelta(index=1, id="call_2", name="g"),
        ToolCallDelta(index=0, arguments="{}"),
        ToolCallDelta(index=1, arguments="1"),
    ]


def test_calls_that_come_at_once_may_all_have_one_place() -> None:
    both = [item_done(call_item("f", "{}")), item_done(call_item("g", "1", 2))]

    events = decode(numbered(created(), *both, ended("completed")))

    assert events[:-2] == [
        ToolCallDelta(index=0, id="call_1", name="f"),
        ToolCallDelta(index=0, arguments="{}"),
        ToolCallDelta(index=1, id="call_2", name="g"),
        ToolCallDelta(index=1, arguments="1"),
    ]


@pytest.mark.parametrize("place", [None, 7])
def test_a_call_may_be_known_by_no_id(place: int | None) -> None:
    calls = [{**event, "output_index": place} for event in call("f", "{", "}")]
    for event in calls:
        event.pop("item_id", None)
        if "item" in event:
            event["item"] = {**cast("Fields", event["item"]), "id": None}

    events = decode(numbered(created(), *calls, ended("completed")))

    assert events[:-2] == [
        ToolCallDelta(index=0, id="call_1", name="f"),
        ToolCallDelta(index=0, arguments="{"),
        ToolCallDelta(index=0, arguments="}"),
    ]


def test_a_call_without_an_id_has_one_of_its_own() -> None:
    items = [call_item("f", ""), call_item("g", "", 2)]
    done = [item_done({**item, "call_id": None}) for item in items]

    first, second, *_ = decode(b"".join(map(sent, [*done, ended("completed")])))

    assert isinstance(first, ToolCallDelta)
    assert isinstance(second, ToolCallDelta)
    assert first.id == MADE
    assert second.id == MADE
    assert first.id != second.id


def test_reasoning_is_given_and_kept_for_the_next_turn() -> None:
    given = [*reasoning("One.", "Two."), *message("Hi")]

    events = decode(numbered(created(), *given, completed("Hi")))

    assert events[:4] == [
        ReasoningDelta(text="One."),
        ReasoningDelta(text="\n\n"),
        ReasoningDelta(text="Two."),
        "Hi",
    ]
    assert end_of(events).state == {
        "openai-responses": {
            "items": [reasoning_item("One.", "Two."), message_item("Hi")]
        }
    }


def test_reasoning_in_the_open_is_given_and_kept() -> None:
    thought: Fields = {"type": "response.reasoning_text.delta", "delta": "hm"}
    nothing: Fields = {"type": "response.reasoning_text.delta", "delta": ""}
    item = {**reasoning_item(encrypted=None), "content": [{"text": "hm"}]}
    given = [thought, nothing, item_done(item), *message("Hi")]

    events = decode(numbered(created(), *given, ended("completed")))

    assert events[:2] == [ReasoningDelta(text="hm"), "Hi"]
    items = [item, message_item("Hi")]
    assert end_of(events).state == {"openai-responses": {"items": items}}


def test_reasoning_that_says_nothing_is_not_kept() -> None:
    given = [*reasoning(encrypted=None), *message("Hi")]

    assert end_of(decode(numbered(created(), *given, completed("Hi")))).state is None


def test_the_state_names_the_service_that_it_came_from() -> None:
    reading = Reading(partial(ResponsesDecoder, service="xAI"))
    given = numbered(created(), *reasoning("hm"), ended("completed"))

    state = cast("dict[str, Fields]", end_of(reading.decode(given)).state)

    assert state["openai-responses"]["service"] == "xAI"


def test_a_refusal_is_text() -> None:
    pieces = ("I will", "", " not.")  # S19
    kind = "response.refusal.delta"
    increments: list[Fields] = [{"type": kind, "delta": piece} for piece in pieces]

    events = decode(numbered(created(), *increments, ended("completed")))

    assert text_of(events) == "I will not."
    assert end_of(events).reason == "stop"
    assert end_of(events).details["refusal"] is True


def test_unknown_events_are_passed_over() -> None:
    unknown: Fields = {"type": "response.something.new", "delta": 7, "error": "no"}
    other: Fields = {"type": "response.output_item.added", "item": {"type": "new"}}
    odd: list[Fields] = [{"type": 7}, {"type": ["new"]}, {"type": None}]

    data = numbered(unknown, *odd, other, delta(""), completed(""))

    assert text_of(decode(data)) == ""


@pytest.mark.parametrize("usage", [7, "none", [1]])
def test_odd_usage_is_logged_and_harms_nothing(
    usage: object, caplog: pytest.LogCaptureFixture
) -> None:
    last = ended("completed", message_item("a"), usage=usage)

    events = decode(numbered(created(), *message("a"), last))

    assert usage_of(events) is None
    assert text_of(events) == "a"
    assert [record.levelname for record in caplog.records] == ["WARNING"]


def test_a_cache_that_is_counted_apart_is_part_of_the_input() -> None:
    counts = {"input_tokens": 4, "input_tokens_details": {"cached_tokens": 5}}
    last = ended("completed", message_item("a"), usage=counts)

    usage = usage_of(decode(numbered(created(), *message("a"), last)))

    assert usage == Usage(input_tokens=9, cached_tokens=5)


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        ({"cost_in_usd_ticks": 37_756_000}, Decimal("0.0037756")),
        ({"cost": 0.0021, "cost_details": {}}, Decimal("0.0021")),
        ({"cost": "free", "cost_details": {}}, None),
        ({"cost": None, "cost_details": {}}, None),
        ({"cost": 0.0021}, Decimal("0.0021")),
        ({"cost": -1}, None),
        ({"cost": True}, None),
        ({"cost": 0, "cost_in_usd_ticks": 10**10}, Decimal(0)),
        ({"cost": {"total_cost": 0.0057}}, Decimal("0.0057")),
        ({"cost": {"currency": "USD", "total_cost": 1}}, Decimal(1)),
        ({"cost": {"currency": "EUR", "total_cost": 1}}, None),
    ],
)
def test_a_cost_is_that_which_the_service_names(
    fields: Fields, cost: Decimal | None
) -> None:
    last = ended("completed", message_item("a"), usage={"input_tokens": 1, **fields})

    usage = usage_of(decode(numbered(created(), *message("a"), last)))

    assert usage == Usage(input_tokens=1, cost=cost)


def test_what_usage_cannot_hold_is_in_the_details() -> None:
    usage = {"input_tokens": 1, "cost": {"input_cost": 0.001, "total_cost": 0.002}}

    events = decode(numbered(created(), ended("completed", usage=usage)))

    assert end_of(events).details["usage"] == usage


def test_a_zero_does_not_replace_an_earlier_count() -> None:
    before = {
        "input_tokens": 3,
        "output_tokens": 0,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 1},
    }
    after = {
        "input_tokens": 0,
        "output_tokens": 4,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": None,
    }
    begun = {"type": "response.in_progress", "response": {"usage": before}}
    last = ended("completed", message_item("a"), usage=after)

    assert usage_of(decode(numbered(begun, *message("a"), last))) == Usage(
        input_tokens=3, output_tokens=4, cached_tokens=2, cache_write_tokens=1
    )


def test_usage_may_come_before_the_end_alone() -> None:
    begun = {"type": "response.queued", "response": {"usage": {"input_tokens": 3}}}

    last = ended("completed", usage=None)

    events = decode(numbered(begun, *message("a"), last))

    assert usage_of(events) == Usage(input_tokens=3)


def test_usage_may_be_missing() -> None:
    last: Fields = {"type": "response.completed", "response": {"id": "r"}}

    assert decode(sent(last)) == [
        Finish(
            reason="stop",
            details={"id": "r", "finish_reason": "completed", "request_id": "req-1"},
        )
    ]


ODD: list[Fields] = [
    {"type": "response.output_text.delta", "delta": 7},
    {"type": "response.refusal.delta"},
    {"type": "response.reasoning_text.delta", "delta": []},
    {"type": "response.output_item.added", "item": 7},
    {"type": "response.output_item.done"},
    {
        "type": "response.output_item.done",
        "item": {"type": "function_call"},
    },
    {"type": "response.function_call_arguments.delta", "delta": "{"},
    {"type": "response.completed"},
    {"type": "response.failed", "response": "no"},
    {"type": "response.incomplete", "response": {"status": 7}},
]


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("bad", [b"oops", b"[]", *map(json.dumps, ODD)])
def test_an_event_that_is_not_of_the_protocol_breaks_it(
    bad: bytes | str, slicing: Slicing
) -> None:
    data = bad.encode() if isinstance(bad, str) else bad
    data = sent(delta("before")) + b"data: " + data + b"\n\n" + answer("a")

    assert isinstance(error_of(data, slicing), ProtocolError)


# What is no stream.


def test_a_whole_response_is_an_answer() -> None:
    refused = {"type": "refusal", "refusal": " no"}
    said = message_item("Hi")
    content: list[object] = [*cast("list[object]", said["content"]), refused]
    items: list[Fields] = [
        reasoning_item("hm"),
        {**said, "content": [*content, {"type": "new"}]},
        call_item("f", "{}"),
    ]
    document = response("completed", output=items)  # F21

    events = decode(json.dumps(document, indent=2).encode())

    assert events[:-1] == [
        ReasoningDelta(text="hm"),
        "Hi",
        " no",
        ToolCallDelta(index=0, id="call_1", name="f"),
        ToolCallDelta(index=0, arguments="{}"),
    ]
    assert end_of(events).reason == "tool_calls"
    assert end_of(events).details["refusal"] is True
    assert end_of(events).state == {"openai-responses": {"items": items}}


@pytest.mark.parametrize(
    "document", [{"error": {"message": "no"}}, [{"error": {"message": "no"}}]]
)
def test_a_document_in_place_of_an_answer_is_its_error(document: object) -> None:
    assert reported(json.dumps(document).encode()) == document  # F20


@pytest.mark.parametrize("status", ["queued", "in_progress"])
def test_a_response_that_is_under_way_is_no_answer(status: str) -> None:
    document = json.dumps(response(status)).encode()

    assert "not complete yet" in str(error_of(document))


def test_a_whole_response_that_failed_is_its_error() -> None:
    document = response("failed", error={"code": "server_error"})

    assert reported(json.dumps(document).encode()) == {
        "error": {"code": "server_error"}
    }
