"""Completion of names in a shell, by click: `eval "$(_TURNOUT_COMPLETE=... turnout)"`.

No network is used: the names are those that plugins and the configuration declare.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    add_completion_class,
    split_arg_string,
)

from turnout._app import current_app
from turnout.errors import TurnoutError

__all__ = ["complete_route", "complete_target"]


def complete_target(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the names that `-m` takes: aliases, routes, providers and models.

    The models of one provider are also completed as `Provider:model`.
    """
    try:
        app = current_app()
        registry = app.load_all()
    except TurnoutError:
        return []  # The command itself says what is wrong.
    left, colon, _ = incomplete.partition(":")
    entry = registry.provider(left) if colon else None
    if entry is not None:
        return _begun(incomplete, (f"{left}:{name}" for name in entry.catalog.names))
    names = [*app.config.aliases, *app.config.routes, *registry.aliases]
    names += registry.providers
    for provider in registry.providers.values():
        names += provider.catalog.names
    return _begun(incomplete, names)


def complete_route(
    context: click.Context, parameter: click.Parameter, incomplete: str
) -> list[str]:
    """Return the routes of the configuration."""
    try:
        routes = current_app().config.routes
    except TurnoutError:
        return []
    return _begun(incomplete, routes)


def _begun(incomplete: str, names: Iterable[str]) -> list[str]:
    """Return the names that begin so, each once; case does not count."""
    folded = incomplete.casefold()
    unique = dict.fromkeys(names)
    return [name for name in unique if name.casefold().startswith(folded)]


@add_completion_class
class _Bash(BashComplete):
    """Completion of names with a colon, where bash begins another word."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor and the one at it, joined at colons."""
        words = split_arg_string(os.environ["COMP_WORDS"])
        cursor = int(os.environ["COMP_CWORD"])
        joined: list[str] = []
        for word in words[1 : cursor + 1]:
            # A lone colon belongs to both words beside it.
            continued = joined and (word == ":" or joined[-1].endswith(":"))
            if continued and not word.startswith("-"):
                joined[-1] += word
            else:
                joined.append(word)
        # A word that is only begun is empty, and not among them.
        incomplete = joined.pop() if len(words) > cursor and joined else ""
        self._prefix = "".join(incomplete.rpartition(":")[:2])
        return joined, incomplete

    def format_completion(self, item: CompletionItem) -> str:
        """Return a completion without what stands before the last colon."""
        return f"{item.type},{str(item.value)[len(self._prefix) :]}"
