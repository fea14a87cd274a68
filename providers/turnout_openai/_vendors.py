"""The services with OpenAI's protocol: a row for each, with its differences.

To add one: a row in `_makers` (a service with models of its own) or `_hosts` (one with
models of others), its name in `VENDORS`, and an entry point with the row's name. Then
listings show it, and `get_provider` finds it. Earlier rows and servers at home are
here.

Facts of the rows here: the services' pages, wire.md 2.2, read 2026-11-22, if a row has
no other `source`. Windows, limits and which models continue a beginning: LiteLLM
1.109.1's table of models, which names the service's page for each.
"""

from __future__ import annotations

from dataclasses import replace

from turnout.errors import (
    ContentFilterError,
    ContextLengthError,
    InvalidRequestError,
    RateLimitError,
)
from turnout.http import StatusRule
from turnout.types import ModelInfo
from turnout_openai._deviations import GroqDecoder
from turnout_openai._hosts import (
    BASETEN,
    CLOUDFLARE,
    DATABRICKS,
    DEEPINFRA,
    NEBIUS,
    NOVITA,
    NVIDIA,
    SAMBANOVA,
    SILICONFLOW,
    VERCEL,
)
from turnout_openai._makers import GEMINI_OPENAI, MINIMAX, MOONSHOT, ZAI, ZHIPU
from turnout_openai._vendor import COMPATIBLE, OPENAI, USUAL, Vendor

__all__ = ["VENDORS", "at", "named"]

_TABLE = "LiteLLM 1.109.1's table of models, read 2026-11-22"
_PARTIAL = "Alibaba Cloud's page of partial mode and LiteLLM 1.109.1, read 2026-11-22"

_REASONING = replace(USUAL, reasoning=True)
"""Where the models that think do so in sight."""
_GPT_OSS = replace(USUAL, images=False, reasoning=True)

AZURE_OPENAI = Vendor(
    name="AzureOpenAI",
    form="https://NAME.openai.azure.com/openai/v1",
    hosts=("openai.azure.com", "services.ai.azure.com", "cognitiveservices.azure.com"),
    key_variable="AZURE_OPENAI_API_KEY",
    url="https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle",
    # Sounds: Microsoft's page on audio completions, read 2026-11-30.
    capabilities=replace(USUAL, audio=True, files=True),
    max_tokens_field="max_completion_tokens",
    developer_role=True,
    key_header="api-key",
    key_prefix="",
)

