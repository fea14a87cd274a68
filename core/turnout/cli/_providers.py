"""`turnout providers`: who can be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from turnout.cli._output import set_aside_note
from turnout.cli._table import write_json, write_table

if TYPE_CHECKING:
    from turnout._app import App
    from turnout._registry import ProviderEntry

__all__ = ["command"]


@click.command("providers", short_help="List the providers, and who can be asked.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def command(as_json: bool) -> None:
    """List the providers, and whether each can be asked now."""
    from turnout._app import current_app

    app = current_app()
    entries = app.load_all().providers.values()
    if as_json:
        write_json([_object(app, entry) for entry in entries])
    else:
        heads = ("PROVIDER", "STATE", "DEFAULT MODEL", "PLUGIN")
        write_table(heads, [_row(app, entry) for entry in entries])
    set_aside_note(app.set_aside)


def _row(app: App, entry: ProviderEntry) -> tuple[str, str, str, str]:
    state, why = _state(app, entry)
    model = entry.info.first_model or "-"
    return entry.info.name, f"{state}: {why}", model, str(entry.plugin)


def _object(app: App, entry: ProviderEntry) -> dict[str, object]:
    info, plugin = entry.info, entry.plugin
    state, why = _state(app, entry)
    return {
        "name": info.name,
        "state": state,
        "reason": why,
        "default_model": info.first_model or None,
        "in_process": info.in_process,
        "key_variable": info.key_variable,
        "url": info.url,
        "distribution": plugin.distribution,
        "version": plugin.version,
    }


def _state(app: App, entry: ProviderEntry) -> tuple[str, str]:
    """Return whether a provider can be asked, and why; nobody is asked for it."""
    info = entry.info
    key = app.key_at_hand(entry)
    if not info.working:
        return "not working", "so its plugin says"
    if info.needs_key and not key:
        return "no key", f"set {info.key_variable or 'api_key in turnout.toml'}"
    if info.in_process:
        # What an engine needs beside its plugin is seen only by using it.
        return "untried", "in this process, `turnout doctor` tries it"
    return "ready", "its key is at hand" if key else "it needs no key"
