"""Anthropic's Messages keep the contract of every provider."""

from __future__ import annotations

import json

from turnout.errors import (
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamError,
)
from turnout.testing import ProviderContract, WireAnswer, WireError
from turnout.types import ReasoningDelta, ToolCallDelta, Usage
from turnout_anthropic import Anthropic

from ...support.anthropic_server import (
    PING,
    STOP,
    begin,
    delta,
    error,
    finish,
    start,
    stop,
)

USAGE = Usage(input_tokens=9, output_tokens=4)


def text(piece: str, index: int = 0) -> tuple[bytes, str]:
    return delta(index, "text_delta", text=piece), piece


def arguments(index: int, call: int, piece: str) -> tuple[bytes, ToolCallDelta]:
    data = delta(index, "input_json_delta", partial_json=piece)
    return data, ToolCallDelta(index=call, arguments=piece)


def refused(kind: str, message: str = "no", code: str | None = None) -> bytes:
    told: dict[str, object] = {"type": kind, "message": message}
    if code is not None:
        told["details"] = {"error_code": code}
    return json.dumps({"type": "error", "error": told, "request_id": "req_1"}).encode()


MODELS = json.dumps(
    {
        "data": [
            {"type": "model", "id": name, "display_name": name}
            for name in ("claude-opus-5-5", "claude-new-1")
        ],
        "has_more": False,
        "first_id": "claude-opus-5-5",
        "last_id": "claude-new-1",
    }
).encode()


class TestAnthropic(ProviderContract):
    provider = Anthropic
    model_list = (MODELS, ("claude-opus-5-5", "claude-new-1"))
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (begin() + PING + start(0, "text", text=""),),
                text("The capital"),
                (PING,),
                text(" is \u2028Pa"),
                text("ris 🗼."),
            ),
            end=stop(0) + finish() + STOP,
            usage=USAGE,
        ),
        WireAnswer(
            name="reason alone",
            pieces=((begin() + start(0, "text", text=""),), text("Hi")),
            end=finish("max_tokens"),
            usage=USAGE,
            finish_reason="length",
        ),
        WireAnswer(
            name="tool calls",
            pieces=(
                (begin(),),
                (
                    start(0, "tool_use", id="toolu_1", name="look", input={}),
                    ToolCallDelta(index=0, id="toolu_1", name="look"),
                ),
                arguments(0, 0, '{"at":'),
                arguments(0, 0, ' "é"}'),
                (
                    stop(0) + start(1, "tool_use", id="toolu_2", name="look", input={}),
                    ToolCallDelta(index=1, id="toolu_2", name="look"),
                ),
                (stop(1), ToolCallDelta(index=1, arguments="{}")),
            ),
            end=finish("tool_use") + STOP,
            usage=USAGE,
            finish_reason="tool_calls",
            request={"tools": [{"type": "function", "function": {"name": "look"}}]},
        ),
        WireAnswer(
            name="reasoning",
            pieces=(
                (begin() + start(0, "thinking", thinking="", signature=""),),
                (
                    delta(0, "thinking_delta", thinking="Hm."),
                    ReasoningDelta(text="Hm."),
                ),
                (delta(0, "signature_delta", signature="c2ln") + stop(0),),
                (start(1, "text", text=""),),
                text("Yes.", 1),
            ),
            end=stop(1) + finish() + STOP,
            usage=USAGE,
        ),
    )
    errors = (
        WireError(400, refused("invalid_request_error"), InvalidRequestError),
        WireError(
            400,
            refused("invalid_request_error", "prompt is too long: 3 tokens > 2"),
            ContextLengthError,
        ),
        WireError(401, refused("authentication_error"), AuthenticationError),
        WireError(402, refused("billing_error"), QuotaExceededError),
        WireError(413, refused("request_too_large"), RequestTooLargeError),
        WireError(
            429,
            refused("rate_limit_error", code="enforced_spend_limit_reached"),
            QuotaExceededError,
        ),
        WireError(429, refused("rate_limit_error"), RateLimitError),
        WireError(529, refused("overloaded_error"), OverloadedError),
        WireError(200, error("overloaded_error"), OverloadedError),
        WireError(200, error("rate_limit_error"), RateLimitError),
        WireError(200, error("api_error"), ServerError),
        WireError(200, error("a_new_one"), StreamError),
    )
