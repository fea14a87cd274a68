"""A service that is like another is a row of data."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence

from turnout import ChatRequest, Provider, ProviderInfo, hookimpl

with open(os.environ["PLUGIN_IMPORTS"], "a", encoding="utf-8") as record:
    record.write(f"{__name__}\n")


class Compatible(Provider):
    """Says whom it would ask."""

    info = ProviderInfo(name="Compatible", models=("compatible-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        yield f"{self.info.name} {request.model} {self.options.base_url}"


def row(name: str, *models: str) -> ProviderInfo:
    return ProviderInfo(
        name=name,
        models=models,
        provider_class=Compatible,
        options={"base_url": f"https://{name.lower()}.example"},
    )


@hookimpl
def turnout_providers() -> Sequence[type[Provider] | ProviderInfo]:
    return [Compatible, row("One", "one-1"), row("Two", "two-1", "one-1")]
