"""The error tree and the data of its classes."""

from __future__ import annotations

import copy
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from typing import cast

import pytest

from turnout import errors
from turnout.errors import (
    ConfigError,
    ConnectError,
    FallbackError,
    ProviderError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.types import Attempt, Reply, Target, Usage

TARGET = Target("Hello", "hello-1")

CLASSES: dict[str, type[Exception]] = {
    name: value
    for name, value in vars(errors).items()
    if isinstance(value, type) and issubclass(value, TurnoutError)
}

PLAIN = {name: cls for name, cls in CLASSES.items() if name != "FallbackError"}


def drawn() -> dict[str, str | None]:
    """Return each class in the docstring's tree, with its parent there."""
    assert errors.__doc__ is not None
    above: dict[int, str] = {}
    found: dict[str, str | None] = {}
    for line in errors.__doc__.splitlines():
        match = re.match(r"    (?P<lines>[│├└─ ]*)(?P<name>\w+Error)\b", line)
        if match is not None:
            depth = len(match["lines"])
            above[depth] = match["name"]
            parents = [name for at, name in above.items() if at < depth]
            found[match["name"]] = parents[-1] if parents else None
            above = {at: name for at, name in above.items() if at <= depth}
    return found


def test_the_docstring_draws_the_tree_of_the_classes() -> None:
    built = {
        name: next(
            (base.__name__ for base in cls.__mro__[1:] if base in CLASSES.values()),
            None,
        )
        for name, cls in CLASSES.items()
    }

    assert drawn() == built


@pytest.mark.parametrize(
    ("cls", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.ArgumentError, ValueError),
        (errors.UnknownProviderError, LookupError),
        (errors.UnknownModelError, LookupError),
        (errors.FallbackError, ExceptionGroup),
    ],
)
def test_an_error_is_also_an_instance_of_a_builtin_class(
    cls: type[TurnoutError], builtin: type[Exception]
) -> None:
    assert issubclass(cls, builtin)


def test_every_class_has_a_docstring() -> None:
    assert [name for name, cls in CLASSES.items() if not cls.__doc__] == []


def test_some_classes_are_retryable() -> None:
    retryable = {
        name
        for name, cls in PLAIN.items()
        if issubclass(cls, ProviderError) and cls.retryable
    }

    assert retryable == {
        "ConnectError",
        "ConnectionLostError",
        "OverloadedError",
        "RateLimitError",
        "ServerError",
    }


@pytest.mark.parametrize("cls", PLAIN.values(), ids=PLAIN)
def test_an_error_is_pickled_with_its_message_and_reply(
    cls: type[TurnoutError],
) -> None:
    error = cls("what happened")
    error.reply = Reply(text="so far", target=TARGET)

    again = pickle.loads(pickle.dumps(error))

    assert type(again) is cls
    assert str(again) == "what happened"
    assert again.reply == error.reply


def test_advice_is_at_the_end_of_a_message() -> None:
    error = ServerError("it failed", status_code=500)

    error.advise("start it again")

    again = pickle.loads(pickle.dumps(error))
    assert str(error) == str(again) == "it failed; start it again"
    assert again.status_code == 500


def test_a_providers_error_is_pickled_with_its_data() -> None:
    error = RateLimitError(
        "slow down",
        provider="Hello",
        model="hello-1",
        status_code=429,
        retry_after=2.5,
        request_id="r-1",
        details={"kind": "tokens"},
    )

    again = pickle.loads(pickle.dumps(error))

    assert vars(again) == {
        "provider": "Hello",
        "model": "hello-1",
        "status_code": 429,
        "retry_after": 2.5,
        "request_id": "r-1",
        "details": {"kind": "tokens"},
    }


def test_the_data_of_a_provider_error_are_empty_by_default() -> None:
    error = ServerError("it failed")

    assert vars(error) == {
        "provider": "",
        "model": "",
        "status_code": None,
        "retry_after": None,
        "request_id": None,
        "details": {},
    }


def test_an_errors_details_are_a_copy() -> None:
    details: dict[str, object] = {"kind": "tokens"}
    error = ServerError("it failed", details=details)

    details["kind"] = "other"

    assert error.details == {"kind": "tokens"}


def test_an_error_in_its_own_reply_is_pickled() -> None:
    error = StreamTruncatedError("cut off", provider="Hello")
    attempt = Attempt(target=TARGET, outcome="failed", error=error)
    error.reply = Reply(text="so far", attempts=(attempt,), usage=Usage())

    again = pickle.loads(pickle.dumps(error))

    assert again.reply.text == "so far"
    assert again.reply.attempts[0].error is again


def group() -> FallbackError:
    """Return the error of two targets that failed, with all of its data."""
    first = ConnectError("cannot reach it", provider="Hello")
    second = ServerError("it failed", provider="Other", status_code=502)
    failure = FallbackError("no target answered", [first, second])
    failure.attempts = tuple(
        Attempt(target=TARGET, outcome="failed", error=error)
        for error in (first, second)
    )
    failure.reply = Reply(attempts=failure.attempts)
    failure.__cause__ = first
    return failure


def pickled(failure: FallbackError) -> FallbackError:
    return cast("FallbackError", pickle.loads(pickle.dumps(failure)))


@pytest.mark.parametrize("again", [pickled, copy.copy, copy.deepcopy])
def test_a_group_is_pickled_with_its_errors_and_attempts(
    again: Callable[[FallbackError], FallbackError],
) -> None:
    failure = group()

    copied = again(failure)

    assert type(copied) is FallbackError
    assert copied.message == "no target answered"
    assert [type(error) for error in copied.exceptions] == [ConnectError, ServerError]
    assert [attempt.error for attempt in copied.attempts] == list(copied.exceptions)
    assert copied.reply is not None
    assert copied.reply.attempts[1].status_code == 502


def test_a_group_that_is_split_keeps_its_data() -> None:
    failure = group()

    matching, others = failure.split(ServerError)

    assert isinstance(matching, FallbackError)
    assert isinstance(others, FallbackError)
    assert matching.exceptions == (failure.exceptions[1],)
    assert others.exceptions == (failure.exceptions[0],)
    assert matching.attempts == others.attempts == failure.attempts
    assert matching.reply is others.reply is failure.reply


def test_a_group_is_caught_by_the_classes_in_it() -> None:
    caught: list[BaseException] = []

    try:
        raise group()
    except* ServerError as errors_of_servers:
        caught += errors_of_servers.exceptions
    except* TurnoutError as others:
        caught += others.exceptions

    assert [type(error) for error in caught] == [ServerError, ConnectError]


def test_a_group_is_caught_as_a_whole() -> None:
    with pytest.raises(TurnoutError, match="no target answered"):
        raise group()


def test_an_error_without_a_stream_has_no_reply() -> None:
    assert ConfigError("wrong").reply is None


def test_the_status_of_an_attempt_is_that_of_its_error() -> None:
    attempt = Attempt(
        target=TARGET, outcome="failed", error=ServerError("", status_code=502)
    )

    assert attempt.status_code == 502
    assert replace(attempt, error=ConfigError("")).status_code is None
    assert replace(attempt, error=None).status_code is None


def test_a_group_is_retryable_if_one_of_its_errors_is() -> None:
    lasting, passing = errors.AuthenticationError("no"), errors.ServerError("down")

    assert FallbackError("no target answered", [lasting, passing]).retryable
    assert not FallbackError("no target answered", [lasting]).retryable
