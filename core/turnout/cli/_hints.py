"""What a command line that is not understood may mean."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import suppress

import click

from turnout._names import did_you_mean, followed, nearest
from turnout.errors import TurnoutError, UnknownModelError

__all__ = ["misplaced_option", "unknown_command"]

_MEANT = {
    "ask": "chat",
    "check": "doctor",
    "complete": "chat",
    "config": "doctor",
    "download": "local pull",
    "history": "logs",
    "install": "local pull",
    "keys": "doctor",
    "list": "models",
    "ls": "models",
    "new": "new-provider",
    "prompt": "chat",
    "pull": "local pull",
    "run": "chat",
    "search": "models",
    "show": "logs show",
    "start": "chat",
    "status": "doctor",
    "version": "--version",
}
"""Commands of other programs, and turnout's for the same."""

_DOTS = '"..."'
"""Stands for a prompt."""

_SHORTEST = 4
"""Characters of a word that may stand for models which have it in their names."""

_LONGEST = 80
"""Characters of a prompt that are shown in a command to type."""

_SPECIAL = set('"$`\\!')
"""What a shell reads inside of double quotes."""


def unknown_command(args: Sequence[str], commands: Sequence[str]) -> str:
    """Return the error for a command that does not exist, with what to type.

    Args:
        args: The command line from the name of the command on.
        commands: The names of all commands.
    """
    name, *rest = args
    unknown = f"unknown command {name!r}"
    if name in _MEANT:
        return f"{unknown}; type `turnout {_MEANT[name]}`"
    target = _target(name)
    if target is not None:
        ask = f"turnout chat -m {shlex.quote(target)} {_quoted(rest) or _DOTS}"
        return f"{unknown}; to ask a model of this name, type `{ask}`"
    near = () if " " in name else nearest(name, commands)
    if near:
        unknown += did_you_mean(near)
        if not rest:
            return unknown
    prompt = _quoted([arg for arg in args if arg != "--help"])
    return followed(unknown, f"to ask a model, type `turnout chat {prompt}`")


def misplaced_option(
    error: click.NoSuchOption, args: Sequence[str]
) -> click.UsageError:
    """Return the error for an option that stands before any command."""
    words = " ".join(shlex.quote(arg) for arg in args)
    if any(not arg.startswith("-") for arg in args) and len(words) <= _LONGEST:
        hint = f"; options follow the command, as in `turnout chat {words}`"
    else:
        hint = "; options follow the command, as in `turnout chat -m Local`"
    return click.UsageError(f"unknown option {error.option_name!r}{hint}", error.ctx)


def _target(name: str) -> str | None:
    """Return what to ask if a word names a model, a provider, an alias or a route."""
    from turnout._app import current_app

    try:
        app = current_app()
        with suppress(UnknownModelError):
            return name if app.meaning(name).places else None
        guess = next(iter(app.suggestions(name)), "")
    except TurnoutError:
        return None
    # Words of a sentence are like many names.
    like_a_model = any(mark.isdigit() or mark in "/:" for mark in name)
    model = guess.partition(":")[2].casefold()
    word = name.casefold()
    is_part = len(word) >= _SHORTEST and word in model and word != model
    return guess if guess and (like_a_model or is_part) else None


def _quoted(words: Sequence[str]) -> str:
    """Return words as one argument of a shell; shortened if they are long."""
    text = " ".join(words)
    if not text:
        return ""
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST].rsplit(' ', 1)[0]} ..."
    return shlex.quote(text) if _SPECIAL & set(text) else f'"{text}"'
