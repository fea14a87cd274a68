"""Refusals of those who run others' models, and of gateways."""

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

__all__ = ["HOSTS"]

OPENCODE = "anomalyco/opencode: provider/error.ts, read 2026-11-30"
LITELLM = "BerriAI/litellm: exception_mapping_utils.py, read 2026-11-30"
REPORTS = "public reports, found by these words 2026-11-30"
GROQ = "console.groq.com/docs/errors, read 2026-11-30"
OPENROUTER = "openrouter.ai/docs, errors and debugging, read 2026-11-30"
CLOUDFLARE = "developers.cloudflare.com/workers-ai/platform/errors, read 2026-11-30"
SILICONFLOW = "docs.siliconflow.cn/en/faqs/error-code, read 2026-11-30"
SAMBANOVA = "docs.sambanova.ai, API error codes, read 2026-11-30"
BASETEN = "docs.baseten.co/inference/errors, read 2026-11-30"
VARIATION = "own variation"
VOLCENGINE = "volcengine.com/docs/82379/1299023, read 2026-11-30"


def openrouter(code: object, message: str, **metadata: object) -> dict[str, object]:
    return said(message, code=code, metadata=metadata)


def cloudflare(code: int, message: str) -> dict[str, object]:
    return {
        "errors": [{"message": message, "code": code}],
        "success": False,
        "result": {},
        "messages": [],
    }


def litellm(message: str, code: str, **fields: object) -> dict[str, object]:
    return said(message, type=None, param=None, code=code, **fields)


