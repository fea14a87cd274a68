"""The hooks that plugins implement: the manual for plugin authors.

A plugin is an installed package with an entry point in the group `turnout`, which
names a module or an object that holds hook implementations:

    from turnout import hookimpl

    @hookimpl
    def turnout_providers():
        return [Hello]

Hooks *declare*: they are plain functions, quick, and do no I/O; an `async def` hook
is refused. An implementation may take fewer arguments than its specification has.

They are called in the order of the plugins' names, whatever the order in which they
were installed: those marked `@hookimpl(tryfirst=True)` first, those marked
`trylast=True` last. The hooks that are called once, when their plugin is loaded, are
refused with such a mark, as it would change nothing. A hook wrapper is refused too.

A plugin that cannot be imported, is refused, or raises in a hook that says so is set
aside whole, and everything else works; `turnout plugins` shows it with its error.
`SystemExit` and every other `BaseException` count as raising; only Ctrl-C passes
through. A plugin is also set aside if it implements no hook, or one that does not
exist; a hook of another version of turnout is marked `@hookimpl(optionalhook=True)`.

A plugin is found by the name of its entry point, and `get_provider` loads no other:
name it as its provider, and give each of several providers an entry point of its own.
A plugin that is needed whatever provider is asked for has to be named under
`plugins.always` in the configuration: an observer, or models for another's provider.

The hooks of a request are called for every provider in the process: those of
`get_provider`, of a route, of a class that is called, and the fakes of tests.

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

__all__ = [
    "API_VERSION",
    "PROJECT",
    "hookimpl",
    "hookspec",
    "turnout_aliases",
    "turnout_attempt_ended",
    "turnout_attempt_started",
    "turnout_commands",
    "turnout_models",
    "turnout_order_targets",
    "turnout_providers",
    "turnout_rewrite_request",
]

API_VERSION = 1
"""The version of this interface."""

PROJECT = "turnout"
"""The name under which pluggy knows hooks as turnout's."""

hookspec = pluggy.HookspecMarker(PROJECT)
"""Marks a function as a hook specification; for this module."""

hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function as a hook implementation."""


@hookspec
def turnout_providers() -> Iterable[type[Provider] | ProviderInfo]:
    """Return the plugin's providers.

    An item is a class, or a `ProviderInfo` with a `provider_class`: a service that
    is like another is a row of data and not a class.

    Asked: once, when the plugin is loaded.
    None: no providers.
    Several: all hold. A name that two claim is told with both distributions; the
        configuration's `plugins.choose` settles it, else turnout's own goes first,
        then the plugin whose entry point bears the name, else neither gets it.
    Raising: sets the plugin aside.
    Since: 0.1.
    """


@hookspec
def turnout_models() -> Iterable[ModelInfo]:
    """Return models to add to providers, also to those of other plugins.

    `ModelInfo.provider` says which provider each belongs to; one of the same name
    replaces what the provider says of it.

    Asked: once, when the plugin is loaded.
    None: no models.
    Several: all hold; where two describe one model, the first by name.
    Raising: sets the plugin aside.
    Since: 0.1.
    """


@hookspec
def turnout_aliases() -> Mapping[str, str]:
    """Return aliases: each with the model id, the model's or the alias's name it means.

    Asked: once, when the plugin is loaded.
    None: no aliases.
    Several: all hold; of one alias the configuration's meaning, then the first
        plugin's by name.
    Raising: sets the plugin aside.
    Since: 0.1.
    """


@hookspec
def turnout_rewrite_request(request: ChatRequest, target: Target) -> ChatRequest | None:
    """Return another request to send in place of this one.

    Asked: before each attempt, on the event loop; it must be quick.
    None: leaves it as it is.
    Several: each is given what the one before it returned.
    Raising: skips the plugin for this attempt, with a record on the logger `turnout`:
        the request is sent without its change. A plugin that removes secrets has to
        catch its own errors, and return a request that may be sent.
    Since: 0.1.
    """


@hookspec(firstresult=True)
def turnout_order_targets(
    targets: Sequence[Target], request: ChatRequest
) -> Sequence[Target] | None:
    """Return a route's targets in another order.

    Targets that it leaves out are not asked; ones that are not the route's are
    ignored, and so is an answer without any of the route's.

    Asked: once for each request to a route, before its first attempt.
    None: leaves it to others.
    Several: the first answer wins, by the plugins' names.
    Raising: passes the plugin over, with a record on the logger `turnout`.
    Since: 0.1.
    """


@hookspec
def turnout_attempt_started(attempt: Attempt) -> None:
    """Observe an attempt before its request is sent.

    `attempt.request` is what is sent, as `turnout_rewrite_request` left it.
    `attempt.id` is the same when the attempt ends; `attempt.stream_id` is the same for
    all attempts of one request.

    Asked: on the event loop of the request; it must be quick.
    None: is all that it returns.
    Several: all are called.
    Raising: is logged on the logger `turnout` and goes no further.
    Since: 0.1.
    """


@hookspec
def turnout_attempt_ended(attempt: Attempt) -> None:
    """Observe the end of an attempt: complete, failed, closed or passed over.

    Asked: on the event loop of the request, once for each `turnout_attempt_started`;
        it must be quick.
    None: is all that it returns.
    Several: all are called.
    Raising: is logged on the logger `turnout` and goes no further.
    Since: 0.1.
    """


@hookspec
def turnout_commands(cli: click.Group) -> None:
    """Add commands to the `turnout` command line.

    Asked: when the command line shows its help, or is given a command that is not
        its own.
    None: is all that it returns.
    Several: all add theirs; a command that is there already stays.
    Raising: sets the plugin aside.
    Since: 0.1.
    """
