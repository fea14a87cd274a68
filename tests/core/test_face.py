"""What a user calls, over a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import turnout

from ..support.flowgpt_server import Answer, FlowGptServer


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return what writes a configuration."""

    def write(text: str) -> None:
        path = tmp_path / "turnout.toml"
        path.write_text(text, encoding="utf-8")
        monkeypatch.setenv("TURNOUT_CONFIG", str(path))

    return write


async def test_complete_asks_whoever_serves_the_model(
    configure: Callable[[str], None],
) -> None:
    async with FlowGptServer(Answer(pieces=("Hel", "lo."))) as server:
        configure(f'[providers.FlowGpt]\nbase_url = "{server.base_url}"\n')

        reply = await turnout.complete("Say hello.", model="gpt-4-turbo")

    assert reply.text == "Hello."
    assert str(reply.target) == "FlowGpt:gpt-4-turbo"
    assert server.refusals == []


async def test_complete_refuses_a_name_that_nobody_bears() -> None:
    with pytest.raises(turnout.UnknownModelError, match="gpt-4-turbo"):
        await turnout.complete("Say hello.", model="gpt-4-turbos")
