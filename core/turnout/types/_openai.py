"""Messages and tools in OpenAI's mapping form, which most programs already use.

They come from a caller and not from a service. So a mistake is an `ArgumentError` that
says where it is, and never shows the text. An unknown field is kept in `extra` and sent
as it is, because histories of other libraries have such fields.

Source: OpenAI's chat completions reference, `messages` and `tools`; wire.md 2.1.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from typing import TypeAlias, assert_never, cast

from turnout._names import nearest
from turnout.errors import ArgumentError, UnsupportedError
from turnout.types._messages import (
    ROLES,
    AudioPart,
    FilePart,
    ImagePart,
    Message,
    NativeTool,
    Part,
    Role,
    TextPart,
    Tool,
    ToolCall,
    VideoPart,
    wrong_calls,
    wrong_role,
)

__all__ = [
    "Conversation",
    "MessageLike",
    "as_messages",
    "as_tools",
    "listed",
    "merged",
    "message_to_openai",
    "tool_to_openai",
]

MessageLike: TypeAlias = str | Message | Mapping[str, object]
"""A message in any accepted form: text, a `Message`, or a mapping in OpenAI's form."""

Conversation: TypeAlias = MessageLike | Sequence[MessageLike]
"""A conversation in any accepted form: one message, or a sequence of messages."""

_MESSAGES = "a text, a message or a list of messages"

_FIELDS = ("role", "content", "tool_calls", "tool_call_id", "name", "state")
_FUNCTION_FIELDS = ("name", "description", "parameters", "strict")

_FURTHER_FIELDS = frozenset(
    {
        "annotations",
        "audio",
        "cache_control",
        "citations",
        "context",
        "extra_content",
        "function_call",
        "id",
        "images",
        "invalid_tool_calls",
        "is_error",
        "metadata",
        "mime_type",
        "namespace",
        "partial",
        "phase",
        "prefix",
        "provider_specific_fields",
        "reasoning",
        "reasoning_content",
        "reasoning_details",
        "reasoning_opaque",
        "reasoning_text",
        "refusal",
        "status",
        "thinking",
        "thinking_blocks",
        "tool_call_chunks",
        "tool_name",
        "tool_plan",
        "uuid",
    }
)
"""Fields that services and other libraries write. Any other name that is similar to one
of turnout's counts as a misspelling.

Source: the items of OpenAI's SDK 3.57.0 (`id`, `namespace`, `phase`, `status`);
Anthropic's SDK 2.14.0 (`context`, `is_error`); Cohere's API reference (`tool_plan`);
BerriAI/litellm, `litellm/types/utils.py` (`provider_specific_fields`); GitHub
Copilot's answers in sst/opencode (`reasoning_opaque`, `reasoning_text`);
langchain-ai/langchain, `langchain_core/messages` (`invalid_tool_calls`, `mime_type`,
`status`, `tool_call_chunks`); vLLM's page on multimodal inputs (`uuid`); read
2026-11-30.
"""

_CUSTOM = frozenset({"custom", "custom_tool_call"})
"""The kind of a call of a custom tool in chat completions and in Responses."""

# Newer models of OpenAI have the role `developer` in place of `system`.
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
        raise ArgumentError("messages is empty; give at least one message")
    return messages


def _item(item: object, where: str) -> Message:
    if isinstance(item, Message):
        return item
    if isinstance(item, str):
        return Message(role="user", content=item)
    if isinstance(item, Mapping):
        fields = cast("Mapping[str, object]", item)
        if fields.get("type") == "message" and "developer" in fields:
            return _written(fields, where)
        return _message(fields, where)
    raise ArgumentError(
        f"{where} is a {type(item).__name__}; use a str, a mapping or a Message"
    )


def _written(fields: Mapping[str, object], where: str) -> Message:
    """Read a message as `turnout.types.to_dict` writes it.

    Other mappings may have the type `message` too, but never the field `developer`.
    """
    from turnout.types._json import from_dict

    try:
        return from_dict(fields, Message)
    except ArgumentError as error:
        raise ArgumentError(f"{where}: {error}") from None


def _message(fields: Mapping[str, object], where: str) -> Message:
    named = fields.get("role")
    role = _ROLE_NAMES.get(named) if isinstance(named, str) else None
    if role is None:
        raise ArgumentError(f"{where} {wrong_role(named)}")
    extra = _extra(fields, _FIELDS, where)
    # A message of the role `assistant` may have only tool calls.
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
        developer=named == "developer",
        extra=extra,
        state=None if state is None else _mapping(state, f"{where}.state"),
    )


