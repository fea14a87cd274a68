"""The info of a provider that is a vendor's row. Imported with the first one."""

from __future__ import annotations

from dataclasses import dataclass, field

from turnout.types import ProviderInfo
from turnout_openai._vendor import Vendor

__all__ = ["VendorInfo"]


# The base class has these methods; a second set would only take time to compile.
@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class VendorInfo(ProviderInfo):
    """The info of a vendor, with its row."""

    vendor: Vendor = field(repr=False, compare=False)
