"""The hook implementations of the plugin."""

from collections.abc import Sequence

from turnout import Provider, hookimpl
from turnout_gemini._provider import Gemini


@hookimpl
def turnout_providers() -> Sequence[type[Provider]]:
    """Return the one provider."""
    return [Gemini]
