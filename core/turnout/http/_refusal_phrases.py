"""Rows that classify refusals by phrases of their message, if no code decides.

The first row that matches decides, so their order matters: messages about tokens per
minute contain words of context limits too. A phrase has only the words that distinguish
it, because proxies quote messages of other services in their own.

Read 2026-11-30, if a row does not say otherwise. "opencode" is anomalyco/opencode's
packages/opencode/src/provider/error.ts, "pi" badlogic/pi-mono's
packages/ai/src/utils/overflow.ts, "LiteLLM" BerriAI/litellm's
litellm/litellm_core_utils/exception_mapping_utils.py. "Public reports" were found by
the exact words.
"""

from __future__ import annotations

from turnout.errors import (
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    PermissionDeniedError,
    UnsupportedError,
)
from turnout.http._refusal_filters import FILTERED
from turnout.http._refusal_general import NO_MONEY, TOO_LONG
from turnout.http._refusal_limits import LIMITS
from turnout.http._refusal_offers import NO_MODEL, UNSUPPORTED
from turnout.http._status import INSIDE, StatusRule, phrase_rows

__all__ = ["PHRASES"]

_REPORTS = "public reports"
_QWEN = "help.aliyun.com/en/model-studio/error-code"
_ZHIPU = "docs.bigmodel.cn/cn/api/api-code"

_REFUSED = frozenset({INSIDE, 400, 403, 404, 413, 422, 424})
_REFUSED_OR_FAILED = _REFUSED | {500, 502, 503}


_FILTERED = phrase_rows(
    ContentFilterError,
    {INSIDE, 400, 403, 422, 451, 500},
    (
        "xAI",
        "theopenco/llmgateway#1785, UKGovernmentBEIS/inspect_ai#2267",
        ("content violates usage guidelines", "safety_check_type"),
    ),
    (
        "DeepSeek",
        "NousResearch/hermes-agent#115218, whiteguo233/OpenBiliClaw#199",
        ("content exists risk",),
    ),
    ("Anthropic", _REPORTS, ("blocked by content filtering policy",)),
    (
        "OpenAI, Azure",
        "LiteLLM",
        (
            "result of our safety system",
            "result of the safety system",
            "content management policy",
            "violating our usage policy",
            "violate our usage policies",
            "violates our usage policies",
            "violat*content polic",
            "safety polic",
            "content moderation",
            "content safety",
            "harmful content",
        ),
    ),
    ("Moonshot", _REPORTS, ("considered high risk",)),
    ("Qwen", _QWEN, ("inappropriate content",)),
    ("Volcengine", "volcengine.com/docs/82379", ("may contain sensitive information",)),
    (
        "MiniMax",
        "platform.minimax.io/docs, error codes",
        ("new_sensitive",),
    ),
    (
        "OpenRouter",
        "openrouter.ai/docs/api/reference/errors-and-debugging",
        ("your input was flagged", "input was flagged for"),
    ),
    (
        "LiteLLM, Gemini",
        "LiteLLM",
        ("contentpolicyviolationerror", "prohibited_content"),
    ),
    ("Zhipu", _ZHIPU, ("敏感内容", "敏感信息", "违规内容")),
)

