"""What turnout sees of the plugin."""

from __future__ import annotations

import subprocess
import sys

import click

import turnout_local
from turnout_local import Local, _plugin


def test_the_plugin_brings_the_provider() -> None:
    assert _plugin.turnout_providers() == [Local]


def test_the_plugin_adds_its_command() -> None:
    cli = click.Group("turnout")

    _plugin.turnout_commands(cli)

    local = cli.commands["local"]
    assert isinstance(local, click.Group)
    assert sorted(local.commands) == ["pull", "where"]


def test_the_package_exports_what_it_says() -> None:
    public = {name for name in vars(turnout_local) if not name.startswith("_")}

    assert turnout_local.__all__ == sorted(public)


def test_listing_the_provider_stays_light() -> None:
    heavy = ["aiohttp", "asyncio", "click", "platformdirs", "xllamacpp", "zipfile"]
    script = (
        "import sys; from turnout_local import _plugin; _plugin.turnout_providers(); "
        f"print([name for name in {heavy} if name in sys.modules])"
    )

    loaded = subprocess.check_output([sys.executable, "-c", script], text=True)

    assert loaded.strip() == "[]"
