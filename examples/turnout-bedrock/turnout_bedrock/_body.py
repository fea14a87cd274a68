"""A request in the form of Bedrock's Converse protocol. No I/O.

Roles take turns: messages of the same side that follow each other become one turn, and
the results of tools are blocks of the user's turn. System messages stand beside them.

Source: `ConverseStreamRequest` of botocore 1.44.8's service model, `bedrock-runtime`
2023-09-30, read 2026-11-30.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, cast
from urllib.parse import quote

from turnout import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    Tool,
    ToolCall,
    UnsupportedError,
)

__all__ = ["PROTOCOL", "body", "path"]

PROTOCOL = "bedrock"
"""The name under which an answer's state is kept."""

_Block: TypeAlias = dict[str, Any]
_Turn: TypeAlias = dict[str, Any]

_IMAGES = {f"image/{name}": name for name in ("png", "jpeg", "gif", "webp")}

_DOCUMENTS = {
    "application/pdf": "pdf",
    "application/msword": "doc",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "text/csv": "csv",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
}

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9 ()\[\]-]+|\s+")
"""What the name of a document cannot have."""

_CHOICES = {"auto": "auto", "required": "any", "any": "any"}


def path(model: str) -> str:
    """Return the path of a request; a colon and a slash in a model's id are encoded."""
    return f"/model/{quote(model, safe='')}/converse-stream"


def body(request: ChatRequest) -> dict[str, object]:
    """Return the body of a request, with its `extra`.

    Raises:
        UnsupportedError: The protocol cannot say what is asked.
    """
    fields = {
        "messages": _turns(request.messages),
        "system": [block for m in _of(request, "system") for block in _texts(m)],
        "inferenceConfig": _given(
            maxTokens=request.max_tokens,
            temperature=request.temperature,
            topP=request.top_p,
            stopSequences=list(request.stop) or None,
        ),
        "toolConfig": _tools(request),
        "outputConfig": _output(request),
    }
    return request.merged({name: value for name, value in fields.items() if value})


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


def _of(request: ChatRequest, role: str) -> Iterable[Message]:
    return (message for message in request.messages if message.role == role)


def _texts(message: Message) -> list[_Block]:
    if any(not isinstance(part, TextPart) for part in _parts(message)):
        raise UnsupportedError("Bedrock's system messages have nothing but text")
    return [{"text": message.text}] if message.text else []


def _parts(message: Message) -> Sequence[Part]:
    if isinstance(message.content, str):
        return [TextPart(text=message.content)] if message.content else []
    return message.content


def _turns(messages: Sequence[Message]) -> list[_Turn]:
    turns: list[_Turn] = []
    documents = _Names()
    for message in messages:
        if message.role == "system":
            continue
        if message.role == "assistant":
            role, blocks = "assistant", _answer(message, documents)
        elif message.role == "tool":
            role, blocks = "user", [_result(message, documents)]
        else:
            role, blocks = "user", _blocks(message, documents)
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks or role == "user":
            turns.append({"role": role, "content": blocks})
    return turns


class _Names:
    """The names of documents: each is another one in a request."""

    def __init__(self) -> None:
        self._used: set[str] = set()

    def of(self, filename: str | None) -> str:
        """Return a name that the service takes for a file."""
        stem = (filename or "").rpartition(".")[0] or filename or ""
        plain = _NOT_IN_NAMES.sub(" ", stem).strip()[:190] or "document"
        name, number = plain, 1
        while name in self._used:
            number += 1
            name = f"{plain} {number}"
        self._used.add(name)
        return name


def _blocks(message: Message, documents: _Names) -> list[_Block]:
    return [_block(part, documents) for part in _parts(message)]


def _block(part: Part, documents: _Names) -> _Block:
    match part:
        case TextPart():
            return {"text": part.text}
        case ImagePart():
            return {"image": _image(part)}
        case FilePart():
            return {"document": _document(part, documents)}
        case _:
            # Not claimed: turnout refuses a request with any of these.
            raise UnsupportedError("Bedrock's provider sends neither sounds nor videos")


def _image(part: ImagePart) -> _Block:
    if part.detail not in {None, "auto"}:
        raise UnsupportedError("Bedrock has no detail of images; leave detail out")
    if part.data is None:
        kind = f"image/{(part.url or '').rpartition('.')[2].replace('jpg', 'jpeg')}"
    else:
        kind = _media_type(part.media_type)
    if kind not in _IMAGES:
        raise UnsupportedError(
            f"Bedrock takes images in {', '.join(_IMAGES.values())}, not {kind!r}"
        )
    return {"format": _IMAGES[kind], "source": _source(part)}


