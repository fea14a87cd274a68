"""An answer as JSON: one object for each event, then one for the reply."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import cast

from turnout.errors import FallbackError, TurnoutError
from turnout.types import (
    Attempt,
    Event,
    Failover,
    Finish,
    ReasoningDelta,
    Reply,
    Restart,
    Target,
    ToolCallDelta,
    Usage,
)

__all__ = ["event_line", "reply_line"]

_TYPES: dict[type, str] = {
    Failover: "failover",
    Finish: "finish",
    ReasoningDelta: "reasoning",
    Restart: "restart",
    ToolCallDelta: "tool_call",
    Usage: "usage",
}


def event_line(event: Event) -> str:
    """Return an event as a line of JSON; its `type` says what it is."""
    if isinstance(event, str):
        return json.dumps({"type": "text", "text": event})
    return _line(_TYPES[type(event)], event)


def reply_line(reply: Reply, error: TurnoutError | None) -> str:
    """Return how an answer ended as a line of JSON.

    Args:
        reply: The answer, or what came of it.
        error: What went wrong; None where the answer is whole.
    """
    if error is None:
        return _line("reply", reply)
    return json.dumps({"type": "error", "error": error, "reply": reply}, default=_plain)


def _line(kind: str, value: object) -> str:
    return json.dumps({"type": kind, **_fields(value)}, default=_plain)


def _plain(value: object) -> object:
    """Return what JSON has for a value that it does not know."""
    if isinstance(value, TurnoutError):
        return _error(value)
    if isinstance(value, Attempt):
        return {**_fields(value), "status_code": value.status_code}
    if is_dataclass(value) and not isinstance(value, Target):
        return _fields(value)
    if isinstance(value, Mapping):
        return dict(cast("Mapping[object, object]", value))
    return str(value)


def _fields(value: object) -> dict[str, object]:
    assert is_dataclass(value)
    return {field.name: getattr(value, field.name) for field in fields(value)}


def _error(error: TurnoutError) -> dict[str, object]:
    # A group adds to its text how many it holds.
    text = error.message if isinstance(error, FallbackError) else str(error)
    return {"type": type(error).__name__, "message": text}
