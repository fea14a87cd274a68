"""Rows of services that serve models of others; see `_vendors`.

Each row says what its facts come from. What a service can do depends on the model.
"""

from __future__ import annotations

from dataclasses import replace

from turnout.types import ModelInfo
from turnout_openai._vendor import USUAL, Vendor

__all__ = [
    "BASETEN",
    "CLOUDFLARE",
    "DATABRICKS",
    "DEEPINFRA",
    "NEBIUS",
    "NOVITA",
    "NVIDIA",
    "SAMBANOVA",
    "SILICONFLOW",
    "VERCEL",
]

_TABLE = "LiteLLM 1.109.1's table of models, read 2026-11-30"
_CATALOG = "models.dev's catalog of 2026-07-02 (f3fc69229), read 2026-11-30"

_REASONING = replace(USUAL, reasoning=True)
_GPT_OSS = replace(_REASONING, images=False)

BASETEN = Vendor(
    name="Baseten",
    base_url="https://inference.baseten.co/v1",
    hosts=("baseten.co",),
    key_variable="BASETEN_API_KEY",
    url="https://docs.baseten.co/inference/model-apis/overview",
    prices_id="baseten",
    source="LiteLLM 1.109.1's and vercel/ai's baseten providers, read 2026-11-30",
    models=(
        ModelInfo(
            name="openai/gpt-oss-120b",
            context_window=128_072,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
        ModelInfo(
            name="moonshotai/Kimi-K3",
            context_window=1_048_576,
            max_output_tokens=262_144,
            source=_TABLE,
        ),
    ),
    capabilities=_REASONING,
)

CLOUDFLARE = Vendor(
    name="Cloudflare",
    form="https://api.cloudflare.com/client/v4/accounts/ACCOUNT_ID/ai/v1",
    hosts=("api.cloudflare.com",),
    key_variable="CLOUDFLARE_API_TOKEN",
    # Most have it for deployments.
    shared_key=True,
    url="https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility",
    prices_id="cloudflare",
    source=(
        "Cloudflare's page on OpenAI compatible endpoints and its SDK cloudflare "
        "5.9.0, read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="@cf/openai/gpt-oss-120b",
            context_window=128_000,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
        ModelInfo(
            name="@cf/moonshotai/kimi-k2.6", context_window=262_144, source=_TABLE
        ),
    ),
    capabilities=_REASONING,
    # The page names no list.
    models_path=None,
)

DATABRICKS = Vendor(
    name="Databricks",
    form="https://WORKSPACE.cloud.databricks.com/serving-endpoints",
    hosts=("databricks.com", "azuredatabricks.net"),
    key_variable="DATABRICKS_TOKEN",
    # Most have it for jobs and queries.
    shared_key=True,
    url="https://docs.databricks.com/aws/en/machine-learning/foundation-model-apis/api-reference",
    prices_id="databricks",
    source=(
        "Databricks's client databricks-openai 0.18.0 and LiteLLM 1.109.1's list of "
        "parameters; stream_options: continuedev/continue issue 12936 and "
        "anomalyco/opencode issue 4698; read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="databricks-gpt-oss-120b",
            context_window=131_072,
            capabilities=replace(_GPT_OSS, seed=False),
            source=_TABLE,
        ),
        ModelInfo(
            name="databricks-meta-llama-3-3-70b-instruct",
            context_window=128_000,
            capabilities=replace(USUAL, images=False, seed=False),
            source=_TABLE,
        ),
    ),
    # It refuses unknown fields, and `seed` is not among those of its reference.
    capabilities=replace(_REASONING, seed=False),
    # `json: unknown field "stream_options"`, with status 400.
    asks_usage=False,
    models_path=None,
)

