"""The body of a request to `/api/chat`. No I/O.

What the protocol cannot express is refused, and never dropped silently.

Source: Ollama's `docs/api.md`, `docs/capabilities` and `api/types.go` at fb30760
(2026-08-21); wire.md 2.6, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never, cast

from turnout.errors import ArgumentError, UnsupportedError
from turnout.types import (
    AudioPart,
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
)

__all__ = ["PATH", "STATE", "body"]

PATH = "/api/chat"

STATE = "ollama"
"""The protocol's name in `Message.state`."""

_NO_PARAMETERS: dict[str, object] = {"type": "object", "properties": {}}
"""The schema of a tool without parameters: the server requires one for every tool."""

_FIELDS = {
    "system": frozenset[str](),
    "user": frozenset({"images"}),
    "assistant": frozenset({"images", "thinking"}),
    "tool": frozenset({"images", "tool_name"}),
}
"""The fields of Ollama's messages that `Message` does not have, by role."""


def body(request: ChatRequest) -> dict[str, object]:
    """Return the body of a request, overridden by `extra`.

    Raises:
        UnsupportedError: The protocol cannot express the request.
        ArgumentError: `options` in `extra` is not a mapping.
    """
    options = request.extra.get("options")
    if options is not None and not isinstance(options, Mapping):
        kind = type(options).__name__
        raise ArgumentError(f"extra['options'] is a {kind}, not a mapping")
    fields: dict[str, object] = {
        "model": request.model,
        "messages": _messages(request.messages),
        "stream": True,
    }
    optional = {
        "tools": _tools(request) or None,
        "format": _format(request),
        "options": _options(request) or None,
    }
    fields.update((k, v) for k, v in optional.items() if v is not None)
    return request.merged(fields)


def _options(request: ChatRequest) -> dict[str, object]:
    options = {
        "temperature": request.temperature,
        "num_predict": request.max_tokens,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "seed": request.seed,
    }
    return {name: value for name, value in options.items() if value is not None}


def _format(request: ChatRequest) -> object:
    if request.response_format is None:
        return None
    schema = request.schema
    return "json" if schema is None else schema


def _tools(request: ChatRequest) -> list[dict[str, object]]:
    match request.tool_choice:
        case None | "auto":
            return [
                _tool(tool, f"tools[{index}]")
                for index, tool in enumerate(request.functions)
            ]
        case "none":  # A model without tools calls none.
            return []
        case _:
            raise UnsupportedError(
                "tool_choice has a value that Ollama does not support; leave it out or "
                "use 'auto' or 'none'"
            )


def _tool(tool: Tool, where: str) -> dict[str, object]:
    _refuse(tool.extra, where)
    if tool.strict:
        raise UnsupportedError(
            f"{where} has strict, which Ollama does not support; leave strict out"
        )
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or _NO_PARAMETERS
    return {"type": "function", "function": function}


def _messages(messages: Iterable[Message]) -> list[dict[str, object]]:
    turns: list[dict[str, object]] = []
    called: dict[str, str] = {}
    for index, message in enumerate(messages):
        called.update((call.id, call.name) for call in message.tool_calls)
        turns.append(_turn(message, called, f"messages[{index}]"))
    return turns


def _turn(message: Message, called: Mapping[str, str], where: str) -> dict[str, object]:
    """Return a message in Ollama's form.

    Args:
        message: The user's.
        called: The names of earlier calls, by their ids.
        where: Its place, as in `messages[0]`.
    """
    turn: dict[str, object] = {"role": message.role, "content": message.text}
    thinking = _thinking(message)
    if thinking:
        turn["thinking"] = thinking
    images = _images(message, where)
    if images:
        turn["images"] = images
    if message.tool_calls:
        turn["tool_calls"] = [
            _call(call, f"{where}.tool_calls[{index}]")
            for index, call in enumerate(message.tool_calls)
        ]
    if message.tool_call_id is not None:
        name = called.get(message.tool_call_id) or message.name
        if name is not None:
            turn["tool_name"] = name
        turn["tool_call_id"] = message.tool_call_id
    elif message.name is not None:
        raise UnsupportedError(
            "Ollama does not support speaker names; leave a message's name out"
        )
    return {**turn, **_extra(message, images, where)}


def _extra(message: Message, images: Sequence[str], where: str) -> Mapping[str, object]:
    """Return the additional fields that the user set on a message."""
    extra = dict(message.extra or {})
    _refuse({k: v for k, v in extra.items() if k not in _FIELDS[message.role]}, where)
    more = extra.get("images")
    if isinstance(more, list):
        extra["images"] = [*images, *cast("list[object]", more)]
    return extra


def _refuse(extra: Mapping[str, object] | None, where: str) -> None:
    for name in extra or ():
        raise UnsupportedError(
            f"{where} has the field {name!r}, which Ollama does not have; leave it out"
        )


def _thinking(message: Message) -> object:
    own = (message.state or {}).get(STATE)
    if not isinstance(own, Mapping):
        return None
    return cast("Mapping[str, object]", own).get("thinking")


def _images(message: Message, where: str) -> list[str]:
    """Return the images of a message, which are separate from the text."""
    if isinstance(message.content, str):
        return []
    images: list[str] = []
    for index, part in enumerate(message.content):
        _refuse(part.extra, f"{where}.content[{index}]")
        match part:
            case TextPart():
                pass
            case ImagePart():
                images.append(_image(part))
            case AudioPart() | VideoPart() | FilePart():
                kind = type(part).__name__
                raise UnsupportedError(
                    f"a message has a {kind}, which Ollama does not accept; give its "
                    "content as text"
                )
            case _:
                assert_never(part)
    return images


def _image(part: ImagePart) -> str:
    from base64 import b64encode

    if part.data is None:
        raise UnsupportedError(
            "an image has an address, and Ollama accepts only bytes; give it as data"
        )
    if part.detail not in {None, "auto"}:
        raise UnsupportedError(
            "an image has detail, which Ollama does not support; leave detail out"
        )
    return b64encode(part.data).decode("ascii")


def _call(call: ToolCall, where: str) -> dict[str, object]:
    _refuse(call.extra, where)
    if call.kind != "function":
        raise UnsupportedError(
            f"the call {call.id!r} is of the kind {call.kind!r}, which Ollama does not "
            "support; leave out the call and its result"
        )
    function = {"name": call.name, "arguments": _arguments(call)}
    return {"id": call.id, "function": function}


def _arguments(call: ToolCall) -> dict[str, object]:
    """Return a call's arguments, which are an object in this protocol."""
    from pydantic_core import from_json

    value: object = None
    try:
        value = from_json(call.arguments or "{}", allow_inf_nan=False)
    except ValueError:
        pass
    if not isinstance(value, dict):
        # The message does not show them: they are part of the conversation.
        raise UnsupportedError(
            f"the arguments of the call {call.id!r} to {call.name!r} are not a JSON "
            "object, which Ollama needs; correct them, or leave out the call and its "
            "result"
        )
    return cast("dict[str, object]", value)
