r"""Join the halves of surrogate pairs that services send in separate events.

JSON writes a character beyond U+FFFF as two escapes, `\ud83d\ude00`. A service that
cuts text between the two sends half a pair in each event. pydantic's parser refuses
half a pair; Python's `json` returns it as a character that UTF-8 cannot encode.

Source: RFC 8259, section 8.2; faults of services in public reports, read 2026-11-30.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeAlias, TypeVar, cast

from turnout.types import (
    Citation,
    Event,
    Finish,
    MediaDelta,
    ReasoningDelta,
    ToolCallDelta,
)

__all__ = ["SurrogateJoiner", "lenient_json"]

_FIRST_HALVES = ("\ud800", "\udbff")
"""The first and the last code point that begins a pair."""

_UNKNOWN = "\ufffd"

_Fields = TypeVar("_Fields", Citation, MediaDelta, ToolCallDelta)

_Key: TypeAlias = tuple[type, int]
"""Which text a half belongs to: the type of the event, and its index or 0."""


def lenient_json(data: bytes) -> object | None:
    """Return the value of JSON with half a surrogate pair; None for other data."""
    if b"\\ud" not in data.lower():
        return None
    try:
        return cast("object", json.loads(data))
    except (ValueError, RecursionError):
        return None


class SurrogateJoiner:
    """Join halves in the text of events; a half without the other becomes U+FFFD.

    Text, reasoning, the arguments of each call and each transcript are joined
    separately.
    """

    def __init__(self) -> None:
        self._held: dict[_Key, str] = {}

    def join(self, events: Iterable[Event]) -> list[Event]:
        """Return the events with whole pairs. A first half at the end is kept back."""
        return [self._joined(event) for event in events]

    def release(self) -> list[Event]:
        """Return an event for each half that is still kept back."""
        held, self._held = self._held, {}
        return [_replacement(key) for key in held]

    def repaired(self, finish: Finish) -> Finish:
        """Return a finish without halves of pairs in its details, state and items."""
        state = finish.state
        return replace(
            finish,
            details=_repaired_mapping(finish.details),
            state=None if state is None else _repaired_mapping(state),
            items=tuple(map(_repaired_mapping, finish.items)),
        )

    def _joined(self, event: Event) -> Event:
        match event:
            case str():
                return self._text((str, 0), event)
            case ReasoningDelta():
                return replace(event, text=self._text((ReasoningDelta, 0), event.text))
            case ToolCallDelta():
                arguments = self._text((ToolCallDelta, event.index), event.arguments)
                return replace(_repaired_event(event), arguments=arguments)
            case MediaDelta():
                transcript = self._text((MediaDelta, event.index), event.transcript)
                return replace(_repaired_event(event), transcript=transcript)
            case Citation():
                return _repaired_event(event)
            case _:
                return event

    def _text(self, key: _Key, text: str) -> str:
        text = self._held.pop(key, "") + text
        if text and _FIRST_HALVES[0] <= text[-1] <= _FIRST_HALVES[1]:
            self._held[key] = text[-1]
            text = text[:-1]
        return _repaired_text(text)


def _replacement(key: _Key) -> Event:
    """Return the event for a half without the other."""
    kind, index = key
    if kind is ToolCallDelta:
        return ToolCallDelta(index=index, arguments=_UNKNOWN)
    if kind is MediaDelta:
        return MediaDelta(index=index, transcript=_UNKNOWN)
    return ReasoningDelta(text=_UNKNOWN) if kind is ReasoningDelta else _UNKNOWN


def _repaired_event(event: _Fields) -> _Fields:
    """Return an event without halves of pairs in its values."""
    values = {field.name: getattr(event, field.name) for field in fields(event)}
    return replace(event, **_repaired_mapping(values))


def _repaired_text(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _repaired_mapping(value: Mapping[str, object]) -> dict[str, Any]:
    return cast("dict[str, Any]", _repaired_value(value))


def _repaired_value(value: object) -> object:
    if isinstance(value, str):
        return _repaired_text(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {_repaired_text(k): _repaired_value(v) for k, v in fields.items()}
    if isinstance(value, list | tuple):
        return [_repaired_value(item) for item in cast("list[object]", value)]
    return value
