"""What a service is that speaks as OpenAI does, and how it may depart from that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from turnout.types import Capabilities, ModelInfo, Prefill, ProviderInfo
from turnout_openai._protocol import Decoder

if TYPE_CHECKING:
    from turnout.http import StatusRule
    from turnout.provider import Provider

__all__ = ["COMPATIBLE", "OPENAI", "USUAL", "MaxTokensField", "Vendor"]

MaxTokensField: TypeAlias = Literal["max_completion_tokens", "max_tokens"]

USUAL = Capabilities(
    temperature=True,
    max_tokens=True,
    top_p=True,
    stop=True,
    seed=True,
    tools=True,
    images=True,
    response_format=True,
)
"""What most of them can be asked for; whether a model can is the model's affair."""


# Nobody compares rows or prints them, and every program that asks waits for this.
@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Vendor:
    """One row of the table: who it is, and what it does in another way than OpenAI."""

    name: str
    """The provider's name, and what the option `vendor` is set to."""
    base_url: str | None = None
    """None where each customer has an address of its own."""
    form: str = ""
    """What such an address looks like."""
    hosts: tuple[str, ...] = ()
    """The hosts that it is known by, with all that are under them."""
    key_variable: str | None = None
    shared_key: bool = False
    """See `ProviderInfo.shared_key`."""
    needs_key: bool = True
    url: str | None = None
    """Where a person reads about it."""
    prices_id: str | None = None
    """What genai-prices calls it."""
    models: tuple[str | ModelInfo, ...] = ()
    """The first is the default one; any other name is asked for as it stands."""
    capabilities: Capabilities = USUAL
    prefill: Prefill = "none"
    """Of the models that are not listed, where the server and not the model decides."""
    prefill_path: str | None = None
    """Where it is asked to go on with the beginning of an answer, if not as always."""
    max_tokens_field: MaxTokensField = "max_tokens"
    seed_field: str = "seed"
    short_ids: bool = False
    """Whether it takes no id of a tool call but one of nine letters and digits."""
    asks_usage: bool = True
    """Whether a stream's usage is requested by `stream_options`.

    False for a service that refuses that field, or that always sends usage.
    """
    reasoning_in_output: bool = True
    """Whether `completion_tokens` includes the tokens of reasoning, as OpenAI's does.

    If False, the output is `total_tokens` without `prompt_tokens`: xAI sends the
    reasoning apart in `reasoning_tokens`, and Google sends no count of it at all.
    """
    developer_role: bool = False
    """Whether it takes messages of the role `developer`."""
    empty_reasoning: str | None = None
    """`reasoning_content` of an assistant message with tool calls that has none.

    For a service that refuses such a message without that field. None leaves it out.
    """
    key_header: str = "Authorization"
    key_prefix: str = "Bearer "
    models_path: str | None = "/models"
    """None where it lists no models."""
    decoder: type[Decoder] = Decoder
    status_rules: tuple[StatusRule, ...] = ()

    def info(self, provider_class: type[Provider]) -> ProviderInfo:
        """Return the row as a provider that a class serves."""
        return ProviderInfo(
            name=self.name,
            models=self.models,
            open_models=True,
            url=self.url,
            key_variable=self.key_variable,
            shared_key=self.shared_key,
            needs_key=self.needs_key,
            prices_id=self.prices_id,
            capabilities=self.capabilities,
            prefill=self.prefill,
            provider_class=provider_class,
            options={"base_url": self.base_url, "vendor": self.name},
        )


OPENAI = Vendor(
    name="OpenAI",
    base_url="https://api.openai.com/v1",
    hosts=("openai.com",),
    # Its newer models refuse the older name.
    max_tokens_field="max_completion_tokens",
    developer_role=True,
)

COMPATIBLE = Vendor(name="any other")
"""Whoever it is: a server of which nothing is known but that it is asked so."""
