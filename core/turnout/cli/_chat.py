"""`turnout chat`: ask, and show the answer as it comes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

import click

from turnout._app import current_app
from turnout._names import did_you_mean, nearest
from turnout.cli._completion import complete_route, complete_target
from turnout.cli._conversation import Conversation
from turnout.cli._extract import first_code_block
from turnout.cli._log import Log
from turnout.cli._log_recorder import Recorder, secrets_of
from turnout.cli._logs import beginning, found
from turnout.cli._options import NAMES, request_options
from turnout.cli._prompt import (
    Attachment,
    AttachmentType,
    encodable,
    message,
    prompt,
)
from turnout.cli._schema_option import read_schema
from turnout.cli._session import Session
from turnout.cli._views import JsonView, TextView, View, WholeView, text_pane
from turnout.errors import ConfigError, TurnoutError, UnavailableError
from turnout.routes import Route
from turnout.types import Reply, RequestOptions

__all__ = ["chat"]

_MOST_KEYS = 3
"""How many services' keys are suggested if no model can be asked."""


@click.command("chat")
@click.argument("words", nargs=-1, metavar="[PROMPT]")
@click.option(
    "-m",
    "--model",
    "models",
    multiple=True,
    metavar="TARGET",
    shell_complete=complete_target,
    help="The model to ask: a provider, a model, an alias, or Provider:model. Given "
    "more than once, each is asked if those before it fail.",
)
@click.option(
    "--route",
    metavar="NAME",
    shell_complete=complete_route,
    help="Ask a route of the configuration.",
)
@click.option("-s", "--system", default="", metavar="TEXT", help="A system message.")
@click.option(
    "-a",
    "--attach",
    "attachments",
    multiple=True,
    type=AttachmentType(),
    metavar="FILE|URL",
    help="A file or an address to send with the prompt: an image, a text, or any "
    "other.",
)
@click.option(
    "-o",
    "--option",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="An option of the request, as in temperature=0.5. The value is TOML; a text "
    f"needs no quotes. Known: {', '.join(NAMES)}.",
)
@click.option(
    "--schema",
    metavar="FILE|JSON|FIELDS",
    help="Answer with JSON of this schema: a file, JSON, or fields as in "
    "'name, age int, bio: one sentence'.",
)
@click.option("-x", "--extract", is_flag=True, help="Print the first code block only.")
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
@click.option(
    "--no-markdown",
    "--raw",
    "raw",
    is_flag=True,
    help="Do not render Markdown. Into a pipe it is never rendered.",
)
@click.option("--usage", is_flag=True, help="Show tokens, cost and time after it.")
def chat(
    words: tuple[str, ...],
    models: tuple[str, ...],
    route: str | None,
    system: str,
    attachments: tuple[Attachment, ...],
    pairs: tuple[str, ...],
    schema: str | None,
    extract: bool,
    as_json: bool,
    raw: bool,
    usage: bool,
    last: bool,
    cid: str | None,
    no_log: bool,
) -> None:
    """Ask, and show the answer as it comes.

    What is piped in follows the prompt. Without a prompt and a pipe it is a
    conversation; /help lists its commands.

    Without -m and --route the route `default` of the configuration is asked. If there
    is none, the services that have a key are asked, then the models in this process.
    """
    if models and route is not None:
        raise click.UsageError("-m and --route both say what to ask; give one of them")
    if extract and (as_json or schema is not None):
        other = "--json" if as_json else "--schema"
        raise click.UsageError(f"-x and {other} exclude each other; give one of them")
    options = _with_schema(request_options(pairs), schema)
    if last and cid is not None:
        raise click.UsageError("-c and --cid both say what to continue; give one")
    log = Log()
    kept = found(log, cid, answered=True) if last or cid is not None else None
    if kept is not None and not models and route is None:
        models = kept.asked
    named = bool(models) or route is not None
    text = prompt(words)
    system = encodable("the system message", system)
    asked = _route(models, route)
    with asyncio.Runner() as runner:
        view = _view(
            as_json=as_json, extract=extract, schema=schema is not None, raw=raw
        )
        recorder = Recorder(
            log,
            asked=models if route is None else (route,),
            system=system or ("" if kept is None else kept.system),
            conversation="" if kept is None else kept.id,
        )
        app = current_app()
        log.secrets = secrets_of(app.registry.providers.values())
        session = Session(
            asked,
            runner,
            view,
            options,
            system,
            messages=() if kept is None else kept.messages(),
            log=recorder if app.config.cli.log and not no_log else None,
            usage=usage,
        )

        def keep_name(name: str) -> None:
            recorder.asked = (name,)

        if text is None and kept is not None:
            question = beginning(kept.exchanges[-1].prompt)
            view.note(f"Continuing {kept.id}, last asked: {question}")
        if text is None:
            advise = None if named else _advise
            Conversation(session, app.route_for, keep_name, advise).run(attachments)
            return
        try:
            session.ask(message(text, attachments))
        except TurnoutError as error:
            if not named:
                _advise(error)
            raise


def _with_schema(options: RequestOptions, schema: str | None) -> RequestOptions:
    if schema is None:
        return options
    if "response_format" in options:
        raise click.UsageError(
            "--schema and -o response_format are the same; give one of them"
        )
    return {**options, "response_format": read_schema(schema)}


def _view(*, as_json: bool, extract: bool, schema: bool, raw: bool) -> View:
    if as_json:
        return JsonView()
    if extract:
        return WholeView(_code)
    if schema:
        return WholeView(_parsed)
    return TextView(text_pane(markdown=not raw))


def _code(reply: Reply) -> str:
    code = first_code_block(reply.text)
    if code is None:
        raise click.ClickException("the answer has no complete fenced code block")
    return code


def _parsed(reply: Reply) -> str:
    return json.dumps(reply.parsed, indent=2, ensure_ascii=False)


def _advise(error: TurnoutError) -> None:
    """Add the other ways to go on if a model in this process cannot be asked."""
    if not isinstance(error, UnavailableError):
        return
    entries = current_app().load_all().providers.values()
    with_key = [
        entry for entry in entries if entry.info.needs_key and entry.info.key_variable
    ]
    # Those with most models are those most people have a key of.
    with_key.sort(key=lambda entry: -len(entry.catalog.names))
    keys = sorted(str(entry.info.key_variable) for entry in with_key[:_MOST_KEYS])
    way = "-m asks another model, `turnout models` lists them"
    error.add_note(f"or set a key, such as {' or '.join(keys)}; {way}" if keys else way)


def _route(models: Sequence[str], route: str | None) -> Route:
    """Return what to ask.

    Raises:
        TurnoutError: A name is unknown, or no provider is ready.
    """
    app = current_app()
    if len(models) > 1:
        return app.route(tuple(models), {})
    routes = app.config.routes
    if route is not None and route not in routes:
        guess = did_you_mean(nearest(route, routes))
        raise ConfigError(f"the configuration has no route {route!r}{guess}")
    return app.route_for(models[0] if models else route)
