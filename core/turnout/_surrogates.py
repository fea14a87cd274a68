r"""Join the halves of surrogate pairs that services send in separate events.

JSON writes a character beyond U+FFFF as two escapes, `\ud83d\ude00`. A service that
cuts text between the two sends half a pair in each event. pydantic's parser refuses
half a pair; Python's own reads it as a character that cannot be encoded as UTF-8.

Source: RFC 8259, section 8.2; faults of services in public reports, read 2026-11-30.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Never, cast

from turnout.types import Event, Finish, ReasoningDelta, ToolCallDelta

__all__ = ["SurrogateJoiner", "lenient_json"]

_FIRST_HALVES = ("\ud800", "\udbff")
"""The first and the last code point that begins a pair."""

_UNKNOWN = "\ufffd"

_TEXT = "text"
_REASONING = "reasoning"


def lenient_json(data: bytes) -> object | None:
    """Return the value of JSON that has half a surrogate pair; None for other data."""
    if b"\\ud" not in data.lower():
        return None
    try:
        return cast("object", json.loads(data, parse_constant=_refuse_constant))
    except (ValueError, RecursionError):
        return None


def _refuse_constant(name: str) -> Never:
    raise ValueError(name)  # NaN and Infinity are not JSON.


class SurrogateJoiner:
    """Join halves in the text of events; a half that stays alone becomes U+FFFD.

    Text, reasoning and the arguments of each call are joined separately.
    """

    def __init__(self) -> None:
        # By the index of a call, or by what else the text is of.
        self._held: dict[int | str, str] = {}

    def join(self, events: Iterable[Event]) -> list[Event]:
        """Return the events with whole pairs. A first half at the end is held back."""
        return [self._joined(event) for event in events]

    def release(self) -> list[Event]:
        """Return an event for each half that is still held back."""
        held, self._held = self._held, {}
        return [_replacement(key) for key in held]

    def repaired(self, finish: Finish) -> Finish:
        """Return a finish whose details, state and items have no halves of pairs."""
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
                return self._text(_TEXT, event)
            case ReasoningDelta():
                return replace(event, text=self._text(_REASONING, event.text))
            case ToolCallDelta():
                arguments = self._text(event.index, event.arguments)
                return replace(event, arguments=arguments)
            case _:
                return event

    def _text(self, key: int | str, text: str) -> str:
        text = self._held.pop(key, "") + text
        if text and _FIRST_HALVES[0] <= text[-1] <= _FIRST_HALVES[1]:
            self._held[key] = text[-1]
            text = text[:-1]
        return _repaired_text(text)


def _replacement(key: int | str) -> Event:
    """Return the event that stands for a half that stays alone."""
    if isinstance(key, int):
        return ToolCallDelta(index=key, arguments=_UNKNOWN)
    return ReasoningDelta(text=_UNKNOWN) if key == _REASONING else _UNKNOWN


def _repaired_text(text: str) -> str:
    if text.isascii():
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _repaired_mapping(value: Mapping[str, object]) -> dict[str, object]:
    return cast("dict[str, object]", _repaired_value(value))


def _repaired_value(value: object) -> object:
    if isinstance(value, str):
        return _repaired_text(value)
    if isinstance(value, Mapping):
        fields = cast("Mapping[str, object]", value)
        return {_repaired_text(k): _repaired_value(v) for k, v in fields.items()}
    if isinstance(value, list | tuple):
        return [_repaired_value(item) for item in cast("list[object]", value)]
    return value
