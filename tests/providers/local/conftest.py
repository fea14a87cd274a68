"""The real model, for the tests that ask it something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from turnout.errors import UnavailableError
from turnout_local import Local
from turnout_local._shared import ENGINES
from turnout_local._weights import find


@pytest.fixture(scope="package")
def model() -> Iterator[None]:
    """See to it that the real model can be asked, and unload it in the end."""
    try:
        find()
    except UnavailableError as error:
        pytest.fail(f"these tests ask the real model: {error}")
    yield
    ENGINES.close()


@pytest.fixture
def local(model: None) -> Local:
    """Return the provider as it is without options; the model stays loaded."""
    return Local()
