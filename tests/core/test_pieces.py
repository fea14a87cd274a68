"""A text that grows piece by piece, and its memory."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest

from turnout.decoding import Pieces


@pytest.mark.parametrize("count", [0, 1, 2, 31, 32, 33, 257, 5000])
@pytest.mark.parametrize("piece", ["", "a", "é\u6f22", "long " * 200])
def test_a_text_is_all_of_its_pieces(count: int, piece: str) -> None:
    text = Pieces()
    seen = ""
    for index in range(count):
        text.add(f"{piece}{index % 10}")
        if index % 1000 == 0:
            seen = text.text

    assert text.text == "".join(f"{piece}{n % 10}" for n in range(count))
    assert len(text) == len(text.text)
    assert text.text.startswith(seen)


def test_pieces_of_another_text_are_added_and_pieces_are_removed() -> None:
    one, other = Pieces(), Pieces()
    for piece in ("a", "b"):
        one.add(piece)
        other.add(piece.upper())
    one.take(other)
    other.clear()

    assert (one.text, other.text) == ("abAB", "")


def test_only_empty_pieces_make_an_empty_text() -> None:
    text = Pieces()
    for _ in range(1000):
        text.add("")

    assert text.text == ""


MEASURE = """
import sys, tracemalloc
from turnout.decoding import Pieces

piece, size = eval(sys.argv[1]), 2 << 20
tracemalloc.start(1)
text = Pieces()
for number in range(size // len(piece.encode())):
    text.add(piece[:-1] + "xyz"[number % 3])  # Each an object of its own.
whole = text.text
peak = tracemalloc.get_traced_memory()[1]
assert len(whole.encode()) >= 0.7 * size
print(peak / size)
"""


@pytest.mark.parametrize("piece", ["ab", "\u0436\u044b", "a b " * 16_000])
def test_a_text_takes_little_more_memory_than_it_has(piece: str) -> None:
    # In a process of its own: when coverage is measured, CPython copies a text and
    # does not extend it in place.
    plain = {k: v for k, v in os.environ.items() if not k.startswith("COVERAGE")}

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, repr(piece)],
        env=plain,
        check=True,
        capture_output=True,
        text=True,
    )

    assert float(done.stdout) < 1.5


def test_a_text_is_joined_in_linear_time() -> None:
    def seconds(count: int) -> float:
        text = Pieces()
        began = time.process_time()
        for number in range(count):
            text.add(str(number))
            if number % (count // 10) == 0:
                assert text.text
        return time.process_time() - began

    assert seconds(400_000) < 40 * max(0.001, seconds(40_000))
