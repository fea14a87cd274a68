"""The body of a request for chat completions. No I/O.

Source: OpenAI's chat completions reference; wire.md 2.1 and 2.2, read 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from turnout.types import (
    ChatRequest,
    Message,
    Prefill,
    Tool,
    message_to_openai,
    tool_to_openai,
)
from turnout_openai._said import checksum_of
from turnout_openai._tools import described
from turnout_openai._vendor import Vendor

__all__ = ["audio_type", "body"]

_FLAGS: dict[Prefill, str] = {"prefix_flag": "prefix", "partial_flag": "partial"}
"""The fields that mark a last message as the beginning of the answer."""

_CONTINUE: dict[Prefill, dict[str, object]] = {
    "continue_final": {"continue_final_message": True, "add_generation_prompt": False}
}
"""What says so in the request."""

_STRICT_ID = re.compile("[a-zA-Z0-9]{9}")
"""The form of a call's id that Mistral takes."""


def body(
    request: ChatRequest,
    vendor: Vendor,
    *,
    max_tokens_field: str | None = None,
    prefill: Prefill = "none",
    state_name: str | None = None,
    asks_usage: bool | None = None,
) -> dict[str, object]:
    """Return the body of a request. `extra` overrides the fields set here.

    Args:
        request: The request.
        vendor: The service that the request is sent to.
        max_tokens_field: The name of the field for `max_tokens`; None means the
            vendor's.
        prefill: How the model is asked to continue the beginning of an answer.
        state_name: The name of the service's state in messages; None means the
            vendor's.
        asks_usage: Whether to request usage; None means the vendor's default.

    Raises:
        UnsupportedError: A message has a call that only another protocol has.
    """
    name = state_name or vendor.name.casefold()
    messages = [_message(message, vendor, name) for message in request.messages]
    if vendor.empty_reasoning is not None and any(map(_calls, messages)):
        _add_reasoning(messages, vendor.empty_reasoning)
    # A local server may have only one model, and need no name.
    fields: dict[str, object] = {"model": request.model} if request.model else {}
    fields["messages"] = messages
    fields["stream"] = True
    fields.update(vendor.extra)
    if vendor.asks_usage if asks_usage is None else asks_usage:
        fields["stream_options"] = {"include_usage": True}
    if request.temperature is not None:
        fields["temperature"] = request.temperature
    if request.max_tokens is not None:
        fields[max_tokens_field or vendor.max_tokens_field] = request.max_tokens
    if request.top_p is not None:
        fields["top_p"] = request.top_p
    if request.stop:
        fields["stop"] = list(request.stop)
    if request.seed is not None:
        fields[vendor.seed_field] = request.seed
    if request.tools:
        fields["tools"] = [
            tool_to_openai(described(tool) if isinstance(tool, Tool) else tool)
            for tool in request.tools
        ]
    if request.tool_choice is not None:
        fields["tool_choice"] = _choice(request.tool_choice)
    if request.response_format is not None:
        fields["response_format"] = request.response_format
    if request.prefill:
        fields.update(_CONTINUE.get(prefill, {}))
        if prefill in _FLAGS:
            messages[-1][_FLAGS[prefill]] = True
    fields = request.merged(fields)
    if not fields.get("stream") and "stream_options" not in request.extra:
        fields.pop("stream_options", None)  # OpenAI accepts it only with a stream.
    return fields


def _choice(choice: str | Mapping[str, object]) -> object:
    """Return the choice of a tool, which may have the form of Responses."""
    match choice:
        case {"type": "function" | "custom" as kind, "name": str(name)}:
            return {"type": kind, kind: {"name": name}}
        case _:
            return choice


def audio_type(wanted: object) -> str | None:
    """Return the media type of the sound that a request's field `audio` asks for."""
    name = cast("Any", wanted).get("format") if isinstance(wanted, Mapping) else None
    return f"audio/{name}" if isinstance(name, str) else None


def _message(message: Message, vendor: Vendor, state_name: str) -> dict[str, Any]:
    sent = message_to_openai(message)
    if message.developer and vendor.developer_role:
        sent["role"] = "developer"
    if message.role == "assistant":
        if message.state is not None:
            _put_back(message, sent, message.state.get(state_name))
        if message.tool_calls:
            _sign(_calls(sent), vendor.unsigned_call or {})
    if vendor.short_ids:
        _shorten_ids(sent)
    return sent


def _sign(calls: list[dict[str, Any]], unsigned: Mapping[str, object]) -> None:
    """Add the replacement for a signature to calls without one."""
    if not any(unsigned.keys() & call.keys() for call in calls):
        calls[0].update(unsigned)


def _add_reasoning(messages: list[dict[str, Any]], empty: str) -> None:
    """Add reasoning to the answers of other services, which have none."""
    for message in messages:
        if message["role"] == "assistant" and not message.get("reasoning_content"):
            message["reasoning_content"] = empty


def _put_back(message: Message, sent: dict[str, Any], kept: object) -> None:
    """Add the fields to send back to the service, unless the text was changed.

    The user's fields override them.
    """
    if not isinstance(kept, Mapping):
        return
    fields = dict(cast("Mapping[str, Any]", kept))
    checksum = fields.pop("checksum", None)
    if checksum is not None and checksum != checksum_of(message.text):
        return
    calls = fields.pop("tool_calls", {})
    for call in _calls(sent):
        for name, value in calls.get(call.get("id"), {}).items():
            call.setdefault(name, value)
    thoughts = fields.pop("content", None)
    if thoughts is not None:
        text = [{"type": "text", "text": message.text}] if message.text else []
        sent["content"] = [*thoughts, *text]
    elif "audio" in fields and not message.text:
        del sent["content"]  # As in OpenAI's example: the sound is the content.
    for name, value in fields.items():
        sent.setdefault(name, value)


def _calls(sent: Mapping[str, Any]) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", sent.get("tool_calls", []))


def _shorten_ids(message: dict[str, Any]) -> None:
    """Replace the ids of a message's calls by ids that Mistral accepts."""
    for call in _calls(message):
        call["id"] = _short(call["id"])
    if "tool_call_id" in message:
        message["tool_call_id"] = _short(message["tool_call_id"])


def _short(call_id: str) -> str:
    """Return an id of nine letters and digits, the same for the same id."""
    if _STRICT_ID.fullmatch(call_id):
        return call_id
    from hashlib import sha256

    return sha256(call_id.encode()).hexdigest()[:9]
