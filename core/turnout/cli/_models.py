"""`turnout models`: which models there are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import click

from turnout.cli._output import note, set_aside_note
from turnout.cli._table import write_json, write_table

if TYPE_CHECKING:
    from turnout._registry import ProviderEntry
    from turnout.types import ModelInfo

__all__ = ["command"]


@click.command("models", short_help="List the models.")
@click.argument("query", default="")
@click.option("--provider", metavar="NAME", help="Of one provider alone.")
@click.option("--json", "as_json", is_flag=True, help="As a JSON list.")
def command(query: str, provider: str | None, as_json: bool) -> None:
    """List the models whose names or aliases contain QUERY, or all."""
    import turnout
    from turnout._app import current_app

    app = current_app()
    entries = list(app.load_all().providers.values())
    if provider is not None:
        # It says what is wrong with a name that nobody bears.
        name = turnout.get_provider(provider).info.name
        entries = [entry for entry in entries if entry.info.name == name]
    rows = (
        _row(entry, model)
        for entry in entries
        for model in entry.catalog.models.values()
    )
    found = [row for row in rows if row.matches(query.casefold())]
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
