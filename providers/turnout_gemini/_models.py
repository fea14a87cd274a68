"""Gemini's models and the info of the provider, as data.

The list is open: any other name is sent as it is.
"""

from dataclasses import replace

from turnout.types import Capabilities, ModelInfo, ProviderInfo

__all__ = ["INFO", "is_before_3"]

_CAPABILITIES = Capabilities(
    temperature=True,
    max_tokens=True,
    top_p=True,
    stop=True,
    seed=True,
    tools=True,
    images=True,
    audio=True,
    video=True,
    files=True,
    native_tools=True,
    extra_fields=True,
    response_format=True,
    reasoning=True,
)

# "Custom values for parameters like temperature, top-K, and top-P aren't supported. If
# you set a custom value for these parameters, that value will be ignored."
# Google Cloud's page of Gemini 3.6 Flash, read 2026-11-22. So it is with all from that
# model on, and with 3.5 Flash-Lite: pull request 1897 of langchain-ai/langchain-google,
# and what others wrote of 3.7, 3.8 and 4.
_FIXED_SAMPLING = replace(_CAPABILITIES, temperature=False, top_p=False)

_GUIDE_38 = "Google Cloud's guide to Gemini 3.8 Flash, read 2026-11-22"

# "Older models accept a trailing model turn and continue it as the start of their
# reply": of these it says so. Of 3.6 and later, and of 3.5 Flash-Lite, Google's own
# pages say that such a request is refused.
_PREFILL = "prefill: pull request 5821 of pipecat-ai/pipecat, read 2026-11-22"

INFO = ProviderInfo(
    name="Gemini",
    models=(
        ModelInfo(
            name="gemini-3.8-flash",
            context_window=1_048_576,
            max_output_tokens=65_536,
            capabilities=_FIXED_SAMPLING,
            source=_GUIDE_38,
        ),
        ModelInfo(
            name="gemini-3.7-flash",
            context_window=1_048_576,
            max_output_tokens=65_536,
            capabilities=_FIXED_SAMPLING,
            source=_GUIDE_38,
        ),
        ModelInfo(
            name="gemini-3.6-flash",
            context_window=1_048_576,
            max_output_tokens=65_536,
            capabilities=_FIXED_SAMPLING,
            source="Google Cloud's page of the model, read 2026-11-22",
        ),
        ModelInfo(
            name="gemini-3.5-flash-lite",
            context_window=1_048_576,
            max_output_tokens=65_536,
            capabilities=_FIXED_SAMPLING,
            source="Google's page of the model at ai.google.dev, read 2026-11-22",
        ),
        ModelInfo(
            name="gemini-3.1-pro-preview",
            context_window=1_048_576,
            max_output_tokens=65_536,
            prefill="trailing",
            source=f"{_GUIDE_38}; {_PREFILL}",
        ),
        ModelInfo(
            name="gemini-3.1-flash-lite",
            context_window=1_048_576,
            max_output_tokens=65_536,
            prefill="trailing",
            source=f"Google Cloud's page of the model, read 2026-11-22; {_PREFILL}",
        ),
        # Its output limit depends on the form of the request.
        ModelInfo(
            name="gemini-4-argon",
            context_window=1_048_576,
            capabilities=_FIXED_SAMPLING,
            source="Google Cloud's guide to Gemini 4, read 2026-11-22",
        ),
    ),
    default_model="gemini-3.8-flash",
    open_models=True,
    url="https://ai.google.dev/api/generate-content",
    key_variable="GEMINI_API_KEY",
    needs_key=True,
    prices_id="google",
    capabilities=_CAPABILITIES,
)

_BEFORE_3 = ("gemini-1", "gemini-2", "gemma")


def is_before_3(model: str) -> bool:
    """Return whether a model is older than Gemini 3, by its name."""
    return model.removeprefix("models/").startswith(_BEFORE_3)
