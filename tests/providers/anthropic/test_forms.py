"""Other forms of an answer: whole or repeated starts, texts cut in odd places."""

from __future__ import annotations

import json
import re

import pytest

from turnout.errors import ProtocolError
from turnout.testing._slicing import Slicing
from turnout.types import ReasoningDelta, ToolCallDelta, Usage
from turnout_anthropic._blocks import tool_input
from turnout_anthropic._protocol import Decoder

from ...support.anthropic_server import (
    STOP,
    begin,
    delta,
    event,
    finish,
    start,
    stop,
    texts,
    thinking,
    tool,
)
from ..reading import SLICINGS, Reading, end_of, text_of, usage_of

READING = Reading(Decoder)
decode, decoded, error_of = READING.decode, READING.decoded, READING.error_of
reported = READING.reported


def message(**fields: object) -> bytes:
    whole: dict[str, object] = {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "content": [],
    }
    return event({"type": "message_start", "message": {**whole, **fields}})


CALL = {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}}

# A message that is whole at its start.


@pytest.mark.parametrize("slicing", SLICINGS)
def test_a_message_may_be_whole_at_its_start(slicing: Slicing) -> None:
    content = [
        {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        {"type": "text", "text": "Hi"},
        {**CALL, "caller": {"type": "code_execution_20260120", "tool_id": "s"}},
    ]
    data = message(
        content=content,
        stop_reason="tool_use",
        usage={"input_tokens": 17, "output_tokens": 3},
        container={"id": "c1", "expires_at": "soon"},
    )

    *events, usage, end = decode(data + STOP, slicing)

    assert events == [
        ReasoningDelta(text="hm"),
        "Hi",
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=0, arguments='{"x":1}'),
    ]
    assert usage == Usage(input_tokens=17, output_tokens=3)
    assert end_of([end]).reason == "tool_calls"
    assert end_of([end]).state == {"anthropic": {"content": content, "container": "c1"}}
    assert end_of(decode(data)).details["lenient"] is True


def test_a_call_of_a_whole_start_is_given_at_once() -> None:
    decoder = Decoder("Vendor")

    assert decoder.feed(message(content=[CALL], stop_reason="tool_use")) == [
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=0, arguments='{"x":1}'),
    ]


def test_a_start_with_content_may_go_on() -> None:
    more = delta(0, "text_delta", text=" you")
    data = message(content=[{"type": "text", "text": "Hi"}]) + more + finish() + STOP

    assert text_of(decode(data)) == "Hi you"


def test_a_refusal_may_be_whole_at_its_start() -> None:
    why = {"type": "refusal", "category": "bio"}
    end = end_of(decode(message(stop_reason="refusal", stop_details=why) + STOP))

    assert end.reason == "content_filter"
    assert end.details["stop_details"] == why


def test_a_reason_before_any_content_does_not_end_the_answer() -> None:
    decoder, _ = decoded(message(stop_reason="end_turn"))
    assert not decoder.ended

    data = message(stop_reason="end_turn") + texts("a") + finish("max_tokens") + STOP
    assert end_of(decode(data)).reason == "length"


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (None, ""),
        ("Hi", "Hi"),
        ({"type": "text", "text": "Hi"}, "Hi"),
        (["Hi", {"type": "text", "text": " you"}], "Hi you"),
        ([{"type": "text", "text": None}], ""),
    ],
)
def test_content_has_several_forms(content: object, text: str) -> None:
    document = json.dumps({"content": content, "stop_reason": "end_turn"}).encode()

    assert text_of(decode(document)) == text
    assert text_of(decode(message(content=content) + finish() + STOP)) == text


@pytest.mark.parametrize("content", [7, [7], [{"type": 7}]])
def test_content_that_is_not_of_the_protocol_breaks_it(content: object) -> None:
    assert isinstance(error_of(message(content=content) + STOP)[1], ProtocolError)


@pytest.mark.parametrize(
    "fields",
    [
        {"error": {"message": "no"}},
        {"type": "error", "message": "no"},
        {"base_resp": {"status_code": 1008, "status_msg": "insufficient balance"}},
    ],
)
def test_a_message_that_reports_an_error_is_one(fields: dict[str, object]) -> None:
    document: dict[str, object] = {"content": [], **fields}

    assert reported(json.dumps(document).encode()) == ("", document)


