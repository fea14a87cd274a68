"""Ollama for turnout."""

from turnout_ollama._provider import Ollama, OllamaOptions

__all__ = ["Ollama", "OllamaOptions"]
