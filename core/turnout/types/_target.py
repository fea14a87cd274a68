"""The target of an attempt."""

from __future__ import annotations

from turnout._frozen import frozen

__all__ = ["Target"]


@frozen(kw_only=False)
class Target:
    """One provider with one of its models; `str` of it is `Provider:model`."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider
