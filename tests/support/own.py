"""What turnout's own distribution brings, in one place for the tests."""

from __future__ import annotations

PROVIDERS = ("Anthropic", "FlowGpt", "Gemini", "Local", "Ollama", "OpenAI")
"""By name, as lists show them."""

PACKAGES = (
    "turnout_anthropic",
    "turnout_flowgpt",
    "turnout_gemini",
    "turnout_local",
    "turnout_ollama",
    "turnout_openai",
)