_TOO_LONG = (
    *phrase_rows(
        ContextLengthError,
        _REFUSED_OR_FAILED,
        (
            "OpenAI, DeepSeek, OpenRouter, vLLM, SGLang, Mistral",
            "opencode; LiteLLM",
            (
                "maximum context length",
                "maximum context limit",
                "exceed*context window",
                "exceed*context length",
                "exceed*context size",
                "exceed*context limit",
                "context length*exceed",
                "context window*exceed",
                "context size*exceed",
                "longer than*context length",
                "input tokens exceed",
                "reduce the length of the messages",
            ),
        ),
        (
            "Gemini",
            "opencode; LiteLLM",
            (
                "exceeds the maximum number of tokens",
                "input token count*exceeds the maximum",
            ),
        ),
        ("xAI", "opencode", ("maximum prompt length is",)),
        ("Bedrock", "opencode", ("input is too long for requested model",)),
        ("Bedrock", _REPORTS, ("expected maxlength:*actual:",)),
        ("Gemini", "iBUHub/AIStudioToAPI#268", ("cannot truncate to",)),
        (
            "GitHub Copilot",
            "opencode; " + _REPORTS,
            ("prompt token count*exceed", "prompt exceeds the limit of"),
        ),
        (
            "llama.cpp",
            "ggml-org/llama.cpp: tools/server",
            (
                "too big compared to kv size",
                "input is too large to process",
                "context shift is disabled",
            ),
        ),
        (
            "LM Studio",
            "opencode; " + _REPORTS,
            (
                "greater than the context length",
                "context length of only",
                "trying to keep the first*tokens",
                "cannot truncate prompt with n_keep",
            ),
        ),
        (
            "vLLM",
            "vllm-project/vllm; Gabesarch/grounded-rl#16",
            ("maximum model length", "context length is only"),
        ),
        (
            "SGLang, TensorRT-LLM, OpenRouter",
            "pi",
            (
                "token count exceeds",
                "maximum allowed input length",
                "exceeds maximum input length",
                "maximum allowed length",
                "but the configured context size",
            ),
        ),
        ("Moonshot", "opencode", ("exceeded model token limit",)),
        (
            "Mistral",
            "opencode",
            ("too large for model with",),
        ),
        (
            "Databricks",
            "mlflow's and litellm's tests, by exact string",
            ("prompt token count*cannot exceed",),
        ),
        (
            "any",
            "pi; " + _REPORTS,
            (
                "token limit exceeded",
                "contextwindowexceedederror",
                "prompt tokens exceed",
                "number of tokens exceed",
            ),
        ),
    ),
    *phrase_rows(
        ContextLengthError,
        _REFUSED,
        (
            "Anthropic, Fireworks, Ollama",
            "opencode",
            ("prompt is too long", "prompt too long"),
        ),
        ("Moonshot", _REPORTS, ("input token length too long",)),
        (
            "Qwen",
            "anomalyco/opencode#45834; " + _QWEN,
            ("range of input length should be", "exceed max message tokens"),
        ),
        (
            "Baidu",
            "ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh",
            ("max input characters", "max input tokens"),
        ),
        (
            "Perplexity",
            "crmne/ruby_llm: handles_context_length_exceeded_errors.yml",
            ("length of all messages is too long",),
        ),
        (
            "Cohere",
            "docs.cohere.com/reference/errors; opencode",
            ("number of tokens*cannot exceed", "has too many tokens"),
        ),
        ("Cerebras", "LiteLLM", ("current length is*while limit is",)),
        ("Cerebras", "LiteLLM", ("current length is",)),
        (
            "Hugging Face TGI, Together",
            "LiteLLM",
            (
                "`inputs` tokens + `max_new_tokens` must be",
                "'inputs' tokens and 'max_new_tokens' must not exceed",
                "`inputs` must have less than",
            ),
        ),
        ("any", "pi", ("input is too long", "input too long")),
        ("GitHub Models", _REPORTS, ("body too large*max size:*tokens",)),
        ("Z.ai", _ZHIPU, ("prompt exceeds max length", "prompt 超长", "prompt超长")),
        (
            "any, in Chinese",
            _REPORTS,
            ("上下文长度", "超出*上下文", "超过*上下文", "输入过长", "输入长度超"),
        ),
    ),
)

_NO_MODEL = phrase_rows(
    ModelUnavailableError,
    _REFUSED_OR_FAILED | {401},
    (
        "OpenAI, Groq, xAI, Volcengine",
        "recordings of pydantic/pydantic-ai",
        (
            "does not exist or you do not have access",
            "does not exist or your team does not have access",
            "the model*does not exist",
            "requested model*does not exist",
            "access to model",
            "access to the model",
            "access this model",
            "verified to use the model",
        ),
    ),
    ("DeepSeek", _REPORTS, ("model not exist",)),
    (
        "SiliconFlow",
        "docs.siliconflow.cn/en/faqs/error-code",
        ("model does not exist",),
    ),
    (
        "OpenRouter",
        _REPORTS,
        (
            "is not a valid model",
            "no endpoints found for",
            "no allowed providers are available",
        ),
    ),
    (
        "Perplexity, Mistral, LiteLLM",
        _REPORTS,
        (
            "invalid model '",
            "invalid model:",
            "invalid model name",
            "invalid model id",
            "invalid model specified",
        ),
    ),
    ("Bedrock", "pydantic/pydantic-ai", ("model identifier is invalid",)),
    ("Bedrock", _REPORTS, ("with on-demand throughput",)),
    ("Cloudflare", "developers.cloudflare.com/workers-ai", ("no such model",)),
    ("Ollama", "ollama/ollama: server/routes.go", ("not found, try pulling it first",)),
    (
        "Cohere",
        "recordings of pydantic/pydantic-ai",
        ("make sure the correct model id was used",),
    ),
    (
        "Groq, NVIDIA NIM, Google",
        "openclaw/openclaw#97564; " + _REPORTS,
        (
            "has been decommissioned",
            "model*has been deprecated",
            "model*has been retired",
            "reached its end of life",
            "model*is no longer available",
            "model*is no longer supported",
            "the model*is deprecated",
        ),
    ),
    (
        "Hugging Face, GitHub Copilot",
        _REPORTS,
        ("not supported by any provider", "requested model is not supported"),
    ),
    ("Together", _REPORTS, ("unable to access non-serverless model",)),
    (
        "LiteLLM, GitHub Models, MiniMax",
        _REPORTS,
        ("not allowed to access model", "token plan not support model"),
    ),
    (
        "new-api, Zhipu",
        "QuantumNous/new-api; " + _ZHIPU,
        (
            "no available channel",
            "无可用渠道",
            "模型不存在",
            "模型未开通",
            "不支持的模型",
            "不支持该模型",
        ),
    ),
    (
        "any",
        "recordings of pydantic/pydantic-ai; " + _REPORTS,
        (
            "unknown model",
            "unsupported model:",
            "is not a supported model",
            "supported models are",
            "permission to access model",
            "litellm.notfounderror",
        ),
    ),
)

