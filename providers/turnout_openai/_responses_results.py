"""Results of calls, in the form that Responses want for each kind of call. No I/O.

Source: OpenAI's SDK 3.57.0, src/openai/types/responses/response_input_item_param.py;
for the local shell its guide (developers.openai.com/api/docs/guides/tools-local-shell),
whose example names the call by `call_id`. Read 2026-11-30.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from turnout.errors import ArgumentError, UnsupportedError
from turnout.types import Message, message_to_openai
from turnout_openai._responses_content import flat

__all__ = ["content_of", "result"]

_Item: TypeAlias = Mapping[str, Any]

_Content: TypeAlias = str | list[dict[str, Any]]

_Fields: TypeAlias = dict[str, object]

_Result: TypeAlias = tuple[str, str, Callable[[_Content, object, _Item], _Fields]]


def result(message: Message, call: _Item, provider: str) -> dict[str, object]:
    """Return the item that a tool's message is.

    A text that is a JSON object with the item's own type is taken as the item.

    Args:
        message: The result.
        call: The item of the call that it answers; empty if it is not known.
        provider: The provider's name, for errors.

    Raises:
        UnsupportedError: The content has a form that no result of this kind has.
        ArgumentError: The text does not say what this kind of result has to say.
    """
    kind, id_name, fields_of = _RESULTS.get(str(call.get("type")), _FUNCTION)
    content = content_of(message, provider)
    value = _json(content)
    item: dict[str, object] = {"type": kind, id_name: message.tool_call_id}
    given = _object(value)
    if given.get("type") == kind:
        return {**item, **given}
    return {**item, **fields_of(content, value, call)}


def content_of(message: Message, provider: str) -> _Content:
    """Return a content in the form of Responses.

    Raises:
        UnsupportedError: It has a part that Responses do not take.
    """
    if isinstance(message.content, str):
        return message.content
    # By way of chat completions, whose parts hold the same, with all further fields.
    parts = cast("list[dict[str, Any]]", message_to_openai(message)["content"])
    return [_part(part, provider) for part in parts]


def _part(part: dict[str, Any], provider: str) -> dict[str, Any]:
    match part:
        case {"type": "text"}:
            return {**part, "type": "input_text"}
        case {"type": "image_url"}:
            fields = flat(part)
            fields["type"] = "input_image"
            url = {"type": "", "image_url": fields.pop("url"), "detail": "auto"}
            return {**url, **fields}
        case {"type": "file"}:
            fields = flat(part)
            fields["type"] = "input_file"
            if str(fields.get("file_data", "")).startswith(("https:", "http:")):
                fields["file_url"] = fields.pop("file_data")
            return fields
        case _:
            raise UnsupportedError(
                f"{provider}'s Responses do not accept {part['type']} in messages; "
                "send only text, images and files"
            )


def _json(content: _Content) -> object:
    """Return the value of a text that is JSON; None if it is not."""
    try:
        return cast("object", json.loads(content if isinstance(content, str) else ""))
    except (ValueError, RecursionError):
        return None


def _object(value: object) -> _Item:
    """Return a JSON object; an empty one for any other value."""
    return cast("_Item", value) if isinstance(value, Mapping) else {}


def _text(content: _Content, call: _Item) -> str:
    if isinstance(content, str):
        return content
    if any(part["type"] != "input_text" for part in content):
        raise UnsupportedError(f"the result of a {call['type']} must be only text")
    return "".join(part["text"] for part in content)


def _output(content: _Content, value: object, call: _Item) -> _Fields:
    """Return the result of a function or of a custom tool."""
    caller = call.get("caller")
    return {"output": content, **({} if caller is None else {"caller": caller})}


def _shell(content: _Content, value: object, call: _Item) -> _Fields:
    """Return the outputs of commands; a plain text is that of one that succeeded."""
    fields = _object(value)
    if fields:
        value = fields.get("output", [fields])
    outputs = cast("list[object]", value) if isinstance(value, list) else []
    if not outputs or not all(map(_is_shell_output, outputs)):
        outputs = [{"stdout": _text(content, call)}]
    complete = [{**_SUCCEEDED, **cast("_Item", output)} for output in outputs]
    limit = _object(call.get("action")).get("max_output_length")
    # The guide wants it back if the model gave it.
    return {
        "output": complete,
        **({} if limit is None else {"max_output_length": limit}),
    }


_SUCCEEDED = {
    "stdout": "",
    "stderr": "",
    "outcome": {"type": "exit", "exit_code": 0},
}


def _is_shell_output(value: object) -> bool:
    return not _SUCCEEDED.keys().isdisjoint(_object(value))


def _local_shell(content: _Content, value: object, call: _Item) -> _Fields:
    return {"output": _text(content, call)}


def _patch(content: _Content, value: object, call: _Item) -> _Fields:
    """Return the outcome of a patch; a plain text means success."""
    match value:
        case {"status": "completed" | "failed"}:
            return dict(cast("_Item", value))
        case _:
            return {"status": "completed", "output": _text(content, call)}


def _computer(content: _Content, value: object, call: _Item) -> _Fields:
    """Return a screenshot, which is an image or the URL of one."""
    if "output" in _object(value):
        return dict(_object(value))
    match content:
        case [{"type": "input_image" | "input_file"} as part]:
            image = dict(part)
            if image.get("detail") == "auto":
                del image["detail"]
        case str() if content.startswith(("data:", "https:", "http:")):
            image = {"image_url": content}
        case _:
            raise UnsupportedError(
                "the result of a computer_call must be one ImagePart"
            )
    return {"output": {**image, "type": "computer_screenshot"}}


def _tools(content: _Content, value: object, call: _Item) -> _Fields:
    """Return the tools that a search found."""
    value = _object(value).get("tools", value)
    if not isinstance(value, list):
        raise ArgumentError(
            "the result of a tool_search_call must be a JSON list of the tools found"
        )
    tools = [
        flat(cast("_Item", tool)) if isinstance(tool, Mapping) else tool
        for tool in cast("list[object]", value)
    ]
    return {"execution": "client", "status": "completed", "tools": tools}


def _approval(content: _Content, value: object, call: _Item) -> _Fields:
    """Return whether a call may be made."""
    if "approve" in _object(value):
        return dict(_object(value))
    word = _text(content, call).strip().lower()
    if word not in _WORDS:
        raise ArgumentError(
            "the result of an mcp_approval_request must be 'true', 'false' or the "
            "JSON of {'approve': ..., 'reason': ...}"
        )
    return {"approve": _WORDS[word]}


_WORDS = {
    **dict.fromkeys(["true", "yes", "1", "ok", "approve", "approved"], True),
    **dict.fromkeys(["false", "no", "0", "deny", "denied", "rejected"], False),
}

_FUNCTION: _Result = ("function_call_output", "call_id", _output)

_RESULTS: dict[str, _Result] = {
    "custom_tool_call": ("custom_tool_call_output", "call_id", _output),
    "shell_call": ("shell_call_output", "call_id", _shell),
    "local_shell_call": ("local_shell_call_output", "call_id", _local_shell),
    "apply_patch_call": ("apply_patch_call_output", "call_id", _patch),
    "computer_call": ("computer_call_output", "call_id", _computer),
    "tool_search_call": ("tool_search_output", "call_id", _tools),
    "mcp_approval_request": (
        "mcp_approval_response",
        "approval_request_id",
        _approval,
    ),
}
"""By the type of a call: the type of its result, how the result names the call, and
what makes the other fields."""
