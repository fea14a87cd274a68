"""The body of a request to `/api/chat`. No I/O.

What the protocol has no word for is refused, and never left out in silence.

Source: Ollama's `docs/api.md`, `docs/capabilities` and `api/types.go` at fb30760
(2026-08-21); wire.md 2.6, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import assert_never, cast

from turnout.errors import ArgumentError, UnsupportedError
from turnout.types import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCall,
)

__all__ = ["PATH", "STATE", "body"]

PATH = "/api/chat"

STATE = "ollama"
"""Under which name a message's state is ours."""

_NO_PARAMETERS: dict[str, object] = {"type": "object", "properties": {}}
"""The schema of a tool that takes none: the server reads it of every tool."""


def body(request: ChatRequest) -> dict[str, object]:
    """Return the body of a request. `extra` goes over what is set here.

    Of `extra` alone `options` is not taken as it is: it goes over the options that the
    request's own fields are, one by one.

    Raises:
        UnsupportedError: The protocol cannot say what is asked.
        ArgumentError: `options` in `extra` is no mapping.
    """
    fields: dict[str, object] = {
        "model": request.model,
        "messages": _messages(request.messages),
        "stream": True,
    }
    extra = dict(request.extra)
    options = {**_options(request), **_extra_options(extra.pop("options", {}))}
    optional = {
        "tools": _tools(request) or None,
        "format": _format(request),
        "options": options or None,
    }
    fields.update((k, v) for k, v in optional.items() if v is not None)
    return {**fields, **extra}


def _options(request: ChatRequest) -> dict[str, object]:
    options = {
        "temperature": request.temperature,
        "num_predict": request.max_tokens,
        "top_p": request.top_p,
        "stop": list(request.stop) or None,
        "seed": request.seed,
    }
    return {name: value for name, value in options.items() if value is not None}


def _extra_options(options: object) -> Mapping[str, object]:
    if not isinstance(options, Mapping):
        raise ArgumentError(
            f"extra['options'] is a {type(options).__name__}, not a mapping"
        )
    return cast("Mapping[str, object]", options)


def _format(request: ChatRequest) -> object:
    if request.response_format is None:
        return None
    schema = request.schema
    return "json" if schema is None else schema


def _tools(request: ChatRequest) -> list[dict[str, object]]:
    match request.tool_choice:
        case None | "auto":
            return [_tool(tool) for tool in request.functions]
        case "none":  # Which is what a model does that is told of no tool.
            return []
        case _:
            raise UnsupportedError(
                "Ollama lets the model choose among its tools; leave tool_choice out, "
                "or let it be 'auto' or 'none'"
            )


def _tool(tool: Tool) -> dict[str, object]:
    if tool.strict:
        raise UnsupportedError(
            "Ollama does not bind a tool's arguments to their schema; leave strict out"
        )
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or _NO_PARAMETERS
    return {"type": "function", "function": function}


def _messages(messages: Iterable[Message]) -> list[dict[str, object]]:
    turns: list[dict[str, object]] = []
    called: dict[str, str] = {}
    for message in messages:
        called.update((call.id, call.name) for call in message.tool_calls)
        turns.append(_turn(message, called))
    return turns


def _turn(message: Message, called: Mapping[str, str]) -> dict[str, object]:
    """Return a message; `called` has the names of the calls before it, by their ids."""
    turn: dict[str, object] = {"role": message.role, "content": message.text}
    thinking = _thinking(message)
    if thinking:
        turn["thinking"] = thinking
    if not isinstance(message.content, str):
        images = [image for part in message.content for image in _images(part)]
        if images:
            turn["images"] = images
    if message.tool_calls:
        turn["tool_calls"] = [_call(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        name = called.get(message.tool_call_id) or message.name
        if name is not None:
            turn["tool_name"] = name
        turn["tool_call_id"] = message.tool_call_id
    elif message.name is not None:
        raise UnsupportedError(
            "Ollama has no names for those who speak; leave a message's name out"
        )
    return turn


def _thinking(message: Message) -> object:
    own = (message.state or {}).get(STATE)
    if not isinstance(own, Mapping):
        return None
    return cast("Mapping[str, object]", own).get("thinking")


def _images(part: Part) -> list[str]:
    """Return the images of a part, one or none: they stand beside the text."""
    match part:
        case TextPart():
            return []
        case ImagePart():
            return [_image(part)]
        case FilePart():
            raise UnsupportedError("Ollama takes no files; give their text")
        case _:
            assert_never(part)


def _image(part: ImagePart) -> str:
    from base64 import b64encode

    if part.data is None:
        raise UnsupportedError(
            "Ollama takes the bytes of an image and no address; give it as data"
        )
    if part.detail not in {None, "auto"}:
        raise UnsupportedError(
            "Ollama cannot be told how closely to look at an image; leave detail out"
        )
    return b64encode(part.data).decode("ascii")


def _call(call: ToolCall) -> dict[str, object]:
    function = {"name": call.name, "arguments": _arguments(call)}
    return {"id": call.id, "function": function}


def _arguments(call: ToolCall) -> dict[str, object]:
    """Return a call's arguments, which are an object here and not a text."""
    from pydantic_core import from_json

    value: object = None
    try:
        value = from_json(call.arguments or "{}", allow_inf_nan=False)
    except ValueError:
        pass
    if not isinstance(value, dict):
        # They are not shown: they are the conversation's.
        raise UnsupportedError(
            f"the arguments of the call {call.id!r} to {call.name!r} are no JSON "
            "object, and Ollama takes nothing else; mend them, or leave the call and "
            "what answers it out"
        )
    return cast("dict[str, object]", value)
