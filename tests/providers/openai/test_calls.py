"""Tool calls, in the forms that services send, without any network."""

from __future__ import annotations

import json

import pytest

from turnout.errors import ProtocolError
from turnout.testing._slicing import Slicing
from turnout.types import Event, Finish, ToolCallDelta
from turnout_openai._protocol import Decoder

from ...support.made_ids import MADE
from ...support.openai_server import DONE, chunk, event, finish, text
from ..reading import SLICINGS, Reading, end_of

READING = Reading(Decoder)
decode = READING.decode


def call(**fields: object) -> bytes:
    return event(chunk({"tool_calls": [fields]}))


def calls(*pieces: tuple[int | None, str | None, str | None, str]) -> bytes:
    """Return an event for each piece: its index, id, name and arguments."""
    data = b""
    for index, name, called, arguments in pieces:
        fields: dict[str, object] = {} if index is None else {"index": index}
        if name is not None:
            fields["id"] = name
        function: dict[str, object] = {"arguments": arguments}
        if called is not None:
            function["name"] = called
        data += call(**fields, function=function)
    return data


def whole(*found: object, reason: str = "tool_calls") -> bytes:
    """Return a whole completion."""
    message = {"role": "assistant", "content": None, "tool_calls": found}
    choice = {"index": 0, "message": message, "finish_reason": reason}
    return json.dumps({"choices": [choice]}).encode()


def called(events: list[Event]) -> list[tuple[str, str, str]]:
    """Return the id, the name and the arguments of each call in events."""
    found: dict[int, tuple[str, str, str]] = {}
    for each in events:
        if isinstance(each, ToolCallDelta):
            id, name, arguments = found.get(each.index, ("", "", ""))
            found[each.index] = (
                each.id or id,
                each.name or name,
                arguments + each.arguments,
            )
    return [found[index] for index in sorted(found)]


def test_calls_are_told_apart_by_their_index() -> None:
    data = (  # S03
        call(index=0, id="a", type="function", function={"name": "f", "arguments": ""})
        + call(index=1, id="b", function={"name": "g", "arguments": "{"})
        + call(index=0, function={"arguments": "{}"})
        + call(index=1, id="b", function={"arguments": "}"})
    )

    assert decode(data + finish("tool_calls") + DONE)[:-1] == [
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=1, id="b", name="g", arguments="{"),
        ToolCallDelta(index=0, arguments="{}"),
        ToolCallDelta(index=1, arguments="}"),
    ]


def test_calls_without_an_index_are_told_apart_by_id_or_name() -> None:
    data = (
        call(id="a", function={"name": "f"})
        + call(id="b", function={"name": "f"})
        + call(id="a", function={"arguments": "1"})
        + call(function={"name": "g"})
        + call(function={"arguments": "2"})
        + call()
    )

    assert decode(data + DONE)[:-1] == [
        ToolCallDelta(index=0, id="a", name="f"),
        ToolCallDelta(index=1, id="b", name="f"),
        ToolCallDelta(index=0, arguments="1"),
        ToolCallDelta(index=2, id=MADE, name="g"),
        ToolCallDelta(index=2, arguments="2"),
    ]


A, B = '{"a": 1}', '{"b": {"c": 2}}'


