"""The package that `turnout new-provider` writes."""

from __future__ import annotations

import itertools
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from turnout.cli._new_provider import Names

from .conftest import CommandLine


@pytest.mark.parametrize(
    ("given", "provider", "distribution"),
    [
        pytest.param("my-llm", "MyLlm", "turnout-my-llm", id="dashes"),
        pytest.param("MyLlm", "MyLlm", "turnout-my-llm", id="class"),
        pytest.param("my_llm", "MyLlm", "turnout-my-llm", id="underscores"),
        pytest.param(" My LLM ", "MyLLM", "turnout-my-llm", id="spaces"),
        pytest.param("turnout-my-llm", "MyLlm", "turnout-my-llm", id="distribution"),
        pytest.param("OpenAI", "OpenAI", "turnout-open-ai", id="capitals"),
        pytest.param("HTTPServer2", "HTTPServer2", "turnout-http-server2", id="run"),
        pytest.param("gpt4free", "Gpt4Free", "turnout-gpt4-free", id="digit inside"),
        pytest.param("turnouts", "Turnouts", "turnout-turnouts", id="no prefix"),
        pytest.param("x", "X", "turnout-x", id="short"),
    ],
)
def test_names_follow_from_one(given: str, provider: str, distribution: str) -> None:
    names = Names.derive(given)

    assert names is not None
    assert (names.provider, names.distribution) == (provider, distribution)
    slug = distribution.removeprefix("turnout-")
    assert names.module == distribution.replace("-", "_")
    assert names.model == f"{slug}-1"
    assert names.variable == f"{slug.upper().replace('-', '_')}_API_KEY"


@pytest.mark.parametrize(
    "name",
    ["", " ", "-", "turnout", "4all", "a:b", "a/b", "../x", "été", "none", "a\tb"],
)
def test_a_name_that_cannot_be_one_is_wrong_usage(
    name: str,
) -> None:
    assert Names.derive(name) is None


def test_a_wrong_name_is_told_with_a_right_one(turnout: CommandLine) -> None:
    done = turnout("new-provider", "4all")

    assert done.returncode == 2
    assert "'4all' cannot name a provider" in done.stderr
    assert "as in MyLlm or my-llm" in done.stderr


def test_nothing_is_overwritten(turnout: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "turnout-my-llm").mkdir()

    done = turnout("new-provider", "my-llm")

    assert done.returncode == 1
    assert done.stderr == (
        "Error: 'turnout-my-llm' is there already; take another name, or another "
        "--path\n"
    )
    assert list((tmp_path / "turnout-my-llm").iterdir()) == []


@pytest.mark.parametrize(
    ("name", "taken"),
    [
        pytest.param("Anthropic", "there is a provider 'Anthropic' already", id="own"),
        pytest.param("openai", "there is a provider 'OpenAI' already", id="case"),
        pytest.param("Flow_GPT", "there is a provider 'FlowGpt' already", id="words"),
        pytest.param("llama.cpp", "there is a provider 'llama.cpp' already", id="row"),
        pytest.param("turnout-groq", "there is a provider 'Groq' already", id="prefix"),
        pytest.param("echo", "there is a provider 'Echo' already", id="a plugin's"),
        pytest.param(
            "Sonar", "'Sonar' is a model of provider 'Perplexity'", id="model"
        ),
        pytest.param("parrot", "'parrot' is a model of provider 'Echo'", id="nickname"),
        pytest.param("polly", "'polly' is an alias for 'Echo:echo-1'", id="alias"),
    ],
)
def test_a_name_that_is_taken_is_refused(
    inside: CommandLine, name: str, taken: str
) -> None:
    inside.install("Scripted", "Extra")
    # Whoever installs the package may have what is kept out here.
    inside.configure('[plugins]\nallow = ["Scripted", "Extra"]\n')

    done = inside("new-provider", name)

    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {taken}")
    assert done.stderr.endswith("; take another name\n")
    assert done.stderr.count("\n") == 1
    assert not list(inside.folder.glob("turnout-*"))


def test_who_has_a_name_is_told(inside: CommandLine) -> None:
    done = inside("new-provider", "ECHO")

    assert done.stderr == (
        "Error: there is a provider 'Echo' already, of turnout-scripted 1.2; take "
        "another name\n"
    )


