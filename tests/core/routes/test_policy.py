"""What follows an error: the table of reliability.md 2.3."""

from __future__ import annotations

import math
from typing import Any

import pytest

from turnout import errors
from turnout.errors import (
    ArgumentError,
    AuthenticationError,
    ConfigError,
    ConnectError,
    ConnectionLostError,
    ContentFilterError,
    ContextLengthError,
    DeadlineError,
    EmptyReplyError,
    FallbackError,
    FirstDeltaTimeoutError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    PluginError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    RequestTooLargeError,
    ServerError,
    StreamBrokenError,
    StreamError,
    StreamStalledError,
    StreamTruncatedError,
    TurnoutError,
    UnavailableError,
    UnknownModelError,
    UnknownProviderError,
    UnsupportedError,
)
from turnout.routes import Hedging, Policy, SeamPolicy
from turnout.routes._continuation import ContinuationPolicy
from turnout.routes._policy import rule

RAISE: set[str] = set()
NEXT = {"goes_on"}
AGAIN = {"goes_on", "retried"}
COUNTS = {"counts"}
LIMITED = {"limited"}

# A class, and what follows it before anything was shown.
TABLE: list[tuple[type[TurnoutError], set[str]]] = [
    (InvalidRequestError, RAISE),
    (ContextLengthError, NEXT),
    (RequestTooLargeError, NEXT),
    (ContentFilterError, RAISE),
    (AuthenticationError, NEXT),
    (PermissionDeniedError, NEXT),
    (ModelUnavailableError, NEXT),
    (QuotaExceededError, NEXT),
    (RateLimitError, AGAIN | LIMITED),
    (OverloadedError, AGAIN | LIMITED | COUNTS),
    (ServerError, AGAIN | COUNTS),
    (ConnectError, AGAIN | COUNTS),
    (ConnectionLostError, AGAIN | COUNTS),
    (FirstDeltaTimeoutError, NEXT | COUNTS),
    (StreamError, NEXT | COUNTS),
    (StreamStalledError, NEXT | COUNTS),
    (StreamTruncatedError, NEXT | COUNTS),
    (StreamBrokenError, RAISE),
    (ProtocolError, NEXT | COUNTS),
    (InvalidReplyError, NEXT),
    (EmptyReplyError, NEXT),
    (UnavailableError, NEXT),
    (UnsupportedError, NEXT),
    (DeadlineError, RAISE),
    (ConfigError, RAISE),
    (ArgumentError, RAISE),
    (PluginError, RAISE),
    (UnknownModelError, RAISE),
    (UnknownProviderError, RAISE),
    # One that a provider could not place: what it means is not known.
    (ProviderError, RAISE),
]


def test_every_class_of_error_has_a_row() -> None:
    every = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, TurnoutError)
    }

    # The root is raised by nobody, and a group is what comes of the verdicts.
    assert {cls for cls, _ in TABLE} == every - {TurnoutError, FallbackError}


@pytest.mark.parametrize(("cls", "expected"), TABLE)
def test_before_anything_was_shown_a_class_has_its_row(
    cls: type[TurnoutError], expected: set[str]
) -> None:
    found = rule(cls("x"), Policy())

    marks = {"goes_on", "retried", "counts", "limited"}
    assert {mark for mark in marks if getattr(found, mark)} == expected


@pytest.mark.parametrize(
    ("cls", "cooldown", "longest"),
    [
        (AuthenticationError, 300, 300),
        (PermissionDeniedError, 300, 300),
        (ModelUnavailableError, 300, 300),
        (QuotaExceededError, 600, 3600),
        (RateLimitError, 5, 300),
        (OverloadedError, 0, 300),
        (ServerError, 0, 0),
    ],
)
def test_a_class_has_its_cooldown(
    cls: type[TurnoutError], cooldown: float, longest: float
) -> None:
    found = rule(cls("x"), Policy())

    assert (found.cooldown, found.longest_cooldown) == (cooldown, longest)


@pytest.mark.parametrize("cls", [cls for cls, _ in TABLE])
def test_what_may_be_asked_again_is_what_the_error_says_of_itself(
    cls: type[TurnoutError],
) -> None:
    assert rule(cls("x"), Policy()).retried == getattr(cls("x"), "retryable", False)


@pytest.mark.parametrize(
    ("cls", "field"),
    [
        (InvalidRequestError, "fallback_on_invalid"),
        (ContentFilterError, "fallback_on_content_filter"),
    ],
)
def test_a_policy_may_have_another_target_asked(
    cls: type[TurnoutError], field: str
) -> None:
    fields: dict[str, Any] = {field: True}

    assert rule(cls("x"), Policy(**fields)).goes_on


@pytest.mark.parametrize("cls", [ConfigError, DeadlineError, PluginError])
def test_no_policy_has_another_target_asked_for_what_is_not_the_targets(
    cls: type[TurnoutError],
) -> None:
    lenient = Policy(fallback_on_invalid=True, fallback_on_content_filter=True)

    assert not rule(cls("x"), lenient).goes_on


@pytest.mark.parametrize("name", ["first_delta_timeout", "stall_timeout", "deadline"])
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
def test_a_policys_seconds_are_more_than_none(name: str, value: float) -> None:
    fields: dict[str, Any] = {name: value}

    with pytest.raises(ValueError, match=f"{name} is in seconds, more than 0"):
        Policy(**fields)


@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("least_time", 0),
        ("patience", 0),
        ("longest_wait", 0),
        ("last_wait", 0),
        ("quick_retry", 0),
        ("backoff", 0),
        ("limited_backoff", 0),
        ("longest_backoff", 0),
        ("connect_backoff", 0),
        ("max_retries", 0),
        ("max_continuations", 0),
        ("max_attempts", 1),
    ],
)
def test_a_policys_number_has_a_least(name: str, least: int) -> None:
    fields: dict[str, Any] = {name: least - 1}
    with pytest.raises(ValueError, match=f"{name} is at least {least}"):
        Policy(**fields)
    fields[name] = least
    assert getattr(Policy(**fields), name) == least


def test_the_numbers_are_those_that_are_documented() -> None:
    assert Policy() == Policy(
        first_delta_timeout=None,
        stall_timeout=None,
        deadline=None,
        least_time=1.0,
        max_attempts=4,
        max_retries=2,
        patience=2.5,
        longest_wait=20.0,
        quick_retry=0.5,
        backoff=0.5,
        limited_backoff=1.0,
        longest_backoff=8.0,
        connect_backoff=2.0,
        last_wait=2.0,
        failover="continue",
        max_continuations=1,
        fallback_on_invalid=False,
        fallback_on_content_filter=False,
        continuation=ContinuationPolicy(),
        seam=SeamPolicy(),
        hedging=Hedging(),
    )


def test_a_policy_takes_what_is_in_range() -> None:
    policy = Policy(
        first_delta_timeout=0.1, stall_timeout=1, deadline=5, max_attempts=1
    )

    assert policy.first_delta_timeout == 0.1
