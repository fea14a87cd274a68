"""Check the numbers of a policy."""

from __future__ import annotations

import math

__all__ = ["check_least", "check_seconds"]


def check_seconds(policy: object, *names: str) -> None:
    """Refuse fields that are not a time.

    Raises:
        ValueError: One is not above 0, or is infinite.
    """
    for name in names:
        if not 0 < getattr(policy, name) < math.inf:
            raise ValueError(f"{name} must be a number of seconds above 0")


def check_least(policy: object, least: int, *names: str) -> None:
    """Refuse fields below a minimum.

    Raises:
        ValueError: One is below `least`, or is infinite.
    """
    for name in names:
        if not least <= getattr(policy, name) < math.inf:
            raise ValueError(f"{name} must be at least {least}")
