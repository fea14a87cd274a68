"""The options of a request, as `-o KEY=VALUE` gives them."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import cast

import click

from turnout._names import did_you_mean, nearest
from turnout.errors import ArgumentError
from turnout.types import ChatRequest, RequestOptions

__all__ = ["NAMES", "request_options"]

NAMES = tuple(name for name in RequestOptions.__annotations__ if name != "model")
"""The known options, without the model, which `-m` gives."""

# A value that begins so is meant as TOML; any other that is none is a text.
_OPENING = ('"', "'", "[", "{")


def request_options(pairs: Sequence[str]) -> RequestOptions:
    """Return the options that are given.

    Args:
        pairs: Each `KEY=VALUE`. The value is TOML's; a text needs no quotes.

    Raises:
        UsageError: One is not known, given twice, or cannot be used.
    """
    options: dict[str, object] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        name = name.strip()
        if not equals:
            raise _refused(f"{pair!r} is not KEY=VALUE, as in temperature=0.5")
        if name not in NAMES:
            guess = did_you_mean(nearest(name, NAMES))
            known = f"; known: {', '.join(NAMES)}"
            raise _refused(f"unknown option {name!r}{guess or known}")
        if name in options:
            raise _refused(f"{name} is given twice")
        options[name] = _value(name, text.strip())
    given = cast("RequestOptions", options)
    try:
        # Before anybody is asked, and once for a whole conversation.
        ChatRequest.build("", **given)
    except ArgumentError as error:
        raise _refused(str(error)) from error
    return given


def _value(name: str, text: str) -> object:
    try:
        document = tomllib.loads(f"{name} = {text}")
    except RecursionError as error:
        raise _refused(f"{name}: its value is nested too deeply") from error
    except ValueError as error:
        if text.startswith(_OPENING):
            raise _refused(f"{name}: {text!r} is not a TOML value: {error}") from error
        return text
    # More than one value is a text of several lines, which may look like TOML.
    return document[name] if len(document) == 1 else text


def _refused(message: str) -> click.UsageError:
    return click.UsageError(f"-o: {message}")