HOSTS: Table = {
    "Groq": (
        Refused(
            400,
            said(
                "Please reduce the length of the messages or completion.",
                type="invalid_request_error",
                param="messages",
                code="context_length_exceeded",
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            413,
            said(
                "Request too large for model `x` in organization `o` service tier "
                "`on_demand` on tokens per minute (TPM): Limit 6000, Requested 10289, "
                "please reduce your message size and try again.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            RequestTooLargeError,
            REPORTS,
        ),
        Refused(
            429,
            said(
                "Rate limit reached for model `x` in organization `o` on tokens per "
                "day (TPD): Limit 100000, Used 99500, Requested 1200. Please try again "
                "in 10m5s.",
                type="tokens",
                code="rate_limit_exceeded",
            ),
            RateLimitError,
            GROQ,
        ),
        Refused(
            400,
            said(
                "The model `x` has been decommissioned and is no longer supported.",
                type="invalid_request_error",
                code="model_decommissioned",
            ),
            ModelUnavailableError,
            "openclaw/openclaw#97564",
        ),
        Refused(
            403,
            said(
                "The model `x` is blocked at the organization level.",
                type="permissions_error",
                code="model_permission_blocked_org",
            ),
            ModelUnavailableError,
            "console.groq.com/docs/model-permissions, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "Failed to call a function. Please adjust your prompt.",
                type="invalid_request_error",
                code="tool_use_failed",
                failed_generation="<function=look>insufficient balance",
            ),
            InvalidReplyError,
            "recordings of pydantic/pydantic-ai: test_tool_use_failed_error",
        ),
        Refused(
            400,
            said(
                "Failed to generate JSON. Please adjust your prompt.",
                code="json_validate_failed",
                failed_generation="{",
            ),
            InvalidReplyError,
            REPORTS,
        ),
        Refused(
            200,
            said("Tool choice is none, but model called a tool", status_code=400),
            InvalidReplyError,
            REPORTS,
        ),
        Refused(
            400,
            said(
                "This model does not support response format `json_schema`.",
                type="invalid_request_error",
                param="response_format",
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            503,
            said("x is currently over capacity.", type="internal_server_error"),
            OverloadedError,
            GROQ,
        ),
        Refused(
            401,
            said("Invalid API Key", code="invalid_api_key"),
            AuthenticationError,
            GROQ,
        ),
    ),
    "Cerebras": (
        Refused(
            400,
            {
                "message": "Please reduce the length of the messages or completion. "
                "Current length is 10029 while limit is 8192",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            },
            ContextLengthError,
            LITELLM,
        ),
        Refused(
            400,
            {"message": "Current length is 10029 while limit is 8192"},
            ContextLengthError,
            LITELLM,
        ),
        Refused(
            429,
            {
                "message": "Tokens per day limit exceeded - too many tokens processed.",
                "type": "too_many_tokens_error",
                "param": "quota",
                "code": "token_quota_exceeded",
            },
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            429,
            {
                "message": "Tokens per minute limit exceeded - too many tokens "
                "processed.",
                "type": "too_many_tokens_error",
                "param": "quota",
                "code": "token_quota",
            },
            RateLimitError,
            "own variation",
        ),
        Refused(
            404,
            {
                "message": "Model x does not exist or you do not have access to it.",
                "type": "not_found_error",
                "param": "model",
                "code": "model_not_found",
            },
            ModelUnavailableError,
            REPORTS,
        ),
    ),
    "Together": (
        Refused(
            422,
            said(
                "Input validation error: `inputs` tokens + `max_new_tokens` must be "
                "<= 4097. Given: 5013 `inputs` tokens and 128 `max_new_tokens`",
                type="invalid_request_error",
            ),
            ContextLengthError,
            "portkey.ai, error library, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "The input (516368 tokens) is longer than the model's context length "
                "(262144 tokens)."
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            403,
            said("Set max_tokens to a lower number."),
            ContextLengthError,
            "docs.together.ai/docs/error-codes, read 2026-11-30",
        ),
        Refused(
            400,
            said(
                "Unable to access non-serverless model x. Please create and start a "
                "new dedicated endpoint for the model.",
                type="invalid_request_error",
                code="model_not_available",
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            402,
            said("Credit limit exceeded"),
            QuotaExceededError,
            "docs.together.ai/docs/error-codes, read 2026-11-30",
        ),
    ),
    "Fireworks": (
        Refused(
            400,
            said(
                "The prompt is too long: 150000, model maximum context length: 131071",
                code="invalid_request_error",
            ),
            ContextLengthError,
            REPORTS,
        ),
        Refused(
            412,
            said(
                "Account a is suspended, possibly due to reaching the monthly spending "
                "limit or failure to pay past invoices.",
                code="PRECONDITION_FAILED",
            ),
            QuotaExceededError,
            "docs.fireworks.ai, inference error codes, read 2026-11-30",
        ),
        Refused(
            404,
            said("Model not found, inaccessible, and/or not deployed"),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            400,
            said("Extra inputs are not permitted, field: 'logit_bias'"),
            UnsupportedError,
            REPORTS,
        ),
    ),
    "OpenRouter": (
        Refused(
            400,
            openrouter(
                400,
                "This endpoint's maximum context length is 131072 tokens. However, you "
                "requested about 150000 tokens.",
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            openrouter(400, "Bad", error_type="context_length_exceeded"),
            ContextLengthError,
            OPENROUTER,
        ),
        Refused(
            400,
            openrouter(
                400,
                "Provider returned error",
                raw='{"error":{"message":"no","code":"context_length_exceeded"}}',
                provider_name="Azure",
            ),
            ContextLengthError,
            OPENROUTER,
        ),
        Refused(
            400,
            openrouter(
                400,
                "Provider returned error",
                raw='{"error":{"code":400,"message":"Developer instruction is not '
                'enabled for models/gemma-3-27b-it"}}',
                provider_name="Google AI Studio",
            ),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            429,
            openrouter(
                429,
                "Provider returned error",
                raw="x is temporarily rate-limited upstream. Please retry shortly.",
                provider_name="Chutes",
            ),
            RateLimitError,
            REPORTS,
        ),
        Refused(
            400,
            openrouter(400, "foo/bar is not a valid model ID"),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            404,
            openrouter(404, "No endpoints found for foo/bar."),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            404,
            openrouter(404, "No endpoints found that support tool use."),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            404,
            openrouter(404, "No endpoints found that support image input"),
            UnsupportedError,
            REPORTS,
        ),
        Refused(
            429,
            openrouter(
                429,
                "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock "
                "1000 free model requests per day",
            ),
            QuotaExceededError,
            "openclaw/openclaw#147546",
        ),
        Refused(
            429,
            openrouter(429, "Rate limit exceeded: free-models-per-min."),
            RateLimitError,
            OPENROUTER,
        ),
        Refused(
            402,
            openrouter(
                402,
                "This request requires more credits, or fewer max_tokens. You "
                "requested up to 65536 tokens, but can only afford 1000.",
            ),
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            403,
            openrouter(
                403,
                "x requires moderation. Your input was flagged",
                reasons=["hate"],
                flagged_input="you ...",
            ),
            ContentFilterError,
            OPENROUTER,
        ),
        Refused(
            200,
            openrouter(403, "no", error_type="refusal"),
            ContentFilterError,
            OPENROUTER,
        ),
        Refused(
            400,
            openrouter(400, "messages.1: empty", error_type="invalid_prompt"),
            InvalidRequestError,
            OPENROUTER,
        ),
        Refused(
            400,
            openrouter(
                400,
                "Provider returned error",
                error_type="invalid_prompt",
                raw="Your prompt was flagged as potentially violating our usage policy",
            ),
            ContentFilterError,
            OPENROUTER,
        ),
        Refused(
            200,
            openrouter("x", "no", error_type="provider_overloaded"),
            OverloadedError,
            OPENROUTER,
        ),
        Refused(
            413,
            openrouter(413, "no", error_type="payload_too_large"),
            RequestTooLargeError,
            OPENROUTER,
        ),
        Refused(
            400,
            openrouter(400, "no", error_type="token_limit_exceeded"),
            ContextLengthError,
            OPENROUTER,
        ),
        Refused(401, openrouter(401, "User not found."), AuthenticationError, REPORTS),
    ),
    "LiteLLM": (
        Refused(
            400,
            litellm(
                'litellm.BadRequestError: BedrockException - {"message":"Input is too '
                'long for requested model."}',
                "400",
            ),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            litellm(
                "litellm.ContextWindowExceededError: litellm.BadRequestError: no. "
                "Received Model Group=m",
                "400",
            ),
            ContextLengthError,
            LITELLM,
        ),
        Refused(
            400,
            litellm(
                "litellm.BadRequestError: OpenAIException - Error code: 400 - "
                "{'error': {'message': 'no', 'code': 'context_length_exceeded'}}",
                "400",
            ),
            ContextLengthError,
            LITELLM,
        ),
        Refused(
            400,
            litellm("litellm.ContentPolicyViolationError: AzureException - no", "400"),
            ContentFilterError,
            LITELLM,
        ),
        Refused(
            400,
            litellm(
                "litellm.BudgetExceededError: ExceededBudget: Crossed spend threshold. "
                "Budget has been exceeded! Current cost: 12.3, Max budget: 12.0",
                "400",
            ),
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            429,
            litellm(
                "litellm.RateLimitError: RateLimitError: OpenAIException - You "
                "exceeded your current quota, please check your plan and billing "
                "details.",
                "429",
            ),
            QuotaExceededError,
            LITELLM,
        ),
        Refused(
            429,
            litellm(
                'litellm.RateLimitError: geminiException - {"error": {"status": '
                '"RESOURCE_EXHAUSTED", "message": "You exceeded your current quota, '
                'please check your plan and billing details.", "details": [{"quotaId": '
                '"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}}',
                "429",
            ),
            RateLimitError,
            LITELLM,
        ),
        Refused(
            401,
            {
                "error": {
                    "message": "key not allowed to access model. This key can only "
                    "access models=['m']. Tried to access x",
                    "type": "key_model_access_denied",
                    "param": "model",
                    "code": "401",
                }
            },
            ModelUnavailableError,
            "BerriAI/litellm: litellm/proxy/_types.py, read 2026-11-30",
        ),
        Refused(
            400,
            litellm(
                "/chat/completions: Invalid model name passed in model=x. Call "
                "`/v1/models` to view available models for your key.",
                "400",
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            400,
            litellm(
                "litellm.UnsupportedParamsError: gemini does not support parameters: "
                "['logit_bias'], for model=x.",
                "400",
            ),
            UnsupportedError,
            LITELLM,
        ),
        Refused(
            500,
            litellm(
                "litellm.RateLimitError: BedrockException - Throttling error: Too many "
                "tokens, please wait before trying again.",
                "500",
            ),
            RateLimitError,
            "badlogic/pi-mono: overflow.ts, read 2026-11-30",
        ),
        Refused(
            400,
            said("no", type="budget_exceeded", code="400"),
            QuotaExceededError,
            "BerriAI/litellm: litellm/proxy/_types.py, read 2026-11-30",
        ),
        Refused(
            429,
            litellm("No deployments available for selected model", "429"),
            RateLimitError,
            REPORTS,
        ),
    ),
    "Bedrock": (
        Refused(
            400,
            {"message": "Input is too long for requested model."},
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            said(
                "Malformed input request: expected maxLength: 20000, actual: 24000, "
                "please reformat your input and try again.",
                type="invalid_request_error",
                code="validation_error",
            ),
            ContextLengthError,
            REPORTS,
        ),
        Refused(
            400,
            {"message": "The provided model identifier is invalid."},
            ModelUnavailableError,
            "recordings of pydantic/pydantic-ai, read 2026-11-30",
        ),
        Refused(
            400,
            {
                "__type": "com.amazon.coral.service#ValidationException",
                "Message": "The maximum tokens you requested exceeds the model limit "
                "of 4096.",
            },
            InvalidRequestError,
            REPORTS,
        ),
        Refused(
            429,
            {"message": "Too many tokens, please wait before trying again."},
            RateLimitError,
            "badlogic/pi-mono: overflow.ts, read 2026-11-30",
        ),
        Refused(
            400,
            {"message": "This model doesn't support tool use in streaming mode."},
            UnsupportedError,
            REPORTS,
        ),
    ),
    "Databricks": (
        Refused(
            400,
            {
                "error_code": "BAD_REQUEST",
                "message": "Bad request: prompt token count (140000) cannot exceed "
                "131072. Please reduce the length of your prompt.",
            },
            ContextLengthError,
            "mlflow's tests, found 2026-11-30",
        ),
        Refused(
            500,
            {
                "message": "Error: prompt token count (29) + max output tokens (4085) "
                "cannot exceed 4096. Please reduce the length of your prompt and/or "
                "max output tokens generated.\n"
            },
            ContextLengthError,
            "mlflow's tests, found 2026-11-30",
        ),
        Refused(
            400,
            {
                "error_code": "BAD_REQUEST",
                "message": "Bad request: rpc error: code = InvalidArgument desc = "
                "max_tokens (10000) cannot exceed 8192. Please reduce the length of "
                "max output tokens generated.",
            },
            InvalidRequestError,
            "databricks/databricks-sdk-go#1183",
        ),
        Refused(
            403,
            {
                "error_code": "PERMISSION_DENIED",
                "message": "PERMISSION_DENIED: The endpoint is temporarily disabled "
                "due to a Databricks-set rate limit of 0.",
            },
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            404,
            {
                "error_code": "ENDPOINT_NOT_FOUND",
                "message": "The given endpoint does not exist.",
            },
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            429,
            {
                "error_code": "REQUEST_LIMIT_EXCEEDED",
                "message": "Exceeded workspace input tokens per minute rate limit for "
                "databricks-x.",
            },
            RateLimitError,
            REPORTS,
        ),
    ),
    "Cloudflare": (
        Refused(
            400,
            cloudflare(
                8007,
                "AiError: The estimated number of input and maximum output tokens "
                "(9000) exceeded this model context window limit (8192)",
            ),
            ContextLengthError,
            REPORTS,
        ),
        Refused(
            400,
            cloudflare(5007, "No such model @cf/x or task"),
            ModelUnavailableError,
            CLOUDFLARE,
        ),
        Refused(
            403,
            cloudflare(5018, "This account is not allowed to access this model."),
            ModelUnavailableError,
            CLOUDFLARE,
        ),
        Refused(
            429,
            cloudflare(
                3036,
                "You have used up your daily free allocation of 10,000 neurons.",
            ),
            QuotaExceededError,
            CLOUDFLARE,
        ),
        Refused(
            429,
            cloudflare(3040, "No more data centers to forward the request to"),
            OverloadedError,
            CLOUDFLARE,
        ),
        Refused(413, cloudflare(3006, "too large"), RequestTooLargeError, CLOUDFLARE),
        Refused(
            200,
            cloudflare(10000, "Authentication failed"),
            AuthenticationError,
            "own variation",
        ),
    ),
    "HuggingFace": (
        Refused(
            400,
            said(
                "The requested model 'x' is not supported by any provider you have "
                "enabled.",
                type="invalid_request_error",
                param="model",
                code="model_not_supported",
            ),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            402,
            {
                "error": "You have exceeded your monthly included credits for "
                "Inference Providers. Subscribe to PRO."
            },
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            422,
            {
                "error": "Input validation error: `inputs` must have less than 1024 "
                "tokens. Given: 2000",
                "error_type": "validation",
            },
            ContextLengthError,
            "huggingface/text-generation-inference, read 2026-11-30",
        ),
        Refused(
            503,
            {"error": "Model x is currently loading", "estimated_time": 20.0},
            OverloadedError,
            REPORTS,
        ),
    ),
    "SambaNova": (
        Refused(
            400,
            said(
                "The prompt and the answer are longer than the model takes.",
                type="invalid_request_error",
                code="context_length_exceeded",
            ),
            ContextLengthError,
            SAMBANOVA,
        ),
        Refused(
            410,
            said("The model x is gone.", type="invalid_request_error"),
            ModelUnavailableError,
            SAMBANOVA,
        ),
        Refused(
            400,
            said(
                "Decimal above maximum value. Expected a value between 0 and 1, but "
                "got 100 instead.",
                type="invalid_request_error",
                param="top_p",
                code="decimal_above_max_value",
            ),
            InvalidRequestError,
            SAMBANOVA,
        ),
        Refused(504, said("queue"), ServerError, SAMBANOVA),
    ),
    "NVIDIA": (
        Refused(
            410,
            {
                "type": "about:blank",
                "status": 410,
                "title": "Gone",
                "detail": "The model 'meta/x' has reached its end of life on "
                "2026-08-26 and is no longer available.",
            },
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            400,
            said("Prompt length (5000) exceeds maximum input length (4096)"),
            ContextLengthError,
            REPORTS,
        ),
        Refused(404, "404 page not found", ModelUnavailableError, REPORTS),
    ),
    "GitHub Models": (
        Refused(
            413,
            said(
                "Request body too large for gpt-4o model. Max size: 8000 tokens.",
                code="tokens_limit_reached",
            ),
            ContextLengthError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            403,
            said("No access to model: openai/gpt-9", code="no_access"),
            ModelUnavailableError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            400,
            said("Unknown model: x", code="unknown_model"),
            ModelUnavailableError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            429,
            said(
                "Rate limit of 10 per 60s exceeded for UserByModelByMinute.",
                code="RateLimitReached",
            ),
            RateLimitError,
            "public clients, found 2026-11-30",
        ),
    ),
    "GitHub Copilot": (
        Refused(
            400,
            said(
                "prompt token count of 391491 exceeds the limit of 128000",
                code="model_max_prompt_tokens_exceeded",
            ),
            ContextLengthError,
            "public clients, found 2026-11-30",
        ),
        Refused(
            400,
            said("prompt token count of 130000 exceeds the limit of 128000"),
            ContextLengthError,
            OPENCODE,
        ),
        Refused(
            400,
            said("The requested model is not supported.", code="model_not_supported"),
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            402,
            said("You have no quota", code="quota_exceeded"),
            QuotaExceededError,
            REPORTS,
        ),
    ),
    "SiliconFlow": (
        Refused(
            400,
            {
                "code": 20012,
                "message": "Model does not exist. Please check it carefully.",
                "data": None,
            },
            ModelUnavailableError,
            SILICONFLOW,
        ),
        Refused(
            403,
            {
                "code": 30001,
                "message": "Sorry, your account balance is insufficient",
                "data": None,
            },
            QuotaExceededError,
            SILICONFLOW,
        ),
        Refused(
            503,
            {"code": 50505, "message": "Model service overloaded.", "data": None},
            OverloadedError,
            SILICONFLOW,
        ),
        Refused(401, '"Invalid token"', AuthenticationError, SILICONFLOW),
    ),
    "Volcengine": (
        Refused(
            403,
            said(
                "The request failed because your account has an overdue balance.",
                type="Forbidden",
                code="AccountOverdueError",
            ),
            QuotaExceededError,
            VOLCENGINE,
        ),
        Refused(
            400,
            said(
                "The request failed because the input text may contain sensitive "
                "information.",
                type="BadRequest",
                code="InputTextSensitiveContentDetected",
            ),
            ContentFilterError,
            VOLCENGINE,
        ),
        Refused(
            404,
            said(
                "Your account has not activated the model x.",
                type="NotFound",
                code="ModelNotOpen",
            ),
            ModelUnavailableError,
            VOLCENGINE,
        ),
    ),
    "Novita": (
        Refused(
            403,
            {
                "code": 403,
                "reason": "NOT_ENOUGH_BALANCE",
                "message": "not enough balance",
            },
            QuotaExceededError,
            REPORTS,
        ),
        Refused(
            403,
            said("no", code="model_access_denied"),
            ModelUnavailableError,
            "novita.ai/docs/guides/error, read 2026-11-30",
        ),
        Refused(
            404,
            {"code": 404, "reason": "MODEL_NOT_FOUND", "message": "model not found"},
            ModelUnavailableError,
            REPORTS,
        ),
    ),
    "Baseten": (
        Refused(
            402,
            {"error": "There is a billing problem."},
            QuotaExceededError,
            BASETEN,
        ),
        Refused(404, {"error": "No such thing"}, ModelUnavailableError, BASETEN),
        Refused(
            400,
            {
                "error": '{"object":"error","message":"This model\'s maximum context '
                'length is 8192 tokens.","code":400}'
            },
            ContextLengthError,
            BASETEN + ": a model's own error is passed through",
        ),
    ),
    "DeepInfra": (
        Refused(
            400,
            said(
                "This model's maximum context length is 8192 tokens. However, you "
                "requested 9000 tokens.",
                type="invalid_request_error",
            ),
            ContextLengthError,
            "own variation: it runs vLLM and SGLang",
        ),
        Refused(
            404, said("The model `x` does not exist"), ModelUnavailableError, VARIATION
        ),
        Refused(429, {"detail": "Model busy, retry later"}, RateLimitError, VARIATION),
    ),
    "Nebius": (
        Refused(
            404,
            {"detail": "The model `x` does not exist."},
            ModelUnavailableError,
            VARIATION,
        ),
        Refused(402, {"detail": "no"}, QuotaExceededError, VARIATION),
        Refused(
            422,
            {"detail": [{"type": "missing", "msg": "Field required"}]},
            InvalidRequestError,
            VARIATION,
        ),
    ),
    "Vercel": (
        Refused(
            404,
            said("Model not available", type="model_not_found"),
            ModelUnavailableError,
            "vercel/ai: packages/gateway tests, read 2026-11-30",
        ),
        Refused(
            403,
            said("Request denied by a routing rule.", type="forbidden"),
            PermissionDeniedError,
            "vercel/ai: packages/gateway tests, read 2026-11-30",
        ),
        Refused(
            429,
            said("Rate limit exceeded. Try again later.", type="rate_limit_exceeded"),
            RateLimitError,
            "vercel/ai: packages/gateway tests, read 2026-11-30",
        ),
    ),
    "OpenCode Zen": (
        Refused(
            401,
            {
                "type": "error",
                "error": {"type": "CreditsError", "message": "No payment method"},
            },
            QuotaExceededError,
            "anomalyco/opencode, read 2026-11-30",
        ),
        Refused(
            401,
            {"type": "error", "error": {"message": "No payment method"}},
            QuotaExceededError,
            "own variation",
        ),
    ),
    "ZenMux": (
        Refused(
            403,
            said("no", code="403", type="safety_check_failed"),
            ContentFilterError,
            "docs.zenmux.ai, error codes, read 2026-11-30",
        ),
        Refused(
            402,
            said("no", code="402", type="reject_no_credit"),
            QuotaExceededError,
            "docs.zenmux.ai, error codes, read 2026-11-30",
        ),
    ),
    "new-api": (
        Refused(
            403,
            said(
                "用户额度不足, 剩余额度: $0.00",
                type="new_api_error",
                code="insufficient_user_quota",
            ),
            QuotaExceededError,
            "QuantumNous/new-api, read 2026-11-30",
        ),
        Refused(
            503,
            said(
                "当前分组 default 下对于模型 x 无可用渠道",
                type="new_api_error",
                code="model_not_found",
            ),
            ModelUnavailableError,
            "QuantumNous/new-api, read 2026-11-30",
        ),
        Refused(
            200,
            {"code": 1, "msg": "无可用渠道"},
            ModelUnavailableError,
            REPORTS,
        ),
        Refused(
            401,
            said("无效的令牌", type="new_api_error"),
            AuthenticationError,
            "QuantumNous/new-api, read 2026-11-30",
        ),
    ),
    "FastAPI": (
        Refused(
            500,
            {
                "detail": "Error code: 429 - {'error': {'message': 'Rate limit reached "
                "for m', 'code': 'rate_limit_exceeded'}}"
            },
            RateLimitError,
            "own variation: how Python prints an error of OpenAI's SDK",
        ),
        Refused(
            500,
            {"detail": {"error": {"message": "no", "code": "context_length_exceeded"}}},
            ContextLengthError,
            "own variation",
        ),
        Refused(
            400,
            {"detail": '{"error": {"message": "Insufficient credits"}}'},
            QuotaExceededError,
            "own variation",
        ),
    ),
}
