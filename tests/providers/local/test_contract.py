"""The embedded model keeps what of the contract is not about services."""

from __future__ import annotations

import asyncio

import pytest

from turnout.testing import EngineContract
from turnout.types import RequestOptions
from turnout_local import Local


@pytest.fixture(scope="module")
def loaded(model: None) -> Local:
    """Hold an instance that has been used, so that no test loads the model anew."""
    provider = Local()
    asyncio.run(provider.complete("Hi", max_tokens=1))
    return provider


@pytest.mark.usefixtures("loaded")
class TestLocal(EngineContract):
    provider = Local
    request = RequestOptions(max_tokens=20)
    at_once = 3