def _extra(
    fields: Mapping[str, object], known: Sequence[str], where: str
) -> dict[str, object] | None:
    """Return the unknown fields; None if there are none.

    Empty fields are left out: programs often put the replies of services back into a
    conversation as they are, with fields that are empty.

    Raises:
        ArgumentError: A field is likely a misspelling of a known one.
    """
    extra = {
        name: value
        for name, value in fields.items()
        if name not in known and value is not None and value != []
    }
    for name in extra.keys() - _FURTHER_FIELDS:
        if not isinstance(cast("object", name), str):
            kind = type(name).__name__
            raise ArgumentError(
                f"{where} has a field whose name is a {kind}, not a str"
            )
        guesses = nearest(name, known)
        if guesses:
            raise ArgumentError(
                f"{where} has the unknown field {name!r}; did you mean {guesses[0]!r}?"
            )
    return extra or None


def _extra_of(
    fields: Mapping[str, object],
    inner_name: str,
    inner_known: Sequence[str],
    where: str,
) -> dict[str, object] | None:
    """Return the unknown fields of a mapping and of the mapping in a field of it."""
    extra = _extra(fields, ("type", inner_name), where) or {}
    value = fields.get(inner_name)
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, object]", value)
        more = _extra(inner, inner_known, f"{where}.{inner_name}")
        if more is not None:
            extra[inner_name] = more
    return extra or None


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
    if isinstance(part, Part):
        return part
    if isinstance(part, str):
        return TextPart(text=part)
    fields = _mapping(part, where)
    read = _PARTS.get(_required(fields, "type", where))
    if read is None:
        raise ArgumentError(
            f"{where} has the unknown type {fields['type']!r}; known: "
            f"{', '.join(_PARTS)}"
        )
    return read(fields, where)


def _text_part(fields: Mapping[str, object], where: str) -> Part:
    return TextPart(
        text=_required(fields, "text", where),
        extra=_extra(fields, ("type", "text"), where),
    )


def _image_part(fields: Mapping[str, object], where: str) -> Part:
    image = _address(fields, "image_url", where)
    url = _required(image, "url", f"{where}.image_url")
    detail = _text(image, "detail", f"{where}.image_url")
    extra = _extra_of(fields, "image_url", ("url", "detail"), where)
    if not url.startswith("data:"):
        return ImagePart(url=url, detail=detail, extra=extra)
    media_type, data = _from_data_url(url, f"{where}.image_url.url")
    return ImagePart(data=data, media_type=media_type, detail=detail, extra=extra)


def _audio_part(fields: Mapping[str, object], where: str) -> Part:
    audio = _inner(fields, "input_audio", where)
    where_inner = f"{where}.input_audio"
    encoding = _required(audio, "format", where_inner)
    return AudioPart(
        data=_from_base64(_required(audio, "data", where_inner), f"{where_inner}.data"),
        media_type=encoding if "/" in encoding else f"audio/{encoding}",
        extra=_extra_of(fields, "input_audio", ("data", "format"), where),
    )


def _audio_url_part(fields: Mapping[str, object], where: str) -> Part:
    url = _required(_address(fields, "audio_url", where), "url", f"{where}.audio_url")
    extra = _extra_of(fields, "audio_url", ("url",), where)
    if not url.startswith("data:"):
        return AudioPart(url=url, extra=extra)
    media_type, data = _from_data_url(url, f"{where}.audio_url.url")
    return AudioPart(data=data, media_type=media_type, extra=extra)


def _video_part(fields: Mapping[str, object], where: str) -> Part:
    url = _required(_address(fields, "video_url", where), "url", f"{where}.video_url")
    extra = _extra_of(fields, "video_url", ("url",), where)
    if not url.startswith("data:"):
        return VideoPart(url=url, extra=extra)
    media_type, data = _from_data_url(url, f"{where}.video_url.url")
    return VideoPart(data=data, media_type=media_type, extra=extra)


def _file_part(fields: Mapping[str, object], where: str) -> Part:
    extra = _extra_of(fields, "file", ("filename", "file_data", "file_id"), where)
    file = _inner(fields, "file", where)
    where = f"{where}.file"
    filename = _text(file, "filename", where)
    if file.get("file_data") is None:
        file_id = _required(file, "file_id", where)
        return FilePart(file_id=file_id, filename=filename, extra=extra)
    url = _required(file, "file_data", where)
    if url.startswith(("https:", "http:")):
        return FilePart(url=url, filename=filename, extra=extra)
    media_type, data = _from_data_url(url, f"{where}.file_data")
    return FilePart(data=data, media_type=media_type, filename=filename, extra=extra)


