"""Bedrock's models and what the provider says of itself, as data.

The list is open: any model id, inference profile or ARN passes through.

Source: Amazon Bedrock User Guide, "Supported foundation models", read 2026-11-30.
"""

from turnout import Capabilities, ModelInfo, ProviderInfo

__all__ = ["INFO"]

INFO = ProviderInfo(
    name="Bedrock",
    models=(
        ModelInfo(
            name="anthropic.claude-3-5-sonnet-20241022-v2:0", context_window=200_000
        ),
        ModelInfo(name="amazon.nova-pro-v1:0", context_window=300_000),
        ModelInfo(name="amazon.nova-lite-v1:0", context_window=300_000),
        ModelInfo(name="meta.llama3-1-70b-instruct-v1:0", context_window=128_000),
    ),
    open_models=True,
    url="https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ConverseStream.html",
    key_variable="AWS_BEARER_TOKEN_BEDROCK",
    needs_key=True,
    capabilities=Capabilities(
        temperature=True,
        max_tokens=True,
        top_p=True,
        stop=True,
        tools=True,
        images=True,
        files=True,
        response_format=True,
    ),
)
