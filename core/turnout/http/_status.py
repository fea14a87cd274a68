"""From a refusal to its error: by status, headers and body, through a table.

The first rule that matches decides. A provider puts rules of its own before these
(`Provider.status_rules`). The status 200 is that of an error inside of an answer,
whose body gave no status.

Source: wire.md 2.7, gathered 2026-11-22 from the vendors' pages and SDKs.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from turnout._frozen import frozen
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
    RequestTooLargeError,
    ServerError,
    StreamError,
)

if TYPE_CHECKING:
    from turnout.http._refusal import Refusal

__all__ = ["INSIDE", "STATUS_RULES", "StatusRule"]

INSIDE = 200
"""The status of an answer that an error stands in."""


@frozen
class StatusRule:
    """What a refusal is, if all that is given matches."""

    error: type[ProviderError]
    statuses: Collection[int] = ()
    """Any of these; every status where it is empty."""
    codes: Collection[str] = ()
    """Any of these among the refusal's codes, lower-case."""
    phrases: Sequence[str] = ()
    """Any of these in the body, lower-case."""
    hinted: bool = False
    """Only where a header says when the provider may be asked again."""

    def matches(self, refusal: Refusal) -> bool:
        """Tell whether the rule is about this refusal."""
        if self.statuses and refusal.status not in self.statuses:
            return False
        if self.codes and refusal.codes.isdisjoint(self.codes):
            return False
        if self.hinted and refusal.retry_after is None:
            return False
        text = refusal.text.lower() if self.phrases else ""
        return not self.phrases or any(phrase in text for phrase in self.phrases)


_CLIENT_ERRORS = range(400, 500)

STATUS_RULES: tuple[StatusRule, ...] = (
    # A field's text is too long, not the conversation.
    StatusRule(error=InvalidRequestError, codes={"string_above_max_length"}),
    StatusRule(
        error=ContextLengthError,
        codes={
            "context_length_exceeded",
            "exceed_context_size_error",
            "model_context_window_exceeded",
        },
    ),
    StatusRule(
        error=ContextLengthError,
        # Together says it with 403.
        statuses={400, 403, 413, 422, 500},
        phrases=(
            "maximum context length",
            "prompt is too long",
            "exceeds the maximum number of tokens",
            "exceed context limit",
            "longer than the model's context length",
            "input tokens exceed the configured limit",
            "`inputs` tokens + `max_new_tokens` must be",
            "exceeds the available context size",
            "current length is",
        ),
    ),
    StatusRule(
        error=ContentFilterError,
        codes={
            "content_filter",
            "content_policy_violation",
            "responsibleaipolicyviolation",
        },
    ),
    StatusRule(
        error=ContentFilterError,
        statuses={400, 403},
        phrases=(
            "rejected as a result of our safety system",
            # OpenRouter's, with 403.
            '"flagged_input"',
        ),
    ),
    StatusRule(
        error=QuotaExceededError,
        codes={
            "billing_error",
            "credit_balance_exhausted",
            "enforced_spend_limit_reached",
            "insufficient_quota",
            "organization_spend_limit_exceeded",
            "organization_usage_limit_exceeded",
            "project_spend_limit_exceeded",
        },
    ),
    # Gemini's names of daily quotas; its own hint to try again soon is wrong then.
    StatusRule(error=QuotaExceededError, statuses={429}, phrases=("perday",)),
    StatusRule(error=RateLimitError, statuses={402}, hinted=True),
    StatusRule(error=QuotaExceededError, statuses={402}),
    StatusRule(error=AuthenticationError, codes={"api_key_invalid", "invalid_api_key"}),
    StatusRule(error=AuthenticationError, statuses={401}),
    StatusRule(error=PermissionDeniedError, statuses={403}),
    StatusRule(error=ModelUnavailableError, statuses={404}),
    StatusRule(error=RequestTooLargeError, statuses={413}),
    StatusRule(
        error=OverloadedError, codes={"overloaded_error", "server_is_overloaded"}
    ),
    StatusRule(error=RateLimitError, statuses={429, 498}),
    StatusRule(error=OverloadedError, statuses={503, 529}),
    StatusRule(error=ServerError, statuses={408, 409, 499}),
    StatusRule(error=InvalidRequestError, statuses=_CLIENT_ERRORS),
    # From here to the last row: errors without a status, by their codes alone.
    StatusRule(
        error=RateLimitError,
        statuses={INSIDE},
        codes={"rate_limit_error", "rate_limit_exceeded", "slow_down"},
    ),
    StatusRule(
        error=OverloadedError,
        statuses={INSIDE},
        codes={
            "capacity_exceeded",
            "provider_overloaded",
            "provider_unavailable",
            "service_unavailable",
            "unavailable",
        },
    ),
    StatusRule(error=QuotaExceededError, statuses={INSIDE}, codes={"payment_required"}),
    StatusRule(
        error=AuthenticationError,
        statuses={INSIDE},
        codes={"authentication", "authentication_error", "unauthorized"},
    ),
    StatusRule(
        error=PermissionDeniedError,
        statuses={INSIDE},
        codes={"permission_denied", "permission_error"},
    ),
    StatusRule(
        error=ModelUnavailableError,
        statuses={INSIDE},
        codes={"model_not_found", "not_found", "not_found_error", "notfounderror"},
    ),
    StatusRule(
        error=ServerError,
        statuses={INSIDE},
        codes={
            "api_error",
            "internal_error",
            "internal_server_error",
            "internalservererror",
            "server",
            "server_error",
            "timeout",
        },
    ),
    StatusRule(
        error=InvalidRequestError,
        statuses={INSIDE},
        codes={"badrequesterror", "invalid_request", "invalid_request_error"},
    ),
    StatusRule(error=StreamError, statuses={INSIDE}),
    StatusRule(error=ServerError),
)
