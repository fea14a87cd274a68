"""Holds: the times before which targets are not asked, and where they are kept."""

from __future__ import annotations

from typing import Protocol

from turnout._frozen import frozen

__all__ = ["Hold", "HoldStore", "MemoryStore"]

_LIMIT = 4096
"""Holds that a process remembers; the names of models may come from outside."""


@frozen
class Hold:
    """A time before which a target is not asked, and why."""

    until: float
    """In the seconds of the caller's clock, a monotonic one."""
    reason: str
    """The class of the error that is the reason, such as `RateLimitError`."""
    message: str = ""
    """The message of that error, shortened. A store need not keep it."""


class HoldStore(Protocol):
    """Where holds are kept; implement it to share them between processes.

    Times are in the seconds of the caller's monotonic clock, and `now` is the present
    time of it: what another process can use is the difference. Both methods are called
    from the event loop. They must not block; they may answer from a copy that a task
    refreshes. If one raises, that is logged, and the target counts as not held.
    """

    def get(self, key: str, now: float) -> Hold | None:
        """Return the hold of a target; None if there is none, or it has passed."""
        ...

    def put(self, key: str, hold: Hold, now: float) -> None:
        """Keep a hold. It does not shorten one that lasts longer."""
        ...


class MemoryStore:
    """Keep holds in this process."""

    def __init__(self) -> None:
        self._holds: dict[str, Hold] = {}

    def clear(self) -> None:
        """Forget all holds."""
        self._holds = {}

    def get(self, key: str, now: float) -> Hold | None:
        """Return the hold of a target; None if there is none, or it has passed."""
        hold = self._holds.get(key)
        return hold if hold is not None and hold.until > now else None

    def put(self, key: str, hold: Hold, now: float) -> None:
        """Keep a hold. It does not shorten one that lasts longer."""
        known = self._holds.get(key)
        if known is not None and known.until >= hold.until:
            return
        if known is None and len(self._holds) >= _LIMIT:
            # An eighth at once, those that end first, so that it happens rarely.
            ranked = sorted(self._holds.items(), key=lambda item: item[1].until)
            self._holds = dict(ranked[_LIMIT // 8 :])
        self._holds[key] = hold
