"""Tests that hold for every provider, as pytest classes to inherit.

Only the modules of this package import pytest. `turnout.testing` imports them when one
of the classes is first used.
"""

from turnout.testing._contract._contracts import EngineContract, ProviderContract
from turnout.testing._contract._oddities import oddities

__all__ = ["EngineContract", "ProviderContract", "oddities"]
