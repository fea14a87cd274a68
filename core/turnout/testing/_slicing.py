"""Ways to cut bytes into the writes of a server, or the reads of a parser.

The result of a stream must not depend on how its bytes arrive. So a test reads the same
bytes in several slicings and expects equal results.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Literal, TypeAlias

__all__ = ["SLICINGS", "SlicingName", "at", "at_random", "by_size", "slices", "whole"]

SlicingName: TypeAlias = Literal["whole", "bytes", "random"]

SLICINGS: tuple[SlicingName, ...] = ("whole", "bytes", "random")
"""The slicings for a test of a stream, to be used with `parametrize`."""

Slicing: TypeAlias = Callable[[bytes], list[bytes]]
"""A function that cuts bytes into pieces; joined, they are the same bytes."""


def slices(data: bytes, how: SlicingName = "random", *, seed: int = 0) -> list[bytes]:
    """Cut bytes into pieces; joined, they are the same bytes.

    Args:
        data: The bytes to cut; empty bytes give no pieces.
        how: `whole` in one piece, `bytes` one by one, `random` in pieces of 1 to 7.
        seed: The seed of the random pieces, which are the same for one seed.
    """
    ways: dict[str, Slicing] = {
        "whole": whole,
        "bytes": by_size(1),
        "random": at_random(seed),
    }
    if how not in ways:
        raise ValueError(f"unknown slicing {how!r}; known: {', '.join(ways)}")
    return ways[how](data)


def whole(data: bytes) -> list[bytes]:
    """Leave the bytes in one piece; empty bytes give no pieces."""
    return [data] if data else []


def by_size(size: int) -> Slicing:
    """Return a slicing into pieces of `size` bytes; the last may be shorter."""
    if size < 1:
        raise ValueError(f"size={size!r} is out of range; set at least 1")

    def cut(data: bytes) -> list[bytes]:
        return [data[start : start + size] for start in range(0, len(data), size)]

    return cut


def at(*positions: int) -> Slicing:
    """Return a slicing at these offsets; those outside the bytes are ignored."""

    def cut(data: bytes) -> list[bytes]:
        inside = {position for position in positions if 0 < position < len(data)}
        edges = [0, *sorted(inside), len(data)]
        return [data[a:b] for a, b in itertools.pairwise(edges) if a < b]

    return cut


def at_random(seed: int, *, longest: int = 7) -> Slicing:
    """Return a slicing into pieces of 1 to `longest` bytes, the same for one seed."""

    def cut(data: bytes) -> list[bytes]:
        sizes = random.Random(seed)
        pieces: list[bytes] = []
        start = 0
        while start < len(data):
            end = start + sizes.randint(1, longest)
            pieces.append(data[start:end])
            start = end
        return pieces

    return cut
