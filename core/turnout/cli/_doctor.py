"""`turnout doctor`: what is wrong, and what to do."""

from __future__ import annotations

import click

from turnout.cli._table import write_table

__all__ = ["command"]


@click.command("doctor", short_help="Find out what is wrong, and what to do.")
@click.option("--offline", is_flag=True, help="Do not try to reach any service.")
@click.pass_context
def command(context: click.Context, offline: bool) -> None:
    """Look at the configuration, the keys, the plugins and the providers.

    Each service's host is connected to, and an engine in this process is asked for
    one token; no prompt and no key goes over the network.

    The exit status is 1 where nothing can be asked.
    """
    import asyncio

    from turnout.cli._diagnosis import Level, diagnose
    from turnout.cli._partial_app import partial_app

    app, broken = partial_app()
    findings = asyncio.run(diagnose(app, broken, offline=offline))
    rows = [(str(found.level), found.subject, found.text) for found in findings]
    write_table(("", "SUBJECT", "FINDING"), rows)
    if any(found.level is Level.ERROR for found in findings):
        context.exit(1)
