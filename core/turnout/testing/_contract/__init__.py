"""Tests that hold for every provider, as pytest classes to inherit.

The only rooms of turnout that import pytest; `turnout.testing` imports them when one of
the classes is asked for.
"""

from turnout.testing._contract._contracts import EngineContract, ProviderContract
from turnout.testing._contract._oddities import oddities

__all__ = ["EngineContract", "ProviderContract", "oddities"]
