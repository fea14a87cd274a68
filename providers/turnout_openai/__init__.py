"""OpenAI, and whoever speaks as it does, for turnout."""

from turnout_openai._provider import OpenAI, OpenAIOptions

__all__ = ["OpenAI", "OpenAIOptions"]
