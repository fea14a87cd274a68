"""The contract: what it skips, and that no test of it passes without a test."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from turnout.testing import ProviderContract, WireAnswer

from ..subprocesses import output_of

ROOT = Path(__file__).parents[3]
CONTRACT = ROOT / "core" / "turnout" / "testing" / "_contract"

NO_LIST = {"no `model_list` is given": 5}
WITHOUT_LAST_WORD = "the answer has no `end`: the end of its body is its own"
ONE_WORD = "the answer 'Crack' has fewer than three words"
HISTORY_LACKS = "`lacks` says that Nest cannot do history"

MINIMAL = {
    "TestChick": {
        **NO_LIST,
        "Chick does not claim history": 7,
        "Chick does not claim tools": 5,
        "Chick does not claim temperature": 1,
        "Chick does not claim seed": 1,
        "Chick does not have a `key_variable`": 1,
        "Chick does not need a key (needs_key=False)": 1,
        "Chick does not name any models": 1,
        "Chick accepts any model (open_models=True)": 1,
        "`installed` is False": 1,
        "`hints` is empty": 1,
        WITHOUT_LAST_WORD: 2,
        "left out: Chick's proxy follows it": 1,
        "left out: Chick's proxy asks again": 1,
    },
    "TestEgg": {
        **{
            f"Egg does not claim {name}": count
            for name, count in {
                "history": 2,
                "system": 1,
                "temperature": 1,
                "max_tokens": 2,
                "top_p": 1,
                "stop": 2,
                "seed": 2,
                "tools": 1,
                "images": 1,
                "files": 1,
                "response_format": 1,
            }.items()
        },
        "Egg does not name any models": 1,
        "Egg accepts any model (open_models=True)": 1,
        "`installed` is False": 1,
    },
    "TestNest": {
        HISTORY_LACKS: 2,
        "Nest does not claim temperature": 1,
        "Nest does not claim top_p": 1,
        "Nest does not claim seed": 2,
        "Nest does not claim tools": 1,
        "Nest does not claim images": 1,
        "Nest does not claim files": 1,
        "Nest does not claim response_format": 1,
        ONE_WORD: 2,
        "`installed` is False": 1,
    },
}
"""Of a provider that can do little: the reasons of its skips, and how many."""

STATELESS = "the answer has no state (Finish.state)"
OF_PROVIDERS = {
    "flowgpt": {
        *NO_LIST,
        STATELESS,
        WITHOUT_LAST_WORD,
        "FlowGpt does not claim tools",
        "FlowGpt does not claim seed",
        "FlowGpt does not have a `key_variable`",
        "FlowGpt does not need a key (needs_key=False)",
    },
    "ollama": {
        STATELESS,
        "Ollama does not need a key (needs_key=False)",
        "Ollama does not name any models",
        "Ollama accepts any model (open_models=True)",
        "Ollama has its own `list_models`",
    },
    "gemini": {
        STATELESS,
        "Gemini does not claim temperature",
        "Gemini accepts any model (open_models=True)",
        "Gemini has its own `list_models`",
    },
    "anthropic": {
        STATELESS,
        "Anthropic does not claim temperature",
        "Anthropic does not claim seed",
        "Anthropic accepts any model (open_models=True)",
        "Anthropic has its own `list_models`",
    },
    "openai": {
        STATELESS,
        "OpenAI accepts any model (open_models=True)",
        "OpenAI has its own `list_models`",
        "`lacks` says that OpenAI cannot do seed",
    },
    "local": {
        "Local does not claim tools",
        "Local does not claim images",
        "Local does not claim files",
    },
}
"""Of each provider of turnout's own: the reasons of its skips."""


def skips(*arguments: str | Path) -> Counter[str]:
    """Run tests; return the reasons why some were skipped."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    done = subprocess.run(
        [*command, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    found = re.findall(r"^SKIPPED \[(\d+)\] \S+: (.+)$", done.stdout, re.MULTILINE)
    counts: Counter[str] = Counter()
    for count, reason in found:
        counts[reason] += int(count)
    return counts


@pytest.mark.ci
@pytest.mark.parametrize("contract", MINIMAL)
def test_what_does_not_apply_is_skipped_with_its_reason(contract: str) -> None:
    assert skips(f"tests/core/testing/minimal.py::{contract}") == MINIMAL[contract]


@pytest.mark.ci
@pytest.mark.parametrize("name", OF_PROVIDERS)
def test_little_is_skipped_of_turnouts_own_providers(name: str) -> None:
    files = sorted((ROOT / "tests" / "providers" / name).glob("test_contract*.py"))
    tests = " or ".join(test.name for test in contract_tests() if can_skip(test))

    assert set(skips(*files, "-k", tests)) == OF_PROVIDERS[name]


def contract_tests() -> Iterator[ast.FunctionDef]:
    for file in sorted(CONTRACT.glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield node


def can_skip(test: ast.FunctionDef) -> bool:
    names = {"skip", "needs", "list_given", "_words"}
    attributes = (node for node in ast.walk(test) if isinstance(node, ast.Attribute))
    return any(node.attr in names for node in attributes)


def test_no_test_of_the_contract_passes_without_a_test() -> None:
    tests = list(contract_tests())

    assert len(tests) > 50
    for test in tests:
        # A condition without an `else` may skip or prepare; the test follows it.
        last = test.body[-1]
        asserts = any(isinstance(node, ast.Assert) for node in test.body)
        untested = isinstance(last, ast.If) and not last.orelse
        skipping = "self.skip(" in ast.unparse(last)
        assert asserts or skipping or not untested, test.name
        # Only what first makes sure of a refusal may return then.
        own = [n for n in test.body if not isinstance(n, ast.AsyncFunctionDef)]
        code = [node for statement in own for node in ast.walk(statement)]
        returns = [node for node in code if isinstance(node, ast.Return)]
        assert not returns or "_is_refused" in ast.unparse(test), test.name


def test_an_answer_with_nothing_to_change_is_skipped() -> None:
    class Binary(ProviderContract):
        pass

    # Not lines of JSON, so there are no values to change.
    answer = WireAnswer(name="text", pieces=[(b"\x00\x01", "Crack")])

    with pytest.raises(pytest.skip.Exception, match="write odd_bodies"):
        Binary().test_an_odd_value_is_no_fault_of_the_plugin(answer)


def test_the_contract_without_pytest_says_what_to_install() -> None:
    output = output_of(
        """
        import sys
        sys.modules["pytest"] = None
        try:
            from turnout.testing import ProviderContract
        except ModuleNotFoundError as error:
            print(error)
        """
    )

    assert output == (
        "turnout.testing.ProviderContract needs pytest; run: pip install pytest\n"
    )
