"""What is known: `turnout models`, `turnout providers`, `turnout resolve`."""

from __future__ import annotations

from dataclasses import asdict

import click

from turnout._app import App, current_app
from turnout._frozen import frozen
from turnout._registry import ProviderEntry
from turnout.cli._abilities import abilities, abilities_of_some, notable
from turnout.cli._output import note, set_aside_note, write, write_json, write_table
from turnout.cli._readiness import readiness
from turnout.types import ModelInfo

__all__ = ["models", "providers", "resolve"]

_ALL = "*"
"""Stands for all providers; none can have this name."""


@click.command("models")
@click.argument("query", default="")
@click.option("--provider", metavar="NAME", help="Of one provider alone.")
@click.option(
    "--live",
    metavar="[NAME]",
    is_flag=False,
    flag_value=_ALL,
    help="As their services list them now: one, or all that are ready.",
)
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def models(query: str, provider: str | None, live: str | None, as_json: bool) -> None:
    """List the models whose names or aliases contain QUERY, or all."""
    app = current_app()
    if live not in {None, _ALL}:
        provider = live
    entries = list(app.load_all().providers.values())
    if provider is not None:
        # Its error says what is wrong with the name.
        entries = [app.entry(provider)]
    if live is None:
        listed = [(entry, [*entry.catalog.models.values()]) for entry in entries]
    else:
        listed = _live(app, entries, one=provider is not None)
    known = [_model_row(entry, model) for entry, models in listed for model in models]
    found = [row for row in known if row.matches(query.casefold())]
    if as_json:
        write_json([asdict(row) for row in found])
    else:
        heads = ("MODEL", "CONTEXT", "ABILITIES", "ALIASES")
        write_table(heads, [row.cells() for row in found])
    if not found:
        note(f"no model's name has {query!r} in it" if query else "there are no models")
    opened = ", ".join(entry.info.name for entry in entries if entry.info.open_models)
    if opened and live is None:
        note(f"models that are not listed can be asked for as well: {opened}")
    set_aside_note(app.set_aside)


def _live(
    app: App, entries: list[ProviderEntry], *, one: bool
) -> list[tuple[ProviderEntry, list[ModelInfo]]]:
    # Importing asyncio takes longer than all other lists.
    from turnout.cli._live import live_models, live_models_of_all

    if one:
        return [(entry, [*live_models(app, entry)]) for entry in entries]
    return [(entry, [*models]) for entry, models in live_models_of_all(app, entries)]


@frozen
class _ModelRow:
    """A model as it is listed; its fields are those of the JSON objects."""

    id: str
    provider: str
    model: str
    default: bool
    """Whether it is what its provider is asked for if no model is named."""
    context_window: int | None
    max_output_tokens: int | None
    abilities: tuple[str, ...]
    aliases: tuple[str, ...]
    prefill: str
    source: str

    def matches(self, query: str) -> bool:
        """Tell whether a name has the query in it."""
        return any(query in name.casefold() for name in (self.id, *self.aliases))

    def cells(self) -> tuple[str, ...]:
        """Return it for the table."""
        window = str(self.context_window or "-")
        return self.id, window, notable(self.abilities), ", ".join(self.aliases)


def _model_row(entry: ProviderEntry, model: ModelInfo) -> _ModelRow:
    info, aliases = entry.info, entry.catalog.aliases
    return _ModelRow(
        id=f"{info.name}:{model.name}",
        provider=info.name,
        model=model.name,
        default=model.name == info.first_model,
        context_window=model.context_window,
        max_output_tokens=model.max_output_tokens,
        abilities=abilities(model.capabilities or info.capabilities),
        aliases=tuple(sorted(a for a, meant in aliases.items() if meant == model.name)),
        prefill=model.prefill,
        source=model.source,
    )


@click.command("providers")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def providers(as_json: bool) -> None:
    """List the providers, and whether each can be asked now. None is asked.

    The abilities are those of some of its models: `turnout models` shows which.
    """
    app = current_app()
    entries = app.load_all().providers.values()
    rows = [_ProviderRow.of(app, entry) for entry in entries]
    if as_json:
        write_json([asdict(row) for row in rows])
    else:
        heads = ("PROVIDER", "STATE", "DEFAULT MODEL", "ABILITIES", "WHY")
        write_table(heads, [row.cells() for row in rows])
    if not rows:
        note("there are no providers; `turnout plugins` says why")
    set_aside_note(app.set_aside)


@frozen
class _ProviderRow:
    """A provider as it is listed; its fields are those of the JSON objects."""

    name: str
    state: str
    reason: str
    default_model: str | None
    abilities: tuple[str, ...]
    """What some of its models can do."""
    in_process: bool
    key_variable: str | None
    url: str | None
    distribution: str
    version: str

    @classmethod
    def of(cls, app: App, entry: ProviderEntry) -> _ProviderRow:
        """Return a provider's."""
        info, plugin = entry.info, entry.plugin
        found = readiness(app, entry)
        return cls(
            name=info.name,
            state=found.state,
            reason=found.reason,
            default_model=info.first_model or None,
            abilities=abilities_of_some(info),
            in_process=info.in_process,
            key_variable=info.key_variable,
            url=info.url,
            distribution=plugin.distribution,
            version=plugin.version,
        )

    def cells(self) -> tuple[str, ...]:
        """Return it for the table."""
        model = self.default_model or "-"
        return self.name, self.state, model, notable(self.abilities), self.reason


@click.command("resolve")
@click.argument("name", required=False)
def resolve(name: str | None) -> None:
    """Show which targets a name means, in which order, and why. Nothing is sent.

    Without a name, show which targets `turnout chat` asks if no model is named.
    """
    found = current_app().explain(name)
    write(str(found))
    if not found.places:
        note("no target matches; `turnout providers` says what each provider lacks")
