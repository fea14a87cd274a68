"""The list of models that a service has, as it sends it. No I/O.

Source: OpenAI's reference of models; what others put beside the name, from their pages
and, of llama.cpp, as observed 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast

from turnout.errors import ProtocolError
from turnout.types import ModelInfo, ProviderInfo

__all__ = ["read"]

_WINDOWS = (
    "context_length",  # OpenRouter, Together, Fireworks
    "context_window",  # Groq
    "max_context_length",  # Mistral
    "max_model_len",  # vLLM
    "n_ctx",  # llama.cpp, under `meta`
)

_OUTPUTS = ("max_completion_tokens", "max_output_tokens")


def read(
    listed: object, known: Mapping[str, ModelInfo], info: ProviderInfo
) -> tuple[ModelInfo, ...]:
    """Return the models, in the service's order.

    Args:
        listed: What the service sent: OpenAI's mapping, or the list alone.
        known: What turnout knows, by the models' names.
        info: The provider.

    Raises:
        ProtocolError: It is not a list of models.
    """
    if isinstance(listed, Mapping):
        listed = cast("Mapping[str, object]", listed).get("data")
    if not isinstance(listed, list):
        raise ProtocolError(
            f"{info.name} did not send a list of models; check base_url"
        )
    models: dict[str, ModelInfo] = {}
    for item in cast("list[object]", listed):
        match item:
            case {"id": str(name)} if name:
                fields = cast("Mapping[str, object]", item)
                models[name] = known.get(name) or _model(name, fields, info)
            case _:
                raise ProtocolError(f"{info.name} listed a model without an id")
    return tuple(models.values())


def _model(name: str, fields: Mapping[str, object], info: ProviderInfo) -> ModelInfo:
    meta = fields.get("meta")
    if isinstance(meta, Mapping):
        fields = {**cast("Mapping[str, object]", meta), **fields}
    return ModelInfo(
        name=name,
        context_window=_count(fields, _WINDOWS),
        max_output_tokens=_count(fields, _OUTPUTS),
        prefill=info.prefill,
        source=f"{info.name}'s own list",
    )


def _count(fields: Mapping[str, object], names: tuple[str, ...]) -> int | None:
    for name in names:
        count = fields.get(name)
        if isinstance(count, int) and count > 0:
            return count
    return None