DEEPINFRA = Vendor(
    name="DeepInfra",
    base_url="https://api.deepinfra.com/v1/openai",
    hosts=("deepinfra.com",),
    key_variable="DEEPINFRA_API_KEY",
    url="https://docs.deepinfra.com/api-reference/chat-completions/openai-chat-completions",
    source=(
        "LiteLLM 1.109.1's deepinfra provider and models.dev's (f3fc69229); the "
        "variable: DeepInfra's SDK deepinfra 0.3.0; read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="openai/gpt-oss-120b",
            context_window=131_072,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
        ModelInfo(
            name="deepseek-ai/DeepSeek-V4-Flash",
            context_window=1_048_576,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
    ),
    capabilities=_REASONING,
)

NEBIUS = Vendor(
    name="Nebius",
    base_url="https://api.tokenfactory.nebius.com/v1",
    hosts=("nebius.com", "nebius.ai"),
    key_variable="NEBIUS_API_KEY",
    url="https://docs.tokenfactory.nebius.com/api-reference/inference/create-chat-completion",
    source="models.dev's nebius provider (f3fc69229), read 2026-11-30",
    models=(
        ModelInfo(
            name="openai/gpt-oss-120b",
            context_window=131_072,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
        ModelInfo(name="moonshotai/Kimi-K2.6", context_window=262_144, source=_TABLE),
    ),
    capabilities=_REASONING,
)

NOVITA = Vendor(
    name="Novita",
    base_url="https://api.novita.ai/openai/v1",
    hosts=("novita.ai",),
    key_variable="NOVITA_API_KEY",
    url="https://novita.ai/docs/api-reference/model-apis-llm-create-chat-completion",
    prices_id="novita",
    source="models.dev's novita-ai provider (f3fc69229), read 2026-11-30",
    models=(
        ModelInfo(
            name="openai/gpt-oss-120b",
            context_window=131_072,
            max_output_tokens=32_768,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
        ModelInfo(
            name="deepseek/deepseek-v4-flash",
            context_window=1_048_576,
            max_output_tokens=393_216,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
    ),
    capabilities=_REASONING,
)

NVIDIA = Vendor(
    name="NVIDIA",
    base_url="https://integrate.api.nvidia.com/v1",
    hosts=("api.nvidia.com",),
    key_variable="NVIDIA_API_KEY",
    url="https://docs.api.nvidia.com/nim/reference/llm-apis",
    source=(
        "models.dev's nvidia provider (f3fc69229) and LiteLLM 1.109.1's list of "
        "parameters, read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="nvidia/nemotron-3-super-120b-a12b",
            context_window=262_144,
            capabilities=_GPT_OSS,
            source=_CATALOG,
        ),
        ModelInfo(
            name="openai/gpt-oss-120b",
            context_window=128_000,
            max_output_tokens=8192,
            capabilities=_GPT_OSS,
            source=_CATALOG,
        ),
    ),
    capabilities=_REASONING,
)

SAMBANOVA = Vendor(
    name="SambaNova",
    base_url="https://api.sambanova.ai/v1",
    hosts=("sambanova.ai",),
    key_variable="SAMBANOVA_API_KEY",
    url="https://docs.sambanova.ai/docs/en/features/openai-compatibility",
    source="SambaNova's SDK sambanova 1.13.0, read 2026-11-30",
    models=(
        ModelInfo(
            name="gpt-oss-120b",
            context_window=131_072,
            capabilities=_GPT_OSS,
            source=_TABLE,
        ),
        ModelInfo(
            name="Meta-Llama-3.3-70B-Instruct",
            context_window=131_072,
            capabilities=replace(USUAL, images=False),
            source=_TABLE,
        ),
    ),
    capabilities=_REASONING,
)

SILICONFLOW = Vendor(
    name="SiliconFlow",
    base_url="https://api.siliconflow.com/v1",
    hosts=("siliconflow.com", "siliconflow.cn"),
    key_variable="SILICONFLOW_API_KEY",
    url="https://docs.siliconflow.com/en/api-reference/chat-completions/chat-completions",
    source=(
        "SiliconFlow's reference (Chinese) and models.dev's siliconflow provider "
        "(f3fc69229), read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="openai/gpt-oss-120b",
            context_window=131_000,
            max_output_tokens=8000,
            capabilities=_GPT_OSS,
            source=_CATALOG,
        ),
    ),
    capabilities=_REASONING,
)

VERCEL = Vendor(
    name="Vercel",
    base_url="https://ai-gateway.vercel.sh/v1",
    hosts=("ai-gateway.vercel.sh",),
    key_variable="AI_GATEWAY_API_KEY",
    url="https://vercel.com/docs/ai-gateway/sdks-and-apis/openai-chat-completions",
    source=(
        "vercel/ai's gateway package (ed857f50f1), LiteLLM 1.109.1's provider and "
        "models.dev's (f3fc69229), read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="openai/gpt-4.1",
            context_window=1_047_576,
            max_output_tokens=32_768,
            source=_TABLE,
        ),
        ModelInfo(
            name="anthropic/claude-haiku-4.5",
            context_window=200_000,
            max_output_tokens=64_000,
            source=_TABLE,
        ),
    ),
    capabilities=replace(_REASONING, files=True),
)
