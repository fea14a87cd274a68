"""What type checkers say of a program that uses turnout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.test_types import CHECKERS, STRICT

PROGRAM = Path(__file__).parent / "typed_program.py"


@pytest.mark.ci
@pytest.mark.timeout(180)  # A checker reads all of turnout.
@pytest.mark.parametrize("checker", CHECKERS)
def test_checkers_see_what_is_right_and_what_is_wrong(
    checker: str, tmp_path: Path
) -> None:
    # Both report an `ignore` on a line that has no error.
    settings = STRICT | {"reportUnnecessaryTypeIgnoreComment": True}
    shutil.copy(PROGRAM, tmp_path)
    # Without the settings of this repository.
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings), "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr
