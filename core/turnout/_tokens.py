"""How many tokens a text has, by rule of thumb."""

from __future__ import annotations

__all__ = ["estimate_tokens"]

_CHARACTERS_A_TOKEN = 4
"""For English text; other scripts have fewer."""


def estimate_tokens(text: str) -> int:
    """Return how many tokens a text has, at four characters each.

    None for no text, and one at least for any.
    """
    return -(-len(text) // _CHARACTERS_A_TOKEN)
