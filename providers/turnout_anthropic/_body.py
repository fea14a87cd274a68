"""A request in the form of Anthropic's Messages protocol. No I/O.

Source: Anthropic's Messages reference and the types of its SDKs 2.12.0 and 2.14.0;
wire.md 2.4, read 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, TypeAlias, cast

from turnout.errors import UnsupportedError
from turnout.types import ChatRequest, Message, NativeTool, Tool
from turnout_anthropic._blocks import PROTOCOL
from turnout_anthropic._schema import accepted
from turnout_anthropic._turns import container_of, system_of, turns_of

__all__ = ["body"]

_Block: TypeAlias = dict[str, Any]

_CHOICES = {"auto": "auto", "none": "none", "required": "any", "any": "any"}
"""The choice of a tool: the protocol's word by turnout's, and the protocol's own."""


def body(request: ChatRequest, max_tokens: int, origin: str = "") -> dict[str, object]:
    """Return the body of a request, with its `extra`.

    Args:
        request: The request.
        max_tokens: The limit of the answer, which the protocol needs.
        origin: The host that the request is sent to.

    Raises:
        UnsupportedError: The protocol cannot express the request.
    """
    if any(_is_foreign(message, origin) for message in request.messages):
        request = replace(request, messages=_of(request.messages, origin))
    fields: dict[str, object] = {
        "model": request.model,
        "max_tokens": max_tokens,
        "messages": turns_of(request),
        "stream": True,
    }
    optional = {
        "system": system_of(request),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": list(request.stop) or None,
        "tools": [_tool(t, i) for i, t in enumerate(request.tools)] or None,
        "tool_choice": _choice(request.tool_choice),
        "output_config": _output_config(request),
        "container": container_of(request),
    }
    fields.update((k, v) for k, v in optional.items() if v is not None)
    return request.merged(fields)


def _of(messages: tuple[Message, ...], origin: str) -> tuple[Message, ...]:
    """Return messages without the state of other services."""
    return tuple(
        replace(message, state=None) if _is_foreign(message, origin) else message
        for message in messages
    )


def _is_foreign(message: Message, origin: str) -> bool:
    """Return whether the state of a message names another service."""
    match (message.state or {}).get(PROTOCOL):
        case {"origin": str(named)}:
            return named != origin
        case _:
            return False


def _tool(tool: Tool | NativeTool, index: int) -> _Block:
    if isinstance(tool, NativeTool):
        return dict(tool.definition)
    fields: _Block = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    schema = {"type": "object", **(tool.parameters or {})}
    fields["input_schema"] = accepted(schema) if tool.strict else schema
    if tool.strict is not None:
        fields["strict"] = tool.strict
    if tool.extra:
        from turnout_anthropic._extra import with_extra

        return with_extra(fields, tool.extra, f"tools[{index}]")
    return fields


def _choice(choice: str | Mapping[str, object] | None) -> Mapping[str, object] | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice in _CHOICES:
            return {"type": _CHOICES[choice]}
        raise UnsupportedError(
            f"unknown tool_choice {choice!r}; known: {', '.join(_CHOICES)}"
        )
    if choice.get("type") != "function":  # In the protocol's own form.
        return choice
    match choice:
        case {"function": {"name": str(name)}} | {"name": str(name)}:
            fields = {k: v for k, v in choice.items() if k != "function"}
            return {**fields, "type": "tool", "name": name}
        case _:
            raise UnsupportedError(
                "tool_choice has no function name; write it as {'type': 'function', "
                "'function': {'name': ...}}"
            )


def _output_config(request: ChatRequest) -> Mapping[str, object] | None:
    if request.response_format is None:
        return None
    schema = request.schema
    if schema is None:
        raise UnsupportedError(
            "response_format has no schema, which Anthropic requires; give "
            "response_format a schema"
        )
    given = request.extra.get("output_config")
    if isinstance(given, Mapping) and cast("Mapping[str, object]", given).get("format"):
        raise UnsupportedError(
            "extra['output_config'] has a format, and response_format is set too; "
            "leave one of them out"
        )
    return {"format": {"type": "json_schema", "schema": accepted(schema)}}
