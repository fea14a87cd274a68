"""`.ci/words.py` counts the lines with words to avoid, and limits them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / ".ci" / "words.py"


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A git repository without files."""
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    return tmp_path


def write(repository: Path, path: str, content: str | bytes) -> None:
    """Write a file, and track it."""
    file = repository / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    subprocess.run(["git", "add", "-f", path], cwd=repository, check=True)


def words(repository: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script in a repository."""
    return subprocess.run(
        [sys.executable, str(SCRIPT), *arguments],
        cwd=repository,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "line",
    [
        "Nobody listens",
        "let  alone",
        "at_hand = 1",
        "def key_at_hand():",
        "_is_told(error)",
        "def test_what_came_of_it():",
        "mend, mends",
        '"MENDED"',
    ],
)
def test_a_word_is_found(repository: Path, line: str) -> None:
    write(repository, "core/a.py", f"# first\n    {line}\n")

    done = words(repository, "--list")

    assert done.stdout == (
        f"core/a.py:2: {line}\n"
        "product and docs: 1 lines, limit 20\n"
        "tests: 0 lines, limit 60\n"
    )
    assert done.returncode == 0


@pytest.mark.parametrize(
    "line", ["recommend", "amended", "retold", "at handling", "whomever", "nobody2"]
)
def test_a_part_of_another_word_is_not_found(repository: Path, line: str) -> None:
    write(repository, "core/a.py", line)

    assert "product and docs: 0 lines" in words(repository).stdout


def test_a_line_counts_once(repository: Path) -> None:
    write(repository, "README.md", "told and told, by nobody")

    assert "product and docs: 1 lines" in words(repository).stdout


@pytest.mark.parametrize(("path", "limit"), [("docs/a.md", 20), ("tests/a.py", 60)])
def test_more_lines_than_the_limit_are_printed(
    repository: Path, path: str, limit: int
) -> None:
    write(repository, path, "told\n" * limit)
    within = words(repository)
    write(repository, path, "told\n" * (limit + 1))
    over = words(repository)

    assert (within.returncode, over.returncode) == (0, 1)
    assert path not in within.stdout
    assert over.stdout.count(f"{path}:") == limit + 1
    assert f"{path}:{limit + 1}: told\n" in over.stdout


@pytest.mark.parametrize(
    "path",
    [
        "core/turnout/http/_refusal_phrases.py",
        "tests/core/http/refusals/general.py",
        "docs/reference/turnout.md",
        "LICENSE",
    ],
)
def test_files_that_are_left_out(repository: Path, path: str) -> None:
    write(repository, path, "told\n" * 100)

    assert words(repository, "--list").stdout == (
        "product and docs: 0 lines, limit 20\ntests: 0 lines, limit 60\n"
    )


def test_only_tracked_text_files_are_read(repository: Path) -> None:
    write(repository, "core/binary", b"\xff\xfe told")
    write(repository, "core/deleted.py", "told")
    (repository / "core" / "deleted.py").unlink()
    (repository / "core" / "untracked.py").write_text("told")

    done = words(repository)

    assert done.returncode == 0
    assert "product and docs: 0 lines" in done.stdout
