"""What the plugin gives turnout."""

from collections.abc import Sequence

from turnout import Provider, hookimpl
from turnout_bedrock._provider import Bedrock

turnout_api = (1, 1)


@hookimpl
def turnout_providers() -> Sequence[type[Provider]]:
    """Give the one provider."""
    return [Bedrock]
