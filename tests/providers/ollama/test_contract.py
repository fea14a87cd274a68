"""Ollama keeps the contract of every provider."""

from __future__ import annotations

from turnout.errors import (
    ModelUnavailableError,
    QuotaExceededError,
    StreamError,
)
from turnout.testing import ProviderContract, WireAnswer, WireError
from turnout.types import ReasoningDelta, ToolCallDelta, Usage
from turnout_ollama import Ollama

from ...support.ollama_server import MODEL, calls, done, line, text, thinking

COUNTS = Usage(input_tokens=26, output_tokens=298)


class TestOllama(ProviderContract):
    provider = Ollama
    model = MODEL
    content_type = "application/x-ndjson"
    model_list = (line({"models": [{"name": "llama3.2:latest"}]}), ("llama3.2:latest",))
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                (text("The capital"), "The capital"),
                (text(" is \u2028Pa"), " is \u2028Pa"),
                (text("ris 🗼."), "ris 🗼."),
            ),
            end=done(),
            usage=COUNTS,
        ),
        WireAnswer(
            name="tool calls",
            pieces=(
                (
                    calls(("look", {"at": "é"}), ids=True),
                    ToolCallDelta(
                        index=0, id="call_0", name="look", arguments='{"at":"é"}'
                    ),
                ),
            ),
            end=done(),
            finish_reason="tool_calls",
            usage=COUNTS,
            request={"tools": [{"type": "function", "function": {"name": "look"}}]},
        ),
        WireAnswer(
            name="thinking",
            pieces=(
                (thinking("Hm."), ReasoningDelta(text="Hm.")),
                (text("Yes."), "Yes."),
            ),
            end=done("length"),
            finish_reason="length",
            usage=COUNTS,
        ),
    )
    errors = (
        WireError(404, line({"error": "model 'x' not found"}), ModelUnavailableError),
        WireError(429, line({"error": "usage limit reached"}), QuotaExceededError),
        WireError(200, line({"error": "an odd thing"}), StreamError),
    )
