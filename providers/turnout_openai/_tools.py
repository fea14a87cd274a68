"""The form of a tool in both protocols."""

from __future__ import annotations

from dataclasses import replace

from turnout.types import Tool

__all__ = ["described"]


def described(tool: Tool) -> Tool:
    """Return a tool that says what it takes, even if it takes nothing.

    Responses and Mistral require that, and no other service refuses it.
    """
    if tool.parameters:
        return tool
    nothing: dict[str, object] = {"type": "object", "properties": {}}
    if tool.strict:  # Where the schema has to say that there is nothing else.
        nothing["additionalProperties"] = False
    return replace(tool, parameters=nothing)
