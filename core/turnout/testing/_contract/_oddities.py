"""Bodies in which one value has an unexpected type."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import cast

__all__ = ["oddities"]

_ODD: tuple[object, ...] = (None, True, 4711, "canary", ["canary"], {"canary": 4711})


def oddities(body: bytes, most: int = 100) -> list[bytes]:
    """Return variants of a body in which one value has another type, or is missing.

    Args:
        body: A good body; each of its lines may have a JSON object or list.
        most: How many variants are chosen; the choice is always the same.
    """
    found = list(_bodies(body.split(b"\n")))
    return random.Random(4711).sample(found, min(most, len(found)))


def _bodies(lines: list[bytes]) -> Iterator[bytes]:
    for index, line in enumerate(lines):
        start = min((i for i in map(line.find, (b"{", b"[")) if i >= 0), default=0)
        before = line[:start]
        try:
            value: object = json.loads(line[start:])
        except ValueError:
            continue
        for odd in _variants(value):
            changed = before + json.dumps(odd).encode()
            yield b"\n".join([*lines[:index], changed, *lines[index + 1 :]])


def _variants(value: object) -> Iterator[object]:
    """Yield variants of a value: another value, or one item in it replaced."""
    yield from (odd for odd in _ODD if type(odd) is not type(value))
    if isinstance(value, dict):
        fields = cast("dict[str, object]", value)
        for name, field in fields.items():
            yield {other: fields[other] for other in fields if other != name}
            for odd in _variants(field):
                yield {**fields, name: odd}
    elif isinstance(value, list):
        items = cast("list[object]", value)
        for index, item in enumerate(items):
            for odd in _variants(item):
                yield [*items[:index], odd, *items[index + 1 :]]
