"""The table that maps refusals to classes of errors, by code, phrase or status.

The first rule that matches decides: codes first, then phrases, then the status. Errors
inside answers are classified in the same way; if the body has no status, its general
codes are used instead. A provider's own rules come before these
(`Provider.status_rules`).

Loaded with the first refusal, because most programs never get one.

Source of the statuses: wire.md 2.7, gathered 2026-11-22 from the vendors' pages and
SDKs. The rows of codes and words name their sources.
"""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
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
from turnout.http._refusal_codes import CODES
from turnout.http._refusal_phrases import PHRASES
from turnout.http._status import INSIDE, StatusRule

__all__ = ["STATUS_RULES", "TOKEN_RULES"]

_STATUSES: tuple[tuple[type[ProviderError], frozenset[int]], ...] = (
    (AuthenticationError, frozenset({401})),
    (QuotaExceededError, frozenset({402})),
    (PermissionDeniedError, frozenset({403})),
    # SambaNova and NVIDIA send one of these for a retired model.
    (ModelUnavailableError, frozenset({404, 410})),
    (RequestTooLargeError, frozenset({413})),
    (RateLimitError, frozenset({429, 498})),
    (OverloadedError, frozenset({503, 529})),
    (ServerError, frozenset({408, 409, 499})),
    (InvalidRequestError, frozenset(range(400, 500))),
)

_GENERAL_CODES: tuple[tuple[type[ProviderError], str], ...] = (
    (
        RateLimitError,
        "rate_limit_error rate_limit_exceeded rate_limit_reached_error rate_limited "
        "rate_limit slow_down resource_exhausted throttlingexception throttling "
        "throttling.ratequota throttling.allocationquota limit_requests "
        "limit_burst_rate too_many_requests ratelimiterror toomanyrequests "
        "request_limit_exceeded quotaexceeded ratelimitreached",
    ),
    (
        OverloadedError,
        "capacity_exceeded provider_overloaded provider_unavailable "
        "service_unavailable unavailable serviceunavailable serviceunavailableerror "
        "temporarily_unavailable",
    ),
    (QuotaExceededError, "payment_required"),
    (
        AuthenticationError,
        "authentication authentication_error authenticationerror unauthorized "
        "unauthenticated invalid_credentials",
    ),
    (
        PermissionDeniedError,
        "permission_denied permission_error permission_denied_error accessdenied "
        "access_denied access_denied_error forbidden permissiondeniederror",
    ),
    (
        ModelUnavailableError,
        "not_found not_found_error notfounderror resource_not_found_error "
        "resourcenotfoundexception endpoint_not_found",
    ),
    (
        ServerError,
        "api_error internal internal_error internal_server_error internalservererror "
        "internalerror internal_failure server server_error timeout request_timeout "
        "deadline_exceeded network_error bad_gateway",
    ),
    (
        InvalidRequestError,
        "badrequesterror bad_request invalid_request invalid_request_error "
        "invalid_argument invalid_parameter_error invalidparameter validation_error "
        "validationexception base_resp.2013 base_resp.1042 1210 1213 1214 1215 "
        # OpenAI's, for an image that it cannot read.
        "data_residency_mismatch empty_image_file failed_to_download_image "
        "image_file_not_found image_file_too_large image_parse_error image_too_large "
        "image_too_small invalid_base64_image invalid_image invalid_image_format "
        "invalid_image_mode invalid_image_url unsupported_image_media_type",
    ),
)
"""Codes that say no more than a status does."""

STATUS_RULES: tuple[StatusRule, ...] = (
    *CODES,
    *PHRASES,
    *(StatusRule(error=error, statuses=statuses) for error, statuses in _STATUSES),
    *(
        StatusRule(error=error, statuses={INSIDE}, codes=frozenset(codes.split()))
        for error, codes in _GENERAL_CODES
    ),
    StatusRule(error=StreamError, statuses={INSIDE}),
    StatusRule(error=ServerError),
)

TOKEN_RULES = (
    StatusRule(
        error=AuthenticationError,
        codes=frozenset({"invalid_client", "invalid_grant", "unauthorized_client"}),
        service="OAuth",
        source="RFC 6749, section 5.2",
    ),
)
"""The rules for an address that issues tokens: its refusals have the status 400."""
