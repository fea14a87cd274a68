"""The numbers of the policies: what each may be, and what it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from turnout.routes._breaker import BreakerPolicy
from turnout.routes._budget import BudgetPolicy
from turnout.routes._health import HealthPolicy

SECONDS = [0, -1.0, math.nan, math.inf]


def refused(policy: Callable[..., object], name: str, value: float) -> str:
    fields: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=name) as caught:
        policy(**fields)
    return str(caught.value)


@pytest.mark.parametrize("value", SECONDS)
@pytest.mark.parametrize(
    ("policy", "name"),
    [
        (BreakerPolicy, "window"),
        (BreakerPolicy, "open_time"),
        (BreakerPolicy, "longest_open_time"),
        (BreakerPolicy, "healthy_decay"),
    ],
)
def test_a_span_is_more_than_none(
    policy: Callable[..., object], name: str, value: float
) -> None:
    assert refused(policy, name, value) == f"{name} is in seconds, more than 0"


def test_a_span_may_be_short() -> None:
    assert BreakerPolicy(window=0.1, open_time=0.1, healthy_decay=0.1).window == 0.1


@pytest.mark.parametrize(
    ("policy", "name", "least"),
    [
        (BreakerPolicy, "consecutive_failures", 1),
        (BreakerPolicy, "minimum_calls", 1),
        (BreakerPolicy, "buckets", 1),
        (BreakerPolicy, "probes", 1),
        (BreakerPolicy, "successes_to_close", 1),
        (BudgetPolicy, "capacity", 0),
        (BudgetPolicy, "per_success", 0),
        (BudgetPolicy, "floor", 0),
        (HealthPolicy, "samples", 1),
    ],
)
def test_a_number_has_a_least(
    policy: Callable[..., object], name: str, least: int
) -> None:
    for value in (least - 1, math.nan, math.inf):
        assert refused(policy, name, value) == f"{name} is at least {least}"
    fields: dict[str, Any] = {name: least}
    assert getattr(policy(**fields), name) == least


@pytest.mark.parametrize(
    ("policy", "name"),
    [(BreakerPolicy, "failure_ratio")],
)
def test_a_share_is_more_than_none_and_no_more_than_all(
    policy: Callable[..., object], name: str
) -> None:
    for value in (0, 1.01, math.nan):
        told = f"{name} is a share: more than 0, and 1 at most"
        assert refused(policy, name, value) == told
    fields: dict[str, Any] = {name: 1}
    assert getattr(policy(**fields), name) == 1


@pytest.mark.parametrize("value", [-0.01, 1, math.nan])
def test_an_open_time_is_never_jittered_to_nothing(value: float) -> None:
    told = refused(BreakerPolicy, "open_time_jitter", value)

    assert told == "open_time_jitter is a share: 0, or more and below 1"
    assert BreakerPolicy(open_time_jitter=0).open_time_jitter == 0


def test_the_longest_open_time_may_be_the_first() -> None:
    assert BreakerPolicy(open_time=5, longest_open_time=5).longest_open_time == 5
    assert (
        refused(BreakerPolicy, "longest_open_time", 4.9)
        == "longest_open_time is open_time at least"
    )
