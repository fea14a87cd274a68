"""Every package is built, and installed by pip, once for all tests."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.plugins.scratch import Scratch, build_wheels, install

HELLO = Path(__file__).parents[2] / "examples" / "turnout-hello"

PACKAGES = Path(__file__).parent / "packages"


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return two folders with packages in them; of two alike, each has one."""
    wheels = tmp_path_factory.mktemp("wheels")
    built = build_wheels([HELLO, *sorted(PACKAGES.iterdir())], wheels)
    early, late = (tmp_path_factory.mktemp(name) for name in ("early", "late"))
    install(built[::2], early)
    install(built[1::2], late)
    return early, late


@pytest.fixture
def scratch(sites: tuple[Path, Path], tmp_path: Path) -> Scratch:
    """Return an environment with every package."""
    return Scratch(sites, tmp_path)


@pytest.fixture
def mirrored(scratch: Scratch) -> Scratch:
    """Return the same, in which the packages are found in another order."""
    return replace(scratch, sites=scratch.sites[::-1])
