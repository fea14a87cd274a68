"""Bodies in which one value is of a kind that nobody expects there."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import cast

__all__ = ["oddities"]

_ODD: tuple[object, ...] = (None, True, 4711, "canary", ["canary"], {"canary": 4711})


def oddities(body: bytes, most: int = 100) -> list[bytes]:
    """Return a body with one value of another kind, or none, in each of many ways.

    Args:
        body: A good one; each of its lines may have an object or a list of JSON.
        most: How many are chosen, always the same.
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
    """Give a value with one thing in it, or all of it, as something else."""
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
