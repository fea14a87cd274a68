"""Refusals of those who make models."""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    UnsupportedError,
)

from . import Refused, Table, said

__all__ = ["LABS"]

CODES = "platform.openai.com/docs/guides/error-codes, read 2026-11-30"
OPENCODE = "anomalyco/opencode: provider/error.ts, read 2026-11-30"
LITELLM = "BerriAI/litellm: exception_mapping_utils.py, read 2026-11-30"
REPORTS = "public reports, found by these words 2026-11-30"
RECORDED = "recordings of pydantic/pydantic-ai, read 2026-11-30"
ZHIPU = "docs.bigmodel.cn/cn/api/api-code, read 2026-11-30"
MINIMAX = "MiniMax's table of error codes, read 2026-11-30"
BAIDU = "ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh, read 2026-11-30"
ZAI = "docs.z.ai/api-reference/api-code, read 2026-11-30"
QWEN = "help.aliyun.com/en/model-studio/error-code, read 2026-11-30"

TOO_LONG_FOR_OPENAI = (
    "This model's maximum context length is 8192 tokens. However, your messages "
    "resulted in 9000 tokens. Please reduce the length of the messages."
)


def google(code: int, status: str, message: str, *details: object) -> dict[str, object]:
    return said(message, code=code, status=status, details=list(details))


def quota(quota_id: str) -> dict[str, object]:
    return {
        "@type": "type.googleapis.com/google.rpc.QuotaFailure",
        "violations": [{"quotaMetric": "x/requests", "quotaId": quota_id}],
    }


def anthropic(kind: str, message: str, **details: object) -> dict[str, object]:
    error = {"type": kind, "message": message}
    return {"type": "error", "error": error | ({"details": details} if details else {})}


def zhipu(code: object, message: str) -> dict[str, object]:
    return {"error": {"code": code, "message": message}}


def minimax(code: int, message: str) -> dict[str, object]:
    return {
        "id": "x",
        "choices": None,
        "base_resp": {"status_code": code, "status_msg": message},
    }


