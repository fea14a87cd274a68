"""What type checkers say of a package that an author writes for turnout."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.conftest import PACKAGES

STRICT = {"typeCheckingMode": "strict", "pythonVersion": "3.11"}

CHECKERS = {
    "mypy": ("mypy", "--strict", "."),
    "basedpyright": ("basedpyright", "--pythonpath", sys.executable, "--project", "."),
}


@pytest.mark.parametrize("checker", CHECKERS)
@pytest.mark.ci
def test_rows_and_rules_need_no_exception(checker: str, tmp_path: Path) -> None:
    source = PACKAGES / "turnout_vendor" / "turnout_vendor.py"
    shutil.copy(source, tmp_path)
    # Without the settings of this repository.
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(STRICT), "utf-8")

    done = subprocess.run(
        [sys.executable, "-m", *CHECKERS[checker]],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )

    assert "ignore" not in source.read_text("utf-8")
    assert done.returncode == 0, done.stdout + done.stderr