def test_a_whole_message_may_end_with_a_failure() -> None:
    document = {"content": [{"type": "text", "text": "Hi"}], "stop_reason": "error"}

    assert reported(json.dumps(document).encode())[0] == "Hi"


# A second message.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("name", ["msg_1", "msg_2", None])
def test_another_answer_inside_an_answer_is_an_error(
    name: str | None, slicing: Slicing
) -> None:
    call = start(0, "tool_use", id="a", name="f", input={})
    half = delta(0, "input_json_delta", partial_json='{"a": "Spa')
    rest = tool('{"a": "Spark"}') + finish("tool_use") + STOP
    data = begin() + call + half + message(id=name) + rest

    _, failure = error_of(data, slicing)

    assert isinstance(failure, ProtocolError)
    assert "another answer" in str(failure)


def test_another_answer_before_any_content_is_an_error() -> None:
    data = begin() + message(id="msg_2") + texts("a") + finish() + STOP

    assert isinstance(error_of(data)[1], ProtocolError)


def test_a_start_that_is_repeated_before_any_content_is_passed_over() -> None:
    data = begin() + begin(input_tokens=11) + texts("a") + finish() + STOP

    assert text_of(decode(data)) == "a"
    assert usage_of(decode(data)) == Usage(input_tokens=11, output_tokens=4)


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize("end", [finish(), finish() + STOP])
def test_another_answer_after_the_end_is_not_read(end: bytes, slicing: Slicing) -> None:
    other = message(id="msg_2") + texts("b") + finish("max_tokens") + STOP
    events = decode(begin() + texts("a") + end + other, slicing)

    assert text_of(events) == "a"
    assert end_of(events).reason == "stop"


# A start that is repeated by the first increment.


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    ("begun", "pieces", "text"),
    [
        pytest.param("Hello", ["Hello", " world"], "Hello world", id="repeated"),
        pytest.param("Hello", [" world"], "Hello world", id="not repeated"),
        pytest.param("Hello", [], "Hello", id="no increment"),
        pytest.param("Hello", ["", "Hello", "!"], "Hello!", id="after an empty one"),
        pytest.param("ha", ["ha", "ha"], "haha", id="only the first"),
        pytest.param("ha", [" ", "ha"], "ha ha", id="only at first"),
        pytest.param("", ["a", "a"], "aa", id="nothing to repeat"),
    ],
)
def test_a_text_that_the_first_increment_repeats_is_given_once(
    begun: str, pieces: list[str], text: str, slicing: Slicing
) -> None:
    thought = thinking("hm", index=1)
    deltas = [delta(0, "text_delta", text=piece) for piece in pieces]
    data = b"".join(
        [begin(), start(0, "text", text=begun), *deltas, stop(0), thought, finish()]
    )
    events = decode(data + STOP, slicing)

    assert text_of(events) == text
    state = end_of(events).state
    assert state is not None
    assert state["anthropic"] == {
        "content": [
            {"type": "text", "text": text},
            {"type": "thinking", "thinking": "hm", "signature": "c2ln"},
        ]
    }


def test_other_increments_may_come_before_the_repetition() -> None:
    cited = {"type": "char_location", "cited_text": "x"}
    data = (
        begin()
        + start(0, "text", text="Hello")
        + start(1, "text", text="")
        + delta(0, "citations_delta", citation=cited)
        + delta(1, "text_delta", text=" you")
        + delta(0, "text_delta", text="Hello")
        + delta(0, "text_delta", text="!")
        + finish()
        + STOP
    )

    assert text_of(decode(data)) == "Hello you!"


def test_thinking_and_its_signature_are_taken_once() -> None:
    data = (
        begin()
        + start(0, "thinking", thinking="hm", signature="c2ln")
        + delta(0, "thinking_delta", thinking="hm")
        + delta(0, "thinking_delta", thinking="hm")
        + delta(0, "signature_delta", signature="c2ln")
        + stop(0)
        + texts("a", index=1)
        + finish()
        + STOP
    )
    events = decode(data)

    assert [e.text for e in events if isinstance(e, ReasoningDelta)] == ["hm", "hm"]
    state = end_of(events).state
    assert state is not None
    assert state["anthropic"] == {
        "content": [
            {"type": "thinking", "thinking": "hmhm", "signature": "c2ln"},
            {"type": "text", "text": "a"},
        ]
    }


# Arguments of calls.


