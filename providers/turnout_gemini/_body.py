"""A request's body: what is asked, in Gemini's words.

Source: Google's reference of `generateContent` and google-genai 3.4.0, whose
`_GenerateContentConfig_to_mldev` says which fields its own service takes; wire.md 2.5,
read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import cast

from turnout.errors import ArgumentError, UnsupportedError
from turnout.types import ChatRequest, Tool
from turnout_gemini._contents import contents, instruction

__all__ = ["body", "path"]

_COLLECTIONS = ("models", "tunedModels")

_CONFIG = "generationConfig"

_THINKING = "thinkingConfig"

_MODES = {"auto": "AUTO", "none": "NONE", "required": "ANY"}
"""OpenAI's words for the choice of a tool, and Gemini's."""


@lru_cache(maxsize=256)
def path(model: str) -> str:
    """Return the path of a request to a model, after the address.

    Raises:
        UnsupportedError: The name would lead elsewhere.
    """
    from urllib.parse import quote  # Not with the module, for its time.

    collection, _, name = model.rpartition("/")
    if collection not in _COLLECTIONS:
        collection, name = "models", model
    # A colon stands before the method.
    if name in {"", ".", ".."} or ":" in name:
        raise UnsupportedError(f"{model!r} is no name of a model")
    return f"/{collection}/{quote(name, safe='')}:streamGenerateContent?alt=sse"


def body(request: ChatRequest, *, include_thoughts: bool) -> dict[str, object]:
    """Return the body of a request.

    `extra` goes over what is set here; in `generationConfig`, where most of what is
    Gemini's own belongs, field by field.

    Args:
        request: What to ask.
        include_thoughts: Whether to ask for what the model thinks.

    Raises:
        UnsupportedError: The protocol cannot say it.
        ArgumentError: `generationConfig` in `extra`, or what is to be merged in it, is
            no mapping.
    """
    extra = dict(request.extra)
    config = _config(request)
    config |= _mapping(extra.pop(_CONFIG, None), _CONFIG)
    if include_thoughts:
        thinking = _mapping(config.get(_THINKING), f"{_CONFIG}.{_THINKING}")
        config[_THINKING] = {"includeThoughts": True, **thinking}
    if config.get("candidateCount") not in (None, 1):
        raise UnsupportedError(
            "Gemini gives one answer a request; leave candidateCount out of extra"
        )
    fields = {
        "contents": contents(request),
        "systemInstruction": instruction(request),
        "tools": _tools(request.functions),
        "toolConfig": _tool_config(request),
        _CONFIG: config or None,
    }
    return {**{k: v for k, v in fields.items() if v is not None}, **extra}


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
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        kind = type(value).__name__
        raise ArgumentError(f"{name} in extra is a {kind}, not a mapping")
    return cast("Mapping[str, object]", value)


def _tools(tools: tuple[Tool, ...]) -> list[object] | None:
    if not tools:
        return None
    return [{"functionDeclarations": [_declaration(tool) for tool in tools]}]


def _declaration(tool: Tool) -> dict[str, object]:
    declaration: dict[str, object] = {"name": tool.name}
    if tool.description:
        declaration["description"] = tool.description
    if tool.parameters is not None:
        declaration["parametersJsonSchema"] = tool.parameters
    return declaration


def _tool_config(request: ChatRequest) -> dict[str, object] | None:
    """Return how tools are chosen; None leaves it to the service.

    Raises:
        UnsupportedError: The choice is none that the protocol has.
    """
    choice = request.tool_choice
    config: dict[str, object]
    match choice:
        case {"type": "function", "function": {"name": str(name)}}:
            config = {"mode": "ANY", "allowedFunctionNames": [name]}
        case "none" | "required":
            config = {"mode": _MODES[choice]}
        case None | "auto" if any(tool.strict for tool in request.functions):
            # The mode in which calls are bound to the schemas, as they are in ANY.
            config = {"mode": "VALIDATED"}
        case "auto":
            config = {"mode": _MODES[choice]}
        case None:
            return None
        case _:
            raise UnsupportedError(
                "Gemini takes 'auto', 'none', 'required' or a function's name for "
                "tool_choice"
            )
    return {"functionCallingConfig": config}
