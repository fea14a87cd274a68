from __future__ import annotations

import pytest

from turnout.testing import SLICINGS, SlicingName, slices
from turnout.testing._slicing import Slicing, at, at_random, by_size, whole

DATA = bytes(range(256)) * 2


@pytest.mark.parametrize(
    "slicing",
    [
        pytest.param(whole, id="whole"),
        pytest.param(by_size(1), id="bytes"),
        pytest.param(by_size(7), id="sevens"),
        pytest.param(at(0, 1, 511, 512, 600), id="at"),
        pytest.param(at_random(3), id="at-random"),
    ],
)
def test_a_slicing_loses_nothing_and_makes_no_empty_piece(slicing: Slicing) -> None:
    pieces = slicing(DATA)

    assert b"".join(pieces) == DATA
    assert all(pieces)
    assert slicing(b"") == []


def test_the_pieces_are_as_long_as_asked() -> None:
    assert by_size(2)(b"abcde") == [b"ab", b"cd", b"e"]
    assert at(3, 1)(b"abcde") == [b"a", b"bc", b"de"]
    assert max(len(piece) for piece in at_random(1, longest=4)(DATA)) == 4


def test_a_seed_gives_the_same_pieces_again() -> None:
    slicing = at_random(8)

    assert slicing(DATA) == slicing(DATA) == at_random(8)(DATA)
    assert slicing(DATA) != at_random(9)(DATA)


def test_a_piece_of_no_bytes_is_refused() -> None:
    with pytest.raises(ValueError, match="size=0 is out of range"):
        by_size(0)


@pytest.mark.parametrize("how", SLICINGS)
def test_a_named_slicing_loses_nothing(how: SlicingName) -> None:
    pieces = slices(DATA, how)

    assert b"".join(pieces) == DATA
    assert pieces == slices(DATA, how)


def test_the_named_slicings_are_what_they_say() -> None:
    assert slices(DATA, "whole") == [DATA]
    assert {len(piece) for piece in slices(DATA, "bytes")} == {1}
    assert {len(piece) for piece in slices(DATA, "random")} <= set(range(1, 8))
    assert slices(DATA, seed=1) != slices(DATA, seed=2)


def test_an_unknown_slicing_is_refused() -> None:
    with pytest.raises(ValueError, match="'halves'; known: whole, bytes, random"):
        slices(DATA, "halves")  # type: ignore[arg-type]
