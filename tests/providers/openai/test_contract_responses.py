"""OpenAI's Responses keep the contract of every provider."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from turnout.errors import RateLimitError, ServerError
from turnout.testing import Piece, ProviderContract, WireAnswer, WireError
from turnout.types import Event, ReasoningDelta, ToolCallDelta, Usage
from turnout_openai import OpenAI

from ...support.responses_events import (
    Fields,
    call,
    call_item,
    completed,
    created,
    ended,
    message,
    numbered,
    reasoning,
)

COUNTS = Usage(
    input_tokens=9,
    output_tokens=7,
    cached_tokens=3,
    reasoning_tokens=2,
    cache_write_tokens=0,
)


def pieces(*told: tuple[Fields, Event | None]) -> tuple[Piece, ...]:
    """Return events, each with its number and with what it brings."""
    return tuple(
        (numbered(event, start=number), *([] if brings is None else [brings]))
        for number, (event, brings) in enumerate(told)
    )


def brought(event: Fields) -> Event | None:
    """Return what an event of the answers below is to bring."""
    match event:
        case {"type": "response.output_text.delta", "delta": str(text)}:
            return text
        case {"type": "response.reasoning_summary_text.delta", "delta": str(text)}:
            return ReasoningDelta(text=text)
        case {"type": "response.output_item.added", "item": {"call_id": str(id)}}:
            return ToolCallDelta(index=0, id=id, name="look")
        case {"type": "response.function_call_arguments.delta", "delta": str(text)}:
            return ToolCallDelta(index=0, arguments=text)
        case _:
            return None


def told(*events: Fields) -> tuple[Piece, ...]:
    return pieces(*((event, brought(event)) for event in (created(), *events)))


class TestResponses(ProviderContract):
    provider = OpenAI
    options: ClassVar[Mapping[str, object]] = {"protocol": "responses"}
    lacks = ("stop", "seed", "audio")
    base_path = "/v1"
    model_list = (b'{"data":[{"id":"x"}]}', ("x",))
    answers = (
        WireAnswer(
            name="text",
            pieces=told(*message("The capital", " is \u2028Pa", "ris 🗼.")),
            # With the text in it, it would be a whole answer of its own.
            end=numbered(ended("completed"), start=9),
            usage=COUNTS,
        ),
        WireAnswer(
            name="tool call",
            pieces=told(*call("look", '{"at": ', '"é"}')),
            end=numbered(ended("completed", call_item("look", '{"at": "é"}')), start=7),
            finish_reason="tool_calls",
            usage=COUNTS,
            request={"tools": [{"type": "function", "function": {"name": "look"}}]},
        ),
        WireAnswer(
            name="reasoning",
            pieces=told(*reasoning("Hm."), *message("Yes.")),
            end=numbered(completed("Yes."), start=13),
            usage=COUNTS,
        ),
    )
    errors = (
        WireError(
            200,
            numbered({"type": "error", "code": "server_error", "message": "no"}),
            ServerError,
        ),
        WireError(
            200,
            numbered(
                ended("failed", error={"code": "rate_limit_exceeded", "message": "no"})
            ),
            RateLimitError,
        ),
    )
