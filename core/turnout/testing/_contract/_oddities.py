"""Answers in which one value is of a kind that nobody expects there."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import cast

from turnout.testing._wire import WireAnswer

__all__ = ["oddities"]

_ODD: tuple[object, ...] = (None, True, 4711, "canary", ["canary"], {"canary": 4711})


def oddities(answer: WireAnswer, most: int) -> list[bytes]:
    """Return bodies of an answer with one value of another kind, or none, in each.

    Args:
        answer: A good one; each of its lines may have an object of JSON.
        most: How many are chosen, always the same.
    """
    found = list(_bodies(answer.body.split(b"\n")))
    return random.Random(4711).sample(found, min(most, len(found)))


def _bodies(lines: list[bytes]) -> Iterator[bytes]:
    for index, line in enumerate(lines):
        before, brace, rest = line.partition(b"{")
        try:
            value: object = json.loads(brace + rest)
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