CEREBRAS = Vendor(
    name="Cerebras",
    base_url="https://api.cerebras.ai/v1",
    hosts=("cerebras.ai",),
    key_variable="CEREBRAS_API_KEY",
    url="https://inference-docs.cerebras.ai/resources/openai",
    prices_id="cerebras",
    models=(
        ModelInfo(
            name="gpt-oss-120b",
            context_window=131_072,
            max_output_tokens=32_768,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
        ModelInfo(
            name="gemma-4-31b",
            context_window=131_072,
            max_output_tokens=40_960,
            source=_TABLE,
        ),
    ),
    max_tokens_field="max_completion_tokens",
    # Its SDK 1.91.0 has messages of that role, read 2026-11-30.
    developer_role=True,
)

DEEPSEEK = Vendor(
    name="DeepSeek",
    base_url="https://api.deepseek.com",
    hosts=("deepseek.com",),
    key_variable="DEEPSEEK_API_KEY",
    url="https://api-docs.deepseek.com",
    prices_id="deepseek",
    models=tuple(
        ModelInfo(
            name=name,
            context_window=1_000_000,
            max_output_tokens=393_216,
            prefill="prefix_flag",
            source=_TABLE,
        )
        for name in ("deepseek-flash", "deepseek-v4-pro")
    ),
    # It answers in JSON where that is asked for, and is bound to no schema.
    capabilities=replace(
        USUAL, images=False, seed=False, response_format=False, reasoning=True
    ),
    prefill_path="/beta/chat/completions",
    # It refuses calls without reasoning, and takes an empty text (openclaw issue 73417;
    # theopenco/llmgateway pull request 2093).
    empty_reasoning="",
)

FIREWORKS = Vendor(
    name="Fireworks",
    base_url="https://api.fireworks.ai/inference/v1",
    hosts=("fireworks.ai",),
    key_variable="FIREWORKS_API_KEY",
    url="https://docs.fireworks.ai/tools-sdks/openai-compatibility",
    prices_id="fireworks",
    models=(
        ModelInfo(
            name="accounts/fireworks/models/kimi-k3",
            aliases=("kimi-k3",),
            context_window=1_048_576,
            max_output_tokens=131_072,
            source=_TABLE,
        ),
    ),
    # Sounds and videos: its page on video and audio inputs, read 2026-11-30.
    capabilities=replace(USUAL, audio=True, video=True),
)

GROQ = Vendor(
    name="Groq",
    base_url="https://api.groq.com/openai/v1",
    hosts=("groq.com",),
    key_variable="GROQ_API_KEY",
    url="https://console.groq.com/docs/openai",
    prices_id="groq",
    models=(
        *(
            ModelInfo(
                name=name,
                context_window=131_072,
                max_output_tokens=65_536,
                capabilities=_GPT_OSS,
                source=_TABLE,
            )
            for name in ("openai/gpt-oss-120b", "openai/gpt-oss-20b")
        ),
        ModelInfo(
            name="qwen/qwen3.8-27b",
            context_window=131_072,
            max_output_tokens=16_384,
            capabilities=_REASONING,
            source=_TABLE,
        ),
    ),
    max_tokens_field="max_completion_tokens",
    # Its SDK 1.7.0 has messages of that role, read 2026-11-30.
    developer_role=True,
    decoder=GroqDecoder,
)

HUGGING_FACE = Vendor(
    name="HuggingFace",
    base_url="https://router.huggingface.co/v1",
    hosts=("router.huggingface.co",),
    key_variable="HF_TOKEN",
    # Most have it for downloads.
    shared_key=True,
    url="https://huggingface.co/docs/inference-providers",
    models=(
        ModelInfo(
            name="openai/gpt-oss-120b",
            capabilities=replace(USUAL, images=False),
            source=_TABLE,
        ),
    ),
)

LITELLM = Vendor(
    name="LiteLLM",
    base_url="http://127.0.0.1:4000/v1",
    key_variable="LITELLM_PROXY_API_KEY",
    needs_key=False,
    url="https://docs.litellm.ai/docs/simple_proxy",
    capabilities=replace(USUAL, files=True),
)

LLAMA_CPP = Vendor(
    name="llama.cpp",
    base_url="http://127.0.0.1:8080/v1",
    key_variable="LLAMA_API_KEY",
    needs_key=False,
    url="https://github.com/ggml-org/llama.cpp/tree/master/tools/server",
    capabilities=_REASONING,
    # Observed: the server continues a last message of the assistant.
    prefill="trailing",
)

LM_STUDIO = Vendor(
    name="LMStudio",
    base_url="http://127.0.0.1:1234/v1",
    key_variable="LM_STUDIO_API_KEY",
    needs_key=False,
    url="https://lmstudio.ai/docs/developer/openai-compat",
    capabilities=_REASONING,
)

MISTRAL = Vendor(
    name="Mistral",
    base_url="https://api.mistral.ai/v1",
    hosts=("mistral.ai",),
    key_variable="MISTRAL_API_KEY",
    url="https://docs.mistral.ai/api",
    prices_id="mistral",
    models=tuple(
        ModelInfo(
            name=name, context_window=262_144, prefill="prefix_flag", source=_TABLE
        )
        for name in (
            "mistral-small-latest",
            "mistral-medium-latest",
            "mistral-large-latest",
            "ministral-8b-latest",
        )
    ),
    # Sounds: answers recorded in pydantic-ai's repository (4fda38988f).
    capabilities=replace(USUAL, audio=True),
    seed_field="random_seed",
    short_ids=True,
    asks_usage=False,
)

OPENROUTER = Vendor(
    name="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    hosts=("openrouter.ai",),
    key_variable="OPENROUTER_API_KEY",
    url="https://openrouter.ai/docs/api-reference/overview",
    prices_id="openrouter",
    models=("openrouter/auto",),
    # Sounds and videos: its page on multimodal capabilities, read 2026-11-30.
    capabilities=replace(_REASONING, audio=True, video=True, files=True),
    # Source: pydantic-ai's openrouter provider (4fda38988f), read 2026-11-30.
    reads_reasoning=True,
    # A message that is not valid has the code that OpenAI gives a forbidden prompt.
    # Source: openrouter.ai/docs, errors and debugging, read 2026-11-30.
    status_rules=(
        StatusRule(
            error=ContentFilterError,
            codes={"invalid_prompt"},
            phrases=("flagged", "violat", "usage polic", "safety"),
        ),
        StatusRule(error=InvalidRequestError, codes={"invalid_prompt"}),
    ),
)

PERPLEXITY = Vendor(
    name="Perplexity",
    base_url="https://api.perplexity.ai",
    hosts=("perplexity.ai",),
    key_variable="PERPLEXITY_API_KEY",
    url="https://docs.perplexity.ai/docs/sonar/openai-compatibility",
    models=(
        ModelInfo(name="sonar", context_window=128_000, source=_TABLE),
        ModelInfo(
            name="sonar-pro",
            context_window=200_000,
            max_output_tokens=8000,
            source=_TABLE,
        ),
        ModelInfo(name="sonar-reasoning-pro", context_window=128_000, source=_TABLE),
        ModelInfo(name="sonar-deep-research", context_window=128_000, source=_TABLE),
    ),
    capabilities=replace(USUAL, stop=False, seed=False, tools=False),
    asks_usage=False,
    models_path=None,
)

QWEN = Vendor(
    name="Qwen",
    base_url="https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
    hosts=("aliyuncs.com",),
    key_variable="DASHSCOPE_API_KEY",
    url="https://www.alibabacloud.com/help/en/model-studio/qwen-api-reference",
    # Sounds and videos: Alibaba Cloud's page on Qwen-Omni, read 2026-11-30.
    capabilities=replace(_REASONING, audio=True, video=True),
    models=(
        ModelInfo(
            name="qwen-plus",
            context_window=129_024,
            max_output_tokens=16_384,
            prefill="partial_flag",
            source=_PARTIAL,
        ),
        ModelInfo(
            name="qwen-flash",
            context_window=997_952,
            max_output_tokens=32_768,
            prefill="partial_flag",
            source=_PARTIAL,
        ),
        ModelInfo(
            name="qwen3-coder-plus",
            context_window=997_952,
            max_output_tokens=65_536,
            prefill="partial_flag",
            source=_PARTIAL,
        ),
        # It thinks before it answers, and then continues nothing.
        ModelInfo(
            name="qwen3.8-max",
            context_window=991_808,
            max_output_tokens=131_072,
            source=_TABLE,
        ),
    ),
    # The tokens of a minute are used up, though the code is OpenAI's for a quota.
    # Source: help.aliyun.com/en/model-studio/rate-limit, read 2026-11-30.
    status_rules=(
        StatusRule(
            error=RateLimitError,
            statuses={429},
            codes={"insufficient_quota"},
            phrases=("current quota", "allocated quota exceeded, please"),
        ),
    ),
)

SGLANG = Vendor(
    name="SGLang",
    base_url="http://127.0.0.1:30000/v1",
    key_variable="SGLANG_API_KEY",
    needs_key=False,
    url="https://docs.sglang.ai/basic_usage/openai_api_completions.html",
    source="SGLang's protocol.py of the OpenAI server (004c82e07d), read 2026-11-30",
    capabilities=_REASONING,
    prefill="continue_final",
)

TOGETHER = Vendor(
    name="Together",
    base_url="https://api.together.ai/v1",
    hosts=("together.ai", "together.xyz"),
    key_variable="TOGETHER_API_KEY",
    url="https://docs.together.ai/docs/openai-api-compatibility",
    prices_id="together",
    models=(
        ModelInfo(
            name="openai/gpt-oss-120b",
            context_window=131_072,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
    ),
    # Its page of errors has 403 for input that is too long, and for nothing else.
    status_rules=(StatusRule(error=ContextLengthError, statuses={403}),),
)

VLLM = Vendor(
    name="vLLM",
    base_url="http://127.0.0.1:8000/v1",
    key_variable="VLLM_API_KEY",
    needs_key=False,
    url="https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html",
    # Sounds and videos: its page on multimodal inputs, read 2026-11-30.
    capabilities=replace(_REASONING, audio=True, video=True),
    # It reads that name alone since 0.16 (vllm-project/vllm issue 38488).
    reads_reasoning=True,
    prefill="continue_final",
)

XAI = Vendor(
    name="xAI",
    base_url="https://api.x.ai/v1",
    hosts=("x.ai",),
    key_variable="XAI_API_KEY",
    url="https://docs.x.ai/docs/api-reference",
    prices_id="x-ai",
    models=(
        ModelInfo(name="grok-4.7", context_window=500_000, source=_TABLE),
        ModelInfo(name="grok-4.3", context_window=1_000_000, source=_TABLE),
    ),
    # Its models that reason refuse `stop`, and the listed ones do.
    capabilities=replace(USUAL, stop=False),
    # `total_tokens` is the sum of prompt, completion and reasoning tokens (vercel/ai
    # issue 12425, UKGovernmentBEIS/inspect_ai issue 5528).
    reasoning_in_output=False,
)

VENDORS = (
    AZURE_OPENAI,
    BASETEN,
    CEREBRAS,
    CLOUDFLARE,
    DATABRICKS,
    DEEPINFRA,
    DEEPSEEK,
    FIREWORKS,
    GEMINI_OPENAI,
    GROQ,
    HUGGING_FACE,
    LITELLM,
    LLAMA_CPP,
    LM_STUDIO,
    MINIMAX,
    MISTRAL,
    MOONSHOT,
    NEBIUS,
    NOVITA,
    NVIDIA,
    OPENROUTER,
    PERPLEXITY,
    QWEN,
    SAMBANOVA,
    SGLANG,
    SILICONFLOW,
    TOGETHER,
    VERCEL,
    VLLM,
    XAI,
    ZAI,
    ZHIPU,
)


def named(name: str) -> Vendor | None:
    """Return the vendor of a name, without regard to case; None where there is none."""
    return next((v for v in _KNOWN if v.name.casefold() == name.casefold()), None)


def at(host: str) -> Vendor:
    """Return the vendor that a host belongs to; `COMPATIBLE` if there is none."""
    for vendor in _KNOWN:
        if any(f".{host}".endswith(f".{known}") for known in vendor.hosts):
            return vendor
    return COMPATIBLE


_KNOWN = (OPENAI, *VENDORS)
