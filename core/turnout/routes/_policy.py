"""What follows an attempt that failed. Values and rules; no I/O and no clock.

Source: the table of reliability.md 2.3, and the numbers of 2.4 to 2.6.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal, TypeAlias

from turnout._frozen import frozen
from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    ContentFilterError,
    ContextLengthError,
    EmptyReplyError,
    FirstDeltaTimeoutError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    ProtocolError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamBrokenError,
    StreamError,
    TurnoutError,
    UnavailableError,
    UnsupportedError,
)
from turnout.routes._continuation import ContinuationPolicy
from turnout.routes._hedging import Hedging
from turnout.routes._prompting import INSTRUCTION, check_instruction
from turnout.routes._ranges import check_least, check_seconds
from turnout.routes._seam import SeamPolicy

__all__ = ["Failover", "Policy", "Rule", "rule"]

Failover: TypeAlias = Literal["continue", "before_text", "off"]
"""What is done once some of the answer was shown.

`continue`: another target goes on with it. `before_text`: another begins anew while
only reasoning was shown. `off`: the error is raised.
"""


@frozen
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
    least_time: float = 1.0
    """With fewer seconds left than these, no further target is asked."""
    max_attempts: int = 4
    """How many attempts one request makes at most, those at one target again among
    them."""
    max_retries: int = 2
    """How many of them are at a target that was asked before."""
    patience: float = 2.5
    """Seconds in all that a request waits for a target that says when it may be asked
    again, while there are others."""
    longest_wait: float = 20.0
    """Seconds that it waits at most where there is no other."""
    quick_retry: float = 0.5
    """Seconds at most to the one quick retry of a failure that named no time."""
    backoff: float = 0.5
    """Seconds of the first wait where there is no other target; it doubles."""
    limited_backoff: float = 1.0
    """The same for a target that is asked too much or has no capacity."""
    longest_backoff: float = 8.0
    """Seconds that it doubles to at most."""
    connect_backoff: float = 2.0
    """The same for a target that cannot be reached."""
    last_wait: float = 2.0
    """Seconds that a request waits where no target may be asked just now; with a longer
    time left one request tries all the same, and the others fail at once."""
    failover: Failover = "continue"
    """What is done once some of the answer was shown."""
    max_continuations: int = 1
    """How many targets go on with an answer that broke."""
    fallback_on_invalid: bool = False
    """Whether another target is asked when one refuses the request as such."""
    fallback_on_content_filter: bool = False
    """Whether another target is asked when a content filter blocks the prompt."""
    prompted_schema: bool = False
    """Whether a target that cannot be bound to a JSON schema is asked for one by a
    message; its answer is read as any other."""
    schema_instruction: str = INSTRUCTION
    """That message; `{schema}` in it stands for the schema."""
    continuation: ContinuationPolicy = field(default_factory=ContinuationPolicy)
    """Which answers are continued, and how that is asked for."""
    seam: SeamPolicy = field(default_factory=SeamPolicy)
    """What of a continuation repeats the answer."""
    hedging: Hedging = field(default_factory=Hedging)
    """When a second target is asked though the first has not failed."""

    def __post_init__(self) -> None:
        for name in ("first_delta_timeout", "stall_timeout", "deadline"):
            if getattr(self, name) is not None:
                check_seconds(self, name)
        check_least(self, 0, "least_time", "patience", "longest_wait", "last_wait")
        check_least(self, 0, "quick_retry", "backoff", "limited_backoff")
        check_least(self, 0, "longest_backoff", "connect_backoff")
        check_least(self, 0, "max_retries", "max_continuations")
        check_least(self, 1, "max_attempts")
        check_instruction(self.schema_instruction)


@frozen
class Rule:
    """What follows an error of one class."""

    goes_on: bool = True
    """Whether another target is asked."""
    retried: bool = False
    """Whether the same target is, if the error itself does not say otherwise."""
    counts: bool = False
    """Whether it speaks for opening the target's circuit."""
    limited: bool = False
    """Whether it means that the target is asked too much, or has no capacity."""
    cooldown: float = 0.0
    """Seconds for which the target is let alone where it names no time itself."""
    longest_cooldown: float = 0.0
    """Seconds that it is let alone at most, whatever it says."""
    continued: bool = True
    """Whether another target goes on with what was shown of the answer."""


_RULES: dict[type[TurnoutError], Rule] = {
    # The caller's own mistakes, a time that is up for all targets, a bug in a plugin.
    TurnoutError: Rule(goes_on=False),
    InvalidRequestError: Rule(goes_on=False),
    ContentFilterError: Rule(goes_on=False),
    ContextLengthError: Rule(),
    RequestTooLargeError: Rule(),
    UnavailableError: Rule(),
    UnsupportedError: Rule(),
    AuthenticationError: Rule(cooldown=300.0, longest_cooldown=300.0),
    ModelUnavailableError: Rule(cooldown=300.0, longest_cooldown=300.0),
    QuotaExceededError: Rule(cooldown=600.0, longest_cooldown=3600.0),
    # Doubled for each such answer in a row.
    RateLimitError: Rule(
        retried=True, limited=True, cooldown=5.0, longest_cooldown=300.0
    ),
    OverloadedError: Rule(
        retried=True, limited=True, counts=True, longest_cooldown=300.0
    ),
    ServerError: Rule(retried=True, counts=True),
    ConnectError: Rule(retried=True, counts=True),
    ConnectionLostError: Rule(retried=True, counts=True),
    # A target that was silent would be so again.
    FirstDeltaTimeoutError: Rule(counts=True),
    ProtocolError: Rule(counts=True),
    StreamError: Rule(counts=True),
    # Nothing is wrong with the target, and nothing is missing from what was shown.
    InvalidReplyError: Rule(continued=False),
    EmptyReplyError: Rule(continued=False),
    # Two answers that cannot be spliced: a third would not make them one.
    StreamBrokenError: Rule(goes_on=False),
}


def rule(error: TurnoutError, policy: Policy) -> Rule:
    """Return what follows an error.

    Args:
        error: What the attempt raised.
        policy: The route's.
    """
    found = next(_RULES[cls] for cls in type(error).__mro__ if cls in _RULES)
    if (policy.fallback_on_invalid and isinstance(error, InvalidRequestError)) or (
        policy.fallback_on_content_filter and isinstance(error, ContentFilterError)
    ):
        return Rule()
    return found
