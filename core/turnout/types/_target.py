"""What one attempt asks."""

from __future__ import annotations

from dataclasses import dataclass

from turnout.types._quick import quick

__all__ = ["Target"]


@quick
@dataclass(frozen=True, slots=True)
class Target:
    """One provider with one of its models; as text, the model id `Provider:model`."""

    provider: str
    model: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.model}" if self.model else self.provider
