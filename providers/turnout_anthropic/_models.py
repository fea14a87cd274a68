"""Anthropic's models and the info of the provider, as data.

The list is open: any other name is sent as it is, such as that of a later model or of
another server's. Structured outputs are not assumed for such a model.
"""

from dataclasses import replace

from turnout.types import Capabilities, ModelInfo, ProviderInfo

__all__ = ["INFO"]

_OVERVIEW = "Anthropic's overview of its models, read 2026-11-22"
_TABLE = "LiteLLM's table of models, 1.109.1, read 2026-11-22"

# The other capabilities are from the same table, and from Anthropic's own migration
# guides to Claude 4.6, 4.7, Haiku 5.5 and others, read on the same day.

# What a request to any server of the protocol may use.
_PROTOCOL = Capabilities(
    temperature=True,
    max_tokens=True,
    top_p=True,
    stop=True,
    tools=True,
    images=True,
    files=True,
    native_tools=True,
    extra_fields=True,
)

_SCHEMA = replace(_PROTOCOL, response_format=True, reasoning=True)

# From Claude Opus 4.7 on, the models refuse these, at their default values too.
_UNSAMPLED = replace(_SCHEMA, temperature=False, top_p=False)

INFO = ProviderInfo(
    name="Anthropic",
    models=(
        ModelInfo(
            name="claude-haiku-5-5",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_OVERVIEW,
        ),
        ModelInfo(
            name="claude-sonnet-5-5",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_OVERVIEW,
        ),
        ModelInfo(
            name="claude-opus-5-5",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_OVERVIEW,
        ),
        # It is not in the table.
        ModelInfo(
            name="claude-fable-5-2",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=f"{_OVERVIEW}; the notes of Vercel's @ai-sdk/anthropic 2.0.114",
        ),
        ModelInfo(
            name="claude-fable-5-1",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_OVERVIEW,
        ),
        ModelInfo(
            name="claude-fable-5",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-opus-5",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-sonnet-5",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-opus-4-8",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-opus-4-7",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_UNSAMPLED,
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-opus-4-6",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_SCHEMA,
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-sonnet-4-6",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_SCHEMA,
            source=_TABLE,
        ),
        # The last models that continue the beginning of an answer. Their names without
        # a date are aliases, by Anthropic's own words.
        ModelInfo(
            name="claude-opus-4-5-20251101",
            aliases=("claude-opus-4-5",),
            context_window=200_000,
            max_output_tokens=64_000,
            capabilities=_SCHEMA,
            prefill="trailing",
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-sonnet-4-5-20250929",
            aliases=("claude-sonnet-4-5",),
            context_window=200_000,
            max_output_tokens=64_000,
            capabilities=_SCHEMA,
            prefill="trailing",
            source=_TABLE,
        ),
        ModelInfo(
            name="claude-haiku-4-5-20251001",
            aliases=("claude-haiku-4-5",),
            context_window=200_000,
            max_output_tokens=64_000,
            capabilities=_SCHEMA,
            prefill="trailing",
            source=_TABLE,
        ),
    ),
    default_model="claude-haiku-5-5",
    open_models=True,
    url="https://platform.claude.com/docs/en/api/messages",
    key_variable="ANTHROPIC_API_KEY",
    needs_key=True,
    prices_id="anthropic",
    capabilities=_PROTOCOL,
)
"""The info of the provider."""
