"""`turnout plugins`: what is installed, what it gives, and what is broken."""

from __future__ import annotations

import click

from turnout._app import App, current_app
from turnout._config import Config
from turnout._plugins import Plugin, PluginHost
from turnout.cli._output import note, write_table
from turnout.errors import ConfigError

__all__ = ["partial_app", "plugins"]

# What a plugin does beside declaring providers, models and aliases, by its hooks.
_DOES = {
    "turnout_commands": "commands",
    "turnout_rewrite_request": "changes requests",
    "turnout_order_targets": "orders targets",
    "turnout_attempt_started": "hears of attempts",
    "turnout_attempt_ended": "hears of attempts",
}


@click.command("plugins")
def plugins() -> None:
    """List the plugins with what they give.

    Those that cannot be used are set aside, with their errors. Those that the
    configuration or TURNOUT_DISABLE_PLUGINS keeps out are not loaded at all.
    """
    app, broken = partial_app()
    loaded = [
        (plugin.name, str(plugin), _gives(app.host, plugin))
        for plugin in app.host.plugins
    ]
    aside = [
        (one.name, f"{one.distribution} {one.version}", f"set aside: {one.error}")
        for one in (*app.set_aside, *app.host.broken_packages())
    ]
    out = [(plugin.name, str(plugin), "kept out") for plugin in app.host.kept_out]
    write_table(("PLUGIN", "DISTRIBUTION", "GIVES"), [*loaded, *aside, *out])
    if broken is not None:
        note("the configuration is broken: only turnout's own plugins were loaded")
        raise broken


def partial_app() -> tuple[App, ConfigError | None]:
    """Return the process's turnout with all plugins, and None.

    Where the configuration is broken, return one without it that has turnout's own
    plugins alone, and the error: which others may be loaded is what it would say.
    """
    broken = None
    try:
        app = current_app()
        app.load_all()
    except ConfigError as error:
        broken = error
        app = App(Config(), own_only=True)
        app.load_all()
    # The commands are not wanted, but a plugin that cannot add its own is set aside.
    app.host.add_commands(click.Group())
    return app, broken


def _gives(host: PluginHost, plugin: Plugin) -> str:
    gives = [f"provider {info.name}" for info in plugin.providers]
    if plugin.models:
        gives.append(f"models: {len(plugin.models)}")
    if plugin.aliases:
        gives.append(f"aliases: {', '.join(plugin.aliases)}")
    gives += [
        does
        for hook, does in _DOES.items()
        if any(owner == plugin for owner, _ in host.implementations(hook))
    ]
    return "; ".join(dict.fromkeys(gives)) or "nothing"
