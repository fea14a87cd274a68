"""Each case of the fault list has a test here that bears its id."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

CASES = {
    "F": "01 02 03 04 05 06 07 08 09 10 11 14 15 16 17 18 20 21 22 23 25",
    "H": "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 17 18 19 20 21 22 23 24 26",
    "T": "01 02 03 04 05 06 07 09 10",
    "E": "01 02 03 04 05 06 07 08 09 10 11 12 13 14 15 16 17 19 20 21 22",
    "R": "01 02 03 04 05 07 08 10 11 12 13",
    "M": "01 02 03 04 07 08 09 10 11 13 15 16 17 18",
    "C": "01 02 03 04 05 06 07 09",
    "X": "01 02",
}

NOT_HERE = {
    "X02": "a log of prompts, of which there is none",
}

IDS = [f"{family}{number}" for family, of in CASES.items() for number in of.split()]


def names_in(source: str) -> Iterator[str]:
    """Give the names of tests, and what looks as the id of one's parameters does."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("test_"):
                yield from node.name.upper().split("_")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if re.fullmatch(r"[A-Z]\d\d(-\S+)?", node.value):
                yield node.value[:3]


def test_each_case_has_a_test() -> None:
    own = Path(__file__)
    files = [file for file in own.parent.glob("test_*.py") if file != own]
    named = {name for file in files for name in names_in(file.read_text("utf-8"))}

    assert set(IDS) - named == NOT_HERE.keys()
