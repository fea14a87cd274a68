"""The finish reason, usage and metadata of an answer.

Source: google-genai 3.6.1, `types.FinishReason`, `types.Candidate` and
`types.GenerateContentResponseUsageMetadata`, read 2026-11-30.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import cast

from turnout.types import FinishReason, Usage

__all__ = [
    "OF_CANDIDATE",
    "OF_RESPONSE",
    "blocked",
    "details_of",
    "failure",
    "grown",
    "odd_counts",
    "reason_of",
    "usage_of",
]

_REASONS: dict[str, FinishReason] = {
    "STOP": "stop",
    "MAX_TOKENS": "length",
    # The request's own limit is reached, and the answer is not at its end.
    "CONTINUATION": "length",
    "SAFETY": "content_filter",
    "RECITATION": "content_filter",
    "LANGUAGE": "content_filter",
    "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter",
    "SPII": "content_filter",
    "ESCALATION": "content_filter",
    "PUP_LIMITED_DISABLED": "content_filter",
    "MODEL_ARMOR": "content_filter",
    "IMAGE_SAFETY": "content_filter",
    "IMAGE_PROHIBITED_CONTENT": "content_filter",
    "IMAGE_RECITATION": "content_filter",
}
"""By the service's own word. Any other is unknown: OTHER and IMAGE_OTHER, too."""

_FAILURES = frozenset(
    {
        "MALFORMED_FUNCTION_CALL",
        "MALFORMED_RESPONSE",
        "MISSING_THOUGHT_SIGNATURE",
        "NO_IMAGE",
    }
)
"""Words for an answer that went wrong, whatever came before.

The text before may be the rest of the malformed call: pull request 43134 of
vellum-ai/vellum-assistant, read 2026-11-30.
"""

_FAILURES_WITHOUT_CALL = frozenset({"TOO_MANY_TOOL_CALLS", "UNEXPECTED_TOOL_CALL"})
"""Words for an answer that went wrong unless it has a whole call.

UNEXPECTED_TOOL_CALL comes with a call of a function that was not declared. The model
continues after a result that says so: recordings in pydantic/pydantic-ai,
tests/models/cassettes/test_multimodal_tool_returns, read 2026-11-30.
"""

OF_RESPONSE = {
    "responseId": "id",
    "modelVersion": "model",
    "createTime": "create_time",
    "modelStatus": "model_status",
}
"""The metadata of a response, and their names in the details."""

OF_CANDIDATE = {
    "finishReason": "finish_reason",
    "finishMessage": "finish_message",
    "safetyRatings": "safety_ratings",
    "citationMetadata": "citations",
    "groundingMetadata": "grounding",
    "urlContextMetadata": "url_context",
    "avgLogprobs": "average_logprobs",
    "logprobsResult": "logprobs",
    "continuationToken": "continuation_token",
    "tokenCount": "token_count",
}
"""The other fields of a candidate, and their names in the details."""

_COUNTS = (
    "promptTokenCount",
    "candidatesTokenCount",
    "thoughtsTokenCount",
    "cachedContentTokenCount",
    "toolUsePromptTokenCount",
    "totalTokenCount",
)


def reason_of(word: str, *, called: bool) -> FinishReason:
    """Return the finish reason for the service's word.

    Args:
        word: The service's word.
        called: Whether the answer has a tool call that is whole.
    """
    reason = _REASONS.get(word.upper(), "unknown")
    return "tool_calls" if called and reason in {"stop", "unknown"} else reason


def failure(
    word: str, message: object, *, called: bool, half_call: bool
) -> bytes | None:
    """Return the error that an answer with this finish reason is; None if it is none.

    Args:
        word: The service's word.
        message: What the service says about it.
        called: Whether the answer has a tool call that is whole.
        half_call: Whether the answer ends inside of a call.
    """
    word = word.upper()
    if half_call and word == "STOP":
        return _error("MALFORMED_FUNCTION_CALL", "the answer ends inside of a call")
    if word in _FAILURES or (word in _FAILURES_WITHOUT_CALL and not called):
        return _error(word, f"finish reason {word}", message)
    return None


def blocked(feedback: Mapping[str, object]) -> bytes | None:
    """Return the error that a blocked prompt is; None if the prompt is not blocked."""
    word = str(feedback.get("blockReason") or "")
    if not word or word.endswith("_UNSPECIFIED"):
        return None
    message = feedback.get("blockReasonMessage")
    what = f"the prompt was blocked ({word})"
    return _error(word, what, message, code="content_filter")


def _error(
    word: str, what: str, message: object = None, *, code: str | None = None
) -> bytes:
    """Return an error document in the form of the service's own."""
    more = f": {message}" if message and isinstance(message, str) else ""
    error = {"code": code or word.lower(), "reason": word, "message": what + more}
    return json.dumps({"error": error}).encode()


def grown(before: object, after: object, *, repeated: bool) -> object:
    """Return an object with lists to which a later response adds.

    "If the response is streaming, the grounding_chunk_indices refer to the indices
    across all responses. It is the client's responsibility to accumulate the grounding
    chunks from all responses" (Google's reference of `GroundingSupport`, read
    2026-11-30).

    Args:
        before: The object so far.
        after: The object of a later response.
        repeated: Whether a list that begins with the one before has it already.
    """
    if not (isinstance(before, dict) and isinstance(after, dict)):
        return after
    result = cast("dict[str, object]", before)
    for name, value in cast("dict[str, object]", after).items():
        old = result.get(name)
        if isinstance(old, list) and isinstance(value, list):
            items, more = cast("list[object]", old), cast("list[object]", value)
            again = repeated and more[: len(items)] == items
            items += more[len(items) :] if again else more
        else:
            result[name] = value
    return result


def details_of(counts: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of usage that are not counts, such as the service tier.

    The Gemini API has `serviceTier`, and Vertex AI `trafficType`.
    """
    details: dict[str, object] = {}
    if counts.keys() - set(_COUNTS):
        details["usage"] = counts
    tier = str(counts.get("serviceTier") or counts.get("trafficType") or "").lower()
    if tier and not tier.endswith("unspecified"):
        details["service_tier"] = tier
    return details


def odd_counts(counts: Mapping[str, object]) -> list[str]:
    """Return the names of counts that are not counts."""
    return [name for name in _COUNTS if counts.get(name) and _count(counts, name) < 0]


def usage_of(counts: Mapping[str, object]) -> Usage | None:
    """Return the usage: thoughts are output, what tools brought is input.

    None if the service did not count.

    "The sum of `prompt_token_count`, `candidates_token_count`,
    `tool_use_prompt_token_count`, and `thoughts_token_count`" is `total_token_count`
    (google-genai 3.6.1). It is in all 478 answers of pydantic/pydantic-ai's recordings
    that have a total, read 2026-11-30.
    """
    each = ((name, _count(counts, name)) for name in _COUNTS)
    known = {name: count for name, count in each if count >= 0}
    if not known:
        return None
    prompt, candidates, thoughts, cached, tools, _ = map(known.get, _COUNTS)
    if cached is None and prompt is not None:
        cached = 0  # Google's JSON leaves out what is zero; a cost needs the count.
    return Usage(
        input_tokens=_sum(prompt, tools),
        output_tokens=_sum(candidates, thoughts),
        cached_tokens=cached,
        reasoning_tokens=thoughts,
    )


def _count(counts: Mapping[str, object], name: str) -> int:
    """Return a count; -1 if it is not one."""
    count = counts.get(name)
    return count if type(count) is int else -1


def _sum(one: int | None, other: int | None) -> int | None:
    if one is None or other is None:
        return other if one is None else one
    return one + other
