"""Why answers end, in the words of services. No I/O.

OpenAI's own words are in `_protocol` too, where they are looked up first. Some services
pass on the words of Anthropic, Gemini, Cohere or Bedrock.

Source: the services' pages and SDKs, and public reports: Z.ai's `abort`, `sensitive`
and `network_error` (earendil-works/pi pull request 1509), Z.ai's
`model_context_window_exceeded` (mozilla-ai/any-llm issue 1204), vLLM's `abort` (issue
57082), DeepSeek's `insufficient_system_resource`, Ollama's and LM Studio's `end`
(earendil-works/pi pull request 2116), Mistral's `model_length`, stop tokens as reasons
at Together (vespa-engine/vespa pull request 33327), Gemini's by way of LiteLLM (issue
21348); the tables of vercel/ai (ed857f50f1). All was read 2026-11-30.
"""

from __future__ import annotations

from turnout.types import FinishReason

__all__ = ["FAILURES", "NO_REASONS", "folded", "reason_of"]

_WORDS: dict[FinishReason, tuple[str, ...]] = {
    "stop": (
        "complete",
        "completed",
        "done",
        "end",
        "end_of_text",
        "end_of_turn",
        "end_turn",
        "eos",
        "eos_token",
        "eot",
        "finish",
        "finished",
        "stop",
        "stop_sequence",
        "stop_str",
        "stop_token",
        "success",
    ),
    "length": (
        "context_length",
        "context_length_exceeded",
        "context_window_exceeded",
        "error_limit",
        "length",
        "max_completion_tokens",
        "max_length",
        "max_new_tokens",
        "max_output_tokens",
        "max_tokens",
        "model_context_window_exceeded",
        "model_length",
        "token_limit",
    ),
    "tool_calls": (
        "function_call",
        "function_calls",
        "tool_call",
        "tool_calls",
        "tool_use",
    ),
    "content_filter": (
        "blocklist",
        "blocked",
        "censored",
        "content_filter",
        "content_filtered",
        "content_moderation",
        "content_policy_violation",
        "error_toxic",
        "guardrail_intervened",
        "guardrails",
        "image_prohibited_content",
        "image_safety",
        "language",
        "moderation",
        "prohibited_content",
        "recitation",
        "refusal",
        "safety",
        "sensitive",
        "spii",
    ),
}

_REASONS: dict[str, FinishReason] = {
    word: reason for reason, words in _WORDS.items() for word in words
}

FAILURES = frozenset(
    {
        "abort",
        "aborted",
        "canceled",
        "cancelled",
        "engine_overloaded",
        "error",
        "failed",
        "failure",
        "insufficient_system_resource",
        "internal_error",
        "internal_server_error",
        "malformed_function_call",
        "malformed_response",
        "malformed_tool_call",
        "network_error",
        "overloaded",
        "rate_limit",
        "rate_limit_exceeded",
        "resource_exhausted",
        "server_error",
        "timeout",
        "unexpected_tool_call",
        "upstream_error",
    }
)
"""Reasons of an answer that is not complete: the service failed, or gave up."""

NO_REASONS = frozenset({"null", "none", "in_progress", "finish_reason_unspecified"})
"""Words of a chunk that is not the last one."""


def folded(word: str) -> str:
    """Return a word as the tables here have it.

    Google's OpenAI face puts the filter before it: `function_call_filter: MALFORMED_…`.
    """
    return word.rpartition(": ")[2].lower().replace("-", "_")


def reason_of(word: str) -> FinishReason:
    """Return the reason that a service's word stands for."""
    word = folded(word)
    if word.startswith("<") and word.endswith(">"):
        return "stop"  # The token at which the model stopped.
    return _REASONS.get(word, "unknown")
