"""Google's Gemini, for turnout."""

from turnout_gemini._provider import Gemini, GeminiOptions

__all__ = ["Gemini", "GeminiOptions"]
