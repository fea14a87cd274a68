"""The body of a request for OpenAI's Responses. No I/O.

Nothing is left at the service (`store` is false), so that the conversation can be
continued by any other. What a model that reasons wants to see again comes back in
`Message.state`, encrypted.

Source: OpenAI's reference of responses and its SDK 3.57.0, read 2026-11-30.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from turnout.errors import UnsupportedError
from turnout.types import (
    Capabilities,
    ChatRequest,
    ModelInfo,
    NativeTool,
    ProviderInfo,
    Tool,
    merged,
)
from turnout_openai._responses_content import flat
from turnout_openai._responses_input import Input
from turnout_openai._tools import described

__all__ = ["body", "narrowed"]

_ENCRYPTED = "reasoning.encrypted_content"

_REASONS = re.compile(r"(^|[/.:])(o[1-9](-|$)|codex-|gpt-([5-9]|\d\d)(?!\d|-chat))")
"""The names of OpenAI's models that reason.

Other models refuse the request: "Encrypted content is not supported with this model"
(pydantic/pydantic-ai's issues 2865 and 3326; gpt-5-chat-latest does not reason). In
pydantic-ai's recordings 0 of 20 answers had encrypted content that was not requested,
and 96 of 96 that was. Read 2026-11-30.
"""

_ALWAYS = frozenset({"xAI"})
"""Services whose models all take it. Source: vercel/ai, packages/xai/src/responses/
xai-responses-language-model.ts; docs.x.ai/developers/advanced-api-usage/
troubleshooting-reasoning; read 2026-11-30."""


def narrowed(info: ProviderInfo) -> ProviderInfo:
    """Return the info of a provider, adapted to Responses."""
    return replace(
        info,
        models=tuple(
            model if isinstance(model, str) else _narrowed(model)
            for model in info.models
        ),
        capabilities=_able(info.capabilities),
        prefill="none",
    )


def _narrowed(model: ModelInfo) -> ModelInfo:
    can = model.capabilities
    return replace(
        model, capabilities=None if can is None else _able(can), prefill="none"
    )


def _able(can: Capabilities) -> Capabilities:
    # Responses take no sounds: OpenAI's SDK has a type for such a part, but not among
    # the parts of a message.
    return replace(
        can,
        stop=False,
        seed=False,
        audio=False,
        video=False,
        native_tools=True,
        extra_fields=True,
    )


def body(
    request: ChatRequest,
    provider: str,
    service: str = "",
    extra: Mapping[str, object] | None = None,
) -> dict[str, object]:
    """Return the body of a request, with `extra` put over it.

    Args:
        request: What to ask.
        provider: The provider's name, for errors.
        service: Where the request is sent.
        extra: Further fields of each request to the service, see `Vendor.extra`.

    Raises:
        UnsupportedError: Responses have no field for something that is asked.
    """
    _check(request, provider)
    encrypted = service in _ALWAYS or _REASONS.search(request.model) is not None
    stored = request.extra.get("store") is True
    messages = Input(provider, service, encrypted=encrypted, stored=stored)
    fields: dict[str, object] = {"model": request.model} if request.model else {}
    fields["input"] = messages.items(request.messages)
    fields["stream"] = True
    fields["store"] = False
    fields.update(extra or {})
    wanted = request.response_format
    optional = {
        "include": [_ENCRYPTED] if encrypted and not stored else None,
        "temperature": request.temperature,
        "max_output_tokens": request.max_tokens,
        "top_p": request.top_p,
        "tools": list(map(_tool, request.tools)) or None,
        "tool_choice": _choice(request.tool_choice),
        "text": None if wanted is None else {"format": flat(wanted)},
    }
    fields.update((k, v) for k, v in optional.items() if v is not None)
    return _joined(request, fields)


def _joined(request: ChatRequest, fields: dict[str, object]) -> dict[str, object]:
    """Return the fields with `extra` put over them. The `include` of both is joined."""
    ours, given = fields.get("include"), request.extra.get("include")
    sent = request.merged(fields)
    if isinstance(ours, list) and isinstance(given, list):
        sent["include"] = list(dict.fromkeys(cast("list[object]", [*given, *ours])))
    return sent


def _check(request: ChatRequest, provider: str) -> None:
    lacking = {
        "stop": bool(request.stop),
        "seed": request.seed is not None,
        "prefill": request.prefill,
        # That of a tool's message says no more than the call that it answers.
        "the names of messages": any(
            message.name for message in request.messages if message.role != "tool"
        ),
    }
    missing = [name for name, asked in lacking.items() if asked]
    if missing:
        raise UnsupportedError(
            f"{provider}'s Responses do not support {', '.join(missing)}; leave that "
            'out, or set protocol="chat"'
        )


def _tool(tool: Tool | NativeTool) -> dict[str, Any]:
    if isinstance(tool, NativeTool):
        return _native(tool.definition)
    tool = described(tool)
    fields: dict[str, object] = {"type": "function", "name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["parameters"] = tool.parameters
    if tool.strict is not None:
        fields["strict"] = tool.strict
    return flat(merged(fields, tool.extra))


def _native(definition: Mapping[str, object]) -> dict[str, Any]:
    """Return a tool of the service's own; one in the form of chat is converted."""
    fields = flat(definition)
    form = fields.get("format")
    if isinstance(form, Mapping):
        fields["format"] = flat(cast("Mapping[str, Any]", form))
    return fields


def _choice(choice: str | Mapping[str, object] | None) -> object:
    if not isinstance(choice, Mapping):
        return choice
    fields = flat(choice)
    tools = fields.get("tools")
    if isinstance(tools, list):  # Of `allowed_tools`.
        named = cast("list[Mapping[str, Any]]", tools)
        fields["tools"] = [flat(tool) for tool in named]
    return fields
