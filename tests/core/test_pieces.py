"""A text that grows by pieces, and the memory that it takes."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from turnout.decoding import Pieces


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 257, 5000])
@pytest.mark.parametrize("piece", ["", "a", "é\u6f22", "long " * 200])
def test_a_text_is_what_its_pieces_are(count: int, piece: str) -> None:
    text = Pieces()
    seen = ""
    for index in range(count):
        text.add(f"{piece}{index % 10}")
        if index % 1000 == 0:
            seen = text.text

    assert text.text == "".join(f"{piece}{n % 10}" for n in range(count))
    assert len(text) == len(text.text)
    assert text.text.startswith(seen)


def test_pieces_may_be_taken_over_and_forgotten() -> None:
    one, other = Pieces(), Pieces()
    for piece in ("a", "b"):
        one.add(piece)
        other.add(piece.upper())
    one.take(other)
    other.clear()

    assert (one.text, other.text) == ("abAB", "")


def test_only_pieces_that_are_empty_make_an_empty_text() -> None:
    text = Pieces()
    for _ in range(1000):
        text.add("")

    assert text.text == ""


@pytest.mark.parametrize("piece", ["ab", "\u0436\u044b", "a b " * 16_000])
def test_a_text_takes_little_more_memory_than_it_has(piece: str) -> None:
    size = 2 << 20
    tracemalloc.start(1)
    try:
        text = Pieces()
        for number in range(size // len(piece.encode())):
            text.add(piece[:-1] + "xyz"[number % 3])  # Each an object of its own.
        whole = text.text
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert len(whole.encode()) >= 0.7 * size
    assert peak < 1.5 * size


def test_a_text_is_put_together_in_linear_time() -> None:
    def seconds(count: int) -> float:
        text = Pieces()
        began = time.process_time()
        for number in range(count):
            text.add(str(number))
            if number % (count // 10) == 0:
                assert text.text
        return time.process_time() - began

    assert seconds(400_000) < 40 * max(0.001, seconds(40_000))
