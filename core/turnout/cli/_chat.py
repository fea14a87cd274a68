"""`turnout chat`: ask, and show the answer as it comes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import click

from turnout._app import current_app
from turnout._names import did_you_mean, nearest
from turnout.cli._log import Log
from turnout.cli._log_recorder import Recorder, secrets_of
from turnout.cli._logs import found
from turnout.cli._options import NAMES, request_options
from turnout.cli._prompt import encodable, message, prompt
from turnout.cli._session import Session
from turnout.cli._views import JsonView, TextView
from turnout.errors import ConfigError, UnavailableError
from turnout.routes import Route

__all__ = ["chat"]


@click.command("chat")
@click.argument("words", nargs=-1, metavar="[PROMPT]")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="TARGET",
    help="Whom to ask: a provider, a model, an alias, or Provider:model. Given more "
    "than once, each is asked when those before it fail.",
)
@click.option("--route", metavar="NAME", help="Ask a route of the configuration.")
@click.option("-s", "--system", default="", metavar="TEXT", help="A system message.")
@click.option(
    "-a",
    "--attach",
    "attachments",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
    help="A file to go with the prompt: an image, a text, or any other.",
)
@click.option(
    "-o",
    "--option",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the request, as in temperature=0.5; the value is TOML's, and a "
    f"text needs no quotes. There are {', '.join(NAMES)}.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "-c",
    "--continue",
    "last",
    is_flag=True,
    help="Continue the last conversation, with the target that answered last.",
)
@click.option(
    "--cid", metavar="ID", help="Continue this conversation; `turnout logs` lists them."
)
@click.option("--no-log", is_flag=True, help="Do not keep this conversation.")
def chat(
    words: tuple[str, ...],
    models: tuple[str, ...],
    route: str | None,
    system: str,
    attachments: tuple[Path, ...],
    pairs: tuple[str, ...],
    as_json: bool,
    last: bool,
    cid: str | None,
    no_log: bool,
) -> None:
    """Ask, and show the answer as it comes.

    What is piped in follows the prompt. With neither, it is a conversation: Ctrl-C
    stops an answer, Ctrl-D ends.

    Without -m and --route the route `default` of the configuration is asked; where
    there is none, engines in this process and services whose key is at hand.
    """
    if models and route is not None:
        raise click.UsageError("-m and --route both say whom to ask; give one of them")
    options = request_options(pairs)
    if last and cid is not None:
        raise click.UsageError("-c and --cid both say what to continue; give one")
    log = Log()
    kept = found(log, cid, answered=True) if last or cid is not None else None
    if kept is not None and not models and route is None:
        models = kept.asked
    text = prompt(words)
    encodable("the system message", system)
    asked = _route(models, route)
    with asyncio.Runner() as runner:
        view = JsonView() if as_json else TextView()
        log.secrets = secrets_of(bound.provider for bound in asked.targets)
        recorder = Recorder(
            log,
            asked=models if route is None else (route,),
            system=system or ("" if kept is None else kept.system),
            conversation="" if kept is None else kept.id,
        )
        keeps = current_app().config.cli.log and not no_log
        session = Session(
            asked,
            runner,
            view,
            options,
            system,
            messages=() if kept is None else kept.messages(),
            log=recorder if keeps else None,
        )
        if text is None:
            session.converse(attachments)
            return
        try:
            session.ask(message(text, attachments))
        except UnavailableError as error:
            if not models and route is None:
                error.add_note("-m asks another, `turnout models` lists them")
            raise


def _route(models: Sequence[str], route: str | None) -> Route:
    """Return whom to ask.

    Raises:
        TurnoutError: A name means nobody, or there is nobody to ask.
    """
    app = current_app()
    if len(models) > 1:
        return app.route(tuple(models), {})
    routes = app.config.routes
    if route is not None and route not in routes:
        guess = did_you_mean(nearest(route, routes))
        raise ConfigError(f"the configuration has no route {route!r}{guess}")
    return app.route_for(models[0] if models else route)
