"""What type checkers say of programs and packages that users write."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.conftest import HELLO, PACKAGES

BEDROCK = HELLO.parent / "turnout-bedrock" / "turnout_bedrock"

STRICT = {
    "typeCheckingMode": "strict",
    "pythonVersion": "3.11",
    "reportUnnecessaryTypeIgnoreComment": True,
}

CHECKERS = {
    "mypy": ("mypy", "--strict", "."),
    "basedpyright": ("basedpyright", "--pythonpath", sys.executable, "--project", "."),
}

VENDOR = PACKAGES / "turnout_vendor" / "turnout_vendor.py"

PROGRAM = Path(__file__).parent / "typed_program.py"


@pytest.mark.ci
@pytest.mark.parametrize("checker", CHECKERS)
def test_checkers_see_what_is_right_and_what_is_wrong(
    checker: str, tmp_path: Path
) -> None:
    # Without the settings of this repository. An `ignore` that hides no error is one.
    shutil.copy(VENDOR, tmp_path)
    shutil.copy(PROGRAM, tmp_path)
    shutil.copytree(BEDROCK, tmp_path / BEDROCK.name)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(STRICT), "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_rows_rules_and_options_need_no_exception() -> None:
    for path in (VENDOR, *BEDROCK.glob("*.py")):
        assert "ignore" not in path.read_text("utf-8")
