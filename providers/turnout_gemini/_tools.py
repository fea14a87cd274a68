"""The tools of a request in Gemini's form, and the choice among them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeGuard, cast

from turnout.errors import UnsupportedError
from turnout.types import ChatRequest, Tool
from turnout_gemini._extra import known_fields

__all__ = ["tool_config", "tools"]

_FIELDS = frozenset({"behavior", "response", "responseJsonSchema"})
"""The fields of a function that `Tool` does not have: google-genai 3.6.1,
`types.FunctionDeclaration`."""

_CONFIG = frozenset(
    {
        "functionCallingConfig",
        "function_calling_config",
        "includeServerSideToolInvocations",
        "include_server_side_tool_invocations",
        "retrievalConfig",
        "retrieval_config",
    }
)
"""The fields of `types.ToolConfig` in google-genai 3.6.1, in both spellings."""

_MODES = {
    "any": "ANY",
    "auto": "AUTO",
    "none": "NONE",
    "required": "ANY",
    "validated": "VALIDATED",
}
"""OpenAI's and Google's words for the choice of a tool, and Gemini's mode."""

_CHOICES = (
    "Gemini takes 'auto', 'none', 'required' or 'validated', a function's name, "
    "allowed_tools, or a mapping with functionCallingConfig for tool_choice"
)


def tools(request: ChatRequest) -> list[object] | None:
    """Return the functions and the service's own tools; None without any.

    Raises:
        UnsupportedError: A function has a field that the protocol does not have.
    """
    functions = [
        _declaration(tool, f"tools[{index}]")
        for index, tool in enumerate(request.tools)
        if isinstance(tool, Tool)
    ]
    declared: list[object] = [{"functionDeclarations": functions}] if functions else []
    return [*declared, *(tool.definition for tool in request.native_tools)] or None


def _declaration(tool: Tool, where: str) -> dict[str, object]:
    declaration: dict[str, object] = {"name": tool.name}
    if tool.description:
        declaration["description"] = tool.description
    if tool.parameters is not None:
        declaration["parametersJsonSchema"] = tool.parameters
    extra = dict(tool.extra or {})
    inner = extra.pop("function", None)
    if isinstance(
        inner, Mapping
    ):  # In OpenAI's form a function's own fields are there.
        extra |= cast("Mapping[str, object]", inner)
    return {**declaration, **known_fields(extra, _FIELDS, where)}


def tool_config(request: ChatRequest) -> Mapping[str, object] | None:
    """Return how tools are chosen; None leaves it to the service.

    Raises:
        UnsupportedError: The protocol does not have the choice.
    """
    choice = request.tool_choice
    if _is_config(choice):
        return choice
    strict = any(tool.strict for tool in request.functions)
    if choice in (None, "auto") and strict:
        # The mode in which calls are bound to the schemas, as they are in ANY.
        return _calling("VALIDATED")
    if choice is None:
        return None
    mode = _MODES.get(choice.lower()) if isinstance(choice, str) else None
    if mode is not None:
        return _calling(mode)
    mode, names = _named(choice)
    return _calling(mode, names)


def _is_config(choice: object) -> TypeGuard[Mapping[str, object]]:
    """Return whether the choice is in Gemini's own form."""
    return isinstance(choice, Mapping) and not _CONFIG.isdisjoint(
        cast("Mapping[str, object]", choice)
    )


def _named(choice: object) -> tuple[str, list[str]]:
    """Return the mode and the functions for one of OpenAI's forms that name some.

    `auto` with `allowed_tools` is VALIDATED: "Model is constrained to predict either
    function calls or natural language response", and "the predicted function calls will
    be limited to" these (google-genai 3.6.1, `types.FunctionCallingConfigMode`).

    Raises:
        UnsupportedError: It is not such a form.
    """
    fields = _fields(choice)
    kind = fields.get("type")
    mode: object = "required"
    named: list[object] = [fields]
    if kind == "allowed_tools":
        fields = _fields(fields.get("allowed_tools")) or fields
        mode, given = fields.get("mode", "auto"), fields.get("tools")
        named = cast("list[object]", given) if isinstance(given, list) else []
    elif kind != "function":
        named = []
    names = [_name(each) for each in named]
    modes = {"auto": "VALIDATED", "required": "ANY"}
    if not names or mode not in modes:
        raise UnsupportedError(_CHOICES)
    return modes[str(mode)], names


def _name(tool: object) -> str:
    """Return the name of a function in the form of chat completions or Responses."""
    fields = _fields(tool)
    name = (_fields(fields.get("function")) or fields).get("name")
    if not isinstance(name, str):
        raise UnsupportedError(_CHOICES)
    return name


def _fields(value: object) -> Mapping[str, object]:
    return cast("Mapping[str, object]", value) if isinstance(value, Mapping) else {}


def _calling(mode: str, names: list[str] | None = None) -> dict[str, object]:
    config: dict[str, object] = {"mode": mode}
    if names:
        config["allowedFunctionNames"] = names
    return {"functionCallingConfig": config}
