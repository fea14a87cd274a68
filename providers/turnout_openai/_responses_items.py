"""What the items of an answer by Responses are and say. No I/O."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias, cast

from turnout_openai._responses_calls import FUNCTION, is_asked
from turnout_openai._responses_content import parts_of, text_of

__all__ = [
    "STATE_NAME",
    "encrypted_in",
    "is_other",
    "is_plain",
    "logprobs_of",
    "message_parts",
    "reasons_of",
    "texts_of",
]

STATE_NAME = "openai-responses"
"""The name under which the reply keeps the items of an answer."""

_Item: TypeAlias = Mapping[str, Any]


def message_parts(items: Iterable[_Item]) -> Iterator[_Item]:
    """Yield the parts of all messages."""
    for item in items:
        if (item.get("type") or "message") == "message":
            yield from parts_of(item.get("content"))


def texts_of(item: _Item) -> Iterator[str]:
    """Yield the texts of an item, if it is a message."""
    for part in message_parts([item]):
        text = text_of(part)
        if text is not None:
            yield text


def reasons_of(item: _Item) -> list[str]:
    """Return the texts of an item, if it is reasoning; each of them once."""
    if item.get("type") != "reasoning":
        return []
    parts = (*parts_of(item.get("summary")), *parts_of(item.get("content")))
    return list(dict.fromkeys(filter(None, map(text_of, parts))))


def logprobs_of(part: _Item) -> list[object]:
    """Return the logprobs of a part, one for each token."""
    given = part.get("logprobs")
    return cast("list[object]", given) if isinstance(given, list) else []


def encrypted_in(items: Iterable[_Item]) -> int:
    """Return how many of the items the service alone can read."""
    return sum(bool(item.get("encrypted_content")) for item in items)


def is_other(item: _Item) -> bool:
    """Return whether an item is more than text, reasoning and calls of the client."""
    kind = item.get("type") or "message"
    if kind == "message":
        known = (text_of(part) is not None for part in parts_of(item.get("content")))
        return not all(known)
    return kind != "reasoning" and not is_asked(item)


def is_plain(item: _Item) -> bool:
    """Return whether a message of turnout's own says all that is in an item."""
    match item:
        case {"type": "reasoning"}:
            return not item.get("encrypted_content") and not reasons_of(item)
        case {"type": kind} if kind == FUNCTION:
            return not item.get("namespace") and not item.get("caller")
        case _:
            return not item.get("phase") and "message" in (item.get("type"), None)
