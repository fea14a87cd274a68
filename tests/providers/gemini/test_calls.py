"""The calls of an answer, and what the service wants to see again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from turnout.errors import ProtocolError
from turnout.types import Finish, ToolCallDelta

from ...support.gemini_server import (
    answer,
    event,
    finish,
    part,
    response,
    text,
)
from ..reading import end_of
from .answers import CALL, TOLD, events_of, fault_of, reported_in

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