# A route then asks the target to continue by an instruction.
_NO_PREFILL = phrase_rows(
    InvalidRequestError,
    {400},
    ("Anthropic", _REPORTS, ("assistant message prefill",)),
)

_UNSUPPORTED = phrase_rows(
    UnsupportedError,
    {INSIDE, 400, 404, 405, 422, 500, 501},
    (
        "OpenRouter",
        "openrouter.ai/docs; " + _REPORTS,
        ("no endpoints found that",),
    ),
    (
        "OpenAI, Azure",
        "vercel/ai: packages/openai fixtures; BerriAI/litellm#7693",
        (
            "unsupported parameter",
            "unsupported value",
            "unrecognized request argument",
            "unknown parameter",
            "invalid schema for",
            "is not supported with this model",
            "unrecognized parameter",
            "unknown field",
            "unexpected keyword argument",
            "property '*' is not allowed",
        ),
    ),
    (
        "Gemini",
        _REPORTS,
        (
            "is not enabled for models/",
            "is not enabled for this model",
            'unknown name "*cannot find field',
            "too many states for serving",
        ),
    ),
    (
        "Anthropic",
        "recordings of pydantic/pydantic-ai",
        (
            "does not match any of the expected tags",
            "cannot both be specified for this model",
            "is deprecated for this model",
        ),
    ),
    ("Moonshot", _REPORTS, ("is allowed for this model",)),
    (
        "DeepSeek",
        _REPORTS,
        ("response_format type is unavailable", "unknown variant `"),
    ),
    (
        "vLLM",
        "vllm-project/vllm",
        ("requires --enable-auto-tool-choice", "is not a multimodal model"),
    ),
    (
        "llama.cpp",
        "ggml-org/llama.cpp: tools/server",
        ("requires --jinja", "image input is not supported"),
    ),
    (
        "Mistral, Fireworks",
        "pydantic's error messages",
        ("extra inputs are not permitted",),
    ),
    (
        "Ollama, xAI, Bedrock, DeepSeek, any",
        _REPORTS,
        (
            "does not support",
            "doesn't support",
            "not supported by this model",
            "not supported for this model",
            "not supported on this model",
            "not supported by the model",
            "不支持",
        ),
    ),
)

# These come last, because models and regions are "not supported" too.
_NOT_SUPPORTED = phrase_rows(
    UnsupportedError,
    {INSIDE, 400, 422, 501},
    ("any", _REPORTS, ("not supported", "unsupported")),
)

_FAILED = phrase_rows(
    InvalidReplyError,
    {INSIDE, 400, 422, 500, 502},
    (
        "Groq",
        "console.groq.com/docs/tool-use; recordings of pydantic/pydantic-ai",
        (
            "failed to call a function",
            "model did not call a tool",
            "but model called a tool",
            "attempted to call tool",
            "failed to generate json",
            "failed to validate json",
            "generated output that could not be parsed",
        ),
    ),
    (
        "Ollama",
        "ollama/ollama; " + _REPORTS,
        ("error parsing tool call", "xml syntax error on line"),
    ),
    (
        "llama.cpp",
        "ggml-org/llama.cpp: common/chat.cpp; " + _REPORTS,
        ("failed to parse tool call", "failed to parse input at pos"),
    ),
    (
        "vLLM",
        "vllm-project/vllm, openai/harmony; " + _REPORTS,
        ("unexpected tokens remaining in message header",),
    ),
    ("OpenAI, Azure", "LiteLLM", ("model produced invalid content",)),
)

_KEYS = (
    *phrase_rows(
        AuthenticationError,
        {INSIDE, 400, 422, 500},
        (
            "xAI, Groq, DeepSeek, OpenRouter, MiniMax, any",
            _REPORTS,
            (
                "incorrect api key",
                "invalid api key",
                "api key not valid",
                "api key is not valid",
                "api key is invalid",
                "api key expired",
                "api key has expired",
                "invalid x-api-key",
                "invalid authentication",
                "authentication fail",
                "no auth credentials",
                "login fail",
                "litellm.authenticationerror",
                "身份验证失败",
                "无法进行身份验证",
                "无效的令牌",
            ),
        ),
    ),
    *phrase_rows(
        AuthenticationError,
        {INSIDE},
        (
            "any",
            _REPORTS,
            (
                "unauthorized",
                "invalid token",
                "invalid access token",
                "token has expired",
                "missing api key",
            ),
        ),
    ),
    *phrase_rows(
        PermissionDeniedError,
        {INSIDE, 400},
        (
            "Gemini, Anthropic",
            _REPORTS,
            ("location is not supported", "organization has been disabled"),
        ),
    ),
)

PHRASES: tuple[StatusRule, ...] = (
    *_FILTERED,
    *LIMITS,
    *_TOO_LONG,
    *_NO_MODEL,
    *_FAILED,
    *_NO_PREFILL,
    *_UNSUPPORTED,
    *_KEYS,
    *FILTERED,
    *NO_MONEY,
    *TOO_LONG,
    *NO_MODEL,
    *UNSUPPORTED,
    *_NOT_SUPPORTED,
)
