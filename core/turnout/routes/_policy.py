"""The policy of a route, and the rule for each class of error."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from turnout import errors
from turnout._frozen import frozen

__all__ = ["Failover", "Policy", "Rule", "rule"]

Failover: TypeAlias = Literal["continue", "before_text", "off"]
"""What a route does when an attempt fails after the caller has received a delta.

`continue`: another target continues the answer. `before_text`: another target starts
again if the caller has received only reasoning. `off`: the error is raised.
"""


@frozen
class Policy:
    """How a route handles failures; each field is a keyword of `turnout.fallback`.

    Raises:
        ValueError: A field is out of range. `Route` raises `ConfigError` from it.
    """

    first_delta_timeout: float | None = None
    """Seconds to the first delta of each target; None means the target's own option."""
    stall_timeout: float | None = None
    """Seconds between two deltas; None means each target's own option."""
    deadline: float | None = None
    """Seconds for a request with all its attempts; None means 600. A request's own
    `deadline` overrides it."""
    least_time: float = 1.0
    """No further target is tried with fewer seconds than these before the deadline."""
    max_attempts: int = 4
    """A target is retried only while the request has made fewer attempts. Every target
    may be tried once, however many there are."""
    patience: float = 2.5
    """Seconds that a request waits, in total, for targets that name a time, while other
    targets are left."""
    failover: Failover = "continue"
    """What happens when an attempt fails after the caller has received a delta."""
    max_continuations: int = 1
    """How many targets may continue one answer."""
    fallback_on_content_filter: bool = False
    """Whether another target is tried when a content filter blocks the prompt."""
    prompted_schema: bool = False
    """Whether a target that does not support JSON schemas gets the schema in a message;
    its answer is parsed like any other."""
    join: Literal["best_effort", "verified"] = "best_effort"
    """Which joins are accepted: all that do not look like another answer, or only those
    that are verified. `verified` raises a `StreamBrokenError` for the others."""
    continue_with_tools: bool = True
    """Whether an answer is continued if tools are offered and none was called."""
    hedge_after: float | None = None
    """Seconds without a first delta after which a second target gets the request too;
    None means never. See docs/failover.md for the requests that are not hedged."""

    @staticmethod
    def hint_for(name: str) -> str | None:
        """Return what to write instead of an unknown field; None if that is unknown."""
        from turnout.types._hints import hint_for_policy

        return hint_for_policy(name)

    def __post_init__(self) -> None:
        for name in ("first_delta_timeout", "stall_timeout", "deadline", "hedge_after"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise ValueError(f"{name} must be a number of seconds above 0")
        for name in ("least_time", "patience", "max_continuations", "max_attempts"):
            least = 1 if name == "max_attempts" else 0
            if not least <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be at least {least}")


@frozen
class Rule:
    """What a route does about an error of one class."""

    goes_on: bool = True
    """Whether the next target is tried."""
    retried: bool = False
    """Whether the same target may be retried, if the error is retryable."""
    once: bool = False
    """Whether it is retried at most once, without a delay, if the error is
    retryable."""
    counts: bool = False
    """Whether it counts as a failure of the target."""
    limited: bool = False
    """Whether the target has no capacity or no quota for now."""
    hold: float = 0.0
    """Seconds for which the target is held, if it names no time."""
    longest_hold: float = 0.0
    """The most seconds for which it is held, whatever time it names."""
    continued: bool = True
    """Whether another target may continue the text that the caller has received."""


_HOUR = 3600.0

_RULES: dict[type[errors.TurnoutError], Rule] = {
    # Every other error concerns only this request at this target: an unknown kind of
    # refusal, an input that is too long, a missing capability.
    errors.TurnoutError: Rule(),
    # The caller's mistake, or the caller's deadline: another target changes neither.
    errors.ArgumentError: Rule(goes_on=False),
    errors.DeadlineError: Rule(goes_on=False),
    errors.ContentFilterError: Rule(goes_on=False),
    # These last for a while: another try would get the same refusal.
    errors.AuthenticationError: Rule(hold=300.0, longest_hold=300.0),
    errors.ModelUnavailableError: Rule(hold=300.0, longest_hold=300.0),
    errors.QuotaExceededError: Rule(hold=300.0, longest_hold=_HOUR),
    errors.RateLimitError: Rule(
        retried=True, limited=True, counts=True, longest_hold=_HOUR
    ),
    errors.OverloadedError: Rule(
        retried=True, limited=True, counts=True, longest_hold=300.0
    ),
    errors.ServerError: Rule(retried=True, counts=True, longest_hold=300.0),
    errors.ConnectError: Rule(retried=True, counts=True),
    errors.ConnectionLostError: Rule(retried=True, counts=True),
    # A target that timed out once would probably time out again.
    errors.FirstDeltaTimeoutError: Rule(counts=True),
    errors.ProtocolError: Rule(counts=True),
    errors.StreamError: Rule(counts=True),
    errors.PluginError: Rule(counts=True),
    # The answer has the wrong format, so it cannot be continued. Another try may help
    # only if the service says that its model failed: then the error is retryable.
    errors.InvalidReplyError: Rule(once=True, continued=False),
    errors.EmptyReplyError: Rule(counts=True, continued=False),
    # It sent another answer instead of a continuation; the caller received none of it.
    errors.StreamBrokenError: Rule(),
}


_UNSENT = Rule(longest_hold=300.0)
"""For a key that is missing or is not a key. Nothing was sent. The next request tries
again, since the key may have been set."""


def rule(error: errors.TurnoutError, policy: Policy) -> Rule:
    """Return what a route does about an error."""
    if _is_unsent(error):
        return _UNSENT
    if policy.fallback_on_content_filter and isinstance(
        error, errors.ContentFilterError
    ):
        return _RULES[errors.TurnoutError]
    return next(_RULES[cls] for cls in type(error).__mro__ if cls in _RULES)


def _is_unsent(error: errors.TurnoutError) -> bool:
    """Return whether a key was found missing or wrong before anything was sent."""
    return (
        isinstance(error, errors.AuthenticationError)
        and error.status_code is None
        # Only the service knows what a key may do.
        and not isinstance(error, errors.PermissionDeniedError)
    )
