"""The rules for errors, and the values of a policy's fields."""

from __future__ import annotations

import math
from dataclasses import fields
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
from turnout.routes import Policy
from turnout.routes._policy import Rule, rule

RAISE: set[str] = set()
NEXT = {"goes_on"}
AGAIN = {"goes_on", "retried"}
COUNTS = {"counts"}
LIMITED = {"limited"}

# A class, and what follows it before the first delta.
TABLE: list[tuple[type[TurnoutError], set[str]]] = [
    (ArgumentError, RAISE),
    (DeadlineError, RAISE),
    (ContentFilterError, RAISE),
    (InvalidRequestError, NEXT),
    (ContextLengthError, NEXT),
    (RequestTooLargeError, NEXT),
    (AuthenticationError, NEXT),
    (PermissionDeniedError, NEXT),
    (ModelUnavailableError, NEXT),
    (QuotaExceededError, NEXT),
    (RateLimitError, AGAIN | LIMITED | COUNTS),
    (OverloadedError, AGAIN | LIMITED | COUNTS),
    (ServerError, AGAIN | COUNTS),
    (ConnectError, AGAIN | COUNTS),
    (ConnectionLostError, AGAIN | COUNTS),
    (FirstDeltaTimeoutError, NEXT | COUNTS),
    (StreamError, NEXT | COUNTS),
    (StreamStalledError, NEXT | COUNTS),
    (StreamTruncatedError, NEXT | COUNTS),
    (ProtocolError, NEXT | COUNTS),
    (PluginError, NEXT | COUNTS),
    (StreamBrokenError, NEXT),
    (InvalidReplyError, NEXT),
    (EmptyReplyError, NEXT | COUNTS),
    (UnavailableError, NEXT),
    (UnsupportedError, NEXT),
    (ConfigError, NEXT),
    (UnknownModelError, NEXT),
    (UnknownProviderError, NEXT),
    # An unknown kind of refusal: another target may accept the request.
    (ProviderError, NEXT),
]


def test_every_class_of_error_has_a_row() -> None:
    every = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, TurnoutError)
    }

    # The root is not raised, and a route itself raises the group.
    assert {cls for cls, _ in TABLE} == every - {TurnoutError, FallbackError}
    assert len(TABLE) == len({cls for cls, _ in TABLE})


@pytest.mark.parametrize(("cls", "expected"), TABLE)
def test_a_class_has_its_rule(cls: type[TurnoutError], expected: set[str]) -> None:
    found = rule(cls("x"), Policy())

    marks = {"goes_on", "retried", "counts", "limited"}
    assert {mark for mark in marks if getattr(found, mark)} == expected


@pytest.mark.parametrize(
    ("cls", "hold", "longest"),
    [
        (AuthenticationError, 300, 300),
        (PermissionDeniedError, 300, 300),
        (ModelUnavailableError, 300, 300),
        (QuotaExceededError, 300, 3600),
        (RateLimitError, 0, 3600),
        (OverloadedError, 0, 300),
        (ServerError, 0, 300),
        (ConnectError, 0, 0),
        (InvalidRequestError, 0, 0),
    ],
)
def test_a_class_has_its_hold(
    cls: type[ProviderError], hold: float, longest: float
) -> None:
    found = rule(cls("x", status_code=429), Policy())

    assert (found.hold, found.longest_hold) == (hold, longest)


@pytest.mark.parametrize(
    ("error", "hold"),
    [
        (AuthenticationError("set P_KEY"), 0),
        (AuthenticationError("set P_KEY", status_code=401), 300),
        # Only a service knows what a key may do.
        (PermissionDeniedError("no"), 300),
    ],
)
def test_a_key_that_is_missing_here_is_not_held(
    error: ProviderError, hold: float
) -> None:
    assert rule(error, Policy()).hold == hold


@pytest.mark.parametrize("cls", [cls for cls, _ in TABLE])
def test_a_class_is_retried_if_its_errors_say_so(cls: type[TurnoutError]) -> None:
    assert rule(cls("x"), Policy()).retried == getattr(cls("x"), "retryable", False)


def test_an_answer_of_the_wrong_form_is_not_continued() -> None:
    continued = {cls for cls, _ in TABLE if rule(cls("x"), Policy()).continued}

    unfit = {InvalidReplyError, EmptyReplyError}
    assert continued == {cls for cls, _ in TABLE} - unfit


def test_an_error_class_of_a_plugin_has_the_rule_of_its_base() -> None:
    class BusyError(OverloadedError):
        """An error class of a plugin."""

    assert rule(BusyError("x"), Policy()) == rule(OverloadedError("x"), Policy())


def test_a_policy_may_try_another_target_after_a_content_filter() -> None:
    policy = Policy(fallback_on_content_filter=True)

    assert rule(ContentFilterError("x"), policy) == Rule()
    assert not rule(ArgumentError("x"), policy).goes_on
    assert not rule(DeadlineError("x"), policy).goes_on


SECONDS = ("first_delta_timeout", "stall_timeout", "deadline", "hedge_after")


@pytest.mark.parametrize("name", SECONDS)
@pytest.mark.parametrize("value", [0, -1.0, math.nan, math.inf])
def test_seconds_have_to_be_above_0(name: str, value: float) -> None:
    given: dict[str, Any] = {name: value}

    with pytest.raises(ValueError, match=f"{name} must be a number of seconds above 0"):
        Policy(**given)


@pytest.mark.parametrize(
    ("name", "least"),
    [("least_time", 0), ("patience", 0), ("max_continuations", 0), ("max_attempts", 1)],
)
def test_a_number_has_a_least_value(name: str, least: int) -> None:
    given: dict[str, Any] = {name: least}

    accepted = Policy(**given)

    assert getattr(accepted, name) == least
    for value in (least - 1, math.nan, math.inf):
        given[name] = value
        with pytest.raises(ValueError, match=f"{name} must be at least {least}"):
            Policy(**given)


def test_the_defaults_are_the_documented_ones() -> None:
    documented = {
        "first_delta_timeout": None,
        "stall_timeout": None,
        "deadline": None,
        "least_time": 1.0,
        "max_attempts": 4,
        "patience": 2.5,
        "failover": "continue",
        "max_continuations": 1,
        "fallback_on_content_filter": False,
        "prompted_schema": False,
        "join": "best_effort",
        "continue_with_tools": True,
        "hedge_after": None,
    }

    defaults = {field.name: field.default for field in fields(Policy)}

    assert defaults.items() >= documented.items()


def test_a_policy_accepts_values_in_range() -> None:
    policy = Policy(first_delta_timeout=0.1, stall_timeout=1, deadline=5, hedge_after=2)

    assert policy.first_delta_timeout == 0.1
