"""FlowGPT for turnout."""

from turnout.generators import TextStream
from turnout_flowgpt._provider import FlowGpt, FlowGptOptions

__all__ = ["FlowGpt", "FlowGptOptions", "TextStream"]
