"""Refusals in forms and words of our own, as other services may send them."""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    UnsupportedError,
)

from . import Refused, Table, said

__all__ = ["VARIATIONS"]

OWN = "own variation"

VARIATIONS: Table = {
    "codes in other fields and forms": (
        Refused(
            400, {"error_code": "context-length-exceeded"}, ContextLengthError, OWN
        ),
        Refused(400, {"errorCode": "ContextLengthExceeded"}, ContextLengthError, OWN),
        Refused(400, {"reason": "MODEL_NOT_FOUND"}, ModelUnavailableError, OWN),
        Refused(400, {"status": "insufficient_quota"}, QuotaExceededError, OWN),
        Refused(400, {"error": "insufficient_quota"}, QuotaExceededError, OWN),
        Refused(400, {"Error": {"Code": "content_filter"}}, ContentFilterError, OWN),
        Refused(200, {"code": 401, "msg": "no"}, AuthenticationError, OWN),
        Refused(200, {"code": "429", "message": "no"}, RateLimitError, OWN),
        Refused(
            200, {"success": False, "message": "Unauthorized"}, AuthenticationError, OWN
        ),
        Refused(
            200,
            {"success": False, "errors": [{"code": 3036, "message": "no"}]},
            QuotaExceededError,
            OWN,
        ),
    ),
    "errors in texts": (
        Refused(
            400,
            said('{"error":{"code":"model_not_found","message":"no"}}'),
            ModelUnavailableError,
            OWN,
        ),
        Refused(
            502,
            said('upstream said: {\\"code\\": \\"context_length_exceeded\\"}'),
            ContextLengthError,
            OWN,
        ),
        Refused(
            400,
            said("[upstream] Error code: 400 - {'code': 1113, 'message': 'no'}"),
            QuotaExceededError,
            OWN,
        ),
        Refused(400, "Prompt is too long.", ContextLengthError, OWN),
        Refused(500, "insufficient balance", QuotaExceededError, OWN),
        Refused(
            503,
            "<html><head><title>Server overloaded</title></head></html>",
            OverloadedError,
            OWN,
        ),
        Refused(400, {"fault": "You are out of credits"}, QuotaExceededError, OWN),
    ),
    "words of others": (
        Refused(
            400, said("You exceeded maximum context window"), ContextLengthError, OWN
        ),
        Refused(
            400,
            said("Model \u2018x\u2019 isn\u2019t here; model not found"),
            ModelUnavailableError,
            OWN,
        ),
        Refused(
            403,
            said("Your team doesn\u2019t have any credits yet"),
            QuotaExceededError,
            OWN,
        ),
        Refused(400, said("Streaming is not supported"), UnsupportedError, OWN),
        Refused(403, said("Daily token limit reached"), QuotaExceededError, OWN),
        Refused(400, said("This violates our content policy"), ContentFilterError, OWN),
    ),
}
