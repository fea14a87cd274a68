"""Good answers with something unknown inserted at every place, without any network.

Services add events, fields, types and reasons at any time. Nothing of it may end an
answer, and nothing that is known may be lost.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from typing import Any, NamedTuple, cast

import pytest

from turnout.testing._slicing import Slicing, at_random, by_size, whole
from turnout.types import (
    Citation,
    Event,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout_openai._deviations import GroqDecoder
from turnout_openai._protocol import Decoder

from ...support.openai_server import DONE, chunk
from ..reading import Reading, end_of, text_of


class Known(NamedTuple):
    """What is known of an answer."""

    text: str
    reasoning: str
    calls: list[tuple[str, str]]
    citations: list[str | None]
    media: list[str | None]
    usage: Usage | None


def known_of(events: list[Event]) -> Known:
    calls: dict[int, tuple[str, str]] = {}
    for each in events:
        if isinstance(each, ToolCallDelta):
            name, arguments = calls.get(each.index, ("", ""))
            calls[each.index] = (each.name or name, arguments + each.arguments)
    return Known(
        text=text_of(events),
        reasoning="".join(e.text for e in events if isinstance(e, ReasoningDelta)),
        calls=list(calls.values()),
        citations=[e.url for e in events if isinstance(e, Citation)],
        media=[e.url for e in events if isinstance(e, MediaDelta)],
        usage=next((e for e in events if isinstance(e, Usage)), None),
    )


def usage(**fields: object) -> dict[str, object]:
    counts = {"prompt_tokens": 9, "completion_tokens": 4, **fields}
    return {**chunk({}), "choices": [], "usage": counts}


def call(**fields: object) -> dict[str, object]:
    return chunk({"tool_calls": [fields]})


SAID = [chunk({"role": "assistant", "content": ""}), chunk({"content": "Hello"})]
END = [chunk({}, "stop"), usage(prompt_tokens_details={"cached_tokens": 2})]

SCRIPTS: dict[str, list[dict[str, Any]]] = {
    "text": [*SAID, chunk({"content": " there."}), *END],
    "reasoning": [
        chunk({"role": "assistant", "reasoning_content": "h"}),
        chunk({"content": None, "reasoning_content": "m"}),
        chunk({"reasoning_details": [{"type": "reasoning.text", "text": "!"}]}),
        *SAID,
        *END,
    ],
    "calls": [
        call(index=0, id="a", type="function", function={"name": "f", "arguments": ""}),
        call(index=0, function={"arguments": '{"a"'}),
        call(index=0, function={"arguments": ": 1}"}),
        call(index=1, id="b", type="custom", custom={"name": "g", "input": "x"}),
        *END,
    ],
    "parts": [
        *SAID,
        chunk(
            {"annotations": [{"type": "url_citation", "url_citation": {"url": "u"}}]}
        ),
        chunk({"images": [{"type": "image_url", "image_url": {"url": "i"}}]}),
        *END,
    ],
    "blocks": [
        chunk(
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]},
                    {"type": "text", "text": "Hello"},
                    {"type": "image_url", "image_url": {"url": "i"}},
                ]
            }
        ),
        *END,
    ],
    "message": [
        *SAID,
        {
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": "Hello"},
                    "finish_reason": "stop",
                }
            ]
        },
        *END[1:],
    ],
}

VALUES: list[object] = [
    "x",
    "",
    7,
    -1.5,
    True,
    None,
    [],
    {},
    ["x", 7, None],
    {"a": {"b": [1]}},
    [{"type": "x"}],
]

EVENTS = [
    b"event: unknown\ndata: {}\n\n",
    b'event: unknown\ndata: {"type": "unknown", "delta": {"text": "x"}}\n\n',
    b'data: {"object": "unknown", "choices": null}\n\n',
    b'data: {"object": "unknown", "choices": [{"index": 0, "unknown": {"a": 1}}]}\n\n',
    b'data: {"choices": [{"index": 0, "delta": null, "finish_reason": null}]}\n\n',
    b'data: {"choices": [{"index": 0, "delta": {"unknown": "x"}}]}\n\n',
    b'data: {"choices": [null]}\n\n',
    b"id: 1\nretry: 5\nunknown: x\n\n",
    b": comment\n\n",
]

CUTS = [
    pytest.param(whole, id="whole"),
    pytest.param(by_size(1), id="bytes"),
    pytest.param(at_random(5), id="random"),
]


def objects_in(value: Any) -> Iterator[dict[str, Any]]:
    """Yield each JSON object in a value."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        yield fields
        value = list(fields.values())
    if isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from objects_in(inner)


