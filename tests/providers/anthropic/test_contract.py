"""Anthropic's Messages keep the contract of every provider."""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
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

COUNTS = Usage(input_tokens=9, output_tokens=4)


def refused(kind: str) -> bytes:
    """Return an error as a body of its own."""
    return error(kind).partition(b"data: ")[2]


class TestAnthropic(ProviderContract):
    provider = Anthropic
    model_list = (b'{"data":[{"id":"x"}],"has_more":false}', ("x",))
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (begin(),),
                (start(0, "text", text="") + PING,),
                (delta(0, "text_delta", text="The capital"), "The capital"),
                (delta(0, "text_delta", text=" is \u2028Pa"), " is \u2028Pa"),
                (delta(0, "text_delta", text="ris 🗼."), "ris 🗼."),
                (stop(0),),
            ),
            end=finish() + STOP,
            usage=COUNTS,
        ),
        WireAnswer(
            name="tool call",
            pieces=(
                (begin(),),
                (
                    start(0, "tool_use", id="toolu_1", name="look", input={}),
                    ToolCallDelta(index=0, id="toolu_1", name="look"),
                ),
                (
                    delta(0, "input_json_delta", partial_json='{"at": '),
                    ToolCallDelta(index=0, arguments='{"at": '),
                ),
                (
                    delta(0, "input_json_delta", partial_json='"é"}'),
                    ToolCallDelta(index=0, arguments='"é"}'),
                ),
                (stop(0),),
            ),
            end=finish("tool_use") + STOP,
            finish_reason="tool_calls",
            usage=COUNTS,
            request={"tools": [{"type": "function", "function": {"name": "look"}}]},
        ),
        WireAnswer(
            name="thinking",
            pieces=(
                (begin() + start(0, "thinking", thinking="", signature=""),),
                (
                    delta(0, "thinking_delta", thinking="Hm."),
                    ReasoningDelta(text="Hm."),
                ),
                (delta(0, "signature_delta", signature="c2ln") + stop(0),),
                (start(1, "text", text=""),),
                (delta(1, "text_delta", text="Yes."), "Yes."),
                (stop(1),),
            ),
            end=finish("max_tokens") + STOP,
            finish_reason="length",
            usage=COUNTS,
        ),
    )
    errors = (
        WireError(401, refused("authentication_error"), AuthenticationError),
        WireError(400, refused("billing_error"), QuotaExceededError),
        WireError(529, refused("overloaded_error"), OverloadedError),
        WireError(200, error("overloaded_error"), OverloadedError),
        WireError(200, error("rate_limit_error"), RateLimitError),
        WireError(200, error("api_error"), ServerError),
    )