@pytest.mark.parametrize("slicing", SLICINGS)
@pytest.mark.parametrize(
    "data",
    [
        pytest.param(
            calls((0, "a", "f", A), (0, "b", "g", B)), id="one index, whole calls"
        ),
        pytest.param(
            calls((0, "a", "f", ""), (0, "b", "g", ""), (0, "a", None, A))
            + calls((0, "b", None, B)),
            id="one index, named before",
        ),
        pytest.param(
            calls((0, "a", "f", A[:3]), (0, "b", "g", B[:3]))
            + calls((0, "a", None, A[3:]), (0, "b", None, B[3:])),
            id="one index, in turns",
        ),
        pytest.param(
            calls((0, "a", "f", A[:3]), (0, None, None, A[3:]))
            + calls((0, "b", "g", B[:3]), (0, None, None, B[3:])),
            id="one index, one after the other",
        ),
        pytest.param(
            calls((0, "a", "f", A), (0, "b", "g", ""), (1, None, None, B)),
            id="the second begins at the index of the first",
        ),
        pytest.param(
            calls((0, "a", "f", A[:3]), (None, "a", None, A[3:]))
            + calls((1, "b", "g", B[:3]), (None, "b", None, B[3:])),
            id="an index with the first piece alone",
        ),
        pytest.param(
            calls((None, "a", "f", A[:3]), (None, None, None, A[3:]))
            + calls((None, "b", "g", B[:3]), (None, None, None, B[3:])),
            id="no index",
        ),
        pytest.param(
            calls((0, "a", "f", ""), (1, "a", None, A[:3]), (2, "a", None, A[3:]))
            + calls((3, "b", "g", B)),
            id="an index for each piece",
        ),
        pytest.param(
            calls((0, "a", "f", A[:3]), (0, "x", None, A[3:]))
            + calls((1, "b", "g", B[:3]), (1, "y", None, B[3:])),
            id="an id for each piece",
        ),
        pytest.param(
            calls((None, "a", "f", A[:3]), (None, "x", None, A[3:]))
            + calls((None, "b", "g", B[:3]), (None, "y", None, B[3:])),
            id="an id for each piece, no index",
        ),
        pytest.param(
            calls((0, "a", "f", A[:3]), (0, "x", "f", A[3:]), (1, "b", "g", B)),
            id="an id and the name for each piece",
        ),
        pytest.param(
            calls((None, "a", "f", A[:3]), (None, None, "f", A[3:]))
            + calls((None, "b", "g", B)),
            id="the name with each piece, no index",
        ),
        pytest.param(
            calls((0, "a", "f", A), (0, "a", "f", A), (1, "b", "g", B)),
            id="a call again",
        ),
        pytest.param(
            calls((0, "a", "f", A[:3]), (0, None, None, A[3:]), (0, None, None, A))
            + calls((1, "b", "g", B), (1, "b", "g", B)),
            id="all arguments again",
        ),
        pytest.param(
            calls((0, "a", "f", A), (1, "b", "g", B))
            + event(
                {
                    "choices": [
                        {
                            "message": {
                                "tool_calls": [
                                    {
                                        "id": "a",
                                        "function": {"name": "f", "arguments": A},
                                    },
                                    {
                                        "id": "b",
                                        "function": {"name": "g", "arguments": B},
                                    },
                                ]
                            },
                            "finish_reason": "tool_calls",
                        }
                    ]
                }
            ),
            id="all of them again as a message",
        ),
        pytest.param(
            calls((0, "a", "f", A[:3]), (1, "b", "g", ""))
            + event(
                {
                    "choices": [
                        {
                            "delta": {},
                            "message": {
                                "tool_calls": [
                                    {"function": {"name": "f", "arguments": A}},
                                    {"function": {"name": "g", "arguments": B}},
                                ]
                            },
                        }
                    ]
                }
            ),
            id="the rest as a message",
        ),
    ],
)
def test_pieces_find_their_call(data: bytes, slicing: Slicing) -> None:
    events = decode(data + finish("tool_calls") + DONE, slicing)

    assert called(events) == [("a", "f", A), ("b", "g", B)]
    assert end_of(events).reason == "tool_calls"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(calls((0, "a", "f", A), (0, "a", "g", B)), id="another name"),
        pytest.param(calls((0, "a", "f", A), (0, "a", "f", B)), id="the same name"),
        pytest.param(calls((0, "a", "f", A), (1, "a", "f", B)), id="another index"),
        pytest.param(calls((None, None, "f", A), (None, None, "f", B)), id="nothing"),
    ],
)
def test_two_whole_calls_are_two_in_spite_of_their_id(data: bytes) -> None:
    (first, name, one), (second, _, other) = called(decode(data + DONE))

    assert (name, one, other) == ("f", A, B)
    assert first != second


def test_an_id_without_a_name_waits_for_it() -> None:
    data = calls((0, "a", None, ""), (0, None, "f", A), (1, "b", None, "{"))

    events = decode(data + calls((1, "b", "g", "}")) + DONE)

    assert called(events) == [("a", "f", A), ("b", "g", "{}")]
    assert [e.name for e in events if isinstance(e, ToolCallDelta)] == ["f", "g"]


def test_there_is_no_call_without_a_name() -> None:
    data = calls((0, "a", None, A)) + finish("stop") + DONE

    events = decode(text("t") + data)

    assert called(events) == []
    assert end_of(events).reason == "stop"
    assert end_of(events).items == (
        {"id": "a", "type": "function", "function": {"name": "", "arguments": A}},
    )


def test_an_unnamed_call_of_nothing_is_nothing() -> None:
    events = decode(text("t") + calls((0, "a", None, "")) + finish() + DONE)

    assert events[-1] == Finish(
        reason="stop",
        details={
            "id": "chatcmpl-1",
            "model": "m-1",
            "finish_reason": "stop",
            "request_id": "req-1",
        },
    )


def test_another_call_after_a_whole_one_waits_for_its_name() -> None:
    data = calls((None, "a", "f", A), (None, "b", None, ""), (None, "b", "g", B))

    assert called(decode(data + DONE)) == [("a", "f", A), ("b", "g", B)]


