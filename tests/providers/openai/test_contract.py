"""OpenAI's chat completions keep the contract of every provider."""

from __future__ import annotations

from turnout.errors import (
    ContextLengthError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamError,
)
from turnout.testing import ProviderContract, WireAnswer, WireError
from turnout.types import ReasoningDelta, ToolCallDelta, Usage
from turnout_openai import OpenAI

from ...support.openai_server import DONE, chunk, event, finish, text, usage


def failed(code: str | None, message: str = "no", **fields: object) -> bytes:
    return event({"error": {"message": message, "code": code, **fields}})


def refused(code: str | None, message: str = "no", **fields: object) -> bytes:
    """Return the same as a body of its own."""
    return failed(code, message, **fields).removeprefix(b"data: ")


def call(index: int, arguments: str, **begun: object) -> bytes:
    function = {"arguments": arguments} | ({"name": "look"} if begun else {})
    fields = {"index": index, "function": function, **begun}
    return event(chunk({"tool_calls": [fields]}))


class TestOpenAI(ProviderContract):
    provider = OpenAI
    model_list = (b'{"object": "list", "data": [{"id": "gpt-4o"}]}', ("gpt-4o",))
    base_path = "/v1"
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (event(chunk({"role": "assistant", "content": ""})),),
                (text("The capital"), "The capital"),
                (text(" is \u2028Pa"), " is \u2028Pa"),
                (text("ris 🗼."), "ris 🗼."),
            ),
            end=finish() + usage(9, 4) + DONE,
            usage=Usage(input_tokens=9, output_tokens=4),
        ),
        WireAnswer(
            name="mark alone",
            pieces=((text("Hi"), "Hi"), (b": keep-alive\n\n",)),
            end=DONE,
            finish_reason="unknown",
        ),
        WireAnswer(
            name="tool calls",
            pieces=(
                (
                    call(0, "", id="call_1", type="function"),
                    ToolCallDelta(index=0, id="call_1", name="look"),
                ),
                (call(0, '{"at":'), ToolCallDelta(index=0, arguments='{"at":')),
                (call(0, ' "é"}'), ToolCallDelta(index=0, arguments=' "é"}')),
                (
                    call(1, "{}", id="call_2", type="function"),
                    ToolCallDelta(index=1, id="call_2", name="look", arguments="{}"),
                ),
            ),
            end=finish("tool_calls") + DONE,
            finish_reason="tool_calls",
            request={"tools": [{"type": "function", "function": {"name": "look"}}]},
        ),
        WireAnswer(
            name="reasoning",
            pieces=(
                (
                    event(chunk({"reasoning_content": "Hm, "})),
                    ReasoningDelta(text="Hm, "),
                ),
                (event(chunk({"reasoning": "yes."})), ReasoningDelta(text="yes.")),
                (text("Yes."), "Yes."),
            ),
            end=finish("length") + DONE,
            finish_reason="length",
        ),
    )
    errors = (
        WireError(400, refused("context_length_exceeded"), ContextLengthError),
        WireError(429, refused("insufficient_quota"), QuotaExceededError),
        WireError(
            429,
            refused("rate_limit_exceeded", "Please try again in 20s."),
            RateLimitError,
            retry_after=20.0,
        ),
        WireError(402, b"", QuotaExceededError),
        WireError(200, failed("server_error"), ServerError),
        WireError(200, failed("server_is_overloaded"), OverloadedError),
        WireError(200, failed("rate_limit_exceeded"), RateLimitError),
        WireError(200, failed(None, "no one knows"), StreamError),
        WireError(200, failed("context_length_exceeded") + DONE, ContextLengthError),
    )
