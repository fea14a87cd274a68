"""A server that is not ours, for the tests of the protocols that it speaks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import llama_server as llama
from turnout.errors import UnavailableError


@pytest.fixture(scope="session")
def llama_server() -> Iterator[llama.LlamaServer]:
    """Run llama.cpp's own server for the session."""
    try:
        with llama.llama_server() as server:
            yield server
    except UnavailableError as error:
        pytest.fail(f"these tests ask the real model: {error}")
