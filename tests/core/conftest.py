"""Fixtures for several folders of the core's tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.site import Site


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """Return a folder to install packages into; its modules are removed afterwards."""
    folder = Site(tmp_path / "site", monkeypatch)
    yield folder
    folder.forget()
