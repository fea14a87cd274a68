"""Estimate how many tokens a text has."""

from __future__ import annotations

__all__ = ["estimate_tokens"]

_CHARACTERS_A_TOKEN = 4
"""For English text; other scripts have fewer characters a token."""


def estimate_tokens(text: str) -> int:
    """Return how many tokens a text has, at four characters each, rounded up."""
    return -(-len(text) // _CHARACTERS_A_TOKEN)
