"""Ways to cut bytes into the writes of a server, or the reads of a parser.

What a stream says must not depend on how its bytes arrive: a test runs the same bytes
through several slicings and wants equal results.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from typing import Literal, TypeAlias

__all__ = ["SLICINGS", "SlicingName", "at", "at_random", "by_size", "slices", "whole"]

SlicingName: TypeAlias = Literal["whole", "bytes", "random"]

SLICINGS: tuple[SlicingName, ...] = ("whole", "bytes", "random")
"""The ways of cutting that a test of a stream is run with, to be parametrized over."""

Slicing: TypeAlias = Callable[[bytes], list[bytes]]
"""Cuts bytes into pieces that, joined, are the same bytes again."""


def slices(data: bytes, how: SlicingName = "random", *, seed: int = 0) -> list[bytes]:
    """Cut bytes into pieces that, joined, are the same bytes again.

    Args:
        data: What to cut; no bytes are no piece.
        how: `whole` in one piece, `bytes` one by one, `random` in pieces of 1 to 7.
        seed: Of the random pieces, which are the same for one seed.
    """
    ways: dict[str, Slicing] = {
        "whole": whole,
        "bytes": by_size(1),
        "random": at_random(seed),
    }
    if how not in ways:
        raise ValueError(f"no slicing is named {how!r}; {', '.join(ways)} are")
    return ways[how](data)


def whole(data: bytes) -> list[bytes]:
    """Leave the bytes in one piece; no bytes are no piece."""
    return [data] if data else []


def by_size(size: int) -> Slicing:
    """Return a slicing into pieces of `size` bytes; the last may be shorter."""
    if size < 1:
        raise ValueError(f"a piece has at least one byte, not {size!r}")

    def cut(data: bytes) -> list[bytes]:
        return [data[start : start + size] for start in range(0, len(data), size)]

    return cut


def at(*positions: int) -> Slicing:
    """Return a slicing at these offsets; those outside the bytes cut nothing."""

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