def test_calls_without_ids_have_ids_of_their_own() -> None:
    data = (
        call(index=0, function={"name": "f"})
        + call(index=1, id=None, function={"name": "f"})
        + call(index=0, id="late", function={"arguments": "1"})
    )

    first, second, more = decode(data + DONE)[:-1]

    assert isinstance(first, ToolCallDelta)
    assert isinstance(second, ToolCallDelta)
    assert first.id == MADE
    assert second.id == MADE
    assert first.id != second.id
    assert more == ToolCallDelta(index=0, arguments="1")


def test_the_word_null_is_not_an_id() -> None:
    # Mistral's default.
    call = {"id": "null", "function": {"name": "f", "arguments": "{"}, "index": 0}
    more = {"id": "null", "function": {"name": "", "arguments": "}"}, "index": 0}
    named = {"id": "c", "function": {"name": "g", "arguments": "{}"}, "index": 1}
    data = event(chunk({"tool_calls": [call]})) + event(
        chunk({"content": "", "tool_calls": [more, named]}, "tool_calls")
    )

    assert decode(data + DONE)[:-1] == [
        ToolCallDelta(index=0, id=MADE, name="f", arguments="{"),
        ToolCallDelta(index=0, arguments="}"),
        ToolCallDelta(index=1, id="c", name="g", arguments="{}"),
    ]


@pytest.mark.parametrize("id", [7, 7.5])
def test_an_id_may_be_a_number(id: float) -> None:
    assert called(decode(call(index=0, id=id, function={"name": "f"}) + DONE)) == [
        (str(id), "f", "")
    ]


@pytest.mark.parametrize(
    ("names", "told"),
    [
        pytest.param(["look", "look"], ["look"], id="again"),
        pytest.param(["look_", "up"], ["look_", "look_up"], id="pieces"),
        pytest.param(["look_", "look_up"], ["look_", "look_up"], id="so far"),
        pytest.param(["look", ""], ["look"], id="empty"),
    ],
)
def test_a_name_is_given_once_and_whole(names: list[str], told: list[str]) -> None:
    data = b"".join(call(index=0, function={"name": name}) for name in names)  # S03

    events = decode(data + DONE)[:-1]

    assert events == [
        ToolCallDelta(index=0, id=None if number else MADE, name=name)
        for number, name in enumerate(told)
    ]


@pytest.mark.parametrize(
    ("sent", "arguments"),
    [
        pytest.param({"city": "Malmö"}, '{"city": "Malmö"}', id="object"),
        pytest.param({}, "{}", id="empty object"),
        pytest.param([1], "[1]", id="list"),
        pytest.param(None, "", id="null"),
        pytest.param("", "", id="empty"),
        pytest.param("{not JSON", "{not JSON", id="invalid"),
    ],
)
def test_arguments_of_any_form_are_a_text(sent: object, arguments: str) -> None:
    # llama.cpp's issue 20198.
    function = {"name": "f", "arguments": sent}
    streamed = call(index=0, id="a", function=function) + finish("tool_calls") + DONE
    document = whole({"id": "a", "type": "function", "function": function})

    assert called(decode(streamed)) == [("a", "f", arguments)]
    assert called(decode(document)) == [("a", "f", arguments)]


def test_an_empty_object_may_begin_arguments_that_come_in_pieces() -> None:
    data = call(index=0, id="a", function={"name": "f", "arguments": {}})
    data += calls((0, None, None, A[:3]), (0, None, None, A[3:]))

    assert called(decode(data + DONE)) == [("a", "f", A)]


@pytest.mark.parametrize("function", [None, {}, {"name": "", "arguments": ""}])
def test_a_piece_of_nothing_is_nothing(function: object) -> None:
    assert decode(call(index=0, function=function) + DONE)[:-1] == []


def test_a_call_may_have_no_object_for_its_function() -> None:
    data = call(index=0, id="a", name="f", arguments=A)

    assert called(decode(data + DONE)) == [("a", "f", A)]


def test_the_older_form_of_a_call_is_a_tool_call() -> None:
    data = event(chunk({"function_call": {"name": "f", "arguments": "{"}}))
    data += event(chunk({"function_call": {"arguments": "}"}}))

    assert decode(data + finish("function_call") + DONE)[:-1] == [
        ToolCallDelta(index=0, id=MADE, name="f", arguments="{"),
        ToolCallDelta(index=0, arguments="}"),
    ]


@pytest.mark.parametrize(
    "delta",
    [
        # Snowflake sends both, empty, with each message.
        {"content": "a", "function_call": {"name": "", "arguments": ""}},
        {
            "content": "a",
            "tool_calls": [{"index": 0, "id": "a", "function": {"name": "f"}}],
            "function_call": {"name": "f", "arguments": "{}"},
        },
    ],
)
def test_the_older_form_beside_the_newer_one_counts_once(
    delta: dict[str, object],
) -> None:
    found = called(decode(event(chunk(delta)) + DONE))

    assert found == ([("a", "f", "")] if "tool_calls" in delta else [])


