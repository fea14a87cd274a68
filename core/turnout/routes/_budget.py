"""How many requests may be asked of a target once more.

A bucket that each retry, hedge or continuation takes one from, and each success puts a
little into. A target that fails now and then is asked again each time; one that fails
always has the bucket empty soon, and is not buried under retries. A few in flight are
allowed even then, so that a target with little traffic is not left without. Asking
another target for the first time takes nothing.
"""

from __future__ import annotations

from turnout._frozen import frozen
from turnout.routes._ranges import check_least

__all__ = ["BudgetPolicy", "RetryBudget"]

# Whole numbers: ten times a tenth, as floats, is less than one.
_ONE = 1_000_000


@frozen
class BudgetPolicy:
    """How much a target's retries may be.

    Raises:
        ValueError: A field is out of range.
    """

    capacity: float = 10.0
    """Retries in a full bucket, as each is at first."""
    per_success: float = 0.1
    """Retries that a success puts in."""
    floor: int = 3
    """With the bucket empty, one more retry goes while fewer than these are in flight;
    0 means that none does."""

    def __post_init__(self) -> None:
        check_least(self, 0, "capacity", "per_success", "floor")


class RetryBudget:
    """The retries that one target has left.

    Args:
        policy: Its numbers.
    """

    __slots__ = ("_floor", "_full", "_gain", "_left", "in_flight")

    def __init__(self, policy: BudgetPolicy) -> None:
        self._full = round(policy.capacity * _ONE)
        self._gain = round(policy.per_success * _ONE)
        self._floor = policy.floor
        self._left = self._full
        self.in_flight = 0
        """Retries that were granted and not released yet."""

    @property
    def left(self) -> float:
        """How much the bucket holds."""
        return self._left / _ONE

    def spend(self) -> bool:
        """Take one retry; False where none is to be had.

        Each that is granted is to be released once it ends, however it ends.
        """
        if self._left >= _ONE:
            self._left -= _ONE
        elif self.in_flight >= self._floor:
            return False
        self.in_flight += 1
        return True

    def release(self) -> None:
        """Tell that a retry which was granted has ended."""
        self.in_flight = max(0, self.in_flight - 1)

    def succeeded(self) -> None:
        """Put in what a success is worth."""
        left = self._left + self._gain
        self._left = left if left < self._full else self._full
