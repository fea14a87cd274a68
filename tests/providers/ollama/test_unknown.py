"""Good answers with something unknown at every place: nothing known is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from turnout.errors import StreamTruncatedError
from turnout.types import (
    Event,
    Finish,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
)
from turnout_ollama._protocol import Decoder

from ...support.ollama_server import line, message
from ...support.unknown_fields import UNKNOWN, with_field, with_item
from ..reading import Reading, end_of, text_of, usage_of

READING = Reading(Decoder)

OWN = frozenset({"arguments"})

CALL: dict[str, Any] = {
    "id": "c",
    "function": {"name": "f", "arguments": {"at": "é", "n": [1, {}]}},
}

LAST = {
    **message(done=True),
    "done_reason": "stop",
    "prompt_eval_count": 9,
    "eval_count": 4,
    "total_duration": 5,
}

SCRIPTS: dict[str, list[dict[str, Any]]] = {
    "text": [message(content="Par"), message(content="is"), LAST],
    "thinking": [message(thinking="h"), message(thinking="m", content="a"), LAST],
    "calls": [message(tool_calls=[CALL]), message(tool_calls=[CALL, CALL]), LAST],
    "blocks": [message(content=[{"type": "text", "text": "a"}]), LAST],
    "images": [message(images=["eA=="]), LAST],
    "probabilities": [{**message(content="a"), "logprobs": [{"token": "a"}]}, LAST],
}


def encoded(script: list[dict[str, Any]]) -> bytes:
    return b"".join(map(line, script))


def known(events: list[Event]) -> dict[str, Any]:
    """Return what is known of an answer."""
    end = end_of(events)
    return {
        "text": text_of(events),
        "reasoning": [e.text for e in events if isinstance(e, ReasoningDelta)],
        "calls": [each for each in events if isinstance(each, ToolCallDelta)],
        "media": [each for each in events if isinstance(each, MediaDelta)],
        "usage": usage_of(events),
        "reason": end.reason,
        "state": end.state,
    }


def changed(script: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """Yield the script with something unknown, at every place before its end."""
    for number in range(len(script)):
        for unknown in (UNKNOWN, {}, {"message": None}, {"message": UNKNOWN}):
            yield [*script[:number], unknown, *script[number:]]
    yield from with_field(script, OWN)
    yield from with_item(script, "content", {"type": "brand_new"})


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_something_unknown_changes_nothing_that_is_known(
    script: list[dict[str, Any]],
) -> None:
    whole = READING.decode(encoded(script))

    for each in changed(script):
        found = READING.decode(encoded(each))
        assert known(found) == known(whole)
        details = end_of(found).details
        names = end_of(whole).details.keys()
        assert {**details, "logprobs": None}.keys() >= names


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_an_unknown_reason_is_the_end(script: list[dict[str, Any]]) -> None:
    whole = known(READING.decode(encoded(script)))

    last = {**LAST, "done_reason": "brand_new"}
    found = READING.decode(encoded([*script[:-1], last]))

    reason = "tool_calls" if whole["calls"] else "unknown"
    assert known(found) == {**whole, "reason": reason}


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_a_cut_at_any_byte_is_an_error_and_shows_nothing_else(
    script: list[dict[str, Any]],
) -> None:
    body = encoded(script)
    whole = text_of(READING.decode(body))

    for length in range(len(body) - 1):  # The line feed is not needed.
        decoder, events = READING.decoded(body[:length])
        with pytest.raises(StreamTruncatedError):
            decoder.check()
        assert not any(isinstance(each, Finish) for each in events)
        assert whole.startswith(text_of(events))
