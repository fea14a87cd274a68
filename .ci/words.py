"""Count the lines that use words which the plain style avoids, and limit them.

A word counts as a whole word, in any case, and as a part of a name in `snake_case`.
The tracked text files of the repository in the current directory are read. `--list`
prints every line, also under the limit.
"""

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass, field

WORDS = (
    "told",
    "nobody",
    "whoever",
    "whom",
    "anew",
    "at hand",
    "let alone",
    "mend",
    "mends",
    "mended",
    "all in all",
    "what came of",
)
PATTERN = re.compile(
    r"(?<![^\W_])(?:"
    + "|".join(word.replace(" ", r"(?:\s+|_+)") for word in WORDS)
    + r")(?![^\W_])",
    re.IGNORECASE,
)

# Recorded words of services, sample prose, copies of docstrings, and the words above.
LEFT_OUT = (
    ".ci/words.py",
    "bench/answers.py",
    "core/turnout/http/_refusal_phrases.py",
    "docs/reference/",
    "tests/core/http/refusals/",
    "tests/test_words.py",
)


@dataclass
class Area:
    """Some of the files, with the number of lines that may have such words."""

    name: str
    paths: tuple[str, ...]
    limit: int
    lines: list[str] = field(default_factory=list)


def main() -> int:
    """Return 1 if an area has more lines than its limit."""
    parser = argparse.ArgumentParser(description="Count the words to avoid.")
    parser.add_argument("--list", action="store_true", help="print every line found")
    lists_all = parser.parse_args().list
    areas = [
        Area(
            "product and docs",
            (
                "core/",
                "providers/",
                "docs/",
                "README.md",
                "CHANGELOG.md",
                "bench/",
                "examples/",
                ".ci/",
            ),
            limit=20,
        ),
        Area("tests", ("tests/",), limit=60),
    ]
    tracked = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 git's place depends on the machine
        check=True,
        capture_output=True,
    ).stdout.decode()
    for path in filter(None, tracked.split("\0")):
        area = next((a for a in areas if path.startswith(a.paths)), None)
        if area is not None and not path.startswith(LEFT_OUT):
            area.lines += found_in(path)

    for area in areas:
        over = len(area.lines) > area.limit
        if over or lists_all:
            print(*area.lines, sep="\n", end="\n" if area.lines else "")
        print(f"{area.name}: {len(area.lines)} lines, limit {area.limit}")
    return int(any(len(area.lines) > area.limit for area in areas))


def found_in(path: str) -> list[str]:
    """Return the lines of a file that have such a word, each with its place."""
    try:
        with open(path, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        # Not a text, or deleted and not committed yet, or a link to a folder.
        return []
    return [
        f"{path}:{number}: {line.strip()}"
        for number, line in enumerate(lines, 1)
        if PATTERN.search(line)
    ]


if __name__ == "__main__":
    sys.exit(main())
