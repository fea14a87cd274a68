"""JSON values with something in them that no protocol has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

__all__ = ["UNKNOWN", "with_field", "with_item"]

UNKNOWN: dict[str, Any] = {
    "type": "brand_new",
    "brandNew": [{"a": None}, "b", 1.5, True],
}
"""A value that no protocol has."""


def with_field(value: object, own: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield copies of a value, each with an unknown field in one of its objects.

    Args:
        value: The value.
        own: The names of fields whose objects are the user's or the model's own.
    """
    copy = _copied(value)
    for found in _objects(copy, own):
        found["brandNew"] = UNKNOWN
        yield _copied(copy)
        del found["brandNew"]


def with_item(value: object, name: str, item: object) -> Iterator[Any]:
    """Yield copies of a value, each with an item in one place of a list so named."""
    copy = _copied(value)
    for found in _objects(copy, frozenset()):
        if isinstance(found.get(name), list):
            items = cast("list[object]", found[name])
            for index in range(len(items) + 1):
                items.insert(index, item)
                yield _copied(copy)
                del items[index]


def _copied(value: object) -> Any:
    return json.loads(json.dumps(value))


def _objects(value: object, own: frozenset[str]) -> Iterator[dict[str, Any]]:
    """Yield each JSON object in a value."""
    if isinstance(value, dict):
        fields = cast("dict[str, Any]", value)
        yield fields
        for name, inner in [*fields.items()]:
            if name not in own:
                yield from _objects(inner, own)
    elif isinstance(value, list):
        for inner in cast("list[object]", value):
            yield from _objects(inner, own)
