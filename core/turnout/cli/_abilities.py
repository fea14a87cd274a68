"""What targets can do, as it is listed."""

from __future__ import annotations

from dataclasses import fields

from turnout.types import Capabilities, ProviderInfo

__all__ = ["abilities", "abilities_of_some", "notable"]

_NOTABLE = {
    "tools": "tools",
    "images": "images",
    "files": "files",
    "response_format": "schema",
    "reasoning": "reasoning",
}
"""By which people choose; the others, such as `temperature`, most models have."""


def abilities(*capabilities: Capabilities) -> tuple[str, ...]:
    """Return the names of all that targets can do, one or another, for programs."""
    names = (field.name for field in fields(Capabilities))
    return tuple(name for name in names if any(getattr(c, name) for c in capabilities))


def abilities_of_some(info: ProviderInfo) -> tuple[str, ...]:
    """Return the names of all that some of a provider's models can do."""
    able = [model.capabilities or info.capabilities for model in info.model_infos]
    if info.open_models or not able:  # Of the others nothing else is known.
        able.append(info.capabilities)
    return abilities(*able)


def notable(able: tuple[str, ...]) -> str:
    """Return those that people look for, on one line."""
    return ", ".join(word for name, word in _NOTABLE.items() if name in able) or "-"
