"""What type checkers say of a package that an author writes for turnout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.conftest import HELLO, PACKAGES

BEDROCK = HELLO.parent / "turnout-bedrock" / "turnout_bedrock"

STRICT = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}

CHECKERS = {
    "mypy": ("mypy", "--strict", "."),
    "basedpyright": ("basedpyright", "--pythonpath", sys.executable, "--project", "."),
}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.ci
def test_rows_rules_and_options_need_no_exception(checker: str, tmp_path: Path) -> None:
    source = PACKAGES / "turnout_vendor" / "turnout_vendor.py"
    shutil.copy(source, tmp_path)
    shutil.copytree(BEDROCK, tmp_path / BEDROCK.name)
    # Without the settings of this repository.
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(STRICT), "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    for path in (source, *BEDROCK.glob("*.py")):
        assert "ignore" not in path.read_text("utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
