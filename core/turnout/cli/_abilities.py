"""What targets can do, as it is listed."""

from __future__ import annotations

from dataclasses import fields

from turnout.types import Capabilities

__all__ = ["abilities", "notable"]

_NOTABLE = {
    "tools": "tools",
    "images": "images",
    "files": "files",
    "response_format": "schema",
    "reasoning": "reasoning",
}
"""By which people choose; the others, such as `temperature`, most models have."""


def abilities(capabilities: Capabilities) -> tuple[str, ...]:
    """Return the names of all that a target can do, for programs."""
    names = (field.name for field in fields(Capabilities))
    return tuple(name for name in names if getattr(capabilities, name))


def notable(able: tuple[str, ...]) -> str:
    """Return those that people look for, on one line."""
    return ", ".join(word for name, word in _NOTABLE.items() if name in able) or "-"
