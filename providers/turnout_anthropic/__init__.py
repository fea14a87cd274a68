"""Anthropic, and other services with its Messages protocol, for turnout."""

from turnout_anthropic._provider import Anthropic, AnthropicOptions

__all__ = ["Anthropic", "AnthropicOptions"]
