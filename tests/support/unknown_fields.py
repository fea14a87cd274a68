"""JSON values with something in them that no protocol has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["UNKNOWN", "with_field", "with_item"]

UNKNOWN = {"type": "brand_new", "brandNew": [{"a": None}, "b", 1.5, True]}
"""A value that no protocol has."""


def with_field(value: Any, own: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Yield copies of a value, each with an unknown field in one of its objects.

    Args:
        value: The value.
        own: The names of fields whose objects are the user's or the model's own.
    """
    return _changed(value, own, _add_field)


def with_item(value: Any, name: str, item: Any) -> Iterator[Any]:
    """Yield copies of a value, each with an item in one place of a list of this name."""

    def add(found: Any) -> Iterator[None]:
        items = found.get(name) if isinstance(found, dict) else None
        for index in range(len(items) + 1 if isinstance(items, list) else 0):
            items.insert(index, item)
            yield
            del items[index]

    return _changed(value, frozenset(), add)


def _add_field(found: Any) -> Iterator[None]:
    if isinstance(found, dict):
        found["brandNew"] = UNKNOWN
        yield
        del found["brandNew"]


def _changed(
    value: Any, own: frozenset[str], change: Callable[[Any], Iterator[None]]
) -> Iterator[Any]:
    """Yield a copy of the value for each change to each object in it."""
    copy = json.loads(json.dumps(value))

    def walk(found: Any) -> Iterator[Any]:
        for _ in change(found):
            yield json.loads(json.dumps(copy))
        inner = found.items() if isinstance(found, dict) else enumerate(found)
        for name, each in [*inner]:
            if isinstance(each, dict | list) and name not in own:
                yield from walk(each)

    return walk(copy)
