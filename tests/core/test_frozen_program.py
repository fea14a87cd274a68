"""A program that PyInstaller has frozen, with turnout's own hooks."""

from __future__ import annotations

import asyncio
import os
import runpy
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.core.site import OWN_NAMES
from tests.support.openai_server import OpenAIServer, answer
from turnout._pyinstaller import get_hook_dirs

# The build takes a minute on two idle cores.
pytestmark = [pytest.mark.ci, pytest.mark.timeout(900)]

PROGRAM = """
import sys

import turnout
from turnout import Provider, ProviderInfo
from turnout.cli import main


class Here(Provider):
    info = ProviderInfo(name="Here", models=("here-1",))

    async def generate(self, request):
        yield "from "
        yield request.last_user_text


print("".join(Here().stream("inside")))
print(turnout.get_provider("v-llm", base_url=sys.argv[1]))
print(turnout.get_provider("Local").unavailable())
print("".join(turnout.get_provider("OpenAI", base_url=sys.argv[1]).stream("Hi")))
sys.argv[1:] = ["providers"]
main()
"""


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a program in a folder with its dependencies."""
    folder = tmp_path_factory.mktemp("frozen")
    (folder / "app.py").write_text(PROGRAM)
    command = [sys.executable, "-m", "PyInstaller", "--log-level", "ERROR", "--onedir"]
    done = subprocess.run(
        [*command, "app.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist" / "app" / "app"


async def test_a_frozen_program_has_its_plugins_and_commands(program: Path) -> None:
    async with OpenAIServer(answer("from ", "a service"), key="sk-test") as server:
        running = await asyncio.create_subprocess_exec(
            program,
            server.base_url,
            cwd=program.parent,
            env={**os.environ, "OPENAI_API_KEY": "sk-test"},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, errors = await running.communicate()

    assert (running.returncode, errors.decode()) == (0, "")
    first, provider, lack, answered, *listed = out.decode().splitlines()
    assert first == "from inside"
    assert provider == "<OpenAI 'vLLM'>"
    assert "engine" not in lack
    assert answered == "from a service"
    assert [line.partition(" ")[0] for line in listed] == sorted(
        OWN_NAMES, key=str.casefold
    )


def test_the_hooks_name_imports_that_pyinstaller_does_not_find() -> None:
    (folder,) = get_hook_dirs()
    read = partial(runpy.run_path, run_name="turnout._pyinstaller.hook")

    turnout = read(f"{folder}/hook-turnout.py")
    local = read(f"{folder}/hook-turnout_local.py")

    assert {"turnout.cli._chat", "turnout_openai._plugin"} <= {
        *turnout["hiddenimports"]
    }
    assert not [m for m in turnout["hiddenimports"] if m.startswith("turnout.testing")]
    assert any("dist-info" in to for _, to in turnout["datas"])
    assert any("template" in to for _, to in turnout["datas"])
    assert local["hiddenimports"] == ["xllamacpp"]


def test_an_engine_that_is_not_installed_is_left_out() -> None:
    from turnout._pyinstaller._collect import engine

    assert engine("no_such_module") == []
