"""The hook implementations of the plugin."""

from collections.abc import Sequence

from turnout import Provider, hookimpl
from turnout_flowgpt._provider import FlowGpt


@hookimpl
def turnout_providers() -> Sequence[type[Provider]]:
    """Return the one provider."""
    return [FlowGpt]
