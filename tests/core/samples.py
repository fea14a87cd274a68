"""Providers and plugins as values, for what is made of them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from turnout._plugins import Plugin
from turnout.provider import Provider
from turnout.types import ChatRequest, ModelInfo, ProviderInfo

__all__ = ["Echo", "info", "plugin"]


class Echo(Provider):
    """Says what it was told."""

    info = ProviderInfo(name="Echo", models=("echo-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        yield request.last_user_text


def info(name: str, *models: str | ModelInfo, **fields: Any) -> ProviderInfo:
    """Return a provider's row over `Echo`."""
    return ProviderInfo(name=name, models=models, provider_class=Echo, **fields)


def plugin(
    *infos: ProviderInfo,
    name: str | None = None,
    distribution: str | None = None,
    models: Sequence[ModelInfo] = (),
    aliases: Mapping[str, str] | None = None,
) -> Plugin:
    """Return a plugin; by itself it is named as its provider, and so is its package."""
    name = name or infos[0].name
    return Plugin(
        name=name,
        distribution=distribution or f"dist-{name.lower()}",
        version="1.0",
        providers=infos,
        models=tuple(models),
        aliases=aliases or {},
    )
