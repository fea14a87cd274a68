"""Regular expressions: none takes more than linear time for any text."""

from __future__ import annotations

import ast
import importlib
import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias, cast

import pytest

import turnout
import turnout_anthropic
import turnout_flowgpt
import turnout_gemini
import turnout_local
import turnout_ollama
import turnout_openai
from turnout.http._status import (
    _PLAIN_CHARACTERS,  # pyright: ignore[reportPrivateUsage]
)
from turnout.http._status_rules import STATUS_RULES

PACKAGES = (
    turnout,
    turnout_anthropic,
    turnout_flowgpt,
    turnout_gemini,
    turnout_local,
    turnout_ollama,
    turnout_openai,
)

# Python's own, which has no public name.
parse = cast("Callable[[str, int], Any]", importlib.import_module("re._parser").parse)

# Longer than any text that is matched: an error is cut before.
LONGEST = 64 * 1024

# A linear pattern takes 4 times as long for a text that is 4 times as long, and a
# quadratic one 16 times.
MOST = 9

# Only the slowest of these texts are tried with the full length.
SHORTER = 4 * 1024

# Times below this, in seconds, are too short to be compared.
SHORT = 0.005

Text: TypeAlias = str | bytes


def modules() -> Iterator[ModuleType]:
    """Yield each module that programs run, without those for tests or PyInstaller."""
    for package in PACKAGES:
        folder = Path(package.__path__[0])
        for file in sorted(folder.rglob("*.py")):
            parts = file.relative_to(folder).with_suffix("").parts
            if parts[0] in {"testing", "_pyinstaller"}:
                continue
            if parts[-1] not in {"__init__", "__main__"}:
                yield importlib.import_module(".".join([package.__name__, *parts]))


def patterns() -> Iterator[Any]:
    """Yield each pattern of a module, with its methods that are called."""
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern) and module.__file__:
                tree = ast.parse(Path(module.__file__).read_text("utf-8"))
                used = sorted(methods(tree, name))
                if used:
                    label = f"{module.__name__}.{name}"
                    pattern: re.Pattern[Any] = cast("Any", value)
                    yield pytest.param(pattern, used, id=label)


def methods(tree: ast.AST, name: str) -> set[str]:
    return {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == name
    }


def pieces(parsed: Any) -> list[str]:
    """Return a matching piece of text for each part of a pattern."""
    return ["".join(piece(op, value)) for op, value in parsed]


def piece(op: Any, value: Any) -> Iterator[str]:
    match str(op):
        case "LITERAL":
            yield chr(value)
        case "NOT_LITERAL":
            yield "a" if value != ord("a") else "b"
        case "ANY":
            yield "a"
        case "IN":
            yield member(value)
        case "BRANCH":
            yield from pieces(value[1][0])
        case "SUBPATTERN":
            yield from pieces(value[3])
        case "ATOMIC_GROUP":
            yield from pieces(value)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            low, _, repeated = value
            yield "".join(pieces(repeated)) * max(1, low)
        case _:  # These match no character.
            pass


def member(choices: Any) -> str:
    kind, value = choices[0]
    match str(kind):
        case "LITERAL":
            return chr(value)
        case "RANGE":
            return chr(value[0])
        case "CATEGORY":
            return {"CATEGORY_SPACE": " ", "CATEGORY_DIGIT": "1"}.get(str(value), "a")
        case _:  # A negated set.
            return next(c for c in "a <;1" if not re.match(f"[{re.escape(c)}]", "\0"))


def branches(parsed: Any) -> Iterator[list[str]]:
    """Yield the pieces of each alternative of a pattern."""
    yield pieces(parsed)
    for op, value in parsed:
        if str(op) == "BRANCH":
            for branch in value[1]:
                yield from branches(branch)
        elif str(op) == "SUBPATTERN":
            yield from branches(value[3])


def hostile(pattern: re.Pattern[Any]) -> set[str]:
    """Return what is repeated: each beginning of what matches, with what parts it."""
    source = pattern.pattern
    text = source if isinstance(source, str) else source.decode("ascii")
    parts = {" ", "a", "1", "-", "\\", "`", "%25", "&amp;", "'", '"', ".", "*"}
    for found in islice(branches(parse(text, pattern.flags & ~re.DEBUG)), 40):
        for end in range(1, len(found) + 1):
            parts.add("".join(found[:end]))
    return {part + parted for part in parts if part for parted in ("", " ", "-", "\n")}


def seconds(
    call: Callable[[Text], object], pattern: re.Pattern[Any], part: str, size: int
) -> float:
    """Return how long a pattern takes for a text of one repeated part."""
    text = (part * (size // len(part) + 1))[:size] + "\0"
    given = text.encode("utf-8") if isinstance(pattern.pattern, bytes) else text
    began = time.process_time()
    call(given)
    return time.process_time() - began


def calls(pattern: re.Pattern[Any], used: list[str]) -> Iterator[Callable[..., object]]:
    if set(used) & {"search", "sub", "finditer", "findall", "split", "subn"}:
        yield partial(pattern.sub, pattern.pattern[:0])
    if "match" in used:
        yield pattern.match
    if "fullmatch" in used:
        yield pattern.fullmatch


@pytest.mark.parametrize(("pattern", "used"), [*patterns()])
def test_no_pattern_takes_more_than_linear_time(
    pattern: re.Pattern[Any], used: list[str]
) -> None:
    for call in calls(pattern, used):
        times = {
            part: seconds(call, pattern, part, SHORTER) for part in hostile(pattern)
        }
        slowest = sorted(times, key=lambda part: -times[part])[:4]
        for part in slowest:
            for size in (4 * SHORTER, LONGEST):
                taken = seconds(call, pattern, part, size)

                assert taken < max(times[part], SHORT) * MOST, (part, size)
                times[part] = taken


@pytest.mark.parametrize(
    "pattern",
    sorted(
        {
            pattern
            for rule in STATUS_RULES
            for pattern in (*rule.patterns, rule.unless)
            if pattern
        }
    ),
)
def test_no_pattern_of_a_rule_takes_long_for_its_texts(pattern: str) -> None:
    compiled = re.compile(pattern)
    search = cast("Callable[[Text], object]", compiled.search)
    for part in hostile(compiled):
        short = seconds(search, compiled, part, _PLAIN_CHARACTERS // 4)
        taken = seconds(search, compiled, part, _PLAIN_CHARACTERS)

        assert taken < max(short, SHORT) * MOST, part


def test_every_pattern_is_a_global_of_its_module() -> None:
    # The test above would not find another one.
    functions = {"compile", "search", "match", "fullmatch", "split", "sub", "subn"}
    functions |= {"findall", "finditer"}
    found: list[str] = []
    for module in modules():
        tree = ast.parse(Path(str(module.__file__)).read_text("utf-8"))
        inner = [
            call
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for call in ast.walk(function)
        ]
        used = methods(tree, "re") & (functions - {"compile"})
        found += [f"{module.__name__}: re.{name}" for name in used]
        found += [
            f"{module.__name__}:{call.lineno}"
            for call in inner
            if isinstance(call, ast.Attribute)
            and isinstance(call.value, ast.Name)
            and (call.value.id, call.attr) == ("re", "compile")
        ]

    # The patterns of rules, which the test before this one covers.
    assert found == ["turnout.http._status: re.search"]


def test_a_quadratic_pattern_is_found() -> None:
    quadratic = re.compile(r"\beyJ[\w-]+\.[\w-]+")

    with pytest.raises(AssertionError):
        test_no_pattern_takes_more_than_linear_time(quadratic, ["sub"])
