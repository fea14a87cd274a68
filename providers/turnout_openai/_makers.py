"""Rows of services that serve their own models; see `_vendors`.

Each row says what its facts come from. A rule that holds for some models alone, such as
which values of `tool_choice` they take, is not in a row: the service refuses it itself.
"""

from __future__ import annotations

from dataclasses import replace

from turnout.types import ModelInfo
from turnout_openai._vendor import USUAL, Vendor

__all__ = ["GEMINI_OPENAI", "MINIMAX", "MOONSHOT", "ZAI", "ZHIPU"]

_TABLE = "LiteLLM 1.109.1's table of models, read 2026-11-30"

# Its page on the compatible API lists no field for a schema, `seed` or `tool_choice`.
_MINIMAX = replace(USUAL, seed=False, response_format=False, reasoning=True)

# Its models of 2026 refuse any `temperature` and `top_p` that is not their own.
# They take videos; source: its page on vision models, read 2026-11-30.
_KIMI = replace(
    USUAL, temperature=False, top_p=False, seed=False, video=True, reasoning=True
)

# JSON is all that `response_format` may ask for.
_GLM = replace(USUAL, images=False, response_format=False, reasoning=True)
_GLM_VISION = replace(_GLM, images=True)

GEMINI_OPENAI = Vendor(
    name="GeminiOpenAI",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    hosts=("generativelanguage.googleapis.com",),
    key_variable="GEMINI_API_KEY",
    # The provider Gemini has the same one, and knows more of the service.
    shared_key=True,
    url="https://ai.google.dev/gemini-api/docs/openai",
    prices_id="google",
    source=(
        "Google's page on OpenAI compatibility; usage as recorded in pydantic-ai's "
        "test_compatible_api_with_tool_calls_without_id.yaml and in topic 127400 of "
        "discuss.ai.google.dev; seed: ChatterUI issue 227; read 2026-11-30"
    ),
    # `seed` is an unknown field there.
    capabilities=replace(USUAL, seed=False, reasoning=True),
    # 35 tokens of prompt, 12 of completion, 109 in total: the rest is reasoning.
    reasoning_in_output=False,
    # As the provider Gemini sends it, see its `_contents`.
    unsigned_call={
        "extra_content": {
            "google": {"thought_signature": "skip_thought_signature_validator"}
        }
    },
)

MINIMAX = Vendor(
    name="MiniMax",
    base_url="https://api.minimax.io/v1",
    hosts=("minimax.io", "minimaxi.com"),
    key_variable="MINIMAX_API_KEY",
    url="https://platform.minimax.io/docs/api-reference/text-openai-api",
    prices_id="minimax",
    source=(
        "MiniMax's pages on the OpenAI API, international and Chinese; AgentScope "
        "Java's MiniMaxFormatter (c2d43f86e) and Bifrost's page on MiniMax, which "
        "quote its reference; read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="MiniMax-M3",
            context_window=1_000_000,
            max_output_tokens=128_000,
            source=_TABLE,
        ),
        ModelInfo(
            name="MiniMax-M2.7",
            context_window=204_800,
            capabilities=replace(_MINIMAX, images=False),
            source="MiniMax's page on the OpenAI API, read 2026-11-30",
        ),
    ),
    capabilities=_MINIMAX,
    # `max_tokens` is deprecated.
    max_tokens_field="max_completion_tokens",
    # Without it the reasoning is part of the text, between <think> and </think>.
    extra={"reasoning_split": True},
)

MOONSHOT = Vendor(
    name="Moonshot",
    base_url="https://api.moonshot.ai/v1",
    hosts=("moonshot.ai", "moonshot.cn"),
    key_variable="MOONSHOT_API_KEY",
    url="https://platform.kimi.ai/docs/api/chat",
    prices_id="moonshotai",
    source=(
        "Kimi's pages on partial mode and on thinking models; its own client's "
        "max_completion_tokens (MoonshotAI/kimi-cli pull request 2332); AgentScope "
        "Java's KimiFormatter (c2d43f86e), which quotes its reference; seed: "
        "vercel/ai's moonshotai package (ed857f50f1); read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="kimi-k3",
            context_window=1_048_576,
            capabilities=_KIMI,
            source=_TABLE,
        ),
        ModelInfo(
            name="kimi-k2.7-code",
            context_window=262_144,
            capabilities=_KIMI,
            source=_TABLE,
        ),
        ModelInfo(
            name="moonshot-v1-128k",
            context_window=131_072,
            capabilities=replace(USUAL, images=False, seed=False),
            prefill="partial_flag",
            source=f"{_TABLE}; Kimi's page on partial mode",
        ),
    ),
    capabilities=replace(USUAL, seed=False, video=True, reasoning=True),
    max_tokens_field="max_completion_tokens",
    # It refuses an empty text as if the field were missing, and takes a space
    # (theopenco/llmgateway pull request 2093, earendil-works/pi issue 4179).
    empty_reasoning=" ",
)

ZAI = Vendor(
    name="Z.ai",
    base_url="https://api.z.ai/api/paas/v4",
    hosts=("z.ai",),
    key_variable="ZAI_API_KEY",
    url="https://docs.z.ai/api-reference/llm/chat-completion",
    prices_id="zai",
    source=(
        "Z.ai's SDK zai-sdk 0.2.3; answers recorded in pydantic-ai's test_zai; "
        "response_format: pydantic-ai's provider and LiteLLM 1.109.1's; "
        "read 2026-11-30"
    ),
    models=(
        ModelInfo(
            name="glm-5.3",
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=_GLM,
            source=_TABLE,
        ),
        ModelInfo(
            name="glm-5.3-flash",
            context_window=1_048_576,
            max_output_tokens=128_000,
            capabilities=_GLM_VISION,
            source=_TABLE,
        ),
        ModelInfo(
            name="glm-4.7-flash",
            context_window=200_000,
            max_output_tokens=128_000,
            capabilities=_GLM,
            source=_TABLE,
        ),
    ),
    capabilities=_GLM_VISION,
)

ZHIPU = replace(
    ZAI,
    name="Zhipu",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    hosts=("bigmodel.cn",),
    key_variable="ZHIPUAI_API_KEY",
    url="https://docs.bigmodel.cn",
    prices_id="zhipuai",
    source=(
        "Zhipu's SDKs zai-sdk 0.2.3 and zhipuai 2.1.5; AgentScope Java's GLMFormatter "
        "(c2d43f86e), which quotes its reference; read 2026-11-30"
    ),
    models=tuple(
        ModelInfo(
            name=name,
            context_window=1_000_000,
            max_output_tokens=128_000,
            capabilities=capabilities,
            source=_TABLE,
        )
        for name, capabilities in (("glm-5.3", _GLM), ("glm-5.3-flash", _GLM_VISION))
    ),
)
