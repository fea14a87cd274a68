"""One of its hooks is misspelt."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence

from turnout import ChatRequest, Provider, ProviderInfo, hookimpl

with open(os.environ["PLUGIN_IMPORTS"], "a", encoding="utf-8") as record:
    record.write(f"{__name__}\n")


class Answering(Provider):
    """Says whose it is."""

    info = ProviderInfo(name="Misspelt", models=("misspelt-1",))

    async def generate(self, request: ChatRequest) -> AsyncIterator[str]:
        yield __name__


@hookimpl
def turnout_provider() -> Sequence[type[Provider]]:
    return [Answering]
