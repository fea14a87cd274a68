"""Rows that classify refusals by their codes, for any service and any status.

The first row that matches decides. Codes that say no more than a status does are in
`_status_rules`, and are used after the phrases.

Read 2026-11-30, if a row does not say otherwise.
"""

from __future__ import annotations

from collections.abc import Collection

from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    UnsupportedError,
)
from turnout.http._status import INSIDE, StatusRule

__all__ = ["CODES"]

_SDK = "the error codes of OpenAI's SDK 3.54.0"
_OPENROUTER = "openrouter.ai/docs/client-sdks/python/components/apierrortype"
_ZHIPU = "docs.bigmodel.cn/cn/api/api-code"
_MINIMAX = "platform.minimax.io/docs, error codes"
_MOONSHOT = "platform.kimi.ai/docs, errors; openclaw/openclaw"
_QWEN = "help.aliyun.com/en/model-studio/error-code"
_GROQ = "console.groq.com/docs/errors; model-permissions"
_LITELLM = "BerriAI/litellm: litellm/proxy/_types.py, ProxyErrorTypes"
_CLOUDFLARE = "developers.cloudflare.com/workers-ai/platform/errors"
_SILICONFLOW = "docs.siliconflow.cn/en/faqs/error-code"
_VOLCENGINE = "volcengine.com/docs/82379/1299023"
_NEW_API = "QuantumNous/new-api, songquanpeng/one-api: their error codes"
_COPILOT = "public clients of GitHub Copilot, by exact string"
_GITHUB = "public clients of GitHub Models, by exact string"
_ANTHROPIC = "platform.claude.com/docs/en/api/errors"
_GEMINI = "ai.google.dev/api/generate-content, FinishReason"


def _row(
    error: type[ProviderError],
    codes: str,
    service: str,
    source: str,
    *,
    statuses: Collection[int] = (),
    phrases: tuple[str, ...] = (),
) -> StatusRule:
    """Return a row; `codes` has them in lower case, with spaces between them.

    Services write them with `_`, with `-` and in camel case, and all three match.
    """
    names = codes.split()
    forms = [name.replace("_", form) for name in names for form in ("-", "")]
    return StatusRule(
        error=error,
        codes=frozenset([*names, *forms]),
        statuses=statuses,
        phrases=phrases,
        service=service,
        source=source,
    )


