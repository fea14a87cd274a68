"""The hook implementations of the plugin."""

from collections.abc import Sequence

from turnout import Provider, hookimpl
from turnout_anthropic._provider import Anthropic


@hookimpl
def turnout_providers() -> Sequence[type[Provider]]:
    """Return the one provider."""
    return [Anthropic]