_PARTS: dict[str, Callable[[Mapping[str, object], str], Part]] = {
    "text": _text_part,
    "image_url": _image_part,
    "input_audio": _audio_part,
    "audio_url": _audio_url_part,
    "video_url": _video_part,
    "file": _file_part,
}


def _tool_call(call: object, where: str) -> ToolCall:
    if isinstance(call, ToolCall):
        return call
    fields = _mapping(call, where)
    if fields.get("type", "function") != "function":
        return _native_call(fields, where)
    function = _inner(fields, "function", where)
    extra = _extra(fields, ("id", "type", "index", "function"), where) or {}
    inner = _extra(function, ("name", "arguments"), f"{where}.function")
    if inner is not None:
        extra["function"] = inner
    return ToolCall(
        id=_required(fields, "id", where),
        name=_required(function, "name", f"{where}.function"),
        arguments=_required(function, "arguments", f"{where}.function"),
        extra=extra or None,
    )


def _native_call(fields: Mapping[str, object], where: str) -> ToolCall:
    """Read a call that is not of a function, as `{"type": "custom", "custom": ...}`."""
    kind = _required(fields, "type", where)
    called = _inner(fields, kind, where)
    return ToolCall(
        id=_required(fields, "id", where),
        name=_text(called, "name", f"{where}.{kind}") or kind,
        arguments=_text(called, "input", f"{where}.{kind}") or "",
        kind=kind,
        item=dict(fields),
    )


def as_tools(
    tools: Iterable[Tool | NativeTool | Mapping[str, object]],
) -> tuple[Tool | NativeTool, ...]:
    """Return tools that are given in any form.

    A mapping with a `function` is a `Tool`, and so is one of the type `function`. Any
    other mapping is a `NativeTool`.

    Raises:
        ArgumentError: One of them cannot be read.
    """
    return tuple(
        _tool(tool, f"tools[{index}]")
        for index, tool in enumerate(listed(tools, "tools"))
    )


def _tool(tool: object, where: str) -> Tool | NativeTool:
    if isinstance(tool, Tool | NativeTool):
        return tool
    if not isinstance(tool, Mapping):
        raise ArgumentError(
            f"{where} is a {type(tool).__name__}; use a Tool, a NativeTool or a "
            "mapping in OpenAI's form or the service's own"
        )
    fields = cast("Mapping[str, object]", tool)
    if "function" in fields or fields.get("type") == "function" or not fields:
        return _function_tool(fields, where)
    return NativeTool(definition=dict(fields))


def _function_tool(fields: Mapping[str, object], where: str) -> Tool:
    extra: dict[str, object] = {}
    function = fields
    if "function" in fields or "name" not in fields:
        function = _inner(fields, "function", where)
        extra |= _extra(fields, ("type", "function"), where) or {}
        where = f"{where}.function"
    # Otherwise it has the form of Responses, whose fields are not nested.
    inner = _extra(function, ("type", *_FUNCTION_FIELDS), where)
    if inner is not None:
        extra |= inner if function is fields else {"function": inner}
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
        extra=extra or None,
    )


# Iterables that are not accepted as a list; a set has no order.
_NO_LISTS = (str, bytes, bytearray, memoryview, Mapping, Set)


def listed(value: object, where: str, wanted: str = "a list") -> Iterable[object]:
    """Return a user's value that is used as a list.

    Args:
        value: The user's value.
        where: Its name, which begins the error's message.
        wanted: The accepted forms, which end the error's message.

    Raises:
        ArgumentError: It is something else.
    """
    kind = type(value).__name__
    if not isinstance(value, Iterable) or isinstance(value, _NO_LISTS):
        raise ArgumentError(f"{where} is a {kind}, not {wanted}")
    return cast("Iterable[object]", value)


def _address(
    fields: Mapping[str, object], name: str, where: str
) -> Mapping[str, object]:
    """Return the mapping with the URL of a part; the field may be the URL itself."""
    given = fields.get(name)
    return {"url": given} if isinstance(given, str) else _inner(fields, name, where)


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
    head, comma, body = url.removeprefix("data:").partition(",")
    media_type, _, encoding = head.rpartition(";")
    if not comma or encoding != "base64" or not media_type:
        raise ArgumentError(f"{where} is not a data:<media type>;base64,<data> URL")
    return media_type, _from_base64(body, where)


def _from_base64(text: str, where: str) -> bytes:
    from base64 import b64decode

    try:
        return b64decode(text, validate=True)
    except ValueError:
        raise ArgumentError(f"{where} is not valid base64") from None


def _to_base64(data: bytes) -> str:
    from base64 import b64encode

    return b64encode(data).decode("ascii")


