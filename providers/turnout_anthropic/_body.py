"""A request in the form of Anthropic's Messages protocol. No I/O.

The protocol knows two roles that take turns. Tools' results are blocks of the user's
turn, all of those that answer one turn in the same one; the system's text stands beside
the messages. So messages of the same side that follow each other become one turn, and
system messages, wherever they stand, become one text.

Source: Anthropic's Messages reference and the types of its SDK 2.12.0; wire.md 2.4,
read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeAlias, assert_never, cast

from turnout.errors import UnsupportedError
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
from turnout_anthropic._blocks import PROTOCOL, tool_input
from turnout_anthropic._schema import accepted

__all__ = ["body"]

_Block: TypeAlias = dict[str, Any]

_CHOICES = {"auto": "auto", "none": "none", "required": "any"}
"""The choice of a tool: the protocol's word by turnout's."""

_NO_ID = re.compile(r"[^a-zA-Z0-9_-]")
"""What the id of a call may not hold: it has to match `^[a-zA-Z0-9_-]+$`."""


def body(request: ChatRequest, max_tokens: int) -> dict[str, object]:
    """Return the body of a request. `extra` goes over what is set here.

    Args:
        request: What to ask.
        max_tokens: Of the answer, as the protocol does not go without.

    Raises:
        UnsupportedError: The protocol cannot say what is asked.
    """
    fields: dict[str, object] = {
        "model": request.model,
        "max_tokens": max_tokens,
        "messages": _turns(request),
        "stream": True,
    }
    optional = {
        "system": _system(request),
        "temperature": request.temperature,
        "top_p": request.top_p,
        "stop_sequences": list(request.stop) or None,
        "tools": [_tool(tool) for tool in request.functions] or None,
        "tool_choice": _choice(request.tool_choice),
        "output_config": _output_config(request),
    }
    fields.update((k, v) for k, v in optional.items() if v is not None)
    return {**fields, **request.extra}


def _system(request: ChatRequest) -> str | None:
    for message in request.messages:
        if message.role == "system":
            _check_text_alone(message)
    return request.system_text if request.system_text.strip() else None


def _turns(request: ChatRequest) -> list[dict[str, object]]:
    turns: list[tuple[str, list[_Block]]] = []
    ids: dict[str, str] = {}
    for message in request.messages:
        _check_unnamed(message)
        if message.role == "system":
            continue
        role, blocks = _sided(message, ids)
        if turns and turns[-1][0] == role:
            turns[-1][1].extend(blocks)
        elif blocks or role == "user":  # It refuses an answer without content.
            turns.append((role, blocks))
    if turns and turns[-1][0] == "assistant":
        _trim(turns[-1][1])
    return [{"role": role, "content": blocks} for role, blocks in turns]


def _trim(blocks: list[_Block]) -> None:
    """Take off the white space at the end of a beginning, which is refused there."""
    last = blocks[-1]
    if last["type"] == "text":
        blocks[-1] = {**last, "text": last["text"].rstrip()}


def _sided(message: Message, ids: dict[str, str]) -> tuple[str, list[_Block]]:
    """Return whose turn a message belongs to, and its blocks.

    Args:
        message: No system's.
        ids: What stands for the ids of other services' calls, to be added to.
    """
    if message.role == "assistant":
        return "assistant", _answer(message, ids)
    if message.role == "user":
        return "user", _blocks(message)
    content = message.content if isinstance(message.content, str) else _blocks(message)
    call_id = message.tool_call_id or ""
    result: _Block = {"type": "tool_result", "tool_use_id": ids.get(call_id, call_id)}
    return "user", [{**result, "content": content} if content else result]


def _answer(message: Message, ids: dict[str, str]) -> list[_Block]:
    _check_text_alone(message)
    uses = [_use(call) for call in message.tool_calls]
    kept = _kept(message)
    # Whoever changes an answer means it to be told so, and not as it once was.
    if _said(kept) == _said([_text(message.text), *uses]):
        return [block for block in kept if not _is_blank(block)]
    for use in uses:
        # Other services' ids look as they like, as `functions.look:0` does.
        name = use["id"]
        use["id"] = ids[name] = _NO_ID.sub(lambda odd: f"-{ord(odd[0]):x}-", name)
    return [*_blocks(message), *uses]


def _use(call: ToolCall) -> _Block:
    given = tool_input(call.arguments)
    return {"type": "tool_use", "id": call.id, "name": call.name, "input": given}


def _kept(message: Message) -> list[_Block]:
    """Return the blocks that the message's state has; none where it has none."""
    own = (message.state or {}).get(PROTOCOL)
    content: object = None
    if isinstance(own, Mapping):
        content = cast("Mapping[str, object]", own).get("content")
    # The caller's own is not to grow with what follows it, nor to be trimmed.
    return list(cast("list[_Block]", content)) if isinstance(content, list) else []


