"""Names: which are the same, and which may have been meant."""

from __future__ import annotations

import os
import random
import subprocess
import sys

import pytest

from turnout._names import Suggester, did_you_mean, fold, followed, nearest


@pytest.mark.parametrize(
    "name", ["FlowGpt", "flowgpt", "FLOWGPT", "Flow-GPT", "flow_gpt", " Flow Gpt "]
)
def test_case_hyphens_underscores_and_spaces_do_not_count(name: str) -> None:
    assert fold(name) == "flowgpt"


@pytest.mark.parametrize("name", ["flow.gpt", "flowgpt2", "flow/gpt"])
def test_everything_else_counts(name: str) -> None:
    assert fold(name) != "flowgpt"


def test_case_is_that_of_all_languages() -> None:
    assert fold("STRASSE") == fold("straße")


@pytest.mark.parametrize(
    ("names", "clause"),
    [
        ([], ""),
        (["a"], "; did you mean 'a'?"),
        (["a", "b"], "; did you mean 'a' or 'b'?"),
    ],
)
def test_a_clause_tells_what_may_have_been_meant(names: list[str], clause: str) -> None:
    assert did_you_mean(names) == clause


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("it failed", "it failed; look there"),
        ("did you mean 'a'?", "did you mean 'a'? Look there"),
        ("It failed.", "It failed. Look there"),
    ],
)
def test_what_follows_a_sentence_begins_one(text: str, whole: str) -> None:
    assert followed(text, "look there") == whole


KNOWN = ["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "claude-v2", "Mixtral-8x7B"]


@pytest.mark.parametrize(
    ("name", "best"),
    [
        ("gpt-4-trubo", "gpt-4-turbo"),
        ("gpt4", "gpt-4"),
        ("GPT-4", "gpt-4"),
        ("mixtral-8x7b", "Mixtral-8x7B"),
        ("claud-v2", "claude-v2"),
        ("gp-4", "gpt-4"),
    ],
)
def test_the_nearest_name_goes_first(name: str, best: str) -> None:
    assert nearest(name, KNOWN)[0] == best


@pytest.mark.parametrize("name", ["", "zzz", "llama", "g"])
def test_nothing_is_suggested_where_nothing_is_near(name: str) -> None:
    assert nearest(name, KNOWN) == ()


def test_a_prompt_in_place_of_a_name_is_not_compared() -> None:
    assert nearest("x" * 200, ["x" * 199]) == ("x" * 199,)
    assert nearest("x" * 201, ["x" * 200]) == ()


def test_no_more_are_suggested_than_asked_for() -> None:
    known = [f"model-{number}" for number in range(10)]

    assert len(nearest("model", known)) == 3
    assert len(nearest("model", known, most=1)) == 1


def test_names_that_differ_in_case_alone_are_both_suggested() -> None:
    assert set(nearest("gpt-A1", ["GPT-A", "gpt-a", "other"])) == {"GPT-A", "gpt-a"}


def test_a_name_is_suggested_once() -> None:
    assert nearest("gpt-44", ["gpt-4", "gpt-4"]) == ("gpt-4",)


def test_a_short_name_is_found_though_its_first_letter_is_wrong() -> None:
    assert nearest("Goo", ["Foo", "Bar"]) == ("Foo",)


def many_names() -> list[str]:
    source = random.Random(0)
    families = ["claude", "gemini", "gpt", "llama", "mistral", "qwen"]
    variants = ["chat", "coder", "instruct", "mini", "pro", "turbo"]
    names: dict[str, None] = {}
    while len(names) < 5_000:
        family, variant = source.choice(families), source.choice(variants)
        names[f"{family}-{source.randrange(400) / 10}-{variant}"] = None
    return list(names)


def test_among_thousands_the_one_that_was_meant_is_found() -> None:
    names = many_names()
    suggester = Suggester(names)
    sample = random.Random(1).sample(names, 100)

    found = sum(name in suggester.nearest(name + "x") for name in sample)

    assert found >= 95


def test_suggestions_are_the_same_in_every_process() -> None:
    # Texts have another hash in each process, and sets of them another order.
    program = (
        "from turnout._names import Suggester; "
        "names = [f'model-{n}-{k}' for n in range(40) for k in 'abcdefgh']; "
        "print(Suggester(names).nearest('model--x', most=3))"
    )

    told = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(told) == 1
