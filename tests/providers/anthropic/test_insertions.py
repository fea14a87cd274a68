"""Good answers with something unknown at every place: nothing known is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from turnout.testing._slicing import at, at_random
from turnout.types import Citation, Event, ReasoningDelta, ToolCallDelta
from turnout_anthropic._protocol import Decoder

from ...support.anthropic_server import (
    PING,
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
from ..reading import Reading, end_of, text_of, usage_of

READING = Reading(Decoder)

CITED = {"type": "char_location", "cited_text": "in 1993", "document_index": 0}

SCRIPTS = {
    "text": begin() + PING + texts("It", " is \U0001f5fc.") + finish() + STOP,
    "calls": (
        begin(cache_read_input_tokens=5)
        + thinking("Let me", " see.")
        + texts("I look.", index=1)
        + tool('{"a"', ": 1}", index=2, id="a")
        + tool(index=3, id="b", name="g")
        + finish("tool_use")
        + STOP
    ),
    "service": (
        begin(service_tier="standard")
        + start(0, "compaction", content=None)
        + delta(0, "compaction_delta", content="So far.")
        + stop(0)
        + start(1, "server_tool_use", id="s", name="web_search", input={})
        + delta(1, "input_json_delta", partial_json='{"query": "x"}')
        + stop(1)
        + start(2, "web_search_tool_result", tool_use_id="s", content=[{"url": "u"}])
        + stop(2)
        + start(3, "text", text="", citations=[])
        + delta(3, "citations_delta", citation=CITED)
        + delta(3, "text_delta", text="Made in 1993.")
        + stop(3)
        + finish("pause_turn", container={"id": "c1"})
        + STOP
    ),
    "whole": event(
        {
            "type": "message_start",
            "message": {
                "id": "msg_1",
                "content": [
                    {"type": "text", "text": "Hi", "citations": [CITED]},
                    {"type": "tool_use", "id": "a", "name": "f", "input": {"x": 1}},
                ],
                "stop_reason": "tool_use",
                "usage": {"input_tokens": 1, "output_tokens": 2},
            },
        }
    )
    + STOP,
}

every_script = pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)


def events_of(script: bytes) -> list[dict[str, Any]]:
    return [
        json.loads(part.partition(b"data: ")[2])
        for part in script.split(b"\n\n")
        if part
    ]


def written(events: list[dict[str, Any]]) -> bytes:
    return b"".join(map(event, events))


def known(events: list[Event]) -> dict[str, Any]:
    """Return what an answer says, without what a script may add to it."""
    thoughts = [e.text for e in events if isinstance(e, ReasoningDelta)]
    calls: dict[int, list[str]] = {}
    for each in events:
        if isinstance(each, ToolCallDelta):
            call = calls.setdefault(each.index, ["", "", ""])
            call[0] += each.id or ""
            call[1] += each.name or ""
            call[2] += each.arguments
    citations = [e for e in events if isinstance(e, Citation)]
    end = end_of(events)
    return {
        "text": text_of(events),
        "reasoning": "".join(thoughts),
        "calls": calls,
        "citations": [(c.cited_text, c.start, c.end) for c in citations],
        "usage": usage_of(events),
        "reason": end.reason,
        "word": end.details["finish_reason"],
        "container": end.details.get("container"),
    }


def check(script: bytes, changed: list[dict[str, Any]], place: int) -> Any:
    """Read a changed answer, cut at random, and compare what is known of it."""
    events = READING.decode(written(changed), at_random(place))

    assert known(events) == known(READING.decode(script))
    return json.loads(json.dumps([end_of(events).items, end_of(events).state]))


@every_script
def test_unknown_events(script: bytes) -> None:
    events = events_of(script)
    before = READING.decode(script)
    kept = json.loads(json.dumps([end_of(before).items, end_of(before).state]))
    lost = {"type": "text_delta", "text": "lost"}
    strange: list[dict[str, Any]] = [
        {"type": "aurora", "index": 0, "delta": lost},
        {"type": "aurora", "message": {"id": "other", "content": []}},
        {"type": "aurora", "code": 7, "message": "north"},
        {"type": None, "aurora": {"borealis": [1, None]}},
        {"type": "content_block_delta", "index": 99, "delta": {"type": "aurora"}},
        {"type": "content_block_delta", "index": [], "delta": {"type": "aurora"}},
    ]
    for odd in strange:
        for place in range(len(events) + 1):
            changed = [*events[:place], odd, *events[place:]]
            assert check(script, changed, place) == kept


@every_script
@pytest.mark.parametrize("grows", [True, False])
def test_unknown_blocks(script: bytes, grows: bool) -> None:
    events = events_of(script)
    block: dict[str, Any] = {"type": "aurora", "colour": "green", "text": None}
    increment = {"type": "aurora_delta", "colour": "red"}
    first: list[dict[str, Any]] = [
        {"type": "content_block_start", "index": 99, "content_block": block}
    ]
    if grows:
        first.append({"type": "content_block_delta", "index": 99, "delta": increment})
    first.append({"type": "content_block_stop", "index": 99})
    mark = events.index({"type": "message_stop"})
    # A block before the message begins, or after its mark, is not of the answer.
    for place in range(1, mark + 1):
        changed = [*events[:place], *first, *events[place:]]
        items, state = check(script, changed, place)
        kept: list[Any] = state["anthropic"]["content"] if state else []
        item = {**block, "deltas": [increment]} if grows else block
        assert item in items
        assert (block in kept) is not grows
        assert item not in kept or not grows


@every_script
def test_unknown_increments(script: bytes) -> None:
    events = events_of(script)
    odd = {"type": "aurora_delta", "colour": "red", "text": "lost"}
    begun: list[int] = []
    for place, each in enumerate(events):
        if each["type"] == "content_block_start":
            begun.append(each["index"])
        for index in begun if each["type"] != "message_stop" else ():
            sent = {"type": "content_block_delta", "index": index, "delta": odd}
            changed = [*events[: place + 1], sent, *events[place + 1 :]]
            items, _ = check(script, changed, place)
            assert [odd] in [item.get("deltas") for item in items]


def places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of each object in a value."""
    if isinstance(value, dict):
        yield path
        for name, inner in cast("dict[str, Any]", value).items():
            # What the answer quotes is not of the protocol.
            if name not in {"input", "citation", "container"}:
                yield from places(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(cast("list[object]", value)):
            yield from places(inner, (*path, index))


def at_path(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@every_script
@pytest.mark.parametrize("value", ["north", 7, None, {"type": "aurora"}, [1]])
def test_unknown_fields(script: bytes, value: object) -> None:
    events = events_of(script)
    for number, path in enumerate(places(events)):
        changed = json.loads(json.dumps(events))
        at_path(changed, path)["aurora"] = value
        check(script, changed, number)


@every_script
@pytest.mark.parametrize("word", ["aurora", "AURORA", "end-turn", "\u2728"])
def test_unknown_reasons(script: bytes, word: str) -> None:
    changed = events_of(script)
    for each in changed:
        for fields in (each.get("delta", {}), each.get("message", {})):
            if fields.get("stop_reason"):
                fields["stop_reason"] = word
    read, before = (known(READING.decode(data)) for data in (written(changed), script))

    assert read.pop("word") == word
    assert read.pop("reason") == ("tool_calls" if before["calls"] else "unknown")
    assert read.items() <= before.items()


@every_script
def test_unknown_words(script: bytes) -> None:
    events = events_of(script)
    for number, path in enumerate(places(events)):
        for name in ("role", "service_tier", "stop_sequence", "model"):
            changed = json.loads(json.dumps(events))
            fields = at_path(changed, path)
            if name in fields:
                fields[name] = "aurora"
                check(script, changed, number)


def test_unknown_types_of_citations_and_iterations() -> None:
    script = SCRIPTS["service"].replace(b'"char_location"', b'"aurora_location"')
    iterations = [{"type": "aurora", "input_tokens": 7, "output_tokens": 7}]
    changed = events_of(script)
    for each in changed:
        if each["type"] == "message_delta":
            each["usage"]["iterations"] = iterations

    assert check(SCRIPTS["service"], changed, 0)


@every_script
def test_every_cut_in_two(script: bytes) -> None:
    whole = READING.decode(script)

    for position in range(len(script) + 1):
        assert READING.decode(script, at(position)) == whole
