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
    message_to_openai,
    tool_to_openai,
)
from turnout_openai._tools import described
from turnout_openai._vendor import Vendor

__all__ = ["body"]

_FLAGS: dict[Prefill, str] = {"prefix_flag": "prefix", "partial_flag": "partial"}
"""What marks a last message as the beginning of the answer."""

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
) -> dict[str, object]:
    """Return the body of a request. `extra` goes over what is set here.

    Args:
        request: What to ask.
        vendor: Whom.
        max_tokens_field: What the greatest number of tokens is called; None means as
            the vendor calls it.
        prefill: How the model is asked to go on with the beginning of an answer.
    """
    messages = [message_to_openai(message) for message in request.messages]
    # A server at home may have but one model, and need no name of it.
    fields: dict[str, object] = {"model": request.model} if request.model else {}
    fields["messages"] = messages
    fields["stream"] = True
    fields.update(vendor.extra)
    if vendor.asks_usage:
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
            tool_to_openai(described(tool)) for tool in request.functions
        ]
    if request.tool_choice is not None:
        fields["tool_choice"] = request.tool_choice
    if request.response_format is not None:
        fields["response_format"] = request.response_format
    state_name = vendor.decoder.state_name
    if state_name is not None:
        for message, sent in zip(request.messages, messages, strict=True):
            sent.update(_state(message, state_name))
    if vendor.short_ids:
        for sent in messages:
            _shorten_ids(sent)
    if request.prefill:
        fields.update(_CONTINUE.get(prefill, {}))
        if prefill in _FLAGS:
            messages[-1][_FLAGS[prefill]] = True
    return {**fields, **request.extra}


def _shorten_ids(message: dict[str, Any]) -> None:
    """Let a message name its calls in few letters, whoever gave them their ids."""
    for call in message.get("tool_calls", ()):
        call["id"] = _short(call["id"])
    if "tool_call_id" in message:
        message["tool_call_id"] = _short(message["tool_call_id"])


def _short(call_id: str) -> str:
    """Return an id of nine letters and digits, the same for the same id."""
    if _STRICT_ID.fullmatch(call_id):
        return call_id
    from hashlib import sha256

    return sha256(call_id.encode()).hexdigest()[:9]


def _state(message: Message, name: str) -> Mapping[str, object]:
    """Return the fields that the service wants to see again with its message."""
    kept = None if message.state is None else message.state.get(name)
    return cast("Mapping[str, object]", kept) if isinstance(kept, Mapping) else {}