def lists_in(value: Any) -> Iterator[list[Any]]:
    """Yield each list of objects in a value."""
    for fields in objects_in(value):
        for inner in fields.values():
            if isinstance(inner, list) and inner:
                yield inner


def sse(chunks: list[dict[str, Any]]) -> list[bytes]:
    return [b"data: " + json.dumps(each).encode() + b"\n\n" for each in chunks]


def read(
    script: list[bytes], slicing: Slicing = whole, decoder: type[Decoder] = Decoder
) -> list[Event]:
    return Reading(decoder).decode(b"".join(script) + DONE, slicing)


@pytest.mark.parametrize("slicing", CUTS)
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_unknown_event_changes_nothing(name: str, slicing: Slicing) -> None:
    script = sse(SCRIPTS[name])
    expected = known_of(read(script))

    for place in range(len(script) + 1):
        for event in EVENTS:
            changed = [*script[:place], event, *script[place:]]
            assert known_of(read(changed, slicing)) == expected, (place, event)


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("decoder", [Decoder, GroqDecoder])
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_unknown_field_changes_nothing(
    name: str, decoder: type[Decoder], value: object
) -> None:
    events = read(sse(SCRIPTS[name]))
    expected, end = known_of(events), end_of(events)

    for place in range(len(list(objects_in(SCRIPTS[name])))):
        changed = deepcopy(SCRIPTS[name])
        list(objects_in(changed))[place]["unknown"] = value
        found = read(sse(changed), at_random(place), decoder)
        assert known_of(found) == expected, (place, value)
        assert end_of(found).reason == end.reason


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_unknown_field_of_a_whole_answer_changes_nothing(
    name: str, value: object
) -> None:
    deltas = [
        each["choices"][0]["delta"]
        for each in SCRIPTS[name]
        if each["choices"] and each["choices"][0].get("delta")
    ]
    message = {name: value for delta in deltas for name, value in delta.items()}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    document = {"choices": [choice], "usage": SCRIPTS[name][-1]["usage"]}
    reading = Reading(Decoder)
    expected = known_of(reading.decode(json.dumps(document).encode()))

    for place in range(len(list(objects_in(document)))):
        changed = deepcopy(document)
        list(objects_in(changed))[place]["unknown"] = value
        found = reading.decode(json.dumps(changed).encode())
        assert known_of(found) == expected, (place, value)


ENUMS = ("object", "role", "type", "service_tier")


@pytest.mark.parametrize("word", ["unknown", "", None, 7])
@pytest.mark.parametrize("name", ["text", "reasoning", "parts", "message"])
def test_an_unknown_word_changes_nothing(name: str, word: object) -> None:
    expected = known_of(read(sse(SCRIPTS[name])))

    for place in range(len(list(objects_in(SCRIPTS[name])))):
        changed = deepcopy(SCRIPTS[name])
        fields = list(objects_in(changed))[place]
        for enum in ENUMS:
            if enum in fields:
                fields[enum] = word
        assert known_of(read(sse(changed), at_random(place))) == expected, place


@pytest.mark.parametrize("word", ["unknown", "UNKNOWN", " "])
@pytest.mark.parametrize("name", SCRIPTS)
def test_an_unknown_reason_ends_an_answer_as_unknown(name: str, word: str) -> None:
    expected = known_of(read(sse(SCRIPTS[name])))
    changed = deepcopy(SCRIPTS[name])
    for fields in objects_in(changed):
        if fields.get("finish_reason"):
            fields["finish_reason"] = word

    found = read(sse(changed))

    assert known_of(found) == expected
    assert end_of(found).reason == ("tool_calls" if expected.calls else "unknown")
    assert end_of(found).details["finish_reason"] == word


@pytest.mark.parametrize(
    "block", [{"type": "unknown"}, {"type": "unknown", "data": {"a": 1}}, {}, None]
)
@pytest.mark.parametrize("name", ["reasoning", "calls", "parts", "blocks"])
def test_an_unknown_part_changes_nothing(name: str, block: object) -> None:
    expected = known_of(read(sse(SCRIPTS[name])))

    for place in range(len(list(lists_in(SCRIPTS[name])))):
        for first in (True, False):
            changed = deepcopy(SCRIPTS[name])
            parts = list(lists_in(changed))[place]
            parts.insert(0 if first else len(parts), block)
            assert known_of(read(sse(changed))) == expected, (place, block)
