"""Google's Gemini keeps the contract of every provider."""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
)
from turnout.testing import ProviderContract, WireAnswer, WireError
from turnout.types import ReasoningDelta, ToolCallDelta, Usage
from turnout_gemini import Gemini

from ...support.gemini_server import error, finish, part, text

COUNTS = Usage(input_tokens=9, output_tokens=4)


class TestGemini(ProviderContract):
    provider = Gemini
    base_path = "/v1beta"
    model_list = (
        b'{"models":[{"name":"models/x","supportedGenerationMethods":'
        b'["generateContent"]}]}',
        ("x",),
    )
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (text("The capital"), "The capital"),
                (text(" is \u2028Pa"), " is \u2028Pa"),
                (text("ris 🗼."), "ris 🗼."),
            ),
            end=finish(),
            usage=COUNTS,
        ),
        WireAnswer(
            name="tool call",
            pieces=(
                (
                    part(functionCall={"id": "c1", "name": "look", "args": {"at": 1}}),
                    ToolCallDelta(index=0, id="c1", name="look", arguments='{"at": 1}'),
                ),
            ),
            end=finish(),
            finish_reason="tool_calls",
            usage=COUNTS,
            request={"tools": [{"type": "function", "function": {"name": "look"}}]},
        ),
        WireAnswer(
            name="thoughts",
            pieces=(
                (part(text="Hm.", thought=True), ReasoningDelta(text="Hm.")),
                (text("Yes."), "Yes."),
            ),
            end=finish("MAX_TOKENS"),
            finish_reason="length",
            usage=COUNTS,
        ),
    )
    errors = (
        WireError(
            400,
            error(400, "INVALID_ARGUMENT", "no", {"reason": "API_KEY_INVALID"}),
            AuthenticationError,
        ),
        WireError(
            429,
            error(429, "RESOURCE_EXHAUSTED", "no", {"retryDelay": "7s"}),
            RateLimitError,
            retry_after=7.0,
        ),
        WireError(
            429,
            error(429, "RESOURCE_EXHAUSTED", "GenerateRequestsPerDay"),
            QuotaExceededError,
        ),
        WireError(200, error(503, "UNAVAILABLE"), OverloadedError),
    )
