"""What is known: `turnout models`, `turnout providers`, `turnout resolve`."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import click

from turnout._app import App, current_app
from turnout._registry import ProviderEntry
from turnout.cli._output import note, set_aside_note, write, write_json, write_table
from turnout.cli._readiness import readiness
from turnout.types import ModelInfo

__all__ = ["models", "providers", "resolve"]


@click.command("models")
@click.argument("query", default="")
@click.option("--provider", metavar="NAME", help="Of one provider alone.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def models(query: str, provider: str | None, as_json: bool) -> None:
    """List the models whose names or aliases contain QUERY, or all."""
    app = current_app()
    entries = list(app.load_all().providers.values())
    if provider is not None:
        # It says what is wrong with a name that nobody bears.
        entries = [app.entry(provider)]
    known = [_row(entry, m) for entry in entries for m in entry.catalog.models.values()]
    found = [row for row in known if row.matches(query.casefold())]
    if as_json:
        write_json([asdict(row) for row in found])
    else:
        write_table(("MODEL", "CONTEXT", "ALIASES"), [row.cells() for row in found])
    if not found:
        note(f"no model's name has {query!r} in it" if query else "there are no models")
    opened = ", ".join(entry.info.name for entry in entries if entry.info.open_models)
    if opened:
        note(f"models that are not listed can be asked for as well: {opened}")
    set_aside_note(app.set_aside)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A model as it is listed; its fields are those of the JSON objects."""

    id: str
    provider: str
    model: str
    default: bool
    """Whether it is what its provider is asked for where no model is named."""
    context_window: int | None
    aliases: tuple[str, ...]

    def matches(self, query: str) -> bool:
        """Tell whether a name has the query in it."""
        return any(query in name.casefold() for name in (self.id, *self.aliases))

    def cells(self) -> tuple[str, str, str]:
        """Return it for the table."""
        return self.id, str(self.context_window or "-"), ", ".join(self.aliases)


def _row(entry: ProviderEntry, model: ModelInfo) -> _Row:
    info, aliases = entry.info, entry.catalog.aliases
    return _Row(
        id=f"{info.name}:{model.name}",
        provider=info.name,
        model=model.name,
        default=model.name == info.first_model,
        context_window=model.context_window,
        aliases=tuple(sorted(a for a, meant in aliases.items() if meant == model.name)),
    )


@click.command("providers")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def providers(as_json: bool) -> None:
    """List the providers, and whether each can be asked now; nobody is."""
    app = current_app()
    rows = [_object(app, entry) for entry in app.load_all().providers.values()]
    if as_json:
        write_json(rows)
    else:
        columns = ("name", "state", "default_model", "reason")
        cells = [[str(row[column] or "-") for column in columns] for row in rows]
        write_table(("PROVIDER", "STATE", "DEFAULT MODEL", "WHY"), cells)
    if not rows:
        note("there are no providers; `turnout plugins` says why")
    set_aside_note(app.set_aside)


def _object(app: App, entry: ProviderEntry) -> dict[str, object]:
    info, plugin = entry.info, entry.plugin
    found = readiness(app, entry)
    return {
        "name": info.name,
        "state": found.state,
        "reason": found.reason,
        "default_model": info.first_model or None,
        "in_process": info.in_process,
        "key_variable": info.key_variable,
        "url": info.url,
        "distribution": plugin.distribution,
        "version": plugin.version,
    }


@click.command("resolve")
@click.argument("name", required=False)
def resolve(name: str | None) -> None:
    """Show whom a name means, in which order, and why; nobody is asked.

    Without a name it is whom `turnout chat` asks when nobody is named.
    """
    found = current_app().explain(name)
    write(str(found))
    if not found.places:
        note("that is nobody; `turnout providers` says what each of them lacks")
