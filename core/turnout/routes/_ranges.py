"""Check the numbers of a policy."""

from __future__ import annotations

import math

__all__ = ["check_least", "check_seconds", "check_share"]


def check_seconds(policy: object, *names: str) -> None:
    """Refuse fields that are no span of time.

    Raises:
        ValueError: One is not above 0, or has no end.
    """
    for name in names:
        if not 0 < getattr(policy, name) < math.inf:
            raise ValueError(f"{name} is in seconds, more than 0")


def check_least(policy: object, least: int, *names: str) -> None:
    """Refuse fields below a least number.

    Raises:
        ValueError: One is below `least`, or has no end.
    """
    for name in names:
        if not least <= getattr(policy, name) < math.inf:
            raise ValueError(f"{name} is at least {least}")


def check_share(policy: object, *names: str) -> None:
    """Refuse fields that are no part of a whole.

    Raises:
        ValueError: One is not above 0, or is above 1.
    """
    for name in names:
        if not 0 < getattr(policy, name) <= 1:
            raise ValueError(f"{name} is a share: more than 0, and 1 at most")
