"""The hooks that plugins implement: the manual for plugin authors.

A plugin is an installed package with an entry point in the group `turnout`, which
names a module or an object that holds hook implementations:

    from turnout import hookimpl

    @hookimpl
    def turnout_providers():
        return [Hello]

Hooks *declare*: they are plain functions, quick, and do no I/O; an `async def` hook
is refused. An implementation may take fewer arguments than its specification has.
They are asked in the order of the plugins' names, never of their installation.

A plugin that cannot be imported, is refused or raises in `turnout_providers`,
`turnout_models`, `turnout_aliases` or `turnout_commands` is set aside whole, and
everything else works; `turnout plugins` shows it with its error.

A plugin may say for which versions of this interface it was written: `turnout_api =
(1, 1)` beside its hook implementations is the first and the last of them. One that
this turnout's `API_VERSION` is not between is set aside.
"""

# The bodies of hook specifications are their docstrings.
# mypy: disable-error-code="empty-body"
# pyright: reportReturnType=false

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    import click

    from turnout.provider import Provider
    from turnout.types import Attempt, ChatRequest, ModelInfo, ProviderInfo, Target

__all__ = ["API_VERSION", "hookimpl"]

API_VERSION = 1
"""The version of this interface."""

PROJECT = "turnout"

hookspec = pluggy.HookspecMarker(PROJECT)

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as a hook implementation."""


@hookspec
def turnout_providers() -> Iterable[type[Provider] | ProviderInfo]:
    """Return the plugin's providers.

    Asked once, when the plugin is loaded. An item is a class, or a `ProviderInfo`
    with a `provider_class`: a service that is like another is a row of data and not
    a class. A name that another plugin's provider bears is a conflict; it is told
    with both distributions, and `plugins.choose` in the configuration settles it.
    None means no providers.

    Since: 0.1.
    """


@hookspec
def turnout_models() -> Iterable[ModelInfo]:
    """Return models to add to providers, whoever's those are.

    Asked once, when the plugin is loaded. `ModelInfo.provider` says which provider
    each belongs to; one of the same name replaces what the provider says of it.
    Where two plugins describe one model, the first by name wins. None means none.

    Since: 0.1.
    """


@hookspec
def turnout_aliases() -> Mapping[str, str]:
    """Return aliases: each with the model id, the model's or the alias's name it means.

    Asked once, when the plugin is loaded. The configuration's aliases go over them;
    of two plugins' the first by name wins. None means none.

    Since: 0.1.
    """


@hookspec
def turnout_rewrite_request(request: ChatRequest, target: Target) -> ChatRequest | None:
    """Return another request to send in place of this one, or None to leave it.

    Asked before each attempt, in the request's own path: it must be quick. Each
    plugin is given what the one before it returned. One that raises is passed over
    for this attempt, with a record on the logger `turnout`.

    Since: 0.1.
    """


@hookspec(firstresult=True)
def turnout_order_targets(
    targets: Sequence[Target], request: ChatRequest
) -> Sequence[Target] | None:
    """Return a route's targets in another order, or None to leave it to others.

    Asked once for each request to a route, before its first attempt. The first
    answer wins. Targets that it leaves out are not asked; ones that are not the
    route's are ignored. One that raises is passed over, with a record on the logger
    `turnout`.

    Since: 0.1.
    """


@hookspec
def turnout_attempt_started(attempt: Attempt) -> None:
    """Hear that a target is about to be asked.

    Called on the event loop, before the request is sent: it must be quick. What it
    raises is recorded on the logger `turnout` and goes no further.

    Since: 0.1.
    """


@hookspec
def turnout_attempt_ended(attempt: Attempt) -> None:
    """Hear what became of an attempt: complete, failed or closed.

    Called on the event loop, once for each `turnout_attempt_started`: it must be
    quick. What it raises is recorded on the logger `turnout` and goes no further.

    Since: 0.1.
    """


@hookspec
def turnout_commands(cli: click.Group) -> None:
    """Add commands to the `turnout` command line.

    Called when the command line shows its help, or is given a command that is not
    its own. A command that is there already stays.

    Since: 0.1.
    """