def _to_data_url(media_type: str | None, data: bytes) -> str:
    return f"data:{media_type};base64,{_to_base64(data)}"


def message_to_openai(message: Message) -> dict[str, object]:
    """Return a message in OpenAI's mapping form, without the fields that it lacks.

    Raises:
        UnsupportedError: A call is of a kind that only another protocol has.
    """
    fields: dict[str, object] = {"role": message.role, "content": message.content}
    if not isinstance(message.content, str):
        fields["content"] = [_part_to_openai(part) for part in message.content]
    if message.tool_calls:
        fields["tool_calls"] = [_call_to_openai(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        fields["tool_call_id"] = message.tool_call_id
    if message.name is not None:
        fields["name"] = message.name
    return fields if message.extra is None else merged(fields, message.extra)


def _call_to_openai(call: ToolCall) -> dict[str, object]:
    if call.kind != "function":
        return _native_to_openai(call)
    function = {"name": call.name, "arguments": call.arguments}
    return merged({"id": call.id, "type": "function", "function": function}, call.extra)


def _native_to_openai(call: ToolCall) -> dict[str, object]:
    """Return a call that is not of a function, in the form of chat completions.

    Raises:
        UnsupportedError: Only another protocol has calls of its kind.
    """
    item = dict(call.item or {})
    if item.get("type") in item or "function" in item:
        return item
    if call.kind not in _CUSTOM:
        raise UnsupportedError(
            f"the call {call.id!r} is of the kind {call.kind!r}, which chat "
            "completions do not have; leave out the call and its result"
        )
    custom = {"name": call.name, "input": call.arguments}
    return {"id": call.id, "type": "custom", "custom": custom}


def _part_to_openai(part: Part) -> dict[str, object]:
    fields: dict[str, object]
    match part:
        case TextPart():
            fields = {"type": "text", "text": part.text}
        case ImagePart():
            detail = {} if part.detail is None else {"detail": part.detail}
            image = {"url": _url_of(part), **detail}
            fields = {"type": "image_url", "image_url": image}
        case AudioPart(data=None):
            fields = {"type": "audio_url", "audio_url": {"url": part.url}}
        case AudioPart():
            fields = {"type": "input_audio", "input_audio": _audio_to_openai(part)}
        case VideoPart():
            fields = {"type": "video_url", "video_url": {"url": _url_of(part)}}
        case FilePart():
            fields = {"type": "file", "file": _file_to_openai(part)}
        case _:
            assert_never(part)
    return fields if part.extra is None else merged(fields, part.extra)


def _url_of(part: ImagePart | VideoPart | FilePart) -> str | None:
    if part.data is None:
        return part.url
    return _to_data_url(part.media_type, part.data)


_AUDIO_FORMATS = {"mpeg": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav"}
"""OpenAI's names of formats that differ from the subtype of the media type."""


def _audio_to_openai(part: AudioPart) -> dict[str, object]:
    subtype = (part.media_type or "").partition("/")[2].partition(";")[0].lower()
    name = _AUDIO_FORMATS.get(subtype, subtype)
    return {"data": _to_base64(part.data or b""), "format": name}


def _file_to_openai(part: FilePart) -> dict[str, object]:
    name = {} if part.filename is None else {"filename": part.filename}
    if part.file_id is not None:
        return {"file_id": part.file_id, **name}
    return {"file_data": _url_of(part), **name}


def tool_to_openai(tool: Tool | NativeTool) -> dict[str, object]:
    """Return a tool in OpenAI's mapping form; a native tool as it is."""
    if isinstance(tool, NativeTool):
        return dict(tool.definition)
    function: dict[str, object] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    if tool.parameters is not None:
        function["parameters"] = tool.parameters
    if tool.strict is not None:
        function["strict"] = tool.strict
    return merged({"type": "function", "function": function}, tool.extra)


def merged(
    fields: Mapping[str, object], extra: Mapping[str, object] | None
) -> dict[str, object]:
    """Return the fields of a JSON object, overridden by more fields.

    Two objects under one name are merged in the same way, and two lists named `tools`
    are joined. None removes a field. Any other value replaces the one before.
    """
    result = dict(fields)
    for name, value in (extra or {}).items():
        before = result.get(name)
        if value is None:
            result.pop(name, None)
        elif isinstance(before, Mapping) and isinstance(value, Mapping):
            result[name] = merged(
                cast("Mapping[str, object]", before),
                cast("Mapping[str, object]", value),
            )
        elif name == "tools" and isinstance(before, list) and isinstance(value, list):
            result[name] = [*before, *value]
        else:
            result[name] = value
    return result
