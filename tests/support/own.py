"""What turnout's own distribution brings, in one place for the tests."""

from __future__ import annotations

PROVIDERS = ("FlowGpt", "Gemini", "Local", "Ollama", "OpenAI")
"""By name, as lists show them."""

PACKAGES = (
    "turnout_flowgpt",
    "turnout_gemini",
    "turnout_local",
    "turnout_ollama",
    "turnout_openai",
)
