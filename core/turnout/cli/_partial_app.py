"""As much of turnout as a broken configuration leaves."""

from __future__ import annotations

import click

from turnout._app import App, current_app
from turnout._config import Config
from turnout.errors import ConfigError

__all__ = ["partial_app"]


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
