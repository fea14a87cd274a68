"""Refusals that are not what some of their words say elsewhere."""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    InvalidRequestError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    StreamError,
)

from . import Refused, Table, said

__all__ = ["FALSE_FRIENDS"]

PI = "badlogic/pi-mono: overflow.ts, read 2026-11-30"
OWN = "own variation"

ECHOED = "This model's maximum context length is 9. insufficient balance"
"""What a prompt may say, that comes back in a field for no person."""

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
}
