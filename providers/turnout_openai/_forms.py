"""Values whose form differs from service to service. No I/O."""

from __future__ import annotations

from typing import Any, cast

__all__ = ["TEXTS", "is_list", "listed", "object_in", "text_of"]

TEXTS = ("text", "content", "thinking", "reasoning", "summary", "value", "parts")
"""Fields that hold the words of an object, the first of which is taken."""


def object_in(value: object) -> dict[str, Any]:
    """Return a JSON object as it is, and an empty one for anything else."""
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def is_list(value: object) -> bool:
    """Return whether a value is a list."""
    return isinstance(value, list)


def listed(value: object) -> list[Any]:
    """Return a list as it is, nothing for an empty value, and else the value alone."""
    if isinstance(value, list):
        return cast("list[object]", value)
    return [value] if value else []


def text_of(value: object) -> str:
    """Return the words in a value of any form; empty if it has none."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "".join(map(text_of, cast("list[object]", value)))
    fields = object_in(value)
    texts = (text_of(fields[name]) for name in TEXTS if name in fields)
    return next(filter(None, texts), "")
