"""How long a request waits before it asks a failed target again, if it does.

A time that the target names is waited for once, with a little on top. Without one, the
wait is drawn from the whole span up to a ceiling that doubles ("full jitter"). Both
keep callers that failed together from coming back together. While other targets are
left, a target that names no time is asked again once and soon.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from turnout.errors import ConnectError, ProviderError

__all__ = ["LONGEST_WAIT", "Random", "after_hint", "retry_delay"]

Random: TypeAlias = Callable[[], float]
"""Gives a number from 0 up to 1, evenly spread."""

LONGEST_WAIT = 20.0
"""Seconds that a request waits for a target that names a time, if no other is left. A
user who waits longer for nothing would rather get an error."""

_QUICK_RETRY = 0.05
"""Seconds at most to the one retry while others are left. It helps against the failure
of one connection or worker; for more, the next target is the better choice."""

_BACKOFF = 0.5
_LIMITED_BACKOFF = 1.0
_LONGEST_BACKOFF = 8.0
_LONGEST_CONNECT_BACKOFF = 2.0
"""Seconds of the first ceiling, of the same for a target without capacity, and of the
last: what the SDKs of OpenAI and AWS use. A connection costs little to try."""

_HINT_SPREAD = 0.1
_WIDEST_SPREAD = 1.0
"""How much later than a hint a target is asked at most: of the hint, and in seconds."""


def after_hint(hint: float, random: Random) -> float:
    """Return the seconds to wait if the target named `hint` seconds."""
    return hint + random() * min(_WIDEST_SPREAD, _HINT_SPREAD * hint)


def retry_delay(
    error: ProviderError,
    earlier: int,
    random: Random,
    *,
    limited: bool,
    once: bool,
    others: bool,
    patience: float,
) -> float | None:
    """Return the seconds until a target is asked again; None for not at all.

    Args:
        error: What it failed with; of a class that is retried.
        earlier: How often the request asked it again before.
        random: For the length of the wait.
        limited: Whether it has no capacity for now.
        once: Whether it is asked again once at most, and at once.
        others: Whether another target can be asked instead.
        patience: Seconds that the request waits for a time that is named, with others.
    """
    hint = error.retry_after
    # A time that was kept and did not help is not waited for again.
    if not error.retryable or (earlier and (once or others or hint is not None)):
        return None
    if hint is not None:
        longest = patience if others else LONGEST_WAIT
        if hint > longest:
            return None
        delay = after_hint(hint, random)
        return min(delay, longest) if others else delay
    if others or once:
        return None if limited else random() * _QUICK_RETRY
    base = _LIMITED_BACKOFF if limited else _BACKOFF
    connecting = isinstance(error, ConnectError)
    cap = _LONGEST_CONNECT_BACKOFF if connecting else _LONGEST_BACKOFF
    # A float holds no much larger power.
    return random() * min(cap, base * 2.0 ** min(earlier, 64))
