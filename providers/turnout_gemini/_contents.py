"""A conversation in Gemini's words: turns of the user and of the model, in parts.

Neighbouring messages of one role are one turn; the results of tools are a turn of their
own, as "the number of function response parts" has to be that of the calls before them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import assert_never, cast

from turnout.errors import UnsupportedError
from turnout.types import (
    ChatRequest,
    FilePart,
    ImagePart,
    Message,
    Part,
    TextPart,
    ToolCall,
)
from turnout_gemini._calls import is_made
from turnout_gemini._models import is_before_3
from turnout_gemini._turn import SIGNATURE, kept_parts

__all__ = ["contents", "instruction"]

_FILES = "https://generativelanguage.googleapis.com/v1beta/"
"""What stands before a file's name, as in `files/abc`, in its address."""

_SCHEMES = ("https://", "http://", "gs://")

_MEDIA_TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "heic": "image/heic",
    "heif": "image/heif",
}
"""By the ending of an address: the images that Gemini reads."""

_NOT_SIGNED = "skip_thought_signature_validator"
"""What stands for the signature of a call that another model made.

Gemini 3 refuses a call without any. Source: the questions on Google's page on thought
signatures, as gemini-cli and strands-agents (pull request 1298) follow it, read
2026-11-22.
"""


def instruction(request: ChatRequest) -> dict[str, object] | None:
    """Return the system's messages, wherever they stand; None where there are none.

    Raises:
        UnsupportedError: One has more than text.
    """
    parts: list[object] = []
    for message in request.messages:
        if message.role == "system":
            if not isinstance(message.content, str):
                _check_text(message.content)
            parts.append({"text": message.text})
    return {"parts": parts} if parts else None


def contents(request: ChatRequest) -> list[dict[str, object]]:
    """Return the turns.

    Raises:
        UnsupportedError: The protocol cannot say a part of them.
    """
    turns: list[dict[str, object]] = []
    parts: list[object] = []
    names: dict[str, str] = {}
    before = ""
    for message in request.messages:
        if message.name is not None and message.role != "tool":
            raise UnsupportedError(
                "Gemini has no names for those who speak; leave a message's name out"
            )
        if message.role == "system":
            continue
        if message.role != before:
            parts = []
            role = "model" if message.role == "assistant" else "user"
            turns.append({"role": role, "parts": parts})
            before = message.role
        names.update((call.id, call.name) for call in message.tool_calls)
        if message.role == "tool":
            parts.append(_result(message, names, request.model))
        else:
            parts += kept_parts(message) or _parts(message, request.model)
    return turns


def _parts(message: Message, model: str) -> list[object]:
    content = message.content
    parts: list[object] = []
    if not isinstance(content, str):
        parts += map(_part, content)
    elif content or not message.tool_calls:
        parts.append({"text": content})
    return [*parts, *_calls(message.tool_calls, model)]


def _part(part: Part) -> dict[str, object]:
    match part:
        case TextPart():
            return {"text": part.text}
        case ImagePart():
            return _image(part)
        case FilePart():
            return _file(part)
        case _:
            assert_never(part)


def _image(part: ImagePart) -> dict[str, object]:
    if part.detail not in (None, "auto"):
        raise UnsupportedError("Gemini takes no detail for an image")
    if part.data is not None:
        return _inline(part.media_type, part.data)
    url = part.url or ""
    if not url.startswith(_SCHEMES):
        raise UnsupportedError("Gemini fetches images at https, http and gs addresses")
    ending = url.partition("?")[0].rpartition(".")[2].lower()
    media_type = part.media_type or _MEDIA_TYPES.get(ending)
    if media_type is None:
        raise UnsupportedError(
            "Gemini needs the media type of an image at an address without an ending; "
            "set media_type of the ImagePart"
        )
    return {"fileData": {"mimeType": media_type, "fileUri": url}}


def _file(part: FilePart) -> dict[str, object]:
    if part.data is not None:
        return _inline(part.media_type, part.data)
    uri = part.file_id or ""
    if uri.startswith("files/"):
        uri = _FILES + uri
    if not uri.startswith(_SCHEMES):
        raise UnsupportedError(
            "Gemini knows files by names as in 'files/abc' and by their addresses"
        )
    # The service knows what it was given; of any other file it has to be told.
    known = {} if part.media_type is None else {"mimeType": part.media_type}
    return {"fileData": {**known, "fileUri": uri}}


def _inline(media_type: str | None, data: bytes) -> dict[str, object]:
    from base64 import b64encode

    encoded = b64encode(data).decode("ascii")
    return {"inlineData": {"mimeType": media_type, "data": encoded}}


def _calls(calls: tuple[ToolCall, ...], model: str) -> Iterator[object]:
    """Give the parts of calls whose own parts were not kept."""
    signature = {} if is_before_3(model) else {SIGNATURE: _NOT_SIGNED}
    for call in calls:
        known = {} if is_made(call.id) else {"id": call.id}
        function = {**known, "name": call.name, "args": _arguments(call)}
        yield {"functionCall": function, **signature}
        signature = {}  # Of calls made at once, the first is signed.


def _arguments(call: ToolCall) -> dict[str, object]:
    try:
        arguments: object = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    if not isinstance(arguments, dict):
        raise UnsupportedError(
            f"Gemini takes a JSON object for the arguments of the call {call.id!r}"
        )
    return cast("dict[str, object]", arguments)


def _result(message: Message, names: dict[str, str], model: str) -> dict[str, object]:
    """Return the part that answers a call."""
    call_id = message.tool_call_id or ""
    name = names.get(call_id) or message.name
    if name is None:
        raise UnsupportedError(
            f"Gemini needs the name of the function that {call_id!r} called; put the "
            "call into the conversation, or set the message's name"
        )
    result: dict[str, object] = {} if is_made(call_id) else {"id": call_id}
    result |= {"name": name, "response": {"output": message.text}}
    if not isinstance(message.content, str):
        others = [part for part in message.content if not isinstance(part, TextPart)]
        if others and is_before_3(model):
            _check_text(message.content)
        if others:
            result["parts"] = [_part(part) for part in others]
    return {"functionResponse": result}


def _check_text(parts: tuple[Part, ...]) -> None:
    if not all(isinstance(part, TextPart) for part in parts):
        raise UnsupportedError(
            "Gemini takes text alone in a system message, and in a tool's before "
            "Gemini 3"
        )
