"""Answers by Responses of which some events are missing, without any network.

Gateways leave out the ends of items, the increments or the whole answer at the end, and
give an item another id with each event. What they send is in the recordings of
pydantic/pydantic-ai and vercel/ai and in public reports; these inputs are our own.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import cast

import pytest

from turnout.errors import ProtocolError
from turnout.types import ReasoningDelta, ToolCallDelta
from turnout_openai._responses import ResponsesDecoder

from ...support.responses_events import (
    Fields,
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
    sent,
)
from ..reading import Reading, end_of, text_of

READING = Reading(ResponsesDecoder)
decode = READING.decode

CALL = [
    ToolCallDelta(index=0, id="call_1", name="f"),
    ToolCallDelta(index=0, arguments='{"a": 1}'),
]


def unnumbered(*events: Fields) -> bytes:
    return b"".join(map(sent, events))


def without(events: list[Fields], *kinds: str) -> list[Fields]:
    return [event for event in events if event["type"] not in kinds]


def reasoning_of(events: Sequence[object]) -> str:
    return "".join(e.text for e in events if isinstance(e, ReasoningDelta))


TEXT_DELTA = "response.output_text.delta"
TEXT_DONE = "response.output_text.done"
ITEM_DONE = "response.output_item.done"


@pytest.mark.parametrize(
    ("lacking", "last"),
    [
        pytest.param((TEXT_DELTA,), completed("ab"), id="increments"),
        pytest.param((TEXT_DELTA, ITEM_DONE), ended("completed"), id="all but a part"),
        pytest.param((TEXT_DELTA, TEXT_DONE), ended("completed"), id="all but an item"),
        pytest.param(
            (TEXT_DELTA, TEXT_DONE, ITEM_DONE), completed("ab"), id="all but the end"
        ),
        pytest.param((TEXT_DONE, ITEM_DONE), ended("completed"), id="ends"),
        pytest.param((), ended("completed"), id="the whole answer"),
        pytest.param((), completed("ab"), id="nothing"),
    ],
)
def test_a_text_is_given_once_whatever_is_missing(
    lacking: tuple[str, ...], last: Fields
) -> None:
    events = decode(unnumbered(created(), *without(message("a", "b"), *lacking), last))

    assert text_of(events) == "ab"
    assert end_of(events).reason == "stop"


def test_what_the_increments_lack_of_a_text_is_given_at_its_end() -> None:
    given = without(message("a", "b", "c"), TEXT_DELTA)

    events = decode(unnumbered(delta("a"), *given, completed("abc")))

    assert events[:2] == ["a", "bc"]
    assert text_of(events) == "abc"


def test_several_texts_are_distinguished_by_what_they_say() -> None:
    first, second, third = (message_item(text) for text in ("a", "b", "a"))
    given = [delta("b"), ended("completed", first, second, third)]

    assert text_of(decode(unnumbered(*given))) == "baa"


def test_a_text_in_another_form_is_not_given_again() -> None:
    given = [*message("a ", "b "), ended("completed", message_item("a b"))]

    assert text_of(decode(unnumbered(*given))) == "a b "


def test_after_a_text_in_another_form_only_the_whole_answer_is_compared() -> None:
    done: Fields = {"type": TEXT_DONE, "text": "A"}
    later: Fields = {"type": TEXT_DONE, "text": "new"}
    items = [message_item("A"), message_item("new")]

    events = decode(unnumbered(delta("a"), done, later, ended("completed", *items)))

    assert text_of(events) == "anew"


def test_two_texts_at_a_time_are_given_once() -> None:
    first: Fields = {"type": TEXT_DONE, "text": "ac"}
    second: Fields = {"type": TEXT_DONE, "text": "bd"}
    items = [message_item("ac"), message_item("bd")]

    increments = map(delta, "abcd")
    last = ended("completed", *items)

    assert text_of(decode(unnumbered(*increments, first, second, last))) == "abcd"


def test_the_same_text_twice_is_given_twice() -> None:
    done: Fields = {"type": TEXT_DONE, "text": "a"}
    item = {**message_item("a"), "content": [{"text": "a"}, {"text": "a"}]}

    assert (
        text_of(decode(unnumbered(delta("a"), done, done, item_done(item)) + end()))
        == "aa"
    )


def end() -> bytes:
    return unnumbered(ended("completed"))


def test_an_item_that_ends_twice_counts_once() -> None:
    done = item_done(message_item("a"))

    assert text_of(decode(unnumbered(done, done) + end())) == "a"


@pytest.mark.parametrize("content", ["a", ["a"], {"text": "a"}, [{"text": "a"}, 7]])
def test_a_content_may_have_another_form(content: object) -> None:
    item = {**message_item(""), "content": content}

    assert text_of(decode(unnumbered(item_done(item)) + end())) == "a"


def test_a_refusal_is_given_once() -> None:
    whole = {**message_item(""), "content": [{"type": "refusal", "refusal": "no"}]}
    done: Fields = {"type": "response.refusal.done", "refusal": "no"}

    events = decode(unnumbered(done, item_done(whole), ended("completed", whole)))

    assert text_of(events) == "no"
    assert end_of(events).details["refusal"] is True


def test_halves_of_a_pair_in_two_increments_are_one_character() -> None:
    halves = b"".join(
        b'data: {"type": "response.output_text.delta", "delta": "%b"}\n\n' % half
        for half in (rb"a\ud83d", rb"\ude00b", rb"\ud800")
    )

    events = decode(halves + unnumbered(completed("a\U0001f600b\ufffd")))

    assert text_of(events) == "a\U0001f600b\ufffd"


# Reasoning.

SUMMARY_DELTA = "response.reasoning_summary_text.delta"
SUMMARY_DONE = "response.reasoning_summary_text.done"
SUMMARY_ADDED = "response.reasoning_summary_part.added"


@pytest.mark.parametrize(
    ("lacking", "last"),
    [
        ((), ended("completed")),
        ((SUMMARY_DELTA,), ended("completed")),
        ((SUMMARY_DELTA, SUMMARY_DONE), ended("completed")),
        ((SUMMARY_DELTA, SUMMARY_DONE, SUMMARY_ADDED), ended("completed")),
        ((SUMMARY_DONE, SUMMARY_ADDED, ITEM_DONE), None),
        ((SUMMARY_DELTA, SUMMARY_DONE, SUMMARY_ADDED, ITEM_DONE), None),
    ],
)
def test_reasoning_is_given_once_whatever_is_missing(
    lacking: tuple[str, ...], last: Fields | None
) -> None:
    item = reasoning_item("One.", "Two.")
    last = last or ended("completed", item)

    events = decode(unnumbered(*without(reasoning("One.", "Two."), *lacking), last))

    assert reasoning_of([*events]).replace("\n\n", "") == "One.Two."
    assert end_of(events).state == {"openai-responses": {"items": [item]}}


def test_paragraphs_of_a_whole_item_are_parted() -> None:
    events = decode(unnumbered(item_done(reasoning_item("One.", "Two."))) + end())

    assert reasoning_of([*events]) == "One.\n\nTwo."


def test_reasoning_that_is_its_own_summary_is_given_once() -> None:
    item = {
        **reasoning_item("hm"),
        "content": [{"type": "reasoning_text", "text": "hm"}],
    }

    assert reasoning_of([*decode(unnumbered(item_done(item)) + end())]) == "hm"


# Calls.

ARGUMENTS = "response.function_call_arguments"


@pytest.mark.parametrize(
    ("lacking", "last"),
    [
        ((f"{ARGUMENTS}.delta",), ended("completed")),
        ((f"{ARGUMENTS}.delta", ITEM_DONE), ended("completed")),
        ((f"{ARGUMENTS}.delta", f"{ARGUMENTS}.done"), ended("completed")),
        ((f"{ARGUMENTS}.done", ITEM_DONE), ended("completed")),
        (
            (f"{ARGUMENTS}.delta", f"{ARGUMENTS}.done", ITEM_DONE),
            ended("completed", call_item("f", '{"a": 1}')),
        ),
        (
            ("response.output_item.added", f"{ARGUMENTS}.done", ITEM_DONE),
            ended("completed", call_item("f", '{"a": 1}')),
        ),
        (("response.output_item.added",), ended("completed")),
    ],
)
def test_a_call_is_given_once_whatever_is_missing(
    lacking: tuple[str, ...], last: Fields
) -> None:
    given = without(call("f", '{"a": 1}'), *lacking)

    events = decode(unnumbered(created(), *given, last))

    assert events[:-2] == CALL
    assert end_of(events).reason == "tool_calls"


def test_a_call_is_known_whatever_the_whole_answer_has_in_its_place() -> None:
    # As the router of SGLang ends an answer: its issue 12652.
    other = {**message_item(""), "content": [{"type": "text", "text": ""}]}
    given = without(call("f", '{"a": 1}'), ITEM_DONE)

    events = decode(unnumbered(created(), *given, ended("completed", other)))

    assert events[:-2] == CALL


@pytest.mark.parametrize("place", ["item", "done", "end"])
def test_arguments_may_be_an_object(place: str) -> None:
    item = {**call_item("f", ""), "arguments": {"a": 1}}
    added, done, ended_item = call("f")
    given = {
        "item": [added, {**ended_item, "item": item}],
        "done": [added, {**done, "arguments": {"a": 1}}],
        "end": [added],
    }[place]
    last = ended("completed", *([item] if place == "end" else []))

    assert decode(unnumbered(*given, last))[:-2] == CALL


def test_arguments_that_came_in_increments_may_be_an_object_in_the_end() -> None:
    given = without(call("f", '{"a":1}'), ITEM_DONE)
    whole = {**call_item("f", ""), "arguments": {"a": 1}}

    events = decode(unnumbered(*given, item_done(whole), ended("completed", whole)))

    assert events[:-2] == [CALL[0], ToolCallDelta(index=0, arguments='{"a":1}')]


@pytest.mark.parametrize("lacking", [(), (f"{ARGUMENTS}.delta",)])
def test_a_call_is_given_as_soon_as_its_id_and_its_name_are_known(
    lacking: tuple[str, ...],
) -> None:
    added, *others = without(call("f", '{"a": 1}'), *lacking)
    begun = cast("Fields", added["item"])
    added = {**added, "item": {**begun, "call_id": None, "name": None}}

    assert decode(unnumbered(added, *others, ended("completed")))[:-2] == CALL


def test_a_call_without_a_name_is_not_of_the_protocol() -> None:
    nameless = {**call_item("f", "{}"), "name": None}

    _, error = READING.error_of(unnumbered(item_done(nameless)) + end())

    assert isinstance(error, ProtocolError)
    assert "a call without a name" in str(error)


def test_increments_of_a_call_that_never_came_are_not_lost_in_silence() -> None:
    increment: Fields = {"type": f"{ARGUMENTS}.delta", "delta": "{"}

    _, error = READING.error_of(unnumbered(increment, ended("completed")))

    assert "a call that was not begun" in str(error)


def test_calls_of_one_place_are_distinguished_by_their_ids() -> None:
    items = [{**call_item("f", "{}", number), "id": None} for number in (1, 2)]
    added: list[Fields] = [
        {"type": "response.output_item.added", "output_index": 0, "item": item}
        for item in items
    ]

    events = decode(unnumbered(*added, *map(item_done, items), ended("completed")))

    ids = [
        event.id for event in events if isinstance(event, ToolCallDelta) and event.id
    ]
    assert ids == ["call_1", "call_2"]


def test_a_call_that_begins_twice_is_one() -> None:
    added, *others = call("f", '{"a": 1}')

    events = decode(unnumbered(added, added, *others, ended("completed")))

    assert events[:-2] == CALL


def test_calls_may_all_have_one_id() -> None:
    items = [{**call_item("f", "{}", number), "call_id": "c"} for number in (1, 2)]
    added: list[Fields] = [
        {"type": "response.output_item.added", "output_index": n, "item": item}
        for n, item in enumerate(items)
    ]
    done = [{**item_done(item), "output_index": n} for n, item in enumerate(items)]
    last = ended("completed", *items)
    orders = ([added[0], done[0], added[1], done[1], last], [*done, last], [last])

    for order in orders:
        calls = [e for e in decode(unnumbered(*order)) if isinstance(e, ToolCallDelta)]
        assert [c.index for c in calls if c.id is not None] == [0, 1]


# Gaps.


def test_what_a_gap_took_of_a_text_is_in_the_whole_answer() -> None:
    data = numbered(created(), delta("a")) + numbered(completed("ab"), start=9)

    assert text_of(decode(data)) == "ab"


@pytest.mark.parametrize(
    "last",
    [
        pytest.param(completed("abc"), id="another text"),
        pytest.param(ended("completed"), id="no text"),
    ],
)
def test_a_gap_in_a_text_that_cannot_be_made_good_is_an_error(last: Fields) -> None:
    lost = numbered(created(), delta("a"))

    text, error = READING.error_of(lost + numbered(delta("c"), last, start=3))

    assert text == "ac"
    assert "with missing events" in str(error)


def test_a_gap_in_a_calls_arguments_is_an_error() -> None:
    added, first, _, third, *rest = call("f", '{"a', '": ', "1}")
    data = numbered(created(), added, first) + numbered(third, *rest, start=4)

    _, error = READING.error_of(data)

    assert "ends a call with missing events" in str(error)


def test_a_gap_between_calls_harms_nothing() -> None:
    data = numbered(created(), *call("f", '{"a": 1}'))
    last = ended("completed", call_item("f", '{"a": 1}'))

    assert decode(data + numbered(last, start=99))[:-2] == CALL


# The items.


def test_items_that_the_end_alone_has_are_taken_from_there() -> None:
    listed: list[Fields] = [
        {"type": "mcp_list_tools", "id": name, "server_label": name, "tools": []}
        for name in ("one", "two")
    ]
    whole = [*listed, message_item("a")]
    given = [item_done(listed[1]), *message("a")]

    events = decode(unnumbered(*given, ended("completed", *whole)))

    assert text_of(events) == "a"
    assert end_of(events).items == tuple(listed)
    assert end_of(events).state == {"openai-responses": {"items": whole}}


def test_items_are_known_by_their_places_if_their_ids_change() -> None:
    # As GitHub's Copilot sends them: vercel/ai, pull request 18548.
    search: Fields = {"type": "web_search_call", "id": "1"}
    whole = [{**search, "id": "2"}, message_item("a"), message_item("b")]

    data = unnumbered(item_done(search), *message("a"), ended("completed", *whole))
    events = decode(data)

    assert text_of(events) == "ab"
    assert end_of(events).items == (whole[0],)


def test_the_items_that_ended_count_if_the_end_lacks_what_the_service_reads() -> None:
    item = reasoning_item("hm")
    whole = {**item, "encrypted_content": None}

    events = decode(unnumbered(item_done(item), ended("completed", whole)))

    assert end_of(events).state == {"openai-responses": {"items": [item]}}


def test_a_large_image_comes_in_one_event() -> None:
    image = "iVBORw0K" + "A" * (3 * 1024 * 1024)
    item: Fields = {"type": "image_generation_call", "id": "i", "result": image}

    events = decode(unnumbered(item_done(item), ended("completed", item)))

    assert len(events) == 3


def test_a_limit_that_is_set_holds() -> None:
    decoder = ResponsesDecoder("Vendor")
    decoder.limit(100)

    decoder.feed(unnumbered(completed("a" * 100)))

    with pytest.raises(ProtocolError, match="max_event_bytes"):
        decoder.check()


def test_a_document_may_have_halves_of_pairs() -> None:
    document = json.dumps({"status": "completed", "output": [message_item("\ud83d")]})

    assert text_of(decode(document.encode())) == "\ufffd"


def added(item: Fields, place: int = 0) -> Fields:
    return {"type": "response.output_item.added", "output_index": place, "item": item}


def test_a_function_call_may_be_whole_in_its_beginning() -> None:
    item = call_item("f", '{"a": 1}')

    events = decode(numbered(created(), added(item), ended("completed")))

    assert events[:2] == [*CALL]
    assert end_of(events).reason == "tool_calls"


@pytest.mark.parametrize(
    ("item", "arguments"),
    [
        (
            {"type": "custom_tool_call", "call_id": "c", "name": "sql", "input": "x"},
            "x",
        ),
        ({"type": "shell_call", "call_id": "c", "action": {}}, "{}"),
        ({"type": "mcp_approval_request", "id": "c", "arguments": "{}"}, "{}"),
    ],
)
def test_another_call_may_be_whole_in_its_beginning(
    item: Fields, arguments: str
) -> None:
    events = decode(numbered(created(), added(item), ended("completed")))

    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert "".join(call.arguments for call in calls) == arguments
    assert [call.item for call in calls if call.item] == [item]
    assert end_of(events).state == {"openai-responses": {"items": [item]}}


def test_the_beginning_of_a_call_may_have_a_placeholder() -> None:
    begun, *rest = without(call("f", '{"a"', ": 1}"), ITEM_DONE)
    begun = {**begun, "item": call_item("f", "{}")}

    events = decode(unnumbered(created(), begun, *rest, ended("completed")))

    calls = [event for event in events if isinstance(event, ToolCallDelta)]
    assert "".join(call.arguments for call in calls) == '{"a": 1}'


def test_texts_and_reasoning_may_be_whole_in_their_beginnings() -> None:
    events = decode(
        unnumbered(
            created(),
            added(reasoning_item("Hm"), 0),
            added(message_item("a"), 1),
            added({**message_item(""), "id": "msg_2"}, 2),
            delta("b"),
            added({"type": "web_search_call", "id": "w", "status": "completed"}, 3),
            ended("completed"),
        )
    )

    assert (text_of(events), reasoning_of(events)) == ("ab", "Hm")
    assert len(end_of(events).items) == 1


def test_what_is_whole_in_its_beginning_is_given_once() -> None:
    begun, *rest = message("a", "b")
    begun = {**begun, "item": message_item("ab")}
    thought = [added(reasoning_item("Hm")), *reasoning("Hm")[1:]]

    cases: list[tuple[str, ...]] = [(), (ITEM_DONE,), (TEXT_DONE,)]

    for lacking in [*cases, (TEXT_DELTA, ITEM_DONE)]:
        events = decode(
            unnumbered(
                created(),
                *without(thought, *lacking),
                begun,
                *without(rest, *lacking),
                ended("completed"),
            )
        )

        assert (text_of(events), reasoning_of(events)) == ("ab", "Hm")
