"""The body of a request for OpenAI's Responses. No I/O.

Nothing is left at the service (`store` is false), so that the conversation can be
continued by any other. What a model that reasons wants to see again comes back in
`Message.state`, encrypted.

Source: OpenAI's reference of responses and its SDK 3.54.0, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from turnout.errors import UnsupportedError
from turnout.types import (
    ChatRequest,
    Message,
    ModelInfo,
    ProviderInfo,
    TextPart,
    Tool,
    message_to_openai,
)
from turnout_openai._responses import STATE_NAME
from turnout_openai._tools import described

__all__ = ["body", "narrowed"]


def narrowed(info: ProviderInfo) -> ProviderInfo:
    """Return what a provider says of itself, without what Responses lack."""
    return replace(
        info,
        models=tuple(
            model if isinstance(model, str) else _narrowed(model)
            for model in info.models
        ),
        capabilities=replace(info.capabilities, stop=False, seed=False),
        prefill="none",
    )


def _narrowed(model: ModelInfo) -> ModelInfo:
    can = model.capabilities
    if can is not None:
        can = replace(can, stop=False, seed=False)
    return replace(model, capabilities=can, prefill="none")


def body(request: ChatRequest, provider: str) -> dict[str, object]:
    """Return the body of a request. `extra` goes over what is set here.

    Args:
        request: What to ask.
        provider: The provider's name, for errors.

    Raises:
        UnsupportedError: Responses have no field for something that is asked.
    """
    _check(request, provider)
    fields: dict[str, object] = {"model": request.model} if request.model else {}
    fields["input"] = [i for message in request.messages for i in _items(message)]
    fields["stream"] = True
    fields["store"] = False
    wanted = request.response_format
    optional = {
        "temperature": request.temperature,
        "max_output_tokens": request.max_tokens,
        "top_p": request.top_p,
        "tools": [_tool(described(tool)) for tool in request.functions] or None,
        "tool_choice": _choice(request.tool_choice),
        "text": None if wanted is None else {"format": _format(wanted)},
    }
    fields.update((k, v) for k, v in optional.items() if v is not None)
    return {**fields, **request.extra}


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
            f"{provider}'s Responses have no {', '.join(missing)}; leave that out, or "
            'set protocol="chat"'
        )


def _items(message: Message) -> list[Mapping[str, object]]:
    """Return the items of the input that a message is."""
    if message.role == "tool":
        return [
            {
                "type": "function_call_output",
                "call_id": message.tool_call_id,
                "output": _content(message),
            }
        ]
    if message.role != "assistant":
        return [{"role": message.role, "content": _content(message)}]
    kept = _kept(message)
    if kept is not None:
        return kept
    items: list[Mapping[str, object]] = []
    if message.content:
        # The short form is not known everywhere: llama.cpp's server refuses it.
        part = {"type": "output_text", "text": _said(message)}
        said = {"type": "message", "role": "assistant", "content": [part]}
        items.append(said)
    for call in message.tool_calls:
        items.append(
            {
                "type": "function_call",
                "call_id": call.id,
                "name": call.name,
                "arguments": call.arguments,
            }
        )
    return items


def _kept(message: Message) -> list[Mapping[str, object]] | None:
    """Return the items that an answer consisted of, as the service sent them.

    None where none were kept, or where they are not what the message says: it was
    changed, or is the end of an answer that another target had begun.
    """
    state = None if message.state is None else message.state.get(STATE_NAME)
    if not isinstance(state, Mapping):
        return None
    items = cast("list[Mapping[str, object]]", state["items"])
    calls = [
        item.get("call_id") for item in items if item.get("type") == "function_call"
    ]
    same = calls == [call.id for call in message.tool_calls]
    return items if same and _text_of(items) == message.text else None


def _text_of(items: list[Mapping[str, object]]) -> str:
    texts: list[str] = []
    for item in items:
        parts = item.get("content") if item.get("type") == "message" else None
        for part in cast("list[Mapping[str, object]]", parts or []):
            texts.append(str(part.get("text") or part.get("refusal") or ""))
    return "".join(texts)


def _said(message: Message) -> str:
    """Return what an assistant said, which is text alone."""
    if not isinstance(message.content, str) and not all(
        isinstance(part, TextPart) for part in message.content
    ):
        raise UnsupportedError("Responses take text alone for what an assistant said")
    return message.text


def _content(message: Message) -> object:
    if isinstance(message.content, str):
        return message.content
    # By way of chat completions, whose parts hold the same.
    parts = cast("list[dict[str, Any]]", message_to_openai(message)["content"])
    return [_part(part) for part in parts]


def _part(part: dict[str, Any]) -> dict[str, object]:
    if part["type"] == "text":
        return {"type": "input_text", "text": part["text"]}
    if part["type"] == "file":
        return {"type": "input_file", **part["file"]}
    image = part["image_url"]
    detail = image.get("detail", "auto")
    return {"type": "input_image", "image_url": image["url"], "detail": detail}


def _tool(tool: Tool) -> dict[str, object]:
    fields: dict[str, object] = {"type": "function", "name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    fields["parameters"] = tool.parameters
    if tool.strict is not None:
        fields["strict"] = tool.strict
    return fields


def _choice(choice: str | Mapping[str, object] | None) -> object:
    function = choice.get("function") if isinstance(choice, Mapping) else None
    if not isinstance(function, Mapping):
        return choice
    return {"type": "function", **cast("Mapping[str, object]", function)}


def _format(wanted: Mapping[str, object]) -> dict[str, object]:
    schema = wanted.get("json_schema")
    if not isinstance(schema, Mapping):
        return dict(wanted)
    return {"type": "json_schema", **cast("Mapping[str, object]", schema)}
