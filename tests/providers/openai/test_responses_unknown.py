"""Answers by Responses with something unknown at every place, and cut at every byte.

Services add events, fields, types of items and parts, reasons and words at any time.
None of them may end an answer, or hide what is known.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any, NamedTuple, cast

import pytest

from turnout._record import Record
from turnout.errors import StreamTruncatedError
from turnout.testing._slicing import at_random
from turnout.types import Event, Finish, Reply
from turnout_openai._responses import ResponsesDecoder

from ...support.responses_events import (
    Fields,
    call,
    call_item,
    created,
    ended,
    item_done,
    message,
    message_item,
    numbered,
    reasoning,
    reasoning_item,
)
from ..reading import Reading

READING = Reading(ResponsesDecoder)

WEB: Fields = {
    "type": "url_citation",
    "url": "https://host",
    "start_index": 0,
    "end_index": 1,
}
CITED = {
    **message_item(""),
    "content": [{"type": "output_text", "text": "ab", "annotations": [WEB]}],
}
IMAGE: Fields = {
    "type": "image_generation_call",
    "id": "ig_1",
    "status": "completed",
    "result": "iVBORw0KGgo=",
}
SEARCH: Fields = {"type": "web_search_call", "id": "ws_1", "status": "completed"}
PATCH: Fields = {
    "type": "apply_patch_call",
    "id": "apc_1",
    "call_id": "call_1",
    "status": "completed",
    "operation": {"type": "delete_file", "path": "a"},
}
REFUSED = {**message_item(""), "content": [{"type": "refusal", "refusal": "no"}]}

SCRIPTS: dict[str, list[Fields]] = {
    "text": [created(), *message("a", "b"), ended("completed", message_item("ab"))],
    "call": [created(), *call("f", "{", "}"), ended("completed", call_item("f", "{}"))],
    "reasoning": [
        created(),
        *reasoning("One.", "Two."),
        *message("a"),
        ended("completed", reasoning_item("One.", "Two."), message_item("a")),
    ],
    "items": [
        created(),
        {"type": "response.output_item.added", "output_index": 0, "item": SEARCH},
        item_done(SEARCH),
        {**item_done(CITED), "output_index": 1},
        {**item_done(IMAGE), "output_index": 2},
        {**item_done(PATCH), "output_index": 3},
        ended("completed", SEARCH, CITED, IMAGE, PATCH),
    ],
    "the end alone": [created(), ended("completed", SEARCH, CITED, PATCH)],
    "refusal": [
        created(),
        {"type": "response.refusal.delta", "delta": "no"},
        item_done(REFUSED),
        ended("completed", REFUSED),
    ],
}


class Known(NamedTuple):
    """What has to come of an answer, whatever else is in it."""

    text: str
    reasoning: str
    calls: object
    citations: object
    media: object
    usage: object
    items: list[object]


def known(events: list[Event]) -> Known:
    record = Record()
    record.take(events)
    record.complete = True
    reply: Reply = record.reply()
    return Known(
        text=reply.text,
        reasoning=reply.reasoning,
        calls=[(c.id, c.name, c.kind, c.arguments) for c in reply.tool_calls],
        citations=[(c.url, c.start, c.end) for c in reply.citations],
        media=reply.media,
        usage=reply.usage,
        items=[item.get("id") for item in reply.items],
    )


UNKNOWN_EVENTS: list[Fields] = [
    {"type": "response.new.thing", "delta": "lost", "text": "lost", "code": 7},
    {"type": "response.output_text.new", "delta": "lost", "message": "lost"},
    {"type": "keepalive"},
    {"type": "new.error_rate", "value": 1},
    {"object": "new", "created": 1},
]

UNKNOWN_ITEM: Fields = {
    "type": "new_call",
    "id": "new_1",
    "content": [{"type": "output_text", "text": "lost"}],
    "arguments": "{}",
}

UNKNOWN_PART: Fields = {"type": "new_part", "data": {"deep": [1]}}


def with_events(script: list[Fields]) -> Iterator[list[Fields]]:
    for unknown in UNKNOWN_EVENTS:
        for place in range(len(script)):
            yield [*script[:place], unknown, *script[place:]]


def with_items(script: list[Fields]) -> Iterator[list[Fields]]:
    added: Fields = {
        "type": "response.output_item.added",
        "output_index": 9,
        "item": UNKNOWN_ITEM,
    }
    done = {**item_done(UNKNOWN_ITEM), "output_index": 9}
    for place in range(len(script)):
        yield [*script[:place], added, done, *script[place:]]
    output = outputs(script)
    for place in range(len(output) + 1):
        changed = deepcopy(script)
        outputs(changed).insert(place, UNKNOWN_ITEM)
        yield changed


def outputs(script: list[Fields]) -> list[object]:
    whole = cast("dict[str, list[object]]", script[-1]["response"])
    return whole["output"]


def inner(value: object) -> Iterator[Any]:
    """Yield the objects and the lists in a value."""
    if isinstance(value, dict | list):
        yield value
    if isinstance(value, dict):
        value = list(cast("Fields", value).values())
    if isinstance(value, list):
        for one in cast("list[object]", value):
            yield from inner(one)


def changed_at_each_place(
    script: list[Fields], change: Callable[[Any], bool]
) -> Iterator[list[Fields]]:
    """Yield the script with one of its objects or lists changed at a time."""
    for place in range(len(list(inner(script)))):
        changed = deepcopy(script)
        if place and change(list(inner(changed))[place]):
            yield changed


def put_field(value: Any) -> bool:
    if not isinstance(value, dict) or "path" in value:  # Which is a call's input.
        return False
    value["new_field"] = {"type": "new", "text": "lost"}
    return True


def put_part(value: Any) -> bool:
    """Put an unknown part into a list of parts."""
    parts = cast("list[Fields]", value if isinstance(value, list) else [])
    kinds = {str(part.get("type")) for part in parts}
    if kinds.isdisjoint({"output_text", "refusal", "summary_text"}):
        return False
    parts.insert(0, UNKNOWN_PART)
    return True


def put_word(value: Any) -> bool:
    fields = cast("Fields", value if isinstance(value, dict) else {})
    names = {"status", "role", "object", "phase"}.intersection(fields)
    fields.update(dict.fromkeys(names, "new"))
    return bool(names)


def with_fields(script: list[Fields]) -> Iterator[list[Fields]]:
    return changed_at_each_place(script, put_field)


def with_parts(script: list[Fields]) -> Iterator[list[Fields]]:
    return changed_at_each_place(script, put_part)


def with_words(script: list[Fields]) -> Iterator[list[Fields]]:
    return changed_at_each_place(script, put_word)


def with_reasons(script: list[Fields]) -> Iterator[list[Fields]]:
    for reason in ({"reason": "new"}, {"new": 1}, "new"):
        last = cast("Fields", script[-1]["response"])
        whole = {**last, "status": "incomplete", "incomplete_details": reason}
        yield [*script[:-1], {"type": "response.incomplete", "response": whole}]


@pytest.mark.parametrize(
    "variants",
    [with_events, with_items, with_fields, with_parts, with_words, with_reasons],
)
@pytest.mark.parametrize("name", SCRIPTS)
def test_what_is_unknown_hides_nothing(
    name: str, variants: Callable[[list[Fields]], Iterator[list[Fields]]]
) -> None:
    script = SCRIPTS[name]
    expected = known(READING.decode(numbered(*script)))

    for variant in variants(script):
        found = known(READING.decode(numbered(*variant)))

        assert found[:-1] == expected[:-1], variant
        assert set(expected.items) <= set(found.items), variant


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_document_says_the_same_as_a_stream(name: str) -> None:
    script = SCRIPTS[name]
    whole = cast("Fields", script[-1]["response"])
    document = json.dumps(whole).encode()

    assert known(READING.decode(document)) == known(READING.decode(numbered(*script)))


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_answer_that_is_cut_is_truncated(name: str) -> None:
    data = numbered(*SCRIPTS[name])
    whole = known(READING.decode(data))
    complete = len(data) - len(b"\n\n")

    for cut in range(len(data) + 1):
        decoder, events = READING.decoded(data[:cut])
        ended_whole = any(isinstance(event, Finish) for event in events)
        assert ended_whole == (cut >= complete)
        if ended_whole:
            assert known(events) == whole
        else:
            with pytest.raises(StreamTruncatedError):
                decoder.check()


@pytest.mark.parametrize("name", SCRIPTS)
def test_an_answer_is_the_same_however_it_is_cut(name: str) -> None:
    data = numbered(*SCRIPTS[name])
    whole = READING.decode(data)
    seeds = random.Random(name).sample(range(1000), 20)

    assert all(READING.decode(data, at_random(seed)) == whole for seed in seeds)
