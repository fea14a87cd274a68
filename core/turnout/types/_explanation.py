"""The explanation of which targets a name means, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from turnout._frozen import frozen
from turnout.types._target import Target

__all__ = ["Explanation", "Place"]


@frozen
class Place:
    """A target, and the reason for its place in the order."""

    target: Target
    reason: str
    passed_over: str = ""
    """Why it is skipped for now; empty if it is not."""
    options: Mapping[str, object] = field(default_factory=dict[str, object], repr=False)
    """Options of each request to it, from a route of the configuration."""

    def __str__(self) -> str:
        own = f"; with its own {', '.join(self.options)}" if self.options else ""
        passed = f"; passed over {self.passed_over}" if self.passed_over else ""
        return f"{self.target} ({self.reason}{own}{passed})"


@frozen
class Explanation:
    """Which targets a name means, step by step; `str` of it is for people."""

    name: str | None
    steps: tuple[str, ...]
    """How the name was understood."""
    places: tuple[Place, ...]
    """The targets that it means, in the order in which they are tried."""
    route: str | None = None
    """The route of the configuration whose policy applies; None without one."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The targets that it means, in the order in which they are tried."""
        return tuple(place.target for place in self.places)

    def __str__(self) -> str:
        numbered = [f"{i}. {place}" for i, place in enumerate(self.places, 1)]
        return "\n".join([*self.steps, *numbered])
