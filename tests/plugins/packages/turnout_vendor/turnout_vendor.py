"""Services that speak as OpenAI does: one as a row, one with a class of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence

from turnout import ModelInfo, OverloadedError, ProviderInfo, ServerError, hookimpl
from turnout.http import StatusRule
from turnout.types import Event
from turnout_openai import Decoder, OpenAI, Vendor

with open(os.environ["PLUGIN_IMPORTS"], "a", encoding="utf-8") as record:
    record.write(f"{__name__}\n")


class MacawDecoder(Decoder):
    """Reads an error that the service sends in its own form."""

    def read(self, datas: list[bytes], events: list[Event]) -> None:
        """Read an error in the service's own form, or what all others send."""
        for index, data in enumerate(datas):
            if b'"squawk"' in data:
                super().read(datas[:index], events)
                self.report(b'{"error": {"code": "overloaded_error"}}')
                return
        super().read(datas, events)


MACAW = Vendor(
    name="Macaw",
    base_url="https://api.macaw.example/v1",
    key_variable="MACAW_API_KEY",
    url="https://macaw.example/docs",
    models=(ModelInfo(name="macaw-1", context_window=8192), "macaw-2"),
    max_tokens_field="max_completion_tokens",
    asks_usage=False,
    reasoning_in_output=False,
    extra={"sing": True},
    key_header="X-Macaw-Key",
    key_prefix="",
    decoder=MacawDecoder,
    status_rules=(StatusRule(error=OverloadedError, codes={"too_loud"}),),
)


class Ara(OpenAI):
    """One that needs more than a row."""

    status_rules = (StatusRule(error=ServerError, codes={"asleep"}),)


ARA = Vendor(name="Ara", base_url="https://api.ara.example/v1", needs_key=False)


@hookimpl
def turnout_providers() -> Sequence[ProviderInfo]:
    """Return the two."""
    return [MACAW.info(OpenAI), ARA.info(Ara)]
