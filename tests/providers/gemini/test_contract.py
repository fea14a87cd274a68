"""Google's Gemini keeps the contract of every provider."""

from __future__ import annotations

import json

from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
)
from turnout.testing import ProviderContract, WireAnswer, WireError
from turnout.types import ReasoningDelta, RequestOptions, ToolCallDelta, Usage
from turnout_gemini import Gemini

from ...support.gemini_server import (
    BAD_KEY,
    PER_DAY,
    PER_MINUTE,
    SOON,
    USAGE,
    error,
    event,
    finish,
    part,
    response,
)
from ...support.gemini_server import text as text_event

COUNTS = Usage(input_tokens=9, output_tokens=4, cached_tokens=0)
TOOLS: RequestOptions = {"tools": [{"type": "function", "function": {"name": "look"}}]}


def text(piece: str) -> tuple[bytes, str]:
    return text_event(piece), piece


def call(
    index: int, call_id: str | None = None, **arguments: object
) -> tuple[bytes, ToolCallDelta]:
    fields = {"id": call_id} if call_id else {}
    data = part(functionCall={**fields, "name": "look", "args": arguments})
    told = json.dumps(arguments, ensure_ascii=False)
    return data, ToolCallDelta(index=index, id=call_id, name="look", arguments=told)


def failing(
    body: bytes, expected: type[ProviderError], wait: float | None = None
) -> list[WireError]:
    """Return an error in each form: a refusal, a document, a list, and an event."""
    document = json.loads(body)
    forms = [
        (document["error"]["code"], body),
        (200, body),
        (200, b"[" + body + b"]\n"),
        (200, event(document)),
    ]
    return [WireError(*form, expected, retry_after=wait) for form in forms]


def blocked(reason: str) -> WireError:
    prompt = {"promptFeedback": {"blockReason": reason}, "usageMetadata": USAGE}
    return WireError(200, event(prompt), ContentFilterError)


MODELS = json.dumps(
    {
        "models": [
            {"name": f"models/{name}", "supportedGenerationMethods": methods}
            for name, methods in {
                "gemini-3.8-flash": ["generateContent", "countTokens"],
                "an-embedding-1": ["embedContent"],
                "gemini-new-1": ["generateContent"],
            }.items()
        ]
    }
).encode()

TOO_LONG = "The input token count (9) exceeds the maximum number of tokens allowed (8)."
NOT_HERE = "User location is not supported for the API use."


class TestGemini(ProviderContract):
    provider = Gemini
    base_path = "/v1beta"
    model_list = (MODELS, ("gemini-3.8-flash", "gemini-new-1"))
    answers = (
        WireAnswer(
            name="text",
            pieces=(
                text("The capital"),
                (event({"usageMetadata": USAGE}),),
                text(" is \u2028Pa"),
                text("ris 🗼."),
            ),
            end=finish(),
            usage=COUNTS,
        ),
        WireAnswer(
            name="reason alone",
            pieces=(text("Hi"),),
            end=event({"candidates": [{"finishReason": "MAX_TOKENS"}]}),
            finish_reason="length",
            usage=COUNTS,
        ),
        WireAnswer(
            name="reason with the last words",
            pieces=(text("Pa"),),
            end=event(response([{"text": "ris."}], "STOP")),
            last=("ris.",),
            usage=COUNTS,
        ),
        WireAnswer(
            name="filtered",
            pieces=(text("It is"),),
            end=event(response(None, "SAFETY")),
            finish_reason="content_filter",
            usage=COUNTS,
        ),
        WireAnswer(
            name="tool calls",
            pieces=(text("I look."), call(0, "c1", at="é"), call(1, "c2")),
            end=finish(),
            finish_reason="tool_calls",
            usage=COUNTS,
            request=TOOLS,
        ),
        WireAnswer(
            name="tool calls without ids",
            pieces=(call(0, at="é"), call(1)),
            end=finish(),
            finish_reason="tool_calls",
            usage=COUNTS,
            request=TOOLS,
        ),
        WireAnswer(
            name="thoughts",
            pieces=(
                (part(text="Hm, ", thought=True), ReasoningDelta(text="Hm, ")),
                (part(text="yes.", thought=True), ReasoningDelta(text="yes.")),
                text("Yes."),
                (part(text="", thoughtSignature="c2ln"),),
            ),
            end=finish(USAGE={**USAGE, "thoughtsTokenCount": 2}),
            usage=Usage(
                input_tokens=9, output_tokens=6, cached_tokens=0, reasoning_tokens=2
            ),
        ),
    )
    errors = (
        *failing(
            error(400, "INVALID_ARGUMENT", "API key not valid.", BAD_KEY),
            AuthenticationError,
        ),
        *failing(error(400, "INVALID_ARGUMENT", TOO_LONG), ContextLengthError),
        *failing(error(400, "INVALID_ARGUMENT"), InvalidRequestError),
        *failing(error(400, "FAILED_PRECONDITION", NOT_HERE), PermissionDeniedError),
        *failing(error(404, "NOT_FOUND"), ModelUnavailableError),
        *failing(
            error(429, "RESOURCE_EXHAUSTED", "no", PER_DAY, SOON), QuotaExceededError
        ),
        *failing(
            error(429, "RESOURCE_EXHAUSTED", "no", PER_MINUTE, SOON),
            RateLimitError,
            wait=19.5,
        ),
        *failing(error(500, "INTERNAL"), ServerError),
        *failing(error(503, "UNAVAILABLE"), OverloadedError),
        *failing(error(504, "DEADLINE_EXCEEDED"), ServerError),
        blocked("SAFETY"),
        blocked("OTHER"),
    )
