"""FlowGPT's models and the info of the provider, as data.

Source: the project's founding description and an open-source client that spoke the
protocol from February to October 2024; read 2026-11-22.
"""

from turnout.types import Capabilities, ProviderInfo

__all__ = ["INFO"]

INFO = ProviderInfo(
    name="FlowGpt",
    models=(
        "gpt-3.5-turbo",
        "gpt-3.5-long",
        "gpt-4-turbo",
        "google-gemini",
        "claude-instant",
        "claude-v1",
        "claude-v2",
        "llama2-13b",
        "mythalion-13b",
        "pygmalion-13b",
        "chronos-hermes-13b",
        "Mixtral-8x7B",
        "Dolphin-2.6-8x7B",
    ),
    default_model="gpt-3.5-turbo",
    aliases={"gemini": "google-gemini", "gemini-pro": "google-gemini"},
    url="https://flowgpt.com/chat",
    # The client that is the source of the protocol was marked so in October 2024.
    working=False,
    capabilities=Capabilities(temperature=True),
)
