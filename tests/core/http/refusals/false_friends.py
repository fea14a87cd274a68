"""Refusals that are not what some of their words say elsewhere."""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    InvalidRequestError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamError,
    UnsupportedError,
)

from . import Refused, Table, said

__all__ = ["FALSE_FRIENDS"]

PI = "badlogic/pi-mono: overflow.ts, read 2026-11-30"
OWN = "own variation"

ECHOED = "This model's maximum context length is 9. insufficient balance"
"""What a prompt may say, that comes back in a field for no person."""


def each(
    error: type[ProviderError], status: int, *messages: str
) -> tuple[Refused, ...]:
    return tuple(Refused(status, said(message), error, OWN) for message in messages)


FALSE_FRIENDS: Table = {
    "any": (
        Refused(429, said("too many tokens per minute"), RateLimitError, PI),
        Refused(
            429,
            said("exceeded the tokens per minute rate limit; context of 9 tokens"),
            RateLimitError,
            PI,
        ),
        Refused(
            200,
            said("Rate limit reached: tokens per min (TPM) exceed the context length"),
            RateLimitError,
            OWN,
        ),
        Refused(
            400,
            said(
                "rate limit reached: Requested token count exceeds the model's maximum "
                "context length of 131072 tokens."
            ),
            RateLimitError,
            PI,
        ),
        Refused(500, said("prompt is too long to log"), ServerError, OWN),
        Refused(
            401,
            said("This model's maximum context length is 9."),
            AuthenticationError,
            OWN,
        ),
        Refused(
            400,
            {"error": {"message": "no", "prompt": ECHOED}},
            InvalidRequestError,
            OWN,
        ),
        Refused(
            400,
            {"error": {"code": "bad", "input": ECHOED}},
            InvalidRequestError,
            OWN,
        ),
        Refused(
            422,
            {"detail": [{"type": "missing", "msg": "Field required", "input": ECHOED}]},
            InvalidRequestError,
            OWN,
        ),
        Refused(
            403,
            {"message": "no", "messages": [{"content": ECHOED}]},
            PermissionDeniedError,
            OWN,
        ),
        Refused(
            400,
            said("no " * 700 + ECHOED),
            InvalidRequestError,
            OWN,
        ),
        Refused(
            400,
            said("image exceeds the limit of 5242880 bytes"),
            InvalidRequestError,
            OWN,
        ),
        Refused(
            400,
            said("messages.0.name: value is too long, maximum length is 64"),
            InvalidRequestError,
            OWN,
        ),
        Refused(
            400,
            said("tools: list should have at most 128 items"),
            InvalidRequestError,
            OWN,
        ),
        Refused(400, said("you requested (1008) tokens"), InvalidRequestError, OWN),
        Refused(400, said("no", code="1300"), InvalidRequestError, OWN),
        Refused(429, said("no", code="1301"), RateLimitError, OWN),
        Refused(200, said("no", code=1001), StreamError, OWN),
        Refused(
            200,
            {"choices": [{"delta": {"content": ECHOED}, "finish_reason": "error"}]},
            StreamError,
            OWN,
        ),
        Refused(500, said("no", code=429), ServerError, OWN),
    ),
    "not too long": (
        *each(
            InvalidRequestError,
            400,
            "max_tokens is too large: 200000. The model makes at most 16384 completion "
            "tokens.",
            "max_tokens: 9000 > 8192, which is the maximum allowed number of output "
            "tokens for x",
            "max_tokens (10000) cannot exceed 8192. Please reduce the length of max "
            "output tokens generated.",
            "`max_tokens` must be less than or equal to `8192`, the maximum value for "
            "`max_tokens` is less than the `context_window` for this model",
            "max_output_tokens must be at most 8192",
            "max_tokens must be greater than thinking.budget_tokens",
            "thinking budget_tokens exceeds the maximum",
            "Invalid 'user': string too long. Expected one with maximum length 64.",
            "Invalid 'tools[0].function.name': string too long.",
            "Invalid 'messages': array too long. Expected an array with maximum length "
            "2048.",
            "Invalid 'metadata': object has more than the maximum of 16 keys",
            "Invalid 'stop': array too long; at most 4 stop sequences",
            "tools.0.description: text too long",
            "image exceeds 5 MB maximum",
            "messages.0.content.1.image: the image is too large",
            "Image dimensions exceed the maximum of 8000 pixels",
            "file too large: at most 100 pages of a PDF",
            "The audio is longer than 25 minutes",
            "prompt_cache_key is too long: at most 64",
            "Too many messages in the list: at most 100 items",
            "Cached content is too small. total_token_count=5, "
            "min_total_token_count=1024",
            "temperature must be less than 2",
            "The tool_use id exceeds the maximum length of 64",
            "context_management must be an object",
            "logit_bias: token id is larger than the vocabulary",
            "The request took too long",
            "n must be at most 8",
            "Invalid value for 'messages[0].role'",
            "messages: at least one message is required",
            "The prompt must not be empty",
        ),
        *each(
            RateLimitError,
            429,
            "Input tokens per minute exceeded: limit 8000",
            "You've exceeded the number of input tokens you may send per minute",
            "Too many prompt tokens; retry in 7 s",
            "Token limit exceeded; try again in 3 seconds",
            "context length quota: too many tokens per min",
        ),
        *each(
            RateLimitError,
            400,
            "Rate limit of 8000 input tokens per minute exceeded",
        ),
        *each(
            AuthenticationError,
            401,
            "Token too long",
            "The access token exceeds the maximum length",
            "The model refuses this key: it is unknown",
            "insufficient credentials",
        ),
        *each(RequestTooLargeError, 413, "Content Too Large", "Request too large"),
        *each(
            ServerError,
            500,
            "context deadline exceeded",
            "the text is too long to be logged",
            "context canceled",
            "maximum recursion depth exceeded",
        ),
    ),
    "not the money": (
        *each(
            RateLimitError,
            429,
            "Rate limit reached. Add credits to your account to raise the limits.",
            "Too many requests. Upgrade your plan for a higher limit.",
            "Request limit reached: your plan allows 20 requests per minute",
            "Rate limit exceeded: free-models-per-min. ",
            "Quota exceeded for x/requests_per_minute_per_project",
            "Resource has been exhausted (e.g. check quota).",
            "Concurrency limit of your plan exceeded",
            "hour allocated quota exceeded",
            "Number of request tokens has exceeded your rate limit",
            "Slow down",
            "The usage of this key is too high, try again in 20s",
            "您的账户已达到速率限制 请您控制请求频率",
            "每分钟请求次数超过限制",
        ),
        *each(
            PermissionDeniedError,
            403,
            "Insufficient permissions",
            "insufficient scope for this key",
            "Your account is not allowed to do this",
            "Country, region, or territory not supported",
            "Access denied by the firewall: IP blocked",
            "The organization has been suspended.",
            "Your account was blocked",
            "The key is restricted to other addresses",
            "CORS policy: request blocked",
            "You do not have permission to use this endpoint",
        ),
        *each(
            InvalidRequestError,
            400,
            "Invalid credit card number in the metadata",
            "thinking budget must be positive",
            "The balance of brackets in the grammar is wrong",
            "No credits were charged. Malformed request.",
        ),
        *each(
            ServerError,
            500,
            "The load balancer ran out of connections",
            "insufficient resources",
            "insufficient memory",
            "out of memory",
        ),
        *each(OverloadedError, 503, "Insufficient capacity", "No healthy upstream"),
    ),
    "not the filter": (
        *each(
            InvalidRequestError,
            400,
            "Invalid value at 'safety_settings[0].category'",
            "Invalid content type",
            "Header names are not case-sensitive; duplicate rejected",
            "Filter expression is wrong: denied",
            "Could not process image",
            "The image was rejected: it could not be decoded",
            "The content block at 0 failed to parse",
            "messages.0.content: Input should be a valid list",
        ),
        *each(
            PermissionDeniedError,
            403,
            "Your organization was disabled because of our usage policies",
            "Your API key was flagged as leaked",
            "The user was banned for violating our terms",
            "Blocked by a policy of your administrator",
        ),
        *each(ServerError, 500, "The moderation service failed"),
        *each(OverloadedError, 503, "The moderation service is not available"),
    ),
    "not the model": (
        *each(
            InvalidRequestError,
            400,
            "tool call id not found",
            "No tool call found for the function call output with call_id x",
            "Previous response with id 'x' not found.",
            "The file x does not exist",
            "Thread x not found",
            "Invalid messages",
            "model: Field required",
            "you must provide a model parameter",
            "model is required",
            "Model must be a string",
            "The image could not be found at this URL",
            "Conversation x doesn't exist",
            "Invalid model_config",
            "The user x does not exist",
            "An assistant message with 'tool_calls' must be followed by tool messages",
        ),
        *each(
            ServerError,
            500,
            "The model failed",
            "The model produced an error",
            "model runner has unexpectedly stopped",
            "model requires more system memory (8.0 GiB) than is available (5.0 GiB)",
        ),
        *each(
            OverloadedError,
            503,
            "The model is temporarily unavailable, try again later",
            "The model is loading",
            "model is currently unavailable",
        ),
        *each(
            RateLimitError,
            429,
            "The model is not available right now: too many requests",
            "Requests to this model are limited on your plan",
        ),
        *each(
            UnsupportedError,
            400,
            "Unsupported parameter: 'top_k' is not supported with this model",
            "The model x does not support tools",
            "This model isn't available with tools",
            "tools: not supported for model x",
            "For the model x the parameter seed is not supported",
            "Image input is not available for this model. Use a different model.",
            "该模型不支持图片",
        ),
    ),
    "not unsupported": (
        *each(
            InvalidRequestError,
            400,
            "Unknown error",
            "unexpected `tool_use_id` found in `tool_result` blocks: x",
            "Unexpected end of JSON input in tools",
            "messages: text content blocks must be non-empty",
            "Missing required parameter: 'messages[0].content'",
            "Invalid base64 image_url",
            "Invalid parameter: temperature must be between 0 and 2",
            "tools.0.name: String should match pattern",
            "tool_choice.name: tool x not found in tools",
            "messages: roles must alternate between user and assistant",
        ),
        *each(
            PermissionDeniedError,
            403,
            "This feature is not enabled for your organization",
        ),
    ),
}