@pytest.mark.parametrize(
    ("given", "pieces", "arguments"),
    [
        pytest.param({"x": 1}, [], '{"x":1}', id="whole"),
        pytest.param({"x": 1}, ["", None], '{"x":1}', id="whole, empty increments"),
        pytest.param({"x": 1}, ['{"x":1}'], '{"x":1}', id="repeated"),
        pytest.param('{"x":1}', [], '{"x":1}', id="text"),
        pytest.param('{"x":1}', ['{"x":1}'], '{"x":1}', id="text, repeated"),
        pytest.param('{"x"', [":1}"], '{"x":1}', id="text that goes on"),
        pytest.param(None, [], "{}", id="null"),
        pytest.param("", [], "{}", id="empty"),
        pytest.param({}, [{"x": 1}], '{"x":1}', id="object"),
        pytest.param({}, ['{"x": "\\ud83d'], '{"x": "\\ud83d', id="cut"),
    ],
)
def test_arguments_have_several_forms(
    given: object, pieces: list[object], arguments: str
) -> None:
    deltas = [delta(0, "input_json_delta", partial_json=piece) for piece in pieces]
    begun = start(0, "tool_use", id="a", name="f", input=given, caller={"type": "x"})
    data = b"".join([begin(), begun, *deltas, stop(0), finish("tool_use"), STOP])
    events = decode(data)

    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert "".join(call.arguments for call in calls) == arguments
    state = json.loads(json.dumps(end_of(events).state))
    (block,) = state["anthropic"]["content"]
    assert block["input"] == tool_input(arguments)


@pytest.mark.parametrize("given", [{}, {"id": None}, {"id": ""}])
def test_a_call_without_an_id_gets_one(given: dict[str, object]) -> None:
    call = start(0, "tool_use", name="f", input={}, caller={"type": "x"}, **given)
    events = decode(begin() + call + stop(0) + finish("tool_use") + STOP)
    name = next(each.id for each in events if isinstance(each, ToolCallDelta))

    assert name is not None
    assert re.fullmatch("toolu_[0-9a-f]{24}", name)
    state = json.loads(json.dumps(end_of(events).state))
    assert state["anthropic"]["content"][0]["id"] == name


# Texts that are cut in odd places.


def raw(kind: str, field: str, piece: str, index: int = 0) -> bytes:
    """Return an increment with escapes as they stand in `piece`."""
    head = f'{{"type":"content_block_delta","index":{index},"delta":{{"type":"{kind}"'
    return f'data: {head},"{field}":"{piece}"}}}}\n\n'.encode()


@pytest.mark.parametrize("slicing", SLICINGS)
def test_halves_of_a_surrogate_pair_are_joined(slicing: Slicing) -> None:
    data = (
        begin()
        + start(0, "thinking", thinking="", signature="")
        + raw("thinking_delta", "thinking", "hm \\ud83d")
        + raw("thinking_delta", "thinking", "\\ude00")
        + stop(0)
        + start(1, "text", text="")
        + raw("text_delta", "text", "a \\ud83d", 1)
        + raw("text_delta", "text", "\\ude00 b \\ud83d", 1)
        + raw("text_delta", "text", " c", 1)
        + stop(1)
        + finish()
        + STOP
    )
    events = decode(data, slicing)
    thoughts = [event.text for event in events if isinstance(event, ReasoningDelta)]

    assert "".join(thoughts) == "hm \U0001f600"
    assert text_of(events) == "a \U0001f600 b \ufffd c"
    state = json.loads(json.dumps(end_of(events).state))
    assert state["anthropic"]["content"] == [
        {"type": "thinking", "thinking": "hm \U0001f600", "signature": ""},
        {"type": "text", "text": "a \U0001f600 b \ufffd c"},
    ]


@pytest.mark.parametrize("kind", ["thinking_delta", "signature_delta", "text_delta"])
def test_an_increment_may_be_null(kind: str) -> None:
    data = (
        begin()
        + start(0, "thinking", thinking="hm", signature="c2ln")
        + delta(0, kind, **{kind.removesuffix("_delta"): None})
        + texts("a", index=1)
        + finish()
        + STOP
    )

    assert text_of(decode(data)) == "a"


def test_an_error_without_a_type_is_known_by_its_form() -> None:
    told = {"code": 401, "msg": "who are you?"}
    data = b"data: " + json.dumps(told).encode() + b"\n\n"

    assert reported(begin() + data) == ("", told)
