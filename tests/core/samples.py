"""Sample providers and plugins."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from turnout._plugins import Plugin
from turnout.provider import Provider
from turnout.types import ChatRequest, ModelInfo, ProviderInfo

__all__ = ["Echo", "info", "plugin"]


class Echo(Provider):
    """Answers with the text of the request."""

    info = ProviderInfo(name="Echo", models=("echo-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        yield request.last_user_text


def info(name: str, *models: str | ModelInfo, **fields: Any) -> ProviderInfo:
    """Return the row of a provider with the class `Echo`."""
    return ProviderInfo(name=name, models=models, provider_class=Echo, **fields)


def plugin(
    *infos: ProviderInfo,
    name: str | None = None,
    distribution: str | None = None,
    models: Sequence[ModelInfo] = (),
    aliases: Mapping[str, str] | None = None,
) -> Plugin:
    """Return a plugin; by default it and its package have the provider's name."""
    name = name or infos[0].name
    return Plugin(
        name=name,
        distribution=distribution or f"dist-{name.lower()}",
        version="1.0",
        providers=infos,
        models=tuple(models),
        aliases=aliases or {},
    )
