"""FlowGPT for turnout."""

from turnout_flowgpt._provider import FlowGpt, FlowGptOptions, TextStream

__all__ = ["FlowGpt", "FlowGptOptions", "TextStream"]
