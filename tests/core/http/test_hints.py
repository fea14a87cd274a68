"""When a provider says that it may be asked again, without any network."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate

import pytest

from turnout.http._hints import body_hint, reset_hint, retry_after


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after-ms": "250", "retry-after": "9"}, 9.0),
        ({"retry-after-ms": "9500", "retry-after": "9"}, 9.5),
        ({"retry-after-ms": "x", "retry-after": "9"}, 9.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "3600"}, 3600.0),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({"retry-after": "abc"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "1e400"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "Mon, 99 Xxx 99999 99:99:99 GMT"}, None),
        ({"retry-after": "Mon, 01 Jan 999999999999 00:00:00 GMT"}, None),
        ({}, None),
    ],
)
def test_a_hint_is_in_seconds(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


def test_a_hint_may_be_a_date() -> None:
    hint = retry_after({"retry-after": formatdate(time.time() + 100, usegmt=True)})

    assert hint is not None
    assert 95 < hint <= 100


# The bodies.


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ({"error": {"details": [{}, {"retryDelay": "27s"}]}}, 27.0),
        ([{"error": {"details": [{"retryDelay": "0.847655010s"}]}}], 0.84765501),
        ({"error": {"details": [{"retryDelay": "soon"}]}}, None),
        ({"error": {"details": [{"retryDelay": 27}]}}, None),
        ({"error": {"details": [{"retryDelay": "9" * 400 + "s"}]}}, None),
        ({"error": "no", "details": None}, None),
        ("27s", None),
        (None, None),
    ],
)
def test_googles_delay_is_read(value: object, seconds: float | None) -> None:
    assert body_hint(value, "") == seconds


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        ("Limit 3, Used 3. Please try again in 1.2s. Visit ...", 1.2),
        ("Please try again in 20ms.", 0.02),
        ("please TRY AGAIN IN 6M0S", 360.0),
        ("Please retry in 1h23m31s", 5011.0),
        ("Please try again in a while", None),
        ("Please try again in 5 parsecs", None),
        ("1.2s", None),
    ],
)
def test_the_words_for_people_are_read(reason: str, seconds: float | None) -> None:
    assert body_hint(None, reason) == seconds


def test_googles_delay_goes_before_the_words() -> None:
    assert body_hint({"retryDelay": "2s"}, "Please retry in 9s") == 2.0


# The allowances.


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("20ms", 0.02),
        ("1s", 1.0),
        ("7.66s", 7.66),
        ("6m0s", 360.0),
        ("1h23m31s", 5011.0),
        ("12", 12.0),
        ("0", 0.0),
        ("1000000001", 0.0),
        ("2020-01-01T00:00:00Z", 0.0),
        ("2020-01-01T00:00:00", None),
        ("soon", None),
        ("-1", None),
        ("nan", None),
        ("9" * 400 + "s", None),
        ("", None),
    ],
)
def test_a_reset_is_in_seconds(reset: str, seconds: float | None) -> None:
    headers = {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": reset,
    }

    assert reset_hint(headers) == seconds


@pytest.mark.parametrize("form", ["seconds", "milliseconds", "rfc3339"])
def test_a_reset_may_be_a_moment(form: str) -> None:
    at = time.time() + 100
    moment = datetime.now(UTC) + timedelta(seconds=100)
    reset = {
        "seconds": str(int(at)),
        "milliseconds": str(int(at * 1000)),
        "rfc3339": moment.isoformat(),
    }[form]

    hint = reset_hint({"x-ratelimit-remaining": "0", "x-ratelimit-reset": reset})

    assert hint is not None
    assert 95 < hint <= 100


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"x-ratelimit-reset-tokens": "1s"}, None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "5",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "3s",
                "anthropic-ratelimit-output-tokens-remaining": "0",
                "anthropic-ratelimit-output-tokens-reset": "9",
            },
            3.0,
        ),
    ],
)
def test_the_allowance_is_the_first_that_is_used_up(
    headers: dict[str, str], seconds: float | None
) -> None:
    assert reset_hint(headers) == seconds


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after-ms": "0", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "0"}, 0.0),
        ({"retry-after-ms": "0", "retry-after": "soon"}, 0.0),
        ({"retry-after-ms": "1500", "retry-after": "7"}, 7.0),
        ({"retry-after-ms": "9000", "retry-after": "7"}, 9.0),
        ({"retry-after-ms": "9000", "retry-after": "0"}, 9.0),
        ({"retry-after-ms": "-1", "retry-after": "7"}, 7.0),
    ],
)
def test_the_longer_of_two_hints_counts(
    headers: dict[str, str], seconds: float
) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize("hours", [-1, 0, 1])
def test_a_date_is_by_the_servers_own_clock(hours: int) -> None:
    now = datetime.now(UTC) + timedelta(hours=hours)
    headers = {
        "date": format_datetime(now, usegmt=True),
        "retry-after": format_datetime(now + timedelta(seconds=30), usegmt=True),
    }

    assert retry_after(headers) == 30


@pytest.mark.parametrize("hours", [-1, 1])
@pytest.mark.parametrize("form", ["seconds", "milliseconds", "rfc3339"])
def test_a_reset_is_by_the_servers_own_clock(form: str, hours: int) -> None:
    now = (datetime.now(UTC) + timedelta(hours=hours)).replace(microsecond=0)
    at = now + timedelta(seconds=30)
    reset = {
        "seconds": f"{at.timestamp():.0f}",
        "milliseconds": f"{at.timestamp() * 1000:.0f}",
        "rfc3339": at.isoformat(),
    }[form]
    headers = {
        "date": format_datetime(now, usegmt=True),
        "x-ratelimit-remaining": "0",
        "x-ratelimit-reset": reset,
    }

    assert reset_hint(headers) == 30


@pytest.mark.parametrize("date", ["", "soon", "Mon, 99 Foo 2026 99:99:99 GMT"])
def test_a_date_is_by_our_clock_where_the_servers_is_not_known(date: str) -> None:
    at = datetime.now(UTC) + timedelta(seconds=100)
    hint = retry_after({"date": date, "retry-after": format_datetime(at, usegmt=True)})

    assert hint is not None
    assert 95 < hint <= 100
