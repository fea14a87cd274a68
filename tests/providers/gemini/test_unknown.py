"""Good answers with something unknown at every place: nothing known is lost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias, cast

import pytest

from turnout.errors import StreamTruncatedError
from turnout.types import (
    Citation,
    Event,
    Finish,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
    Usage,
)
from turnout_gemini._protocol import Decoder

from ...support.gemini_server import event, response
from ...support.unknown_fields import UNKNOWN, with_field, with_item
from ..reading import Reading, end_of, text_of

Fields: TypeAlias = dict[str, Any]

READING = Reading(Decoder)

OWN = frozenset({"args", "partialArgs"})

CALL: Fields = {"id": "c1", "name": "look", "args": {"at": "é", "n": [1, {"b": None}]}}
WEB = {"web": {"uri": "https://a.example/", "title": "A"}}
GROUNDING = {
    "groundingChunks": [WEB],
    "groundingSupports": [
        {"segment": {"startIndex": 1, "endIndex": 3}, "groundingChunkIndices": [0]}
    ],
}
COUNTS = {"promptTokenCount": 9, "candidatesTokenCount": 4, "thoughtsTokenCount": 2}
PNG = {"inlineData": {"mimeType": "image/png", "data": "iVBORw=="}}
CODE = {"executableCode": {"language": "PYTHON", "code": "1"}}
SEARCH = {"toolCall": {"id": "s1", "toolType": "GOOGLE_SEARCH_WEB"}}
PIECE = {"jsonPath": "$.at", "stringValue": "Rome"}

SCRIPTS: dict[str, list[Fields]] = {
    "text": [
        response([{"text": "Par"}]),
        response([{"text": "is"}, {"text": "."}]),
        response(None, "MAX_TOKENS", USAGE=COUNTS),
    ],
    "thoughts": [
        response([{"text": "hm", "thought": True}]),
        response([{"text": "Yes"}, {"text": "", "thoughtSignature": "x"}], "STOP"),
    ],
    "calls": [
        response([{"functionCall": CALL, "thoughtSignature": "x"}]),
        response(
            [{"functionCall": {"name": "stop"}}], "STOP", safetyRatings=[{"a": 1}]
        ),
    ],
    "call in pieces": [
        response([{"functionCall": {"name": "f", "willContinue": True}}]),
        response([{"functionCall": {"partialArgs": [PIECE], "willContinue": True}}]),
        response([{"functionCall": {}}]),
        response([], "STOP"),
    ],
    "grounding": [
        response([{"text": "It is"}]),
        response([{"text": " so."}], "STOP", groundingMetadata=GROUNDING),
    ],
    "media": [response([{"text": "Here"}, PNG]), response([], "STOP")],
    "items": [response([SEARCH]), response([CODE, {"text": "1"}], "STOP")],
}


def encoded(chunks: list[Fields]) -> bytes:
    return b"".join(map(event, chunks))


def known(events: list[Event]) -> Fields:
    """Return what is known of an answer, without the ids that are made."""
    calls = [each for each in events if isinstance(each, ToolCallDelta)]
    citations = [each for each in events if isinstance(each, Citation)]
    return {
        "text": text_of(events),
        "reasoning": [e.text for e in events if isinstance(e, ReasoningDelta)],
        "calls": [(call.index, call.name, call.arguments) for call in calls],
        "usage": [each for each in events if isinstance(each, Usage)],
        "citations": [(c.url, c.title, c.start, c.end) for c in citations],
        "media": [each for each in events if isinstance(each, MediaDelta)],
        "reason": end_of(events).reason,
    }


def lost(whole: object, found: object) -> bool:
    """Tell whether a value lacks anything of another."""
    if isinstance(whole, dict) and isinstance(found, dict):
        fields, others = cast("Fields", whole), cast("Fields", found)
        return any(n not in others or lost(v, others[n]) for n, v in fields.items())
    if isinstance(whole, list) and isinstance(found, list):
        rest = iter(cast("list[object]", found))
        items = cast("list[object]", whole)
        return not all(any(not lost(item, other) for other in rest) for item in items)
    return whole != found


def check_same(whole: Finish, found: Finish) -> None:
    assert not lost(dict(whole.details), dict(found.details))
    assert not lost([*whole.items], [*found.items])
    assert not lost(whole.state or {}, found.state or {})


def changed(script: list[Fields]) -> Iterator[list[Fields]]:
    """Yield the script with something unknown, at every place."""
    for number in range(len(script) + 1):
        for unknown in (UNKNOWN, {}, {"candidates": None}, {"candidates": [UNKNOWN]}):
            yield [*script[:number], unknown, *script[number:]]
    yield from with_field(script, OWN)
    for part in (UNKNOWN, {"brandNew": UNKNOWN}, {}, None, {"thoughtSignature": "y"}):
        yield from with_item(script, "parts", part)
    yield from with_item(script, "groundingChunks", UNKNOWN)
    yield from with_item(script, "groundingSupports", UNKNOWN)
    other = {"index": 1, "content": {"parts": [{"text": "other"}]}}
    yield from with_item(script, "candidates", other)
    yield from with_item(script, "safetyRatings", UNKNOWN)


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_something_unknown_changes_nothing_that_is_known(
    script: list[Fields],
) -> None:
    whole = READING.decode(encoded(script))
    whole_fields = known(whole)

    for each in changed(script):
        found = READING.decode(encoded(each))
        # A source before the others moves what the segments name.
        sources = known(found).pop("citations")
        assert {**known(found), "citations": whole_fields["citations"]} == whole_fields
        assert len(sources) >= len(whole_fields["citations"])
        check_same(end_of(whole), end_of(found))


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_an_unknown_reason_is_the_end(script: list[Fields]) -> None:
    whole = known(READING.decode(encoded(script)))
    *before, last = script
    candidate = {**last["candidates"][0], "finishReason": "BRAND_NEW"}

    found = READING.decode(encoded([*before, {**last, "candidates": [candidate]}]))

    reason = "tool_calls" if whole["calls"] else "unknown"
    assert known(found) == {**whole, "reason": reason}
    assert end_of(found).details["finish_reason"] == "BRAND_NEW"


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_cut_at_any_byte_is_an_error_and_shows_nothing_else(
    script: list[Fields],
) -> None:
    body = encoded(script)
    whole = known(READING.decode(body))

    for length in range(len(body) - 2):  # The blank line is not needed.
        decoder, events = READING.decoded(body[:length])
        with pytest.raises(StreamTruncatedError):
            decoder.check()
        assert not any(isinstance(each, Finish) for each in events)
        assert whole["text"].startswith(text_of(events))


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_whole_responses_are_the_same_answer(script: list[Fields]) -> None:
    assert known(READING.decode(json.dumps(script).encode())) == known(
        READING.decode(encoded(script))
    )
