"""The body of a request, and its path.

Source: Google's reference of `generateContent` and google-genai 3.4.0, whose
`_GenerateContentConfig_to_mldev` says which fields the Gemini API takes; wire.md 2.5,
read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from turnout.errors import ArgumentError, UnsupportedError
from turnout.types import ChatRequest, merged
from turnout_gemini._contents import contents, instruction
from turnout_gemini._tools import tool_config, tools

__all__ = ["body", "path"]

_COLLECTIONS = ("models", "tunedModels")

_CONFIG = "generationConfig"

_THINKING = "thinkingConfig"

_FIELDS = frozenset(
    {
        _CONFIG,
        "cachedContent",
        "safetySettings",
        "serviceTier",
        "systemInstruction",
        "toolConfig",
    }
)
"""Fields of a request. The API takes each in `snake_case` too, but not both."""


@lru_cache(maxsize=256)
def path(model: str) -> str:
    """Return the path of a request to a model, after the address.

    Raises:
        UnsupportedError: The name would change the path.
    """
    from urllib.parse import quote  # Imported here, since the import is slow.

    collection, _, name = model.rpartition("/")
    if collection not in _COLLECTIONS:
        collection, name = "models", model
    # A colon is before the method.
    if name in {"", ".", ".."} or ":" in name:
        raise UnsupportedError(f"{model!r} is not the name of a model")
    return f"/{collection}/{quote(name, safe='')}:streamGenerateContent?alt=sse"


def body(request: ChatRequest, *, include_thoughts: bool) -> dict[str, object]:
    """Return the body of a request, overridden by `extra`.

    Args:
        request: The request.
        include_thoughts: Whether to request the model's thoughts.

    Raises:
        UnsupportedError: The protocol cannot express the request.
        ArgumentError: `generationConfig` in `extra`, or `thinkingConfig` in that, is
            not a mapping.
    """
    config = _config(request)
    if include_thoughts:
        config[_THINKING] = {"includeThoughts": True}
    fields = {
        "contents": contents(request),
        "systemInstruction": instruction(request),
        "tools": tools(request),
        "toolConfig": tool_config(request),
        _CONFIG: config or None,
    }
    ours = {k: v for k, v in fields.items() if v is not None}
    extra = _renamed(request.extra, {**dict[str, object].fromkeys(_FIELDS), **ours})
    _check(extra.get(_CONFIG))
    return merged(ours, extra)


def _renamed(
    extra: Mapping[str, object], ours: Mapping[str, object]
) -> dict[str, object]:
    """Return fields with the names that turnout has for them."""
    renamed: dict[str, object] = {}
    for given, value in extra.items():
        name = _camel(given) if _camel(given) in ours else given
        inner = ours.get(name)
        if isinstance(value, Mapping) and isinstance(inner, Mapping):
            value = _renamed(
                cast("Mapping[str, object]", value), cast("Mapping[str, object]", inner)
            )
        if isinstance(value, Mapping) and isinstance(renamed.get(name), Mapping):
            # It is given under both names.
            both = {name: cast("Mapping[str, object]", value)}
            renamed = merged(renamed, both)
        else:
            renamed[name] = value
    return renamed


def _camel(name: str) -> str:
    head, *words = name.split("_")
    return "".join([head, *map(str.capitalize, words)])


def _check(config: object) -> None:
    """Check the generationConfig that the user wrote."""
    if config is None:
        return
    fields = _mapping(config, _CONFIG)
    if fields.get(_THINKING) is not None:
        _mapping(fields[_THINKING], f"{_CONFIG}.{_THINKING}")
    counts = {fields.get(name) for name in ("candidateCount", "candidate_count")}
    if not counts <= {None, 1}:
        raise UnsupportedError(
            "extra has candidateCount, and only one answer is read; leave it out"
        )


def _config(request: ChatRequest) -> dict[str, object]:
    optional: dict[str, object] = {
        "temperature": request.temperature,
        "topP": request.top_p,
        "maxOutputTokens": request.max_tokens,
        "stopSequences": list(request.stop) or None,
        "seed": request.seed,
        "responseMimeType": "application/json" if request.response_format else None,
        # JSON Schema as it is; `responseSchema` would be a part of OpenAPI's.
        "responseJsonSchema": request.schema,
    }
    return {k: v for k, v in optional.items() if v is not None}


def _mapping(value: object, name: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise ArgumentError(f"{name} in extra is a {kind}, not a mapping")
    return cast("Mapping[str, object]", value)
