"""Rows of phrases for limits: of rates, quotas, sizes and capacity.

They are used if no code decides; the first row that matches counts. Services say "rate
limit" too if the account has no money, if one request exceeds the limit of a minute, or
if their servers are overloaded.

Read 2026-11-30. For the names of sources see `_refusal_phrases`.
"""

from __future__ import annotations

from turnout.errors import (
    ModelUnavailableError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
)
from turnout.http._refusal_general import NO_MONEY_BUT_LIMITED
from turnout.http._status import INSIDE, StatusRule, phrase_rows

__all__ = ["LIMITS"]

_REPORTS = "public reports"
_QWEN = "help.aliyun.com/en/model-studio/error-code"
_ZHIPU = "docs.bigmodel.cn/cn/api/api-code"
_GEMINI_LIMITS = "ai.google.dev/gemini-api/docs/rate-limits; " + _REPORTS

_LIMITED = frozenset({INSIDE, 400, 403, 429, 500, 502, 503})

_GEMINI = (
    *phrase_rows(
        QuotaExceededError,
        {INSIDE, 429},
        # Gemini's hint to retry soon is wrong here. `perday` is part of a quota id.
        (
            "Gemini",
            _GEMINI_LIMITS,
            ("perday", "quota exceeded for metric*limit: 0", "prepayment credits"),
        ),
    ),
    *phrase_rows(
        RateLimitError,
        {INSIDE, 429},
        # Its message is the one of OpenAI for an exhausted quota.
        (
            "Gemini",
            _GEMINI_LIMITS,
            (
                "perminute",
                "quota exceeded for metric",
                "ai.google.dev/gemini-api/docs/rate-limits",
            ),
        ),
    ),
)

_UNPAID = phrase_rows(
    QuotaExceededError,
    {INSIDE, 400, 401, 402, 403, 412, 429, 500, 503},
    (
        "xAI",
        "openclaw/openclaw#118615; " + _REPORTS,
        (
            "doesn't have any credits",
            "used all available credits",
            "spending limit",
            "spend limit",
            "spending cap",
        ),
    ),
    (
        "Anthropic",
        "platform.claude.com/docs/en/api/errors; " + _REPORTS,
        (
            "credit balance is too low",
            "api usage limits",
            "out of extra usage",
            "draw from your extra usage",
        ),
    ),
    (
        "OpenAI",
        "platform.openai.com/docs/guides/error-codes",
        ("plan and billing details", "billing hard limit", "billing is not active"),
    ),
    (
        "DeepSeek, Moonshot, MiniMax, OpenRouter",
        "anomalyco/opencode#24462, modelscope/modelscope#1691",
        (
            "insufficient balance",
            "insufficient account balance",
            "insufficient credit",
            "insufficient fund",
            "insufficient quota",
            "requires more credits",
            "balance is insufficient",
            "balance is not enough",
            "balance not enough",
            "not enough balance",
            "not enough credits",
            "out of credits",
            "no credits remaining",
            "quota is not enough",
            "credit limit",
        ),
    ),
    (
        "Kimi Code, Ollama, Z.ai",
        "kimi.com/code/docs, error reference; ollama.com",
        ("usage limit",),
    ),
    ("Hugging Face", _REPORTS, ("monthly included credits",)),
    (
        "Fireworks",
        "docs.fireworks.ai, inference error codes",
        ("account*is suspended",),
    ),
    (
        "Qwen",
        _QWEN,
        (
            "account is in good standing",
            "free tier of the model has been exhausted",
            "free allocated quota exceeded",
            "day allocated quota",
            "week allocated quota",
            "month allocated quota",
        ),
    ),
    (
        "Cloudflare",
        "developers.cloudflare.com/workers-ai/platform/errors",
        ("daily free allocation",),
    ),
    (
        "OpenRouter",
        "openclaw/openclaw#147546",
        ("free-models-per-day",),
    ),
    ("Cerebras", _REPORTS, ("tokens per day limit exceeded",)),
    (
        "any",
        _REPORTS,
        ("daily token limit", "daily limit", "daily quota", "monthly quota"),
    ),
    (
        "Baidu",
        "ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh",
        ("daily request limit", "total request limit"),
    ),
    ("Volcengine", "volcengine.com/docs/82379/1299023", ("overdue balance",)),
    (
        "LiteLLM",
        _REPORTS,
        ("budget has been exceeded", "exceededbudget", "over budget"),
    ),
    ("OpenCode Zen", "anomalyco/opencode", ("no payment method",)),
    (
        "Zhipu, new-api",
        _ZHIPU + "; QuantumNous/new-api",
        (
            "余额不足",
            "额度不足",
            "额度已用",
            "已欠费",
            "请充值",
            "使用上限",
            "套餐已到期",
        ),
    ),
)

# The request alone exceeds the limit of a minute, so waiting does not help.
_TOO_LARGE = phrase_rows(
    RequestTooLargeError,
    {INSIDE, 400, 413, 429, 500},
    (
        "OpenAI, Groq",
        "LiteLLM; console.groq.com/docs/errors",
        ("request too large for",),
    ),
    ("Anthropic", _REPORTS, ("required for long context",)),
    (
        "any",
        "RFC 9110",
        ("request entity too large", "payload too large", "exceeds the maximum size"),
    ),
)

_CLOSED = phrase_rows(
    ModelUnavailableError,
    {INSIDE, 403, 429},
    ("Databricks", _REPORTS, ("rate limit of 0.",)),
)

_OVERLOADED = phrase_rows(
    OverloadedError,
    {INSIDE, 429, 500, 502, 503},
    (
        "Moonshot, Gemini, OpenAI, Z.ai",
        _REPORTS,
        (
            "is overloaded",
            "currently overloaded",
            "temporarily overloaded",
            "server overloaded",
            "servers are overloaded",
            "experiencing high demand",
        ),
    ),
    (
        "DeepSeek, SiliconFlow",
        "docs.siliconflow.cn/en/faqs/error-code; " + _REPORTS,
        ("server is busy", "system is too busy"),
    ),
    ("Mistral", "LiteLLM", ("service tier capacity exceeded",)),
    (
        "Groq, Cloudflare",
        "console.groq.com/docs/errors",
        (
            "over capacity",
            "at capacity",
            "no capacity",
            "insufficient capacity",
            "no more data centers",
        ),
    ),
    ("Zhipu", _ZHIPU, ("访问量过大", "服务繁忙", "系统繁忙")),
)

_RATES = phrase_rows(
    RateLimitError,
    _LIMITED,
    (
        "any",
        "LiteLLM",
        (
            "rate limit",
            "rate-limit",
            "rate_limit",
            "ratelimit",
            "too many requests",
            "requests per min",
            "tokens per min",
            "token per min",
        ),
    ),
    ("Bedrock", "pi", ("throttl", "too many tokens, please wait")),
    ("any", _REPORTS, ("too many tokens per", "concurrency limit")),
    (
        "Zhipu",
        _ZHIPU,
        ("并发数过高", "频率过高", "速率限制", "流量限制", "请求过于频繁"),
    ),
    (
        "Baidu",
        "ai.baidu.com/ai-doc/WENXINWORKSHOP/tlmyncueh",
        ("qps request limit", "api request limit"),
    ),
)

LIMITS: tuple[StatusRule, ...] = (
    *_GEMINI,
    *_UNPAID,
    *_TOO_LARGE,
    *_CLOSED,
    *_OVERLOADED,
    *NO_MONEY_BUT_LIMITED,
    *_RATES,
)