def _document(part: FilePart, documents: _Names) -> _Block:
    known = sorted(_DOCUMENTS.values())
    if part.data is None:
        format = (part.url or "").rpartition(".")[2]
    else:
        format = _DOCUMENTS.get(_media_type(part.media_type), part.media_type or "")
    source = _source(part)
    if format not in known:
        raise UnsupportedError(
            f"Bedrock takes documents in {', '.join(known)}, not {format!r}"
        )
    named = part.filename or (part.url or "").rpartition("/")[2]
    return {"format": format, "name": documents.of(named), "source": source}


def _media_type(media_type: str | None) -> str:
    return (media_type or "").partition(";")[0].strip().lower()


def _source(part: ImagePart | FilePart) -> _Block:
    if part.data is not None:
        return {"bytes": b64encode(part.data).decode("ascii")}
    if part.url is not None and part.url.startswith("s3://"):
        return {"s3Location": {"uri": part.url}}
    raise UnsupportedError(
        "Bedrock takes images and documents as data, or by an address that begins with "
        "s3://"
    )


def _result(message: Message, documents: _Names) -> _Block:
    return {
        "toolResult": {
            "toolUseId": message.tool_call_id,
            "content": _blocks(message, documents),
        }
    }


def _answer(message: Message, documents: _Names) -> list[_Block]:
    """Return the blocks of an answer: with its reasoning, if that is kept of it."""
    calls = {call.id: _call(call) for call in message.tool_calls}
    plain = [*_blocks(message, documents), *calls.values()]
    kept = [*_kept(message)]
    texts = "".join(block["text"] for block in kept if "text" in block)
    ids = {block["call"] for block in kept if "call" in block}
    if texts == message.text and ids == calls.keys():
        return [calls[b["call"]] if "call" in b else b for b in kept] or plain
    # The answer was changed since; its reasoning stands before the rest.
    return [*(block for block in kept if "reasoningContent" in block), *plain]


def _kept(message: Message) -> Iterable[_Block]:
    state = (message.state or {}).get(PROTOCOL)
    content = cast("_Block", state).get("content") if isinstance(state, dict) else None
    for block in cast("list[object]", content) if isinstance(content, list) else []:
        match block:
            case {"text": str()} | {"call": str()} | {"reasoningContent": Mapping()}:
                yield cast("_Block", block)
            case _:
                pass


def _call(call: ToolCall) -> _Block:
    if not call.has_valid_arguments:
        raise UnsupportedError(
            f"the arguments of the call {call.id!r} are not a JSON object, and Bedrock "
            "takes nothing else; correct them, or leave the call out"
        )
    given: object = json.loads(call.arguments or "{}")
    return {"toolUse": {"toolUseId": call.id, "name": call.name, "input": given}}


def _tools(request: ChatRequest) -> _Block:
    choice = _choice(request.tool_choice)
    tools = [_tool(tool) for tool in request.functions]
    if not tools:
        return {}
    return {"tools": tools} | ({} if choice is None else {"toolChoice": choice})


def _tool(tool: Tool) -> _Block:
    spec: _Block = {
        "name": tool.name,
        "inputSchema": {"json": {"type": "object", **(tool.parameters or {})}},
    }
    if tool.description:
        spec["description"] = tool.description
    if tool.strict is not None:
        spec["strict"] = tool.strict
    return {"toolSpec": spec}


def _choice(choice: str | Mapping[str, object] | None) -> Mapping[str, object] | None:
    match choice:
        case None:
            return None
        case str():
            if choice in _CHOICES:
                return {_CHOICES[choice]: {}}
        case {"function": {"name": str(name)}}:
            return {"tool": {"name": name}}
        case {"auto": _} | {"any": _} | {"tool": _}:  # In the protocol's own form.
            return choice
        case _:
            pass
    raise UnsupportedError(
        f"unknown tool_choice {choice!r}; Bedrock knows {', '.join(_CHOICES)} and the "
        "name of a function"
    )


def _output(request: ChatRequest) -> _Block:
    if request.response_format is None:
        return {}
    schema = request.schema
    if schema is None:
        raise UnsupportedError(
            "response_format has no schema, which Bedrock requires; give "
            "response_format a schema"
        )
    structure = {"jsonSchema": {"schema": json.dumps(schema), "name": "reply"}}
    return {"textFormat": {"type": "json_schema", "structure": structure}}
