"""Ask services which models they have now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import cast

from turnout._app import App
from turnout._plugins import is_plugins_fault
from turnout._registry import ProviderEntry
from turnout.cli._output import note, said
from turnout.cli._readiness import readiness
from turnout.errors import PluginError, TurnoutError
from turnout.provider import Provider
from turnout.types import ModelInfo

__all__ = ["list_of", "live_models", "live_models_of_all"]


def live_models(app: App, entry: ProviderEntry) -> Sequence[ModelInfo]:
    """Return the models that a provider has now.

    Raises:
        TurnoutError: The list could not be read.
    """
    return asyncio.run(list_of(app.provider(entry.info.name, {})))


def live_models_of_all(
    app: App, entries: Sequence[ProviderEntry]
) -> list[tuple[ProviderEntry, Sequence[ModelInfo]]]:
    """Return the models of all that are ready; a note says which ones failed."""
    asked = [(entry, readiness(app, entry)) for entry in entries]
    ready = [(e, found.provider) for e, found in asked if found.state == "ready"]

    async def ask() -> list[Sequence[ModelInfo] | TurnoutError]:
        lists = (_told(provider) for _, provider in ready if provider is not None)
        return await asyncio.gather(*lists)

    listed: list[tuple[ProviderEntry, Sequence[ModelInfo]]] = []
    for (entry, _), answer in zip(ready, asyncio.run(ask()), strict=True):
        if isinstance(answer, TurnoutError):
            note(said(answer, entry.info.name))
        else:
            listed.append((entry, answer))
    return listed


async def _told(provider: Provider) -> Sequence[ModelInfo] | TurnoutError:
    try:
        return await list_of(provider)
    except TurnoutError as error:
        return error


async def list_of(provider: Provider) -> Sequence[ModelInfo]:
    """Return the models that a provider has now.

    Raises:
        TurnoutError: The list could not be read, perhaps by a fault of the plugin.
    """
    try:
        async with provider:
            models = tuple(await provider.list_models())
        # A plugin may give anything, in spite of the types.
        if all(isinstance(cast("object", model), ModelInfo) for model in models):
            return models
        raise TypeError("not a ModelInfo")
    except BaseException as error:
        if not is_plugins_fault(error):
            raise
        raise PluginError(
            f"provider {provider.info.name!r} raised {type(error).__name__} while "
            "it listed its models; that is a fault of its plugin"
        ) from error
