"""`turnout resolve`: whom a name means."""

from __future__ import annotations

import click

from turnout.cli._output import note, write

__all__ = ["command"]


@click.command("resolve", short_help="Show whom a name means, and why.")
@click.argument("name", required=False)
def command(name: str | None) -> None:
    """Show whom a name means, in which order, and why; nobody is asked.

    Without a name it is whom `turnout chat` asks when nobody is named.
    """
    import turnout

    found = turnout.explain(name)
    write(str(found))
    if not found.places:
        note("that is nobody; `turnout providers` says what each of them lacks")
