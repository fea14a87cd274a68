"""The example of a service with signed requests and a framing of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.plugins.scratch import build_wheels, install

BEDROCK = Path(__file__).parents[2] / "examples" / "turnout-bedrock"


def passed(site: Path, folder: Path, *arguments: str) -> str:
    """Run the package's own tests, and return what pytest says."""
    command = [sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider"]
    command += ["-p", "no:asyncio", *arguments, str(BEDROCK / "tests")]
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(site), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_package_passes_its_quick_tests(tmp_path: Path) -> None:
    left_out = [f"--ignore={BEDROCK}/tests/test_bedrock_{n}.py" for n in LONG]

    # It is not installed, and so not found by its name.
    told = passed(BEDROCK, tmp_path, *left_out, "-k", "not found_by_its_name")

    assert _skipped_elsewhere(told) == []


LONG = ("botocore", "contract")


@pytest.mark.ci
def test_the_installed_package_passes_its_tests(tmp_path: Path) -> None:
    install(build_wheels([BEDROCK], tmp_path), tmp_path / "site")

    told = passed(tmp_path / "site", tmp_path, f"--rootdir={tmp_path}")

    assert _skipped_elsewhere(told) == []


def _skipped_elsewhere(told: str) -> list[str]:
    """Return the skips that are not the contract's own."""
    lines = [line for line in told.splitlines() if line.startswith("SKIPPED")]
    return [line for line in lines if "testing/_contract/" not in line]
