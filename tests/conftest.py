"""Fixtures for every test: an empty environment, and no blocked event loop."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from blockbuster import blockbuster_ctx

from turnout._app import current_app

_STEERING = ("_proxy", "_api_key", "_token", "_host")
"""Endings of the names of variables that set an address, a proxy or a key."""


_PACKAGES = (
    "turnout_anthropic",
    "turnout_flowgpt",
    "turnout_gemini",
    "turnout_ollama",
    "turnout_openai",
)


@pytest.fixture(scope="module", autouse=True)
def frozen() -> None:
    """Exclude all objects from before a test file from garbage collection.

    A check for leaks collects a few times. With the objects of eleven thousand tests
    and their imports, each collection would take a second.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Handle SIGINT if the tests run in the background, where shells ignore it.

    The processes that tests start and interrupt inherit it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def nowhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an empty folder."""
    return tmp_path_factory.mktemp("nowhere")


@pytest.fixture(autouse=True)
def isolated(nowhere: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep this machine's configuration, keys and proxies out of a test.

    The user's data folder stays: the embedded model may be there.
    """
    for name in list(os.environ):
        if name.startswith("TURNOUT_") or name.lower().endswith(_STEERING):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(nowhere))
    monkeypatch.chdir(nowhere)
    current_app.cache_clear()
    yield
    current_app.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def unblocked() -> Iterator[None]:
    """Refuse blocking calls that turnout makes on an event loop.

    Imports may block, and so may files that are read once in a process: the
    configuration, the list of plugins, and certificates.
    """
    scanned = ["turnout", *_PACKAGES]
    excluded = ["turnout.testing"]
    with blockbuster_ctx(scanned, excluded_modules=excluded) as blockbuster:
        # Coverage acquires a lock at every call of a function.
        for name in ("threading.Lock.acquire", "threading.Lock.acquire_lock"):
            blockbuster.functions[name].deactivate()
        for function in blockbuster.functions.values():
            function.can_block_in("<frozen importlib._bootstrap>", "_find_and_load")
            function.can_block_in("turnout/_app.py", "current_app")
            function.can_block_in("turnout/_distributions.py", "installed")
            function.can_block_in("turnout/_plugins.py", "_load")
            function.can_block_in("turnout/_tls.py", "context_of")
        yield
