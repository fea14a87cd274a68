"""Every block of the documentation works as it is printed.

All services are servers that enforce their protocols, on loopback; the
configuration says where they are.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest

from tests.docs.services import Services, services
from turnout_local._weights import data_folder

ROOT = Path(__file__).parents[2]
# The reference is written from docstrings and shows signatures.
PAGES = [
    ROOT / "README.md",
    *sorted(p for p in (ROOT / "docs").rglob("*.md") if p.parent.name != "reference"),
]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)

# Run by .ci/run on a machine of their own: they make virtual environments.
_SET_UP = re.compile(r"^(python3 -m venv|pip install|turnout local pull)")

# The one line that waits for somebody to type.
_INTERACTIVE = re.compile(r"^turnout chat\s+#")


class Block(NamedTuple):
    page: Path
    number: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}#{self.number}"


def blocks(language: str) -> list[Block]:
    return [block for block in _all_blocks() if block.language == language]


def _all_blocks() -> list[Block]:
    return [
        Block(page, number, match[1], match[2])
        for page in PAGES
        for number, match in enumerate(_BLOCK.finditer(page.read_text("utf-8")), 1)
    ]


@pytest.fixture(scope="module")
def running() -> Iterator[Services]:
    with services() as started:
        yield started


def test_every_block_is_of_a_language_that_is_tested() -> None:
    assert {block.language for block in _all_blocks()} == {"python", "toml", "sh"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_blocks_of_a_page_run_in_order(
    page: Path, running: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.configure(monkeypatch)
    # A module, as the classes that a block defines look for theirs.
    module = ModuleType("documentation")
    monkeypatch.setitem(sys.modules, module.__name__, module)

    with asyncio.Runner() as runner:
        for block in blocks("python"):
            if block.page == page:
                run(block, running, vars(module), runner)


def run(
    block: Block, running: Services, namespace: dict[str, Any], runner: asyncio.Runner
) -> None:
    """Run a block as a notebook does: in a coroutine only where it awaits."""
    text = block.text.replace("http://127.0.0.1:8080", running.proxy_url)
    text = text.replace("http://127.0.0.1:11434/v1", running.openai_url)
    if "create_async_generator" in text:  # A class knows no configuration.
        text = text.replace("=0.2)", f"=0.2, base_url={running.flowgpt_url!r})")
    code = compile(text, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    if code.co_flags & inspect.CO_COROUTINE:
        runner.run(_awaited(code, namespace))
    else:
        exec(code, namespace)


async def _awaited(code: Any, namespace: dict[str, Any]) -> None:
    await eval(code, namespace)


@pytest.mark.parametrize(
    "block",
    [block for block in blocks("python") if block.page.name == "README.md"],
    ids=str,
)
def test_a_python_block_of_the_readme_runs_as_a_file(
    block: Block, running: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running.configure(monkeypatch)
    file = tmp_path / "block.py"
    file.write_text(block.text, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-W", "error", file],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_the_tests_that_a_page_shows_pass(tmp_path: Path) -> None:
    page = ROOT / "docs" / "testing.md"
    shown = [block.text for block in blocks("python") if block.page == page]
    (tmp_path / "test_shown.py").write_text("\n".join(shown), encoding="utf-8")
    scope = "asyncio_default_fixture_loop_scope=function"
    settings = ["-o", "asyncio_mode=auto", "-o", scope, "-W", "error"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", tmp_path, *settings],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    tests = len(re.findall(r"^(?:async )?def test_", "\n".join(shown), re.MULTILINE))
    assert f"{tests + 2} passed" in done.stdout  # One of them is run three times.


@pytest.mark.parametrize("block", blocks("toml"), ids=str)
def test_a_toml_block_is_what_it_says(block: Block, tmp_path: Path) -> None:
    from turnout._config import read_config

    if "[project.entry-points.turnout]" in block.text:
        example = ROOT / "examples" / "turnout-hello" / "pyproject.toml"
        declared = tomllib.loads(example.read_text("utf-8"))["project"]["entry-points"]
        assert tomllib.loads(block.text)["project"]["entry-points"] == declared
        return
    path = tmp_path / "turnout.toml"
    path.write_text(block.text, encoding="utf-8")

    config = read_config(path)

    if "[cli]" in block.text:
        assert not config.cli.log
        return
    assert config.routes["default"].targets
    assert config.providers["at-work"].plugin in {"OpenAI", "vLLM"}


@pytest.mark.ci
def test_the_contracts_that_a_page_shows_are_kept(tmp_path: Path) -> None:
    page = ROOT / "docs" / "plugins.md"
    shown = [b.text for b in blocks("python") if b.page == page and _is_module(b.text)]
    (tmp_path / "test_shown.py").write_text("\n".join(shown), encoding="utf-8")
    plain = ["-p", "no:asyncio", "-W", "error"]

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--rootdir", tmp_path, *plain],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def _is_module(text: str) -> bool:
    """Tell whether a block awaits nothing outside of a coroutine."""
    code = compile(text, "block", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    return not code.co_flags & inspect.CO_COROUTINE


@pytest.mark.parametrize("block", blocks("sh"), ids=str)
def test_the_commands_of_a_block_run(
    block: Block,
    running: Services,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    running.configure(monkeypatch)
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=":")
    # The weights are the user's own, but the conversations are not kept with theirs.
    (tmp_path / "data" / "turnout").mkdir(parents=True)
    (tmp_path / "data" / "turnout" / "local").symlink_to(data_folder())
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))

    for line in block.text.splitlines():
        if _SET_UP.match(line) or _INTERACTIVE.match(line):
            continue
        done = subprocess.run(
            ["/bin/sh", "-c", line],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout
