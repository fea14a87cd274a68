"""The waits before a target is asked again (R01, E02)."""

from __future__ import annotations

from random import Random
from statistics import mean

import pytest

from turnout.routes._backoff import after_hint, backoff

DRAWS = 10_000
BELOW_ONE = 1 - 2**-53


def never() -> float:
    return 0.0


def always() -> float:
    return BELOW_ONE


@pytest.mark.parametrize(
    ("attempt", "ceiling"),
    [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (10_000, 8.0)],
)
def test_a_wait_is_anywhere_below_a_ceiling_that_doubles_r01(
    attempt: int, ceiling: float
) -> None:
    assert backoff(attempt, never, base=0.5, cap=8.0) == 0
    assert backoff(attempt, always, base=0.5, cap=8.0) == pytest.approx(ceiling)
    assert backoff(attempt, lambda: 0.25, base=0.5, cap=8.0) == ceiling / 4


def test_a_cap_below_the_base_holds_from_the_first_wait_on_r01() -> None:
    assert backoff(0, lambda: 0.5, base=0.5, cap=0.1) == 0.05


@pytest.mark.parametrize("seed", [20261122])
def test_waits_are_evenly_spread_r01(seed: int) -> None:
    random = Random(seed).random
    waits = [backoff(2, random, base=0.5, cap=8.0) for _ in range(DRAWS)]
    tenths = [sum(i <= wait * 5 < i + 1 for wait in waits) for i in range(10)]

    assert 0 <= min(waits) < 0.01
    assert 1.99 < max(waits) < 2.0
    assert mean(waits) == pytest.approx(1.0, abs=0.03)
    # Each tenth has a thousand; five deviations of that are 150.
    assert all(850 < tenth < 1150 for tenth in tenths)


@pytest.mark.parametrize(
    ("hint", "longest"),
    [(0.0, 0.0), (0.25, 0.275), (1.0, 1.1), (10.0, 11.0), (20.0, 21.0), (300.0, 301.0)],
)
def test_a_hint_is_waited_for_and_a_little_more_e02(
    hint: float, longest: float
) -> None:
    assert after_hint(hint, never) == hint
    assert after_hint(hint, always) == pytest.approx(longest)
    assert after_hint(hint, lambda: 0.5) == pytest.approx((hint + longest) / 2)


@pytest.mark.parametrize("seed", [20261123])
def test_a_target_is_never_asked_before_its_hint_e02(seed: int) -> None:
    source = Random(seed)
    for _ in range(DRAWS):
        hint = source.uniform(0, 30)
        assert hint <= after_hint(hint, source.random) <= hint + min(1, 0.1 * hint)