LABS: Table = {
    "OpenAI": (
        Refused(
            400,
            said(
                TOO_LONG_FOR_OPENAI,
                type="invalid_request_error",
                param="messages",
                code="context_length_exceeded",
            ),
            ContextLengthError,
            "baserow/baserow#3011",
        ),
        Refused(
            400,
            said(
                "Your input exceeds the context window of this model. Please adjust "
                "your input and try again.",
                type="invalid_request_error",
                param="input",
                code=None,
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            said(
                "Input tokens exceed the configured limit of 272000 tokens. Your "
                "messages resulted in 300000 tokens.",
                type="invalid_request_error",
            ),
            ContextLengthError,
            LITELLM,
        ),
        Refused(
            400,
            said(
                "The requested model 'gpt-9' does not exist.",
                type="invalid_request_error",
                code="model_not_found",
            ),
            ModelUnavailableError,
            RECORDED,
        ),
        Refused(
            403,
            said(
                "Project `p` does not have access to model `gpt-9`",
                type="invalid_request_error",
                code="model_not_found",
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            403,
            said(
                "Your organization must be verified to use the model `gpt-9`.",
                type="invalid_request_error",
                code=None,
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            404,
            said(
                "This is not a chat model and thus not supported in the "
                "v1/chat/completions endpoint. Did you mean to use v1/completions?",
                type="invalid_request_error",
                param="model",
                code=None,
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            429,
            said(
                "You exceeded your current quota, please check your plan and billing "
                "details.",
                type="insufficient_quota",
                code="insufficient_quota",
            ),
            QuotaExceededError,
            "vercel/ai: packages/openai fixtures, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "Billing hard limit has been reached",
                type="invalid_request_error",
                code="billing_hard_limit_reached",
            ),
            QuotaExceededError,
            CODES,
        ),
        Refused(
            429,
            said("Your account is not active", code="billing_not_active"),
            QuotaExceededError,
            CODES,
        ),
        Refused(
            429,
            said(
                "You've hit your usage limit.",
                type="usage_limit_reached",
                resets_at=1790500000,
            ),
            QuotaExceededError,
            "openai/codex, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "Your request was rejected as a result of our safety system.",
                type="invalid_request_error",
                code="content_policy_violation",
            ),
            ContentFilterError,
            LITELLM,
        ),
        Refused(
            400,
            said(
                "Invalid prompt: your prompt was flagged as potentially violating our "
                "usage policy.",
                type="invalid_request_error",
                code="invalid_prompt",
            ),
            ContentFilterError,
            LITELLM,
        ),
        Refused(
            400,
            said("This is blocked", code="cyber_policy"),
            ContentFilterError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            400,
            said(
                "Unsupported parameter: 'max_tokens' is not supported with this model. "
                "Use 'max_completion_tokens' instead.",
                type="invalid_request_error",
                param="max_tokens",
                code="unsupported_parameter",
            ),
            UnsupportedError,
            "vercel/ai: packages/openai fixtures, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "Unsupported parameter: 'top_p' is not supported with this model.",
                type="invalid_request_error",
                param="top_p",
                code=None,
            ),
            UnsupportedError,
            "vercel/ai: packages/openai fixtures, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "Unsupported value: 'top_p' does not support 0.2 with this model.",
                code="unsupported_value",
            ),
            UnsupportedError,
            "BerriAI/litellm#7693, Aider-AI/aider#3147",
        ),
        Refused(
            400,
            said(
                "Unrecognized request argument supplied: chat_template_kwargs",
                type="invalid_request_error",
                code=None,
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            said(
                "Invalid schema for response_format 'reply': In context=(), "
                "'additionalProperties' is required to be supplied and to be false.",
                param="response_format",
                code=None,
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            500,
            said(
                "The model produced invalid content. Consider modifying your prompt if "
                "you are seeing this error persistently.",
                type="model_error",
            ),
            InvalidReplyError,
            LITELLM,
        ),
        Refused(
            429,
            said(
                "Request too large for gpt-4o in organization org-x on tokens per min "
                "(TPM): Limit 30000, Requested 50000. The input or output tokens must "
                "be reduced in order to run successfully.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            RequestTooLargeError,
            LITELLM,
        ),
        Refused(
            429,
            said(
                "Rate limit reached for gpt-4o in organization org-x on tokens per min "
                "(TPM): Limit 30000, Used 29000, Requested 2000. Please try again in "
                "2s. The context is not too long.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            RateLimitError,
            CODES,
        ),
        Refused(
            503,
            said("Slow down", type="slow_down", code="server_is_overloaded"),
            OverloadedError,
            CODES,
        ),
        Refused(
            200,
            said("no", code="vector_store_timeout"),
            ServerError,
            "the error codes of OpenAI's SDK 3.54.0, read 2026-11-22",
        ),
        Refused(
            401,
            said("Incorrect API key provided: sk-***", code="invalid_api_key"),
            AuthenticationError,
            CODES,
        ),
        Refused(
            403,
            said(
                "Country, region, or territory not supported",
                code="unsupported_country_region_territory",
            ),
            PermissionDeniedError,
            CODES,
        ),
        Refused(
            400,
            said(
                "Invalid 'messages[0].content': string too long. Expected a string "
                "with maximum length 10, but got a string with length 12 instead.",
                code="string_above_max_length",
            ),
            InvalidRequestError,
            LITELLM,
        ),
        Refused(
            400,
            said(
                "max_tokens is too large: 200000. This model supports at most 16384 "
                "completion tokens, whereas you provided 200000.",
                type="invalid_request_error",
                param="max_tokens",
                code="invalid_value",
            ),
            InvalidRequestError,
            REPORTS,
        ),
        Refused(
            400,
            said("Invalid value for 'service_tier'.", type="invalid_request_error"),
            InvalidRequestError,
            REPORTS,
        ),
    ),
    "AzureOpenAI": (
        Refused(
            400,
            said(
                "The response was filtered due to the prompt triggering Azure OpenAI's "
                "content management policy.",
                code="content_filter",
                innererror={"code": "ResponsibleAIPolicyViolation"},
            ),
            ContentFilterError,
            LITELLM,
        ),
        Refused(
            400,
            said(TOO_LONG_FOR_OPENAI, code="context_length_exceeded"),
            ContextLengthError,
            "portkey.ai, error library, read 2026-11-30",
        ),
        Refused(
            404,
            said(
                "The API deployment for this resource does not exist.",
                code="DeploymentNotFound",
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            429,
            said(
                "Requests to the ChatCompletions operation have exceeded token rate "
                "limit of your current pricing tier.",
                code="429",
            ),
            RateLimitError,
            REPORTS,
        ),
        Refused(
            401,
            said(
                "Access denied due to invalid subscription key or wrong API endpoint.",
                code="401",
            ),
            AuthenticationError,
            REPORTS,
        ),
    ),
    "Anthropic": (
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "prompt is too long: 215000 tokens > 200000 maximum",
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "input length and `max_tokens` exceed context limit: 190000 + 20000 > "
                "200000, decrease input length or `max_tokens` and try again",
            ),
            ContextLengthError,
            "stackblitz/bolt.new#7414",
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error", "Output blocked by content filtering policy"
            ),
            ContentFilterError,
            REPORTS,
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "Your credit balance is too low to access the Anthropic API.",
            ),
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "You have reached your specified workspace API usage limits.",
            ),
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            429,
            anthropic(
                "rate_limit_error",
                "You will regain access on 2026-12-01.",
                error_code="enforced_spend_limit_reached",
            ),
            QuotaExceededError,
            "platform.claude.com/docs/en/api/errors, read 2026-11-22",
        ),
        Refused(
            429,
            anthropic(
                "rate_limit_error",
                "Number of request tokens has exceeded your per-minute rate limit",
            ),
            RateLimitError,
            REPORTS,
        ),
        Refused(
            400,
            anthropic("invalid_request_error", "This organization has been disabled."),
            PermissionDeniedError,
            REPORTS,
        ),
        Refused(
            429,
            anthropic(
                "rate_limit_error",
                "Extra usage is required for long context requests.",
            ),
            RequestTooLargeError,
            REPORTS,
        ),
        Refused(
            404,
            anthropic("not_found_error", "model: claude-9"),
            ModelUnavailableError,
            RECORDED,
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "This model does not support effort level 'xhigh'. Supported levels: "
                "high, low, max, medium.",
            ),
            UnsupportedError,
            RECORDED,
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "tools.0: Input tag 'web_search_20250305' found using 'type' does not "
                "match any of the expected tags: 'custom'",
            ),
            UnsupportedError,
            RECORDED,
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "max_tokens: 100000 > 8192, which is the maximum allowed number of "
                "output tokens for claude-x",
            ),
            InvalidRequestError,
            REPORTS,
        ),
        Refused(
            200,
            anthropic("overloaded_error", "Overloaded"),
            OverloadedError,
            "platform.claude.com/docs/en/api/errors, read 2026-11-22",
        ),
        Refused(
            409,
            anthropic(
                "invalid_request_error", "no", error_code="thread_already_continued"
            ),
            InvalidRequestError,
            "platform.claude.com/docs/en/api/errors, read 2026-11-22",
        ),
        Refused(
            200,
            anthropic("timeout_error", "no"),
            ServerError,
            "platform.claude.com/docs/en/api/errors, read 2026-11-22",
        ),
        Refused(
            400,
            anthropic(
                "invalid_request_error",
                "This model does not support assistant message prefill. The "
                "conversation must end with a user message.",
            ),
            InvalidRequestError,
            REPORTS,
        ),
        Refused(
            413,
            anthropic("request_too_large", "Request exceeds the maximum size"),
            RequestTooLargeError,
            "platform.claude.com/docs/en/api/errors, read 2026-11-22",
        ),
    ),
    "Gemini": (
        Refused(
            400,
            google(
                400,
                "INVALID_ARGUMENT",
                "The input token count (1196265) exceeds the maximum number of tokens "
                "allowed (1048575).",
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            429,
            google(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing "
                "details. * Quota exceeded for metric: x/requests, limit: 15, model: m "
                "Please retry in 19s.",
                quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
            ),
            RateLimitError,
            REPORTS,
        ),
        Refused(
            429,
            google(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota. * Quota exceeded for metric: "
                "x/free_tier_requests, limit: 0, model: m Please retry in 19s",
                quota("GenerateRequestsPerMinutePerProjectPerModel-FreeTier"),
            ),
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            429,
            google(
                429,
                "RESOURCE_EXHAUSTED",
                "You exceeded your current quota, please check your plan and billing "
                "details.",
                quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
            ),
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            429,
            google(
                429,
                "RESOURCE_EXHAUSTED",
                "Your prepayment credits are depleted. Please go to AI Studio at "
                "https://ai.studio/projects to manage your project and billing.",
            ),
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            429,
            google(
                429,
                "RESOURCE_EXHAUSTED",
                "Resource has been exhausted (e.g. check quota).",
            ),
            RateLimitError,
            REPORTS,
        ),
        Refused(
            404,
            google(
                404,
                "NOT_FOUND",
                "models/gemini-9 is not found for API version v1beta, or is not "
                "supported for generateContent.",
            ),
            ModelUnavailableError,
            RECORDED,
        ),
        Refused(
            400,
            google(
                400,
                "INVALID_ARGUMENT",
                "Developer instruction is not enabled for models/gemma-3-27b-it",
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            google(400, "INVALID_ARGUMENT", "Penalty is not enabled for this model"),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            google(
                400,
                "INVALID_ARGUMENT",
                'Invalid JSON payload received. Unknown name "const" at '
                "'tools[0].function_declarations[0]': Cannot find field.",
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            google(
                400,
                "FAILED_PRECONDITION",
                "User location is not supported for the API use.",
            ),
            PermissionDeniedError,
            "ai.google.dev/gemini-api/docs/troubleshooting, read 2026-11-22",
        ),
        Refused(
            400,
            google(
                400,
                "INVALID_ARGUMENT",
                "API key not valid. Please pass a valid API key.",
                {"@type": "x/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"},
            ),
            AuthenticationError,
            REPORTS,
        ),
        Refused(
            400,
            google(
                400,
                "INVALID_ARGUMENT",
                "Unable to submit request because it has a maxOutputTokens value of "
                "100000 but the supported range is from 1 to 65537.",
            ),
            InvalidRequestError,
            REPORTS,
        ),
        Refused(
            503,
            google(
                503,
                "UNAVAILABLE",
                "The model is overloaded. Please try again later.",
            ),
            OverloadedError,
            REPORTS,
        ),
        Refused(
            200,
            said("the call is not valid", status="MALFORMED_FUNCTION_CALL"),
            InvalidReplyError,
            "ai.google.dev/api/generate-content, FinishReason, read 2026-11-22",
        ),
        Refused(
            200,
            said("the prompt was blocked", status="PROHIBITED_CONTENT"),
            ContentFilterError,
            "ai.google.dev/api/generate-content, BlockReason, read 2026-11-22",
        ),
    ),
    "xAI": (
        Refused(
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "This model's maximum prompt length is 131072 but the request "
                "contains 537812 tokens.",
            },
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            403,
            {
                "code": "permission-denied",
                "error": "Content violates usage guidelines. Team: t, API key ID: k, "
                "Model: grok-4, Failed check: SAFETY_CHECK_TYPE_BIO",
            },
            ContentFilterError,
            "theopenco/llmgateway#1785, UKGovernmentBEIS/inspect_ai#2267",
        ),
        Refused(
            403,
            said("Failed check: SAFETY_CHECK_TYPE_CYBER"),
            ContentFilterError,
            REPORTS,
        ),
        Refused(
            429,
            {
                "code": "Some resource has been exhausted",
                "error": "Your team t has either used all available credits or reached "
                "its monthly spending limit.",
            },
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            403,
            {
                "code": "The caller does not have permission to execute the specified "
                "operation",
                "error": "Your newly created team doesn't have any credits yet.",
            },
            QuotaExceededError,
            "openclaw/openclaw#118615",
        ),
        Refused(
            400,
            {
                "code": "Some requested entity was not found",
                "error": "The model grok-9 does not exist or your team t does not have "
                "access to it.",
            },
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            400,
            {
                "code": "invalid-argument",
                "error": "Model grok-4.5 does not support parameter presencePenalty.",
            },
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            {
                "code": "Client specified an invalid argument",
                "error": "Incorrect API key provided: xx. You can obtain an API key "
                "from https://console.x.ai.",
            },
            AuthenticationError,
            REPORTS,
        ),
        Refused(
            403,
            {
                "code": "The caller does not have permission to execute the specified "
                "operation",
                "error": "Team is not allowed to do this.",
            },
            PermissionDeniedError,
            REPORTS,
        ),
    ),
    "DeepSeek": (
        Refused(
            400,
            said(TOO_LONG_FOR_OPENAI, code="invalid_request_error"),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            said(
                "Content Exists Risk",
                type="invalid_request_error",
                code="invalid_request_error",
            ),
            ContentFilterError,
            "NousResearch/hermes-agent#115218",
        ),
        Refused(
            400,
            said("Model Not Exist", code="invalid_request_error"),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            402,
            said("Insufficient Balance", code="invalid_request_error"),
            QuotaExceededError,
            "api-docs.deepseek.com, error codes, read 2026-11-22",
        ),
        Refused(
            400,
            said("This response_format type is unavailable now"),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            said(
                "Failed to deserialize the JSON body into the target type: "
                "messages[0]: unknown variant `image_url`, expected `text`"
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            said("deepseek-reasoner does not support this tool_choice"),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            400,
            said(
                "Invalid max_tokens value, the valid range of max_tokens is [1, 8192]"
            ),
            InvalidRequestError,
            REPORTS,
        ),
        Refused(
            500,
            said("The server is busy. Please try again later."),
            OverloadedError,
            REPORTS,
        ),
        Refused(
            401,
            said("Authentication Fails, Your api key: ****is invalid"),
            AuthenticationError,
            REPORTS,
        ),
        Refused(
            200,
            said("the answer was interrupted", code="insufficient_system_resource"),
            OverloadedError,
            "api-docs.deepseek.com, finish reasons, read 2026-11-22",
        ),
    ),
    "Mistral": (
        Refused(
            400,
            {
                "object": "error",
                "message": "Prompt contains 140000 tokens and 0 draft tokens, too "
                "large for model with 131072 maximum context length",
                "type": "invalid_request_error",
                "param": None,
                "code": "3051",
            },
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            {
                "object": "error",
                "message": "Prompt is over the maximum",
                "type": "invalid_request_prompt_too_long",
                "code": "3059",
                "raw_status_code": 400,
            },
            ContextLengthError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            400,
            {
                "object": "error",
                "message": "Invalid model: mistral-none",
                "type": "invalid_model",
                "param": None,
                "code": "1500",
            },
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            429,
            {
                "object": "error",
                "message": "Service tier capacity exceeded for this model.",
                "type": "service_tier_capacity_exceeded",
                "code": "3505",
            },
            OverloadedError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            429,
            {
                "object": "error",
                "message": "Requests rate limit exceeded",
                "type": "rate_limited",
                "code": "1300",
            },
            RateLimitError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            422,
            {
                "detail": [
                    {
                        "type": "extra_forbidden",
                        "loc": ["body", "logit_bias"],
                        "msg": "Extra inputs are not permitted",
                        "input": {"prompt is too long": "insufficient balance"},
                    }
                ]
            },
            UnsupportedError,
            "pydantic's error types",
        ),
        Refused(
            400,
            {
                "object": "error",
                "message": "Tool call id was toolu01XYz but must be a-z, A-Z, 0-9, "
                "with a length of 9.",
                "type": "invalid_request_error",
            },
            InvalidRequestError,
            REPORTS,
        ),
        Refused(401, {"detail": "Unauthorized"}, AuthenticationError, REPORTS),
    ),
    "Qwen": (
        Refused(
            400,
            said(
                "<400> InternalError.Algo.InvalidParameter: Range of input length "
                "should be [1, 129024]",
                type="invalid_request_error",
                code="invalid_parameter_error",
            ),
            ContextLengthError,
            "anomalyco/opencode#45834, QwenLM/Qwen-Agent#615",
        ),
        Refused(
            400,
            said(
                "Range of max_tokens should be [1, 8192]",
                type="invalid_request_error",
                code="invalid_parameter_error",
            ),
            InvalidRequestError,
            REPORTS,
        ),
        Refused(
            400,
            said(
                "Input text data may contain inappropriate content.",
                type="data_inspection_failed",
                code="data_inspection_failed",
            ),
            ContentFilterError,
            QWEN,
        ),
        Refused(
            400,
            {
                "code": "DataInspectionFailed",
                "message": "Output data is blocked",
                "request_id": "r",
            },
            ContentFilterError,
            QWEN,
        ),
        Refused(
            400,
            said(
                "Access denied, please make sure your account is in good standing.",
                type="Arrearage",
                code="Arrearage",
            ),
            QuotaExceededError,
            QWEN,
        ),
        Refused(
            403,
            said(
                "The free tier of the model has been exhausted.",
                type="AllocationQuota.FreeTierOnly",
                code="AllocationQuota.FreeTierOnly",
            ),
            QuotaExceededError,
            QWEN,
        ),
        Refused(
            429,
            said(
                "You exceeded your current quota, please check your plan and billing "
                "details.",
                type="insufficient_quota",
                code="insufficient_quota",
            ),
            RateLimitError,
            "help.aliyun.com/en/model-studio/rate-limit, read 2026-11-30",
        ),
        Refused(
            429,
            said("Free allocated quota exceeded.", code="insufficient_quota"),
            QuotaExceededError,
            QWEN,
        ),
        Refused(
            429,
            said("Requests rate limit exceeded", code="limit_requests"),
            RateLimitError,
            QWEN,
        ),
        Refused(
            404,
            said(
                "The model `qwen-none` does not exist or you do not have access to it.",
                code="model_not_found",
            ),
            ModelUnavailableError,
            QWEN,
        ),
        Refused(
            401,
            said("Incorrect API key provided.", code="invalid_api_key"),
            AuthenticationError,
            QWEN,
        ),
    ),
    "Perplexity": (
        Refused(
            400,
            said(
                "The total length of all messages is too long.",
                type="too_many_prompt_tokens",
                code=400,
            ),
            ContextLengthError,
            "crmne/ruby_llm: handles_context_length_exceeded_errors.yml",
        ),
        Refused(
            400,
            said(
                "Invalid model 'x'. Permitted models can be found in the documentation",
                type="invalid_model",
                code=400,
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            401,
            "<html><head><title>401 Authorization Required</title></head></html>",
            AuthenticationError,
            REPORTS,
        ),
    ),
    "Moonshot": (
        Refused(
            400,
            said(
                "Invalid request: Your request exceeded model token limit: 262144 "
                "(requested: 270011)",
                type="invalid_request_error",
            ),
            ContextLengthError,
            "MoonshotAI/kimi-cli#2011",
        ),
        Refused(
            400,
            said(
                "Invalid request: Input token length too long",
                type="invalid_request_error",
            ),
            ContextLengthError,
            REPORTS,
        ),
        Refused(
            429,
            said(
                "Your account org-x<ak-y> is suspended due to insufficient balance",
                type="exceeded_current_quota_error",
            ),
            QuotaExceededError,
            "anomalyco/opencode#24462",
        ),
        Refused(
            429,
            said(
                "The engine is currently overloaded, please try again later",
                type="engine_overloaded_error",
            ),
            OverloadedError,
            "kimi.com/code/docs, error reference, read 2026-11-30",
        ),
        Refused(
            429,
            said(
                "Your account org-x request reached max request per minute: 3, please "
                "try again after 1 seconds",
                type="rate_limit_reached_error",
            ),
            RateLimitError,
            REPORTS,
        ),
        Refused(
            200,
            said("Your account reached the limit", type="rate_limit_reached_error"),
            RateLimitError,
            REPORTS,
        ),
        Refused(
            403,
            said("You've reached your usage limit for this billing cycle"),
            QuotaExceededError,
            "kimi.com/code/docs, error reference, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "The request was rejected because it was considered high risk",
                type="content_filter",
            ),
            ContentFilterError,
            REPORTS,
        ),
        Refused(
            400,
            said(
                "invalid temperature: only 1 is allowed for this model",
                type="invalid_request_error",
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            404,
            said(
                "Not found the model kimi-none or Permission denied",
                type="resource_not_found_error",
            ),
            ModelUnavailableError,
            REPORTS,
        ),
    ),
    "Zhipu": (
        Refused(400, zhipu("1261", "Prompt 超长"), ContextLengthError, ZHIPU),
        Refused(
            400, zhipu(1261, "Prompt exceeds max length"), ContextLengthError, ZHIPU
        ),
        Refused(
            429,
            zhipu("1113", "余额不足或无可用资源包,请充值。"),
            QuotaExceededError,
            "continuedev/continue#10296, zhayujie/CowAgent#2910",
        ),
        Refused(429, zhipu(1113, "no"), QuotaExceededError, ZHIPU),
        Refused(
            429,
            zhipu("1308", "已达到 5 小时的使用上限。您的限额将在 18:00 重置"),
            QuotaExceededError,
            ZHIPU,
        ),
        Refused(
            400,
            {
                "contentFilter": [{"level": 0, "role": "user"}],
                **zhipu("1301", "系统检测到输入或生成内容可能包含不安全或敏感内容"),
            },
            ContentFilterError,
            ZHIPU,
        ),
        Refused(
            429, zhipu("1302", "您当前使用该 API 的并发数过高"), RateLimitError, ZHIPU
        ),
        Refused(
            429,
            zhipu("1305", "The service may be temporarily overloaded"),
            OverloadedError,
            ZHIPU,
        ),
        Refused(
            429,
            zhipu("1312", "该模型当前访问量过大,请您稍后再试"),
            OverloadedError,
            ZHIPU,
        ),
        Refused(
            400,
            zhipu("1211", "模型不存在,请检查模型代码"),
            ModelUnavailableError,
            ZHIPU,
        ),
        Refused(
            429,
            zhipu("1311", "当前订阅套餐暂未开放glm-x权限"),
            ModelUnavailableError,
            ZHIPU,
        ),
        Refused(
            400, zhipu("1212", "当前模型不支持 SYNC 调用方式"), UnsupportedError, ZHIPU
        ),
        Refused(
            400,
            zhipu("1214", "messages 参数非法。请检查文档"),
            InvalidRequestError,
            ZHIPU,
        ),
        Refused(401, zhipu("1002", "Token 非法"), AuthenticationError, ZHIPU),
        Refused(429, zhipu("1112", "您的账户已被锁定"), PermissionDeniedError, ZHIPU),
        Refused(200, zhipu("1234", "网络错误"), ServerError, ZHIPU),
        Refused(
            400,
            zhipu("model_context_window_exceeded", "no"),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            zhipu("1210", "输入过长,超出模型上下文长度"),
            ContextLengthError,
            REPORTS,
        ),
    ),
    "Z.ai": (
        Refused(
            429,
            zhipu("1113", "Insufficient balance or no resource package."),
            QuotaExceededError,
            "zai-org/GLM-5#49",
        ),
        Refused(
            400, zhipu("1261", "Prompt exceeds max length"), ContextLengthError, ZAI
        ),
        Refused(
            429,
            zhipu("1308", "Usage limit reached for 5 hour."),
            QuotaExceededError,
            ZAI,
        ),
        Refused(400, zhipu("1211", "Unknown Model"), ModelUnavailableError, ZAI),
    ),
    "GeminiOpenAI": (
        Refused(
            400,
            [
                google(
                    400,
                    "INVALID_ARGUMENT",
                    "The input token count (1196265) exceeds the maximum number of "
                    "tokens allowed (1048575).",
                )
            ],
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            429,
            [
                google(
                    429,
                    "RESOURCE_EXHAUSTED",
                    "You exceeded your current quota.",
                    quota("GenerateRequestsPerDayPerProjectPerModel-FreeTier"),
                )
            ],
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            404,
            [google(404, "NOT_FOUND", "models/none is not found for API version main")],
            ModelUnavailableError,
            RECORDED,
        ),
    ),
    "MiniMax": (
        Refused(
            400,
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "invalid params, context window exceeds limit (2013)",
                    "http_code": "400",
                },
                "request_id": "r",
            },
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            200,
            minimax(2013, "invalid params, context window exceeds limit"),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            200,
            minimax(2013, "invalid params"),
            InvalidRequestError,
            MINIMAX,
        ),
        Refused(
            200, minimax(1008, "insufficient balance"), QuotaExceededError, MINIMAX
        ),
        Refused(
            500,
            said("insufficient balance (1008)", type="insufficient_balance_error"),
            QuotaExceededError,
            "modelscope/modelscope#1691",
        ),
        Refused(
            200, minimax(2056, "usage limit exceeded"), QuotaExceededError, MINIMAX
        ),
        Refused(
            200,
            minimax(1004, "login fail: Please carry the API secret key"),
            AuthenticationError,
            MINIMAX,
        ),
        Refused(401, minimax(2049, "invalid api key"), AuthenticationError, MINIMAX),
        Refused(200, minimax(1026, "input new_sensitive"), ContentFilterError, MINIMAX),
        Refused(
            422,
            said("output new_sensitive (1027)", http_code="422"),
            ContentFilterError,
            REPORTS,
        ),
        Refused(200, minimax(1002, "rate limit"), RateLimitError, MINIMAX),
        Refused(200, minimax(1039, "token limit"), RateLimitError, MINIMAX),
        Refused(200, minimax(1041, "conn limit"), RateLimitError, MINIMAX),
        Refused(200, minimax(1000, "unknown error"), ServerError, MINIMAX),
        Refused(200, minimax(1001, "request timeout"), ServerError, MINIMAX),
        Refused(
            200,
            minimax(2061, "your current token plan not support model, MiniMax-x"),
            ModelUnavailableError,
            REPORTS,
        ),
    ),
    "Baidu": (
        Refused(
            200,
            {"error_code": 17, "error_msg": "Open api daily request limit reached"},
            QuotaExceededError,
            BAIDU,
        ),
        Refused(
            200,
            {"error_code": 18, "error_msg": "Open api qps request limit reached"},
            RateLimitError,
            BAIDU,
        ),
        Refused(
            200,
            {"error_code": 336007, "error_msg": "the max input characters is 2000"},
            ContextLengthError,
            BAIDU,
        ),
    ),
    "Cohere": (
        Refused(
            400,
            {
                "id": "x",
                "message": "too many tokens: total number of tokens in the prompt "
                "cannot exceed 128000 - received 140000. Try using a shorter prompt.",
            },
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            404,
            {
                "id": "x",
                "message": "model 'none' not found, make sure the correct model ID was "
                "used and that you have access to the model.",
            },
            ModelUnavailableError,
            RECORDED,
        ),
        Refused(401, {"message": "invalid api token"}, AuthenticationError, REPORTS),
    ),
}
