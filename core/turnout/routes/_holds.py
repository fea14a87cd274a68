"""Holds: the times before which targets are not tried, and the stores of holds."""

from __future__ import annotations

from typing import Protocol

from turnout._frozen import frozen

__all__ = ["Hold", "HoldStore", "MemoryStore"]

_LIMIT = 4096
"""Holds that a process stores at most; names of models may come from its users."""


@frozen
class Hold:
    """A time before which a target is not tried, and why."""

    until: float
    """In the seconds of the caller's monotonic clock."""
    reason: str
    """The class of the error that is the reason, such as `RateLimitError`."""
    message: str = ""
    """The message of that error, shortened. A store need not keep it."""


class HoldStore(Protocol):
    """Stores holds; implement it to share them between processes.

    Times are in the seconds of the caller's monotonic clock, and `now` is its present
    time. Another process can only use the difference. Both methods are called in the
    event loop and must not block; they may read a copy that a task refreshes. If a
    method raises, that is logged, and the target counts as not held.
    """

    def get(self, key: str, now: float) -> Hold | None:
        """Return the hold of a target; None if it has none, or it has passed."""
        ...

    def put(self, key: str, hold: Hold, now: float) -> None:
        """Store a hold. It does not shorten one that lasts longer."""
        ...


class MemoryStore:
    """Store holds in this process."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}

    def clear(self) -> None:
        """Forget all holds."""
        self._holds = {}

    def get(self, key: str, now: float) -> Hold | None:
        """Return the hold of a target; None if it has none, or it has passed."""
        hold = self._holds.get(key)
        return hold if hold is not None and hold.until > now else None

    def put(self, key: str, hold: Hold, now: float) -> None:
        """Store a hold. It does not shorten one that lasts longer."""
        known = self._holds.get(key)
        if known is not None and known.until >= hold.until:
            return
        if known is None and len(self._holds) >= _LIMIT:
            # Remove an eighth at once, those that end first, so that this is rare.
            ranked = sorted(self._holds.items(), key=lambda item: item[1].until)
            self._holds = dict(ranked[_LIMIT // 8 :])
        self._holds[key] = hold
