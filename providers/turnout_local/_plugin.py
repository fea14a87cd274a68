"""What turnout asks of this plugin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from turnout import hookimpl

if TYPE_CHECKING:
    import click

    from turnout.provider import Provider


@hookimpl
def turnout_providers() -> list[type[Provider]]:
    """Bring the embedded model."""
    from turnout_local._provider import Local

    return [Local]


@hookimpl
def turnout_commands(cli: click.Group) -> None:
    """Add `turnout local`."""
    from turnout_local._pull import local_group

    cli.add_command(local_group())
