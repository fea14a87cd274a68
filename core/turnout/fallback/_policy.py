"""What follows an attempt that failed. Values and rules; no I/O and no clock.

Source: the table of reliability.md 2.3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    ContentFilterError,
    ContextLengthError,
    FirstDeltaTimeoutError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamError,
    TurnoutError,
    UnavailableError,
    UnsupportedError,
)

__all__ = ["Policy", "Verdict", "verdict"]


class Verdict(Enum):
    """What is done about an error."""

    NEXT = "ask the next target"
    RAISE = "raise it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How a route falls back; each field is a keyword of `turnout.fallback`.

    Raises:
        ValueError: A field is out of range. `Route` makes a `ConfigError` of it.
    """

    first_delta_timeout: float | None = None
    """Seconds that each target has for its first delta; None means its own option."""
    stall_timeout: float | None = None
    """Seconds between two deltas; None means each target's own option."""
    deadline: float | None = None
    """Seconds for a request with all of its attempts; None means 600, and a request's
    own `deadline` goes over it."""
    max_attempts: int = 4
    """How many targets are asked for one request at most."""
    fallback_on_invalid: bool = False
    """Whether another target is asked when one refuses the request as such."""
    fallback_on_content_filter: bool = False
    """Whether another target is asked when a content filter blocks the prompt."""

    def __post_init__(self) -> None:
        for name in ("first_delta_timeout", "stall_timeout", "deadline"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} is in seconds, more than 0")
        if self.max_attempts < 1:
            raise ValueError("max_attempts is at least 1")


# Any other class is raised: the caller's own mistakes, a blocked prompt, a time that
# is up for all targets, a bug in a plugin.
_NEXT: tuple[type[TurnoutError], ...] = (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    FirstDeltaTimeoutError,
    ModelUnavailableError,
    OverloadedError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamError,
    UnavailableError,
    # The next target may accept more. Whether it does is not known here.
    ContextLengthError,
    RequestTooLargeError,
    UnsupportedError,
)


def verdict(error: TurnoutError, policy: Policy, *, shown: bool) -> Verdict:
    """Return what is done about an attempt's error.

    Args:
        error: What the attempt raised.
        policy: The route's.
        shown: Whether the caller has seen anything of the answer.
    """
    if shown:
        return Verdict.RAISE
    if isinstance(error, InvalidRequestError):
        return Verdict.NEXT if policy.fallback_on_invalid else Verdict.RAISE
    if isinstance(error, ContentFilterError):
        return Verdict.NEXT if policy.fallback_on_content_filter else Verdict.RAISE
    return Verdict.NEXT if isinstance(error, _NEXT) else Verdict.RAISE
