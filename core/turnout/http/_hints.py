"""Read after how many seconds a refused request may be sent again.

Services say so in `retry-after` headers, in the body of the refusal, or in the headers
that say when a rate limit is reset.

Source: wire.md 2.7, gathered 2026-11-22 from the vendors' pages and SDKs.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import cast

__all__ = ["MOST_ITEMS", "body_hint", "reset_hint", "retry_after"]

MOST_ITEMS = 100
"""How many items of a list in an error are read."""

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3}
"""The units of Go's durations: `1h23m31s`, `6m0s`, `20ms`."""

_PART = r"(?<![\d.])(\d+(?:\.\d+)?)(h|ms|m|s)"

_PARTS = re.compile(_PART)

_DURATION = re.compile(rf"(?:{_PART})+")

_TRY_AGAIN = re.compile(rf"\b(?:try again|retry) in ((?:{_PART})+)", re.IGNORECASE)

_RETRY_DELAY = re.compile(r"\d+(\.\d+)?s")
"""Google's `RetryInfo`."""

_ALLOWANCES = (
    *(
        (f"x-ratelimit-remaining-{what}", f"x-ratelimit-reset-{what}")
        for what in ("requests", "tokens")
    ),
    *(
        (f"anthropic-ratelimit-{what}-remaining", f"anthropic-ratelimit-{what}-reset")
        for what in ("requests", "tokens", "input-tokens", "output-tokens")
    ),
    ("x-ratelimit-remaining", "x-ratelimit-reset"),
)
"""Pairs of headers: what remains of a rate limit, and when the limit is reset."""

_EPOCH = 1e9
_EPOCH_MS = 1e12
"""A number from `_EPOCH` on is a time in seconds since the epoch, and one from
`_EPOCH_MS` on is a time in milliseconds."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, by the `retry-after` headers; None without a hint.

    Reads `retry-after-ms`, and `retry-after` as seconds or as a date. If they disagree,
    the longer one counts. A date in the past is 0, and an invalid value is None. A date
    is compared with the server's own clock (`date`).

    Args:
        headers: By lower-case names.
    """
    hint = headers.get("retry-after")
    seconds = _number(hint)
    if seconds is None and hint:
        seconds = _until_date(hint, headers)
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is None:
        return seconds
    return max(milliseconds / 1000, seconds or 0.0)


def body_hint(value: object, reason: str) -> float | None:
    """Return the seconds that a refusal's body gives, as Google and OpenAI do.

    Args:
        value: The body, read as JSON; None if it is not JSON.
        reason: The body's message; it is read if no field has the seconds.
    """
    delay = _retry_info(value)
    if delay is not None:
        return delay
    said = _TRY_AGAIN.search(reason)
    return None if said is None else _duration(said[1].lower())


def reset_hint(headers: Mapping[str, str]) -> float | None:
    """Return the seconds until the first exhausted rate limit is reset.

    Args:
        headers: By lower-case names.
    """
    waits = [
        _until(headers.get(reset, ""), headers)
        for remaining, reset in _ALLOWANCES
        if _number(headers.get(remaining)) == 0
    ]
    return min((wait for wait in waits if wait is not None), default=None)


def _retry_info(value: object) -> float | None:
    if isinstance(value, list):
        found = map(_retry_info, cast("list[object]", value)[:MOST_ITEMS])
        return next((delay for delay in found if delay is not None), None)
    if not isinstance(value, Mapping):
        return None
    fields = cast("Mapping[str, object]", value)
    delay = fields.get("retryDelay")
    if isinstance(delay, str) and _RETRY_DELAY.fullmatch(delay):
        return _number(delay[:-1])
    return _retry_info([fields.get("error"), fields.get("details")])


def _until(reset: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds to a reset: a duration, or a time in one of three forms."""
    if _DURATION.fullmatch(reset):
        return _duration(reset)
    number = _number(reset)
    if number is None:
        return _until_moment(reset, headers)
    if number < _EPOCH:
        return number
    at = number / 1000 if number >= _EPOCH_MS else number
    return max(0.0, at - _now(headers))


def _duration(text: str) -> float | None:
    parts = _PARTS.findall(text)
    return _finite(sum(float(number) * _UNITS[unit] for number, unit in parts))


def _number(text: str | None) -> float | None:
    try:
        return _finite(float(text or ""))
    except ValueError:
        return None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) and value >= 0 else None


def _until_moment(moment: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a time in the form of RFC 3339."""
    import datetime

    try:
        at = datetime.datetime.fromisoformat(moment)
    except ValueError:
        return None
    if at.tzinfo is None:
        return None
    return max(0.0, at.timestamp() - _now(headers))


def _until_date(date: str, headers: Mapping[str, str]) -> float | None:
    """Return the seconds until a date in HTTP's form."""
    at = _time(date)
    return None if at is None else max(0.0, at - _now(headers))


def _now(headers: Mapping[str, str]) -> float:
    """Return the server's time if it sent one, else ours: the clocks may differ."""
    import time

    sent = _time(headers.get("date", ""))
    return time.time() if sent is None else sent


def _time(date: str) -> float | None:
    from email.utils import mktime_tz, parsedate_tz

    try:
        parsed = parsedate_tz(date)
        return None if parsed is None else mktime_tz(parsed)
    except (ValueError, OverflowError):
        return None
