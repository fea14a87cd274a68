"""The info of the provider and of the models that a server lists, as data.

No model is declared, since each machine has its own. A method of prefill is not
declared either: the server passes a last message of the assistant to the model's own
template, and the template decides whether the model continues it.

Source: Ollama's repository at fb30760 (2026-08-21), `api/types.go`, `server/routes.go`,
`server/prompt.go`, `model/parsers` and `model/renderers`, read 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from turnout.decoding import as_count, as_list, as_mapping, as_text
from turnout.types import Capabilities, ModelInfo, ProviderInfo

__all__ = ["INFO", "listed"]

_LATEST = ":latest"
"""The tag that a name without one means."""

INFO = ProviderInfo(
    name="Ollama",
    open_models=True,
    url="https://docs.ollama.com/api",
    key_variable="OLLAMA_API_KEY",
    capabilities=Capabilities(
        temperature=True,
        max_tokens=True,
        top_p=True,
        stop=True,
        seed=True,
        tools=True,
        images=True,
        extra_fields=True,
        response_format=True,
        reasoning=True,
    ),
)


def listed(tags: object) -> tuple[ModelInfo, ...]:
    """Return the models of a list, without those that do not chat.

    Args:
        tags: The server's answer to `/api/tags`.

    Raises:
        OddEventError: It is not of the protocol.
    """
    models = as_list(as_mapping(tags, "the list").get("models") or [], "models")
    fields = [as_mapping(model, "a model") for model in models]
    return tuple(_model(each) for each in fields if _chats(each))


def _chats(fields: dict[str, object]) -> bool:
    # Older servers do not list a model's capabilities.
    abilities = fields.get("capabilities")
    return not abilities or "completion" in as_list(abilities, "capabilities")


def _model(fields: dict[str, object]) -> ModelInfo:
    name = as_text(fields.get("model") or fields.get("name"), "the name of a model")
    short = name.removesuffix(_LATEST)
    return ModelInfo(
        name=name,
        aliases=() if short == name else (short,),
        context_window=as_count(fields.get("details"), "context_length"),
        capabilities=_capabilities(fields.get("capabilities")),
        source="the server's own list",
    )


def _capabilities(abilities: object) -> Capabilities | None:
    if not abilities:
        return None
    names = cast("list[object]", abilities)
    return replace(INFO.capabilities, tools="tools" in names, images="vision" in names)