def test_the_older_form_again_in_a_message_counts_once() -> None:
    call = {"name": "f", "arguments": A}
    data = event(chunk({"function_call": call})) + event(
        {"choices": [{"message": {"function_call": call}, "finish_reason": "stop"}]}
    )

    assert [found[1:] for found in called(decode(data + DONE))] == [("f", A)]


@pytest.mark.parametrize("word", ["stop", "eos", "a new word", "tool_calls", None])
def test_a_call_is_the_reason_of_an_answer_that_is_not_cut(word: str | None) -> None:
    # BerriAI/litellm, issue 12862.
    data = calls((0, "a", "f", A)) + (b"" if word is None else finish(word)) + DONE

    end = end_of(decode(data))

    assert end.reason == "tool_calls"
    assert end.details.get("finish_reason") == word


@pytest.mark.parametrize("word", ["length", "content_filter"])
def test_an_answer_that_was_cut_says_so_in_spite_of_a_call(word: str) -> None:
    data = calls((0, "a", "f", A)) + finish(word) + DONE

    assert end_of(decode(data)).reason == word


def test_a_whole_call_of_the_same_id_again_is_another_call() -> None:
    function = {"name": "f", "arguments": A}
    data = whole({"id": "a", "function": function}, {"id": "a", "function": function})

    (first, *_), (second, *_) = called(decode(data))

    assert first == "a"
    assert second not in {"", "a"}


def test_it_is_checked_a_few_times_whether_a_call_is_whole() -> None:
    begun = calls((0, "a", "f", '{"code": "'))
    pieces = [(0, "a", "f", "{}")] * 20

    (found,) = called(decode(begun + calls(*pieces) + DONE))

    assert found[2] == '{"code": "' + "{}" * 20


# Calls that are not of functions.

CUSTOM = {"id": "a", "type": "custom", "custom": {"name": "code", "input": "print(1)"}}


@pytest.mark.parametrize("slicing", SLICINGS)
def test_a_custom_call_has_its_kind_and_its_input(slicing: Slicing) -> None:
    document = whole(CUSTOM)
    streamed = call(index=0, **CUSTOM) + finish("tool_calls") + DONE

    for data in (document, streamed):
        first, last, end = decode(data, slicing)

        assert first == ToolCallDelta(
            index=0, id="a", name="code", arguments="print(1)", kind="custom"
        )
        assert last == ToolCallDelta(index=0, item=CUSTOM)
        assert isinstance(end, Finish)
        assert end.reason == "tool_calls"


def test_the_input_of_a_custom_call_may_come_in_pieces() -> None:
    data = (
        call(index=0, id="a", type="custom", custom={"name": "code", "input": ""})
        + call(index=0, custom={"input": "print"})
        + call(index=0, type="custom", custom={"input": "(1)"})
    )

    events = decode(data + finish("tool_calls") + DONE)

    assert called(events) == [("a", "code", "print(1)")]
    assert events[-2] == ToolCallDelta(index=0, item=CUSTOM)


def test_a_call_of_another_kind_that_the_caller_answers_is_a_call() -> None:
    # Moonshot's own search: the caller sends the arguments back.
    function = {"name": "$web_search", "arguments": A}
    sent = {"id": "a", "type": "builtin_function", "function": function}

    events = decode(call(index=0, **sent) + finish("tool_calls") + DONE)

    assert called(events) == [("a", "$web_search", A)]
    assert events[:2] == [
        ToolCallDelta(
            index=0, id="a", name="$web_search", arguments=A, kind="builtin_function"
        ),
        ToolCallDelta(index=0, item=sent),
    ]


@pytest.mark.parametrize(
    "sent",
    [
        {"id": "a", "type": "mcp", "mcp": {"name": "f", "arguments": A}},
        {"id": "a", "type": "retrieval", "retrieval": {"outputs": []}},
        {"id": "a", "type": "code_interpreter", "code_interpreter": {"input": "1"}},
        {"id": "a", "type": "new", "new": {"name": "f", "output": "1"}},
    ],
)
def test_a_call_that_the_service_ran_is_an_item(sent: dict[str, object]) -> None:
    for data in (call(index=0, **sent) + finish() + DONE, whole(sent, reason="stop")):
        end = end_of(decode(data))

        assert end.reason == "stop"
        assert [item["type"] for item in end.items] == [sent["type"]]


@pytest.mark.parametrize("found", [[7], [{"function": "f"}], [{"id": "a", "name": 7}]])
def test_what_is_not_a_call_breaks_the_protocol(found: object) -> None:
    decoder, _ = READING.decoded(event(chunk({"tool_calls": found})) + DONE)

    with pytest.raises(ProtocolError):
        decoder.check()
