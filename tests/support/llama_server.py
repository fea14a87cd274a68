"""llama.cpp's own HTTP server with the real model: protocols that others wrote.

It speaks OpenAI's chat completions and Responses, and Anthropic's Messages, with real
tokens. `tests/providers/conftest.py` has it as the fixture `llama_server`.

It runs in a process of its own, as loading holds Python's lock for half a second. The
process ends with its input, and so with the tests, however these end.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from turnout_local._llama import default_threads
from turnout_local._weights import find

_ROOT = Path(__file__).parents[2]

_READY_TIMEOUT = 120.0

_END_TIMEOUT = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LlamaServer:
    """The server, as it is told to whoever asks it something."""

    url: str
    """As in `http://127.0.0.1:4711`; the paths of its protocols begin with `/v1`."""
    key: str = "canary-llama-key"
    """It refuses any other with 401."""
    context_window: int = 2048
    """Tokens of input and output of one stream; there are two streams at a time."""

    @property
    def base_url(self) -> str:
        return f"{self.url}/v1"


@contextmanager
def llama_server() -> Generator[LlamaServer]:
    """Run the server.

    Raises:
        UnavailableError: The weights are not here.
    """
    find()
    command = [sys.executable, "-m", "tests.support.llama_server"]
    process = subprocess.Popen(
        command,
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        # The child answers or ends within its own time, so that this returns.
        url = process.stdout.readline().strip()
        assert url, "the server did not start"
        yield LlamaServer(url=url)
    finally:
        process.stdin.close()
        process.stdout.close()
        try:
            process.wait(_END_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serve() -> None:
    """Load the model, say where it is asked, and stay for as long as the input does."""
    server = _load()
    url: str = server.listening_address
    _wait_until_ready(url)
    sys.stdout.write(f"{url}\n")
    sys.stdout.flush()
    sys.stdin.read()


def _load() -> Any:
    xllamacpp: Any = importlib.import_module("xllamacpp")
    told = LlamaServer(url="")
    params = xllamacpp.CommonParams()
    params.model.path = str(find().path)
    params.model_alias = {"smollm2"}
    params.n_parallel = 2
    params.n_ctx = told.context_window * params.n_parallel
    params.n_batch = params.n_ubatch = 32
    threads = default_threads()
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.cache_ram_mib = 0
    params.warmup = params.fit_params = params.ui = False
    params.verbosity = -1
    params.api_keys = [told.key]
    params.n_threads_http = 4
    return xllamacpp.Server(params)


def _wait_until_ready(url: str) -> None:
    until = time.monotonic() + _READY_TIMEOUT
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(f"{url}/health", timeout=_READY_TIMEOUT):
                return
        except urllib.error.URLError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    _serve()