CODES: tuple[StatusRule, ...] = (
    # The text of a field is too long, and not the conversation.
    _row(
        InvalidRequestError,
        "string_above_max_length string_too_long",
        "OpenAI, OpenRouter",
        "BerriAI/litellm: exception_mapping_utils.py",
    ),
    # The service stores the conversation, so a retry could take a step twice.
    _row(
        InvalidRequestError,
        "thread_already_continued thread_continue_in_flight",
        "Anthropic",
        _ANTHROPIC,
    ),
    _row(
        ContextLengthError,
        "context_length_exceeded context_window_exceeded contextwindowexceedederror",
        "OpenAI, Azure, Groq, Cerebras, SambaNova, LiteLLM",
        "docs.sambanova.ai, API error codes; BerriAI/litellm",
    ),
    _row(
        ContextLengthError,
        "model_context_window_exceeded",
        "Anthropic, Z.ai",
        "anomalyco/opencode: packages/opencode/src/provider/error.ts",
    ),
    _row(
        ContextLengthError,
        "exceed_context_size_error",
        "llama.cpp",
        "ggml-org/llama.cpp: tools/server",
    ),
    _row(
        ContextLengthError,
        "model_max_prompt_tokens_exceeded max_prompt_tokens_exceeded",
        "GitHub Copilot",
        _COPILOT,
    ),
    _row(ContextLengthError, "tokens_limit_reached", "GitHub Models", _GITHUB),
    _row(
        ContextLengthError,
        "too_many_prompt_tokens",
        "Perplexity",
        "crmne/ruby_llm: handles_context_length_exceeded_errors.yml",
    ),
    _row(
        ContextLengthError,
        "invalid_request_prompt_too_long 3059 5059",
        "Mistral",
        "public clients of Mistral, by exact string",
        statuses={INSIDE, 400, 413, 422},
    ),
    _row(
        ContextLengthError,
        "token_limit_exceeded",
        "OpenRouter, Glean",
        _OPENROUTER,
        statuses={INSIDE, 400, 413, 422},
    ),
    _row(ContextLengthError, "1261", "Zhipu", _ZHIPU),
    _row(
        ContentFilterError,
        "content_filter content_filtered content_policy_violation moderation_blocked "
        "responsibleaipolicyviolation contentpolicyviolationerror",
        "OpenAI, Azure, OpenRouter, Moonshot, LiteLLM",
        "BerriAI/litellm: exception_mapping_utils.py; " + _OPENROUTER,
    ),
    _row(
        ContentFilterError,
        "bio_policy cyber_policy image_content_policy_violation invalid_prompt "
        "misalignment_policy_violation",
        "OpenAI",
        _SDK,
    ),
    _row(ContentFilterError, "refusal flagged_input", "OpenRouter", _OPENROUTER),
    _row(
        ContentFilterError, "data_inspection_failed datainspectionfailed", "Qwen", _QWEN
    ),
    # Without 429, because Mistral uses these numbers too.
    _row(
        ContentFilterError,
        "1301",
        "Zhipu",
        _ZHIPU,
        statuses={INSIDE, 400, 403, 422, 500},
    ),
    _row(ContentFilterError, "base_resp.1026 base_resp.1027", "MiniMax", _MINIMAX),
    _row(
        ContentFilterError,
        "sensitivecontentdetected inputtextsensitivecontentdetected "
        "inputimagesensitivecontentdetected outputtextsensitivecontentdetected "
        "inputtextriskdetection inputimageriskdetection outputtextriskdetection",
        "Volcengine",
        _VOLCENGINE,
    ),
    _row(
        ContentFilterError,
        "prohibited_content blocklist spii safety image_safety recitation",
        "Gemini",
        _GEMINI,
    ),
    _row(
        ContentFilterError,
        "sensitive_words_detected safety_check_failed",
        "new-api, ZenMux",
        _NEW_API + "; docs.zenmux.ai",
    ),
    _row(
        QuotaExceededError,
        "insufficient_quota credit_balance_exhausted billing_hard_limit_reached "
        "billing_not_active organization_spend_limit_exceeded "
        "organization_usage_limit_exceeded project_spend_limit_exceeded "
        "usage_limit_reached usage_not_included",
        "OpenAI",
        "platform.openai.com/docs/guides/error-codes; openai/codex",
    ),
    _row(
        QuotaExceededError,
        "billing_error contract_spend_limit_reached enforced_spend_limit_reached "
        "linked_organization_billing_unavailable "
        "linked_organization_spend_limit_reached user_profile_billing_not_authorized "
        "user_profile_not_billable",
        "Anthropic",
        _ANTHROPIC,
    ),
    _row(QuotaExceededError, "exceeded_current_quota_error", "Moonshot", _MOONSHOT),
    _row(
        QuotaExceededError,
        "arrearage allocationquota.freetieronly",
        "Qwen",
        _QWEN,
    ),
    _row(QuotaExceededError, "1113 1304 1308 1309 1310", "Zhipu", _ZHIPU),
    _row(
        QuotaExceededError,
        "base_resp.1008 base_resp.2056 insufficient_balance_error",
        "MiniMax",
        _MINIMAX + "; modelscope/modelscope#1691",
    ),
    # The limits per minute and per day have the same code.
    _row(
        RateLimitError,
        "token_quota_exceeded",
        "Cerebras",
        "public clients",
        phrases=("per minute", "per hour"),
    ),
    _row(QuotaExceededError, "token_quota_exceeded", "Cerebras", "public clients"),
    _row(QuotaExceededError, "3036", "Cloudflare", _CLOUDFLARE, statuses={INSIDE, 429}),
    _row(QuotaExceededError, "30001", "SiliconFlow", _SILICONFLOW),
    _row(QuotaExceededError, "accountoverdueerror", "Volcengine", _VOLCENGINE),
    _row(QuotaExceededError, "budget_exceeded", "LiteLLM", _LITELLM),
    _row(
        QuotaExceededError,
        "insufficient_user_quota pre_consume_token_quota_failed quota_not_enough "
        "insufficient_balance insufficient_credits insufficient_credit "
        "reject_no_credit quote_exceeded creditserror gousagelimiterror "
        "not_enough_balance",
        "new-api, ZenMux, OpenCode Zen, Novita",
        _NEW_API + "; docs.zenmux.ai; anomalyco/opencode",
    ),
    _row(
        QuotaExceededError,
        "quota_exceeded",
        "GitHub Copilot",
        _COPILOT,
        statuses={INSIDE, 402},
    ),
    # OpenRouter's budget for requests in progress is free again in a moment.
    StatusRule(
        error=RateLimitError,
        statuses={402},
        hinted=True,
        service="OpenRouter",
        source="openrouter.ai/docs/api/reference/limits",
    ),
    _row(
        AuthenticationError,
        "api_key_invalid invalid_api_key invalidapikey invalid_authentication_error",
        "Gemini, OpenAI, Qwen, Moonshot",
        "; ".join((_QWEN, _MOONSHOT)),
    ),
    _row(AuthenticationError, "base_resp.1004 base_resp.2049", "MiniMax", _MINIMAX),
    _row(
        ModelUnavailableError,
        "model_not_found model_not_available model_not_supported model_not_exist "
        "model_deprecated model_decommissioned invalid_model unknown_model "
        "unavailable_model modelnotfound model_not_active no_such_model "
        "model_unavailable model_not_allowed deploymentnotfound",
        "OpenAI, Groq, Together, Mistral, Perplexity, Hugging Face, Qwen, Azure",
        "recordings of pydantic/pydantic-ai; " + _GROQ,
    ),
    _row(
        ModelUnavailableError,
        "model_permission_blocked_org model_permission_blocked_project",
        "Groq",
        _GROQ,
    ),
    _row(
        ModelUnavailableError,
        "model_access_denied key_model_access_denied team_model_access_denied "
        "user_model_access_denied",
        "LiteLLM, Novita",
        _LITELLM + "; novita.ai/docs/guides/error",
    ),
    _row(
        ModelUnavailableError, "no_access", "GitHub Models", _GITHUB, phrases=("model",)
    ),
    _row(
        ModelUnavailableError,
        "invalidendpointormodel.notfound invalidendpoint.notfound "
        "invalidendpoint.closedendpoint modelnotopen",
        "Volcengine",
        _VOLCENGINE,
    ),
    _row(ModelUnavailableError, "1211 1221 1222 1311", "Zhipu", _ZHIPU),
    _row(ModelUnavailableError, "base_resp.2061", "MiniMax", _MINIMAX),
    _row(
        ModelUnavailableError,
        "5007 5016 5018 3041 3042",
        "Cloudflare",
        _CLOUDFLARE,
        statuses={INSIDE, 400, 403, 404},
    ),
    _row(ModelUnavailableError, "20012 30003", "SiliconFlow", _SILICONFLOW),
    _row(
        InvalidReplyError,
        "tool_use_failed json_validate_failed output_parse_failed",
        "Groq",
        _GROQ,
    ),
    _row(
        InvalidReplyError,
        "malformed_function_call unexpected_tool_call malformed_response "
        "too_many_tool_calls missing_thought_signature no_image",
        "Gemini",
        _GEMINI,
    ),
    _row(
        UnsupportedError,
        "unsupported_parameter unsupported_value unknown_parameter "
        "invalid_json_schema invalid_function_parameters unsupportedparamserror",
        "OpenAI, Azure, LiteLLM",
        "vercel/ai: packages/openai fixtures; BerriAI/litellm#7693",
    ),
    _row(
        UnsupportedError,
        "extra_forbidden",
        "Mistral, Fireworks, vLLM",
        "pydantic's error types",
        statuses={INSIDE, 400, 422},
    ),
    _row(
        UnsupportedError,
        "not_supported_error",
        "llama.cpp",
        "ggml-org/llama.cpp: tools/server",
    ),
    _row(UnsupportedError, "1212", "Zhipu", _ZHIPU),
    _row(UnsupportedError, "unsupported_api_for_model", "GitHub Copilot", _COPILOT),
    _row(RequestTooLargeError, "request_too_large", "Anthropic", _ANTHROPIC),
    _row(RequestTooLargeError, "payload_too_large", "OpenRouter", _OPENROUTER),
    _row(
        OverloadedError,
        "overloaded_error server_is_overloaded",
        "Anthropic, OpenAI",
        _ANTHROPIC + "; platform.openai.com/docs/guides/error-codes",
    ),
    _row(OverloadedError, "engine_overloaded_error", "Moonshot", _MOONSHOT),
    _row(
        OverloadedError,
        "service_tier_capacity_exceeded 3505",
        "Mistral",
        "public clients of Mistral, by exact string",
        statuses={INSIDE, 429, 503},
    ),
    _row(OverloadedError, "1305 1312", "Zhipu", _ZHIPU),
    _row(OverloadedError, "3040", "Cloudflare", _CLOUDFLARE, statuses={INSIDE, 429}),
    _row(
        OverloadedError,
        "insufficient_system_resource serveroverloaded over_capacity",
        "DeepSeek, Volcengine, Groq",
        "api-docs.deepseek.com; " + _VOLCENGINE,
        statuses={INSIDE, 429, 500, 502, 503},
    ),
    _row(
        RateLimitError,
        "base_resp.1002 base_resp.1039 base_resp.1041 base_resp.2045",
        "MiniMax",
        _MINIMAX,
    ),
    _row(RateLimitError, "1302 1303 1313", "Zhipu", _ZHIPU),
    _row(
        PermissionDeniedError,
        "1110 1111 1112 1121 1220",
        "Zhipu",
        _ZHIPU,
    ),
    # The region, or a free tier that a country lacks.
    _row(
        PermissionDeniedError,
        "failed_precondition",
        "Gemini",
        "ai.google.dev/gemini-api/docs/troubleshooting",
        statuses={INSIDE, 400},
        phrases=("location", "country", "billing"),
    ),
    _row(
        ServerError,
        "base_resp.1000 base_resp.1001 base_resp.1013 base_resp.1024 base_resp.1033",
        "MiniMax",
        _MINIMAX,
    ),
    _row(ServerError, "timeout_error", "Anthropic", _ANTHROPIC),
    _row(ServerError, "vector_store_timeout", "OpenAI", _SDK),
    _row(ServerError, "1230 1234", "Zhipu", _ZHIPU),
)
