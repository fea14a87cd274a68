"""Advice for unknown options: what turnout has for an option of another library.

Loaded when an option is unknown.
"""

from __future__ import annotations

__all__ = ["BODY_FIELDS", "hint_for_policy", "hint_for_provider", "hint_for_request"]

BODY_FIELDS = frozenset(
    {
        "min_tokens",
        "models",
        "reasoning_effort",
        "store",
        "text",
        "tool_config",
        "top_a",
        "top_k",
        "top_n",
    }
)
"""Fields of services' bodies that are similar to an option, but not a misspelling."""

_WHOLE_TIME = (
    "use deadline=<seconds> for the whole request; connect_timeout, "
    "first_delta_timeout, idle_timeout and stall_timeout are options of get_provider"
)
_SYSTEM = "put {'role': 'system', 'content': ...} first among the messages"
_FORM = "use response_format=<a pydantic model or a JSON schema>"
_CONTENT = "put a part into a message's content, such as {'type': 'image_url', ...}"
_RETRIES = "a route repeats requests; use turnout.fallback(..., max_attempts=...)"
_TOKENS = "use max_tokens; each service is sent its own name for it"
_MODEL = "use model='Provider:model' with turnout.stream, or get_provider('Provider')"

_REQUEST = {
    "fallbacks": "use turnout.fallback('first', 'second')",
    "function_call": "use tool_choice",
    "functions": "use tools",
    "json_mode": "use response_format={'type': 'json_object'}",
    "stop_sequences": "use stop",
    "stream": "call stream(...) for text as it comes, and complete(...) for the whole",
    "stream_options": (
        "usage is requested without it and is in reply.usage; "
        "get_provider(..., asks_usage=False) does not request it"
    ),
    **dict.fromkeys(("request_timeout", "timeout"), _WHOLE_TIME),
    **dict.fromkeys(
        ("candidate_count", "n", "num_return_sequences"),
        "a reply has one answer, so send a request for each answer",
    ),
    **dict.fromkeys(
        (
            "max_completion_tokens",
            "max_new_tokens",
            "max_output_tokens",
            "max_tokens_to_sample",
            "num_predict",
        ),
        _TOKENS,
    ),
    **dict.fromkeys(
        ("instructions", "system", "system_instruction", "system_prompt"), _SYSTEM
    ),
    **dict.fromkeys(
        (
            "format",
            "json_schema",
            "output_type",
            "response_model",
            "response_schema",
            "schema",
            "text_format",
        ),
        _FORM,
    ),
    **dict.fromkeys(("attachments", "files", "image", "images"), _CONTENT),
    **dict.fromkeys(("extra_body", "extra_params"), "use extra={...}"),
    **dict.fromkeys(("max_retries", "num_retries", "retries"), _RETRIES),
    **dict.fromkeys(("custom_llm_provider", "provider"), _MODEL),
}

_OF_PROVIDERS = (
    "api_key",
    "base_url",
    "ca_file",
    "client_certificate",
    "client_key",
    "connect_timeout",
    "first_delta_timeout",
    "headers",
    "idle_timeout",
    "max_bytes",
    "max_concurrent",
    "max_event_bytes",
    "max_queued",
    "proxy",
    "queue_timeout",
    "ssl_context",
    "stall_timeout",
)
_OF_POLICIES = (
    "continue_with_tools",
    "failover",
    "fallback_on_content_filter",
    "hedge_after",
    "join",
    "least_time",
    "max_attempts",
    "max_continuations",
    "patience",
    "prompted_schema",
)
_OF_REQUESTS = (
    "allow_empty",
    "max_tokens",
    "response_format",
    "seed",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
)

_SAME_OF_PROVIDERS = {
    "api_base": "base_url",
    "default_headers": "headers",
    "endpoint": "base_url",
    "extra_headers": "headers",
    "host": "base_url",
    "url": "base_url",
}

_PROVIDER = {
    "max_connections": "use max_concurrent, the number of streams at the same time",
    "model": (
        "give it to each request, as in stream('Hi', model=...), or use "
        "get_provider(...).target('model')"
    ),
    **dict.fromkeys(
        ("request_timeout", "timeout"),
        "use deadline=<seconds> for a whole request; connect_timeout, "
        "first_delta_timeout, idle_timeout and stall_timeout limit one wait each",
    ),
    **dict.fromkeys(("max_retries", "num_retries", "retries"), _RETRIES),
    **dict.fromkeys(("auth_token", "key", "token"), "use api_key"),
    **dict.fromkeys(("instructions", "system", "system_prompt"), _SYSTEM),
    **{name: f"use {own}" for name, own in _SAME_OF_PROVIDERS.items()},
}

_POLICY = {
    **dict.fromkeys(
        ("request_timeout", "timeout"),
        "use deadline=<seconds> for a whole request; first_delta_timeout and "
        "stall_timeout limit one wait each",
    ),
    **dict.fromkeys(("max_retries", "num_retries", "retries"), "use max_attempts"),
    "model": "name it with its provider, as in fallback('OpenAI:gpt-4o', 'Local')",
}


def hint_for_request(name: str) -> str | None:
    """Return what to write for an unknown option of a request, if that is known."""
    own = _SAME_OF_PROVIDERS.get(name, name)
    if own in _OF_PROVIDERS:
        return f"use the provider's option: get_provider(..., {own}=...)"
    if name in _OF_POLICIES:
        return f"use the route's option: turnout.fallback(..., {name}=...)"
    return _REQUEST.get(name)


def hint_for_provider(name: str) -> str | None:
    """Return what to write for an unknown option of a provider, if that is known."""
    return _PROVIDER.get(name) or _of_a_request(name)


def hint_for_policy(name: str) -> str | None:
    """Return what to write for an unknown field of a policy, if that is known."""
    if name in _OF_PROVIDERS:
        return f"use the provider's option: get_provider(..., {name}=...)"
    return _POLICY.get(name) or _of_a_request(name)


def _of_a_request(name: str) -> str | None:
    if name not in _OF_REQUESTS:
        return None
    return f"give it to each request, as in stream('Hi', {name}=...)"