def test_a_folder_that_cannot_be_made_is_one_line(
    turnout: CommandLine, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()

    done = turnout("new-provider", "my-llm", "--path", "file/below")

    assert done.returncode == 1
    assert done.stderr == "Error: Not a directory: 'file/below/turnout-my-llm'\n"


def test_what_to_type_next_is_told(turnout: CommandLine) -> None:
    done = turnout("new-provider", "my-llm", "--path", "my packages")

    assert done.stdout == "my packages/turnout-my-llm\n"
    assert done.stderr.splitlines() == [
        "Next:",
        "cd 'my packages/turnout-my-llm'",
        'pip install -e ".[test]"',
        "pytest",
        "turnout resolve MyLlm",
        "Then fill in what is marked with TODO in src and tests.",
        "To set the key: export MY_LLM_API_KEY=..., or api_key in turnout.toml under "
        "[providers.MyLlm]",
    ]


@pytest.mark.parametrize("kind", [[], ["--openai-compatible"]])
def test_the_package_marks_what_to_fill_in_and_says_how_the_key_is_set(
    turnout: CommandLine, tmp_path: Path, kind: list[str]
) -> None:
    turnout("new-provider", "my-llm", *kind)

    folder = tmp_path / "turnout-my-llm"
    module = (folder / "src" / "turnout_my_llm" / "__init__.py").read_text()
    docstring = module.split('"""')[1]
    lines = module.splitlines()
    for field in ("models=", "key_variable=", "base_url", "capabilities="):
        index = next(
            i
            for i, line in enumerate(lines)
            if field in line and not line.lstrip().startswith("#")
        )
        above = itertools.takewhile(
            lambda line: line.lstrip().startswith("#"), reversed(lines[:index])
        )
        assert any("# TODO: " in line for line in above), field
    assert "MY_LLM_API_KEY" in docstring
    assert "`api_key` in turnout.toml" in docstring
    assert "TODO" in (folder / "tests" / "test_turnout_my_llm.py").read_text()
    readme = (folder / "README.md").read_text()
    assert "export MY_LLM_API_KEY=..." in readme
    assert '[providers.MyLlm]\napi_key = "..."' in readme


_NO_PLUGINS = ("-p", "no:asyncio", "-p", "no:timeout", "-p", "no:xdist")


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param([], id="own protocol"),
        pytest.param(["--openai-compatible"], id="openai-compatible"),
    ],
)
@pytest.mark.ci
def test_the_package_can_be_installed_and_keeps_the_contract(
    turnout: CommandLine, tmp_path: Path, kind: list[str]
) -> None:
    # A class whose name begins so is one that pytest would take for tests.
    turnout("new-provider", "test-llm", *kind)
    folder = tmp_path / "turnout-test-llm"
    site = tmp_path / "site"

    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(site)
    environment = {
        **turnout.environment,
        # Whatever plugins pytest has here may warn of settings that the package lacks.
        "PYTHONWARNINGS": "",
        # The tests are to pass on any machine.
        "TEST_LLM_API_KEY": "its owner's",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }
    tests = subprocess.run(
        # The contract needs no plugin of pytest's.
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *_NO_PLUGINS],
        cwd=folder,
        env=environment,
        capture_output=True,
        check=False,
        text=True,
    )
    resolved = turnout("resolve", "TestLlm")
    refused = turnout("chat", "-m", "TestLlm", "Hi")

    assert tests.returncode == 0, tests.stdout
    (passed,) = re.findall(r"^(\d+) passed", tests.stdout, re.MULTILINE)
    assert int(passed) > 50
    assert "1. TestLlm:test-llm-1 (it was named)\n" in resolved.stdout
    assert refused.stderr == (
        "Error: TestLlm needs a key; set TEST_LLM_API_KEY in the environment, or "
        "api_key in turnout.toml or in code\n"
    )


@pytest.mark.parametrize("kind", [[], ["--openai-compatible"]])
@pytest.mark.ci
def test_the_package_is_formatted_and_typed(
    turnout: CommandLine, tmp_path: Path, kind: list[str]
) -> None:
    turnout("new-provider", "my-llm", *kind)
    folder = tmp_path / "turnout-my-llm"
    checks = (
        ["ruff", "format", "--check", "--isolated"],
        ["ruff", "check", "--isolated", "--select=E,F,I,B,UP"],
        ["mypy", "--strict"],
    )

    for check in checks:
        done = subprocess.run(
            [sys.executable, "-m", *check, "src", "tests"],
            cwd=folder,
            env={**turnout.environment, "MYPYPATH": "src", "PYTHONPATH": "src"},
            capture_output=True,
            check=False,
            text=True,
        )

        assert done.returncode == 0, done.stdout + done.stderr
