"""Ollama keeps the contract of every provider."""

from __future__ import annotations

import json

from turnout.errors import (
    AuthenticationError,
    ContextLengthError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamError,
    UnsupportedError,
)
from turnout.testing import ProviderContract, WireAnswer, WireError
from turnout.types import ReasoningDelta, RequestOptions, ToolCallDelta, Usage
from turnout_ollama import Ollama

from ...support.ollama_server import MODEL, calls, done, line, message, thinking
from ...support.ollama_server import text as text_line

COUNTS = Usage(input_tokens=26, output_tokens=298)
TOOLS: RequestOptions = {"tools": [{"type": "function", "function": {"name": "look"}}]}


def text(piece: str) -> tuple[bytes, str]:
    return text_line(piece), piece


def thought(piece: str) -> tuple[bytes, ReasoningDelta]:
    return thinking(piece), ReasoningDelta(text=piece)


def look(index: int, call_id: str | None = None, **arguments: object) -> ToolCallDelta:
    told = json.dumps(arguments, ensure_ascii=False, separators=(",", ":"))
    return ToolCallDelta(index=index, id=call_id, name="look", arguments=told)


def told(words: str) -> bytes:
    return line({"error": words})


def forwarded(status: int, words: str) -> bytes:
    """Return an error of the cloud's, as a server here hands it on.

    Source: Ollama's `server/routes.go` gives an `api.StatusError` out as JSON, two of
    whose fields bear the names that they have in Go; read 2026-11-22.
    """
    return line({"StatusCode": status, "Status": f"{status} No", "error": words})


MODELS = line(
    {
        "models": [
            {"name": "llama3.2:latest", "model": "llama3.2:latest"},
            {"name": "qwen3:0.6b", "capabilities": ["completion", "tools"]},
            {"name": "an-embedding:1b", "capabilities": ["embedding"]},
        ]
    }
)

SPENT = "you (somebody) have reached your weekly usage limit, upgrade for higher limits"
TOO_LONG = "the input length exceeds the context length"


class TestOllama(ProviderContract):
    provider = Ollama
    model = MODEL
    content_type = "application/x-ndjson"
    model_list = (MODELS, ("llama3.2:latest", "qwen3:0.6b"))
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                text("The capital"),
                (line(message()),),
                text(" is \u2028Pa"),
                text("ris 🗼."),
            ),
            end=done(),
            usage=COUNTS,
        ),
        WireAnswer(
            name="reason alone",
            pieces=(text("Hi"),),
            end=line({"done": True, "done_reason": "length"}),
            finish_reason="length",
        ),
        WireAnswer(
            name="reason with the last words",
            pieces=(text("Pa"),),
            end=done(content="ris."),
            last=("ris.",),
            usage=COUNTS,
        ),
        WireAnswer(
            name="a new reason",
            pieces=(text("Hi"),),
            end=done("a_new_one"),
            finish_reason="unknown",
            usage=COUNTS,
        ),
        WireAnswer(
            name="tool calls",
            pieces=(
                text("I look."),
                (
                    calls(("look", {"at": "é"}), ("look", {}), ids=True),
                    look(0, "call_0", at="é"),
                    look(1, "call_1"),
                ),
            ),
            end=done(),
            finish_reason="tool_calls",
            usage=COUNTS,
            request=TOOLS,
        ),
        WireAnswer(
            name="tool calls of an older server",
            pieces=(
                (calls(("look", {"at": "é"})), look(0, at="é")),
                (calls(("look", {})), look(1)),
            ),
            end=done(),
            finish_reason="tool_calls",
            usage=COUNTS,
            request=TOOLS,
        ),
        WireAnswer(
            name="thinking",
            pieces=(thought("Hm, "), thought("yes."), text("Yes.")),
            end=done(),
            usage=COUNTS,
        ),
    )
    errors = (
        WireError(400, told('"m" does not support tools'), UnsupportedError),
        WireError(400, told("invalid option"), InvalidRequestError),
        WireError(400, told(TOO_LONG), ContextLengthError),
        WireError(401, told("unauthorized"), AuthenticationError),
        WireError(404, told("model 'x' not found"), ModelUnavailableError),
        WireError(404, forwarded(404, "model not found"), ModelUnavailableError),
        WireError(429, told("too many concurrent requests"), RateLimitError),
        WireError(
            429,
            told("too many concurrent requests"),
            RateLimitError,
            headers=[("Retry-After", "3")],
            retry_after=3.0,
        ),
        WireError(429, told(SPENT), QuotaExceededError),
        WireError(429, forwarded(429, SPENT), QuotaExceededError),
        WireError(500, told("model runner has unexpectedly stopped"), ServerError),
        WireError(502, told("upstream error"), ServerError),
        WireError(503, told("server busy, please try again"), OverloadedError),
        WireError(200, told("an odd thing"), StreamError),
        WireError(200, told(TOO_LONG), ContextLengthError),
        WireError(200, told(SPENT), QuotaExceededError),
        # What a handler adds to an answer that has begun has no line feed.
        WireError(200, told("an odd thing").rstrip(), StreamError),
    )
