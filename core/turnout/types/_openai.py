"""Messages and tools in OpenAI's mapping form, which most programs hold already.

Read from people's programs and not from the wire, so a mistake is an
`ArgumentError` that says where it stands, and never shows what the text said.

Source: OpenAI's chat completions reference, `messages` and `tools`; wire.md 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TypeAlias, assert_never, cast

from turnout.errors import ArgumentError
from turnout.types._messages import (
    ROLES,
    FilePart,
    ImagePart,
    Message,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCall,
    wrong_calls,
    wrong_role,
)

__all__ = [
    "Conversation",
    "as_messages",
    "as_tools",
    "listed",
    "message_to_openai",
    "tool_to_openai",
]

Conversation: TypeAlias = (
    str
    | Message
    | Mapping[str, object]
    | Sequence[str | Message | Mapping[str, object]]
)
"""All that is taken for messages: one of them, or a sequence."""

_MESSAGES = "a text, a message or a list of messages"

# What OpenAI's own replies carry beside the fields that are read. Such a reply is
# often put back into the conversation whole, so these may stand there and be empty.
_IGNORED_IF_EMPTY = {"annotations", "audio", "function_call", "refusal"}
_FIELDS = ("role", "content", "tool_calls", "tool_call_id", "name", "state")
_FUNCTION_FIELDS = ("name", "description", "parameters", "strict")

# `developer` is what newer models call the system's voice.
_ROLE_NAMES: dict[str, Role] = {"developer": "system"}
_ROLE_NAMES.update((role, role) for role in ROLES)


def as_messages(conversation: Conversation) -> tuple[Message, ...]:
    """Return the conversation as messages.

    Raises:
        ArgumentError: It is empty, or one of its messages cannot be read.
    """
    if isinstance(conversation, str):
        return (Message(role="user", content=conversation),)
    if isinstance(conversation, Message | Mapping):
        return (_item(conversation, "the message"),)
    messages = tuple(
        _item(item, f"messages[{index}]")
        for index, item in enumerate(listed(conversation, "messages", _MESSAGES))
    )
    if not messages:
        raise ArgumentError("there are no messages; give at least one")
    return messages


def _item(item: object, where: str) -> Message:
    if isinstance(item, Message):
        return item
    if isinstance(item, str):
        return Message(role="user", content=item)
    if isinstance(item, Mapping):
        return _message(cast("Mapping[str, object]", item), where)
    raise ArgumentError(
        f"{where} is a {type(item).__name__}; a message is a str, a mapping or a "
        "Message"
    )


def _message(fields: Mapping[str, object], where: str) -> Message:
    named = fields.get("role")
    role = _ROLE_NAMES.get(named) if isinstance(named, str) else None
    if role is None:
        raise ArgumentError(f"{where} {wrong_role(named)}")
    for name in fields:
        if name not in _FIELDS and (name not in _IGNORED_IF_EMPTY or fields[name]):
            raise _meaningless(name, where, _FIELDS)
    # An assistant's may consist of tool calls.
    if fields.get("content") is None and role != "assistant":
        raise ArgumentError(f"{where} lacks 'content'")
    content = _content(fields.get("content"), f"{where}.content")
    calls = fields.get("tool_calls") or ()
    tool_calls = tuple(
        _tool_call(call, f"{where}.tool_calls[{index}]")
        for index, call in enumerate(listed(calls, f"{where}.tool_calls"))
    )
    call_id = _text(fields, "tool_call_id", where)
    state = fields.get("state")
    wrong = wrong_calls(role, tool_calls, call_id)
    if wrong:
        raise ArgumentError(f"{where} {wrong}")
    return Message(
        role=role,
        content=content,
        tool_calls=tool_calls,
        tool_call_id=call_id,
        name=_text(fields, "name", where),
        state=None if state is None else _mapping(state, f"{where}.state"),
    )


def _meaningless(name: str, where: str, known: Iterable[str]) -> ArgumentError:
    return ArgumentError(
        f"{where} has the field {name!r}, which means nothing; there are "
        f"{', '.join(known)}"
    )


def _content(content: object, where: str) -> str | tuple[Part, ...]:
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    return tuple(
        _part(part, f"{where}[{index}]")
        for index, part in enumerate(listed(content, where, "a text or parts"))
    )


def _part(part: object, where: str) -> Part:
    if isinstance(part, TextPart | ImagePart | FilePart):
        return part
    if isinstance(part, str):
        return TextPart(text=part)
    fields = _mapping(part, where)
    read = _PARTS.get(_required(fields, "type", where))
    if read is None:
        raise ArgumentError(
            f"{where} has the type {fields['type']!r}; a part is one of "
            f"{', '.join(_PARTS)}"
        )
    return read(fields, where)


def _text_part(fields: Mapping[str, object], where: str) -> Part:
    return TextPart(text=_required(fields, "text", where))


def _image_part(fields: Mapping[str, object], where: str) -> Part:
    given = fields.get("image_url")
    image = (
        {"url": given} if isinstance(given, str) else _inner(fields, "image_url", where)
    )
    url = _required(image, "url", f"{where}.image_url")
    detail = _text(image, "detail", f"{where}.image_url")
    if not url.startswith("data:"):
        return ImagePart(url=url, detail=detail)
    media_type, data = _from_data_url(url, f"{where}.image_url.url")
    return ImagePart(data=data, media_type=media_type, detail=detail)


def _file_part(fields: Mapping[str, object], where: str) -> Part:
    file = _inner(fields, "file", where)
    where = f"{where}.file"
    filename = _text(file, "filename", where)
    if file.get("file_data") is None:
        return FilePart(file_id=_required(file, "file_id", where), filename=filename)
    url = _required(file, "file_data", where)
    media_type, data = _from_data_url(url, f"{where}.file_data")
    return FilePart(data=data, media_type=media_type, filename=filename)


_PARTS: dict[str, Callable[[Mapping[str, object], str], Part]] = {
    "text": _text_part,
    "image_url": _image_part,
    "file": _file_part,
}


def _tool_call(call: object, where: str) -> ToolCall:
    if isinstance(call, ToolCall):
        return call
    fields = _mapping(call, where)
    function = _inner(fields, "function", where)
    return ToolCall(
        id=_required(fields, "id", where),
        name=_required(function, "name", f"{where}.function"),
        arguments=_required(function, "arguments", f"{where}.function"),
    )


def as_tools(tools: Iterable[Tool | Mapping[str, object]]) -> tuple[Tool, ...]:
    """Return tools given in either form.

    Raises:
        ArgumentError: One of them cannot be read.
    """
    return tuple(
        _tool(tool, f"tools[{index}]")
        for index, tool in enumerate(listed(tools, "tools"))
    )


def _tool(tool: object, where: str) -> Tool:
    if isinstance(tool, Tool):
        return tool
    if not isinstance(tool, Mapping):
        raise ArgumentError(
            f"{where} is a {type(tool).__name__}; a tool is a mapping in OpenAI's form "
            "or a Tool"
        )
    function = _inner(cast("Mapping[str, object]", tool), "function", where)
    where = f"{where}.function"
    for name in function:
        if name not in _FUNCTION_FIELDS:
            raise _meaningless(name, where, _FUNCTION_FIELDS)
    parameters = function.get("parameters")
    if parameters is not None:
        parameters = dict(_mapping(parameters, f"{where}.parameters"))
    strict = function.get("strict")
    if strict is not None and not isinstance(strict, bool):
        raise ArgumentError(f"{where}.strict is a {type(strict).__name__}, not a bool")
    return Tool(
        name=_required(function, "name", where),
        description=_text(function, "description", where) or "",
        parameters=parameters,
        strict=strict,
    )


# What can be iterated and is no list all the same; a set has no order.
_NO_LISTS = (str, bytes, bytearray, memoryview, Mapping, Set)


def listed(value: object, where: str, wanted: str = "a list") -> Iterable[object]:
    """Return what stands for a list, to be iterated.

    Args:
        value: As a user gave it.
        where: Its name, as the message begins.
        wanted: What it may be, as the message ends.

    Raises:
        ArgumentError: It is something else.
    """
    kind = type(value).__name__
    if not isinstance(value, Iterable) or isinstance(value, _NO_LISTS):
        raise ArgumentError(f"{where} is a {kind}, not {wanted}")
    return cast("Iterable[object]", value)


def _inner(fields: Mapping[str, object], name: str, where: str) -> Mapping[str, object]:
    if fields.get(name) is None:
        raise ArgumentError(f"{where} lacks {name!r}")
    return _mapping(fields[name], f"{where}.{name}")


def _mapping(value: object, where: str) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{where} is a {type(value).__name__}, not a mapping")
    return cast("Mapping[str, object]", value)


def _text(fields: Mapping[str, object], name: str, where: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise ArgumentError(f"{where}.{name} is a {type(value).__name__}, not a str")
    return value


def _required(fields: Mapping[str, object], name: str, where: str) -> str:
    value = _text(fields, name, where)
    if value is None:
        raise ArgumentError(f"{where} lacks {name!r}")
    return value


def _from_data_url(url: str, where: str) -> tuple[str, bytes]:
    from base64 import b64decode

    head, comma, body = url.removeprefix("data:").partition(",")
    media_type, _, encoding = head.rpartition(";")
    if not comma or encoding != "base64" or not media_type:
        raise ArgumentError(f"{where} is no data:<media type>;base64,<data> address")
    try:
        return media_type, b64decode(body, validate=True)
    except ValueError:
        raise ArgumentError(f"{where} is not valid base64") from None


def _to_data_url(media_type: str | None, data: bytes) -> str:
    from base64 import b64encode

    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"


def message_to_openai(message: Message) -> dict[str, object]:
    """Return a message in OpenAI's mapping form, with the fields that it has."""
    fields: dict[str, object] = {"role": message.role, "content": message.content}
    if not isinstance(message.content, str):
        fields["content"] = [_part_to_openai(part) for part in message.content]
    if message.tool_calls:
        fields["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        fields["name"] = message.name
    return fields


def _part_to_openai(part: Part) -> dict[str, object]:
    match part:
        case TextPart():
            return {"type": "text", "text": part.text}
        case ImagePart():
            url = part.url
            if part.data is not None:
                url = _to_data_url(part.media_type, part.data)
            detail = {} if part.detail is None else {"detail": part.detail}
            return {"type": "image_url", "image_url": {"url": url, **detail}}
        case FilePart():
            name = {} if part.filename is None else {"filename": part.filename}
            if part.data is None:
                return {"type": "file", "file": {"file_id": part.file_id, **name}}
            data = _to_data_url(part.media_type, part.data)
            return {"type": "file", "file": {"file_data": data, **name}}
        case _:
            assert_never(part)


def tool_to_openai(tool: Tool) -> dict[str, object]:
    """Return a tool in OpenAI's mapping form."""
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}
