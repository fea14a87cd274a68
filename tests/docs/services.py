"""What the documentation's blocks talk to."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.anthropic_server import AnthropicServer
from tests.support.flowgpt_server import FlowGptServer
from tests.support.forward_proxy import ForwardProxy
from tests.support.gemini_server import GeminiServer
from tests.support.ollama_server import OllamaServer
from tests.support.openai_server import OpenAIServer, answer
from turnout._app import current_app

ROOT = Path(__file__).parents[2]

# What the pages ask for by a schema.
_CITY = ('{"name": "Paris", "country": "Fra', 'nce", "inhabitants": 2103778}')

_CONFIG = """\
[providers.FlowGpt]
base_url = "{flowgpt}"

[providers.Gemini]
base_url = "{gemini}"

[providers.Ollama]
base_url = "{ollama}"

[providers.OpenAI]
base_url = "{openai}"

[providers.Anthropic]
base_url = "{anthropic}"
"""


@dataclass(frozen=True)
class Services:
    """The addresses of what runs, and where the example package is installed."""

    flowgpt_url: str
    openai_url: str
    proxy_url: str
    site: Path
    config: Path

    def configure(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let turnout find them, in this process and in those that it starts."""
        monkeypatch.setattr(sys, "path", [str(self.site), *sys.path])
        monkeypatch.setenv("PYTHONPATH", str(self.site))
        monkeypatch.setenv("TURNOUT_CONFIG", str(self.config))
        current_app.cache_clear()


@contextmanager
def services() -> Generator[Services]:
    """Start the servers in a thread of their own, and install the example package."""
    with tempfile.TemporaryDirectory() as folder, _servers() as urls:
        anthropic, flowgpt, gemini, ollama, openai, proxy = urls
        site, config = Path(folder) / "site", Path(folder) / "turnout.toml"
        _install(ROOT / "examples" / "turnout-hello", site)
        written = _CONFIG.format(
            anthropic=anthropic,
            flowgpt=flowgpt,
            gemini=gemini,
            ollama=ollama,
            openai=openai,
        )
        config.write_text(written, encoding="utf-8")
        yield Services(
            flowgpt_url=flowgpt,
            openai_url=openai,
            proxy_url=proxy,
            site=site,
            config=config,
        )


@contextmanager
def _servers() -> Generator[list[str]]:
    addresses: list[str] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with (
            AnthropicServer() as anthropic,
            FlowGptServer() as flowgpt,
            GeminiServer(pages=[{"models": []}]) as gemini,
            OllamaServer(tags={"models": [{"name": "llama3.2:latest"}]}) as ollama,
            OpenAIServer(structured=answer(*_CITY)) as openai,
            ForwardProxy() as proxy,
        ):
            addresses.extend(
                (
                    anthropic.url,
                    flowgpt.base_url,
                    gemini.base_url,
                    ollama.url,
                    openai.base_url,
                    proxy.url,
                )
            )
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert ready.wait(60)
        yield addresses
    finally:
        done.set()
        thread.join()


def _install(project: Path, site: Path) -> None:
    """Build a package with its own backend and install it into a folder."""
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run(
        [*pip, "--no-build-isolation", "--target", str(site), str(project)], check=True
    )