def _said(blocks: list[_Block]) -> tuple[str, list[_Block]]:
    """Return what of an answer a message says without a state: its text and calls."""
    text = "".join(block["text"] for block in blocks if block["type"] == "text")
    names = ("id", "name", "input")
    calls = [b for b in blocks if b["type"] == "tool_use"]
    return text, [{name: call.get(name) for name in names} for call in calls]


def _check_text_alone(message: Message) -> None:
    content = () if isinstance(message.content, str) else message.content
    if not all(isinstance(part, TextPart) for part in content):
        raise UnsupportedError(
            "Anthropic takes images and files of users and tools alone; a message of "
            f"the {message.role} has one"
        )


def _check_unnamed(message: Message) -> None:
    if message.name is not None and message.role != "tool":
        raise UnsupportedError(
            "Anthropic has no names for those who speak; leave a message's name out"
        )


def _blocks(message: Message) -> list[_Block]:
    """Return a message's content as blocks, without blank texts."""
    content = message.content
    parts = (TextPart(text=content),) if isinstance(content, str) else content
    blocks = map(_part, parts)
    return [block for block in blocks if not _is_blank(block)]


def _is_blank(block: _Block) -> bool:
    """Tell whether a block is refused: "must contain non-whitespace text".

    Models write such texts themselves, before a call as a rule. Source: the service's
    answers of status 400, as many projects on GitHub quote them, read 2026-11-22.
    """
    return block["type"] == "text" and not block["text"].strip()


def _text(text: str) -> _Block:
    return {"type": "text", "text": text}


def _part(part: Part) -> _Block:
    match part:
        case TextPart():
            return _text(part.text)
        case ImagePart():
            return _image(part)
        case FilePart():
            return _file(part)
        case _:
            assert_never(part)


def _image(part: ImagePart) -> _Block:
    if part.detail not in {None, "auto"}:
        raise UnsupportedError(
            "Anthropic cannot be told how closely to look at an image; leave detail out"
        )
    if part.data is None:
        return {"type": "image", "source": {"type": "url", "url": part.url}}
    return {"type": "image", "source": _base64(part.media_type, part.data)}


def _file(part: FilePart) -> _Block:
    title = {} if part.filename is None else {"title": part.filename}
    return {"type": "document", "source": _source(part), **title}


def _source(part: FilePart) -> _Block:
    if part.data is None:
        return {"type": "file", "file_id": part.file_id}
    kind = (part.media_type or "").partition(";")[0].strip().lower()
    if kind == "application/pdf":
        return _base64(kind, part.data)
    if kind.startswith("text/"):
        try:
            text = part.data.decode()
        except UnicodeDecodeError:
            raise UnsupportedError("Anthropic takes files of text in UTF-8") from None
        # Whichever text it is, the protocol has one name for it.
        return {"type": "text", "media_type": "text/plain", "data": text}
    raise UnsupportedError(
        f"Anthropic takes PDF files and files of text; one of {part.media_type!r} has "
        "to be uploaded first, and is named by its file_id"
    )


def _base64(media_type: str | None, data: bytes) -> _Block:
    from base64 import b64encode

    encoded = b64encode(data).decode("ascii")
    return {"type": "base64", "media_type": media_type, "data": encoded}


def _tool(tool: Tool) -> _Block:
    fields: _Block = {"name": tool.name}
    if tool.description:
        fields["description"] = tool.description
    schema = {"type": "object", **(tool.parameters or {})}
    fields["input_schema"] = accepted(schema) if tool.strict else schema
    if tool.strict is not None:
        fields["strict"] = tool.strict
    return fields


def _choice(choice: str | Mapping[str, object] | None) -> Mapping[str, object] | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice in _CHOICES:
            return {"type": _CHOICES[choice]}
        raise UnsupportedError(
            f"there is no tool_choice {choice!r}; there are {', '.join(_CHOICES)}"
        )
    match choice:
        case {"type": "function", "function": {"name": str(name)}}:
            return {"type": "tool", "name": name}
        case {"type": "function"}:
            raise UnsupportedError(
                "tool_choice lacks the function's name; it is {'type': 'function', "
                "'function': {'name': ...}}"
            )
        case _:  # In the protocol's own form.
            return choice


def _output_config(request: ChatRequest) -> Mapping[str, object] | None:
    if request.response_format is None:
        return None
    schema = request.schema
    if schema is None:
        raise UnsupportedError(
            "Anthropic binds an answer to a JSON schema and to nothing less; give "
            "response_format a schema"
        )
    if "output_config" in request.extra:
        raise UnsupportedError(
            "extra's output_config would take the place of response_format; put the "
            "schema into its format, and leave response_format out"
        )
    return {"format": {"type": "json_schema", "schema": accepted(schema)}}
