"""OpenAI's models and the info of the provider, as data.

The list is open: any other name is sent as it is.
"""

from turnout.types import Capabilities, ModelInfo, ProviderInfo

__all__ = ["INFO"]

_GATEWAY = "Vercel AI Gateway's page of the model, read 2026-11-22"
_UIPATH = "UiPath's page of models and their limits, read 2026-11-22"

INFO = ProviderInfo(
    name="OpenAI",
    models=(
        ModelInfo(
            name="gpt-4o-mini",
            context_window=128_000,
            max_output_tokens=16_384,
            source=_GATEWAY,
        ),
        ModelInfo(
            name="gpt-4o",
            context_window=128_000,
            max_output_tokens=16_384,
            source=_UIPATH,
        ),
        ModelInfo(
            name="gpt-4.1",
            context_window=1_047_576,
            max_output_tokens=32_768,
            source=_GATEWAY,
        ),
        ModelInfo(
            name="gpt-5.1",
            context_window=400_000,
            max_output_tokens=128_000,
            source=_UIPATH,
        ),
        # The pages differ on how much more than a million tokens it takes.
        ModelInfo(
            name="gpt-5.4",
            max_output_tokens=128_000,
            source="Box's page of the model, read 2026-11-22",
        ),
        ModelInfo(
            name="gpt-5.4-mini",
            context_window=400_000,
            max_output_tokens=128_000,
            source=_GATEWAY,
        ),
    ),
    default_model="gpt-4o-mini",
    open_models=True,
    url="https://platform.openai.com/docs/api-reference/chat",
    key_variable="OPENAI_API_KEY",
    needs_key=True,
    prices_id="openai",
    capabilities=Capabilities(
        temperature=True,
        max_tokens=True,
        top_p=True,
        stop=True,
        seed=True,
        tools=True,
        images=True,
        audio=True,
        files=True,
        native_tools=True,
        extra_fields=True,
        response_format=True,
    ),
)
