"""The plugins: OpenAI, and each vendor that speaks as it does.

Each has an entry point of its own, so that it can be loaded, and kept out, alone. The
module is OpenAI's plugin; a vendor's plugin is an attribute with the name of its row.
"""

from collections.abc import Sequence

from turnout import Provider, ProviderInfo, hookimpl
from turnout_openai._provider import OpenAI
from turnout_openai._vendor import Vendor


@hookimpl
def turnout_providers() -> Sequence[type[Provider]]:
    """Return the one provider."""
    return [OpenAI]


class VendorPlugin:
    """The plugin of one vendor."""

    def __init__(self, vendor: Vendor) -> None:
        self._vendor = vendor

    def __dir__(self) -> Sequence[str]:
        """Return what is a hook: each name here is looked at for every listing."""
        return ["turnout_providers"]

    @hookimpl
    def turnout_providers(self) -> Sequence[ProviderInfo]:
        """Return the one provider."""
        return [self._vendor.info(OpenAI)]


def __getattr__(name: str) -> VendorPlugin:
    from turnout_openai import _vendors

    row = getattr(_vendors, name, None)
    if not isinstance(row, Vendor):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return VendorPlugin(row)
