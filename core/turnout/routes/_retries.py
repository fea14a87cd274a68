"""Whether a failed target is retried, and after how many seconds.

If the target names a time, the request waits for it once, plus a small random part.
Otherwise the delay is random between zero and a ceiling that doubles ("full jitter").
So callers that failed at the same time do not retry at the same time. While other
targets are left, a target that names no time is retried once, after a short delay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from turnout.errors import ConnectError, ProviderError

__all__ = ["LONGEST_WAIT", "Random", "after_hint", "retry_delay"]

Random: TypeAlias = Callable[[], float]
"""Returns a random number from 0 up to 1, evenly distributed."""

LONGEST_WAIT = 20.0
"""The most seconds that a request waits for a target that names a time, if no other is
left. After that, an error serves the user better."""

_QUICK_RETRY = 0.05
"""The most seconds to the one retry while others are left. It helps if one connection
or worker failed; for anything else, the next target is the better choice."""

_BACKOFF = 0.5
_LIMITED_BACKOFF = 1.0
_LONGEST_BACKOFF = 8.0
_LONGEST_CONNECT_BACKOFF = 2.0
"""Ceilings in seconds: the first one, the first one for a target without capacity, and
the last ones. The SDKs of OpenAI and AWS use these. Trying to connect costs little."""

_HINT_SPREAD = 0.1
_WIDEST_SPREAD = 1.0
"""The longest random part: as a share of the named time, and in seconds."""


def after_hint(hint: float, random: Random) -> float:
    """Return the seconds to wait after the target named `hint` seconds."""
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
    """Return the seconds until a target is retried; None if it is not retried.

    Args:
        error: Why it failed; of a class that is retried.
        earlier: How often the request has retried it before.
        random: For the length of the wait.
        limited: Whether it has no capacity for now.
        once: Whether it is retried at most once, without a delay.
        others: Whether another target can be tried instead.
        patience: The most seconds to wait for a named time if there are others.
    """
    hint = error.retry_after
    # The request waits for a named time only once.
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
    # A much larger power does not fit into a float.
    return random() * min(cap, base * 2.0 ** min(earlier, 64))
