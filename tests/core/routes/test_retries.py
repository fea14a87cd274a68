"""The waits before a target is retried (R01, E02)."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from statistics import mean

import pytest

from turnout.errors import ConnectError, ProviderError, RateLimitError, ServerError
from turnout.routes._retries import after_hint, retry_delay

DRAWS = 10_000
BELOW_ONE = 1 - 2**-53


def never() -> float:
    return 0.0


def always() -> float:
    return BELOW_ONE


def delay(
    error: ProviderError,
    earlier: int = 0,
    random: Callable[[], float] = always,
    *,
    limited: bool = False,
    once: bool = False,
    others: bool = False,
    patience: float = 2.5,
) -> float | None:
    return retry_delay(
        error,
        earlier,
        random,
        limited=limited,
        once=once,
        others=others,
        patience=patience,
    )


@pytest.mark.parametrize(
    ("earlier", "ceiling"),
    [(0, 0.5), (1, 1.0), (2, 2.0), (3, 4.0), (4, 8.0), (5, 8.0), (10_000, 8.0)],
)
def test_a_wait_is_below_a_ceiling_that_doubles_r01(
    earlier: int, ceiling: float
) -> None:
    error = ServerError("no")

    assert delay(error, earlier, never) == 0
    assert delay(error, earlier, always) == pytest.approx(ceiling)
    assert delay(error, earlier, lambda: 0.25) == ceiling / 4


@pytest.mark.parametrize("seed", [20261122])
def test_waits_are_evenly_spread_r01(seed: int) -> None:
    random, error = Random(seed).random, ServerError("no")

    waits = [delay(error, 2, random) or 0.0 for _ in range(DRAWS)]

    tenths = [sum(i <= wait * 5 < i + 1 for wait in waits) for i in range(10)]
    assert 0 <= min(waits) < 0.01
    assert 1.99 < max(waits) < 2.0
    assert mean(waits) == pytest.approx(1.0, abs=0.03)
    # Each of ten intervals has 1,000; five standard deviations are 150.
    assert all(850 < tenth < 1150 for tenth in tenths)


@pytest.mark.parametrize(
    ("error", "limited", "first", "last"),
    [
        (ServerError("no"), False, 0.5, 8.0),
        (RateLimitError("no"), True, 1.0, 8.0),
        (ConnectError("no"), False, 0.5, 2.0),
    ],
)
def test_the_ceilings_are_those_of_the_error(
    error: ProviderError, limited: bool, first: float, last: float
) -> None:
    assert delay(error, 0, limited=limited) == pytest.approx(first)
    assert delay(error, 10, limited=limited) == pytest.approx(last)


def test_while_others_are_left_there_is_one_quick_retry() -> None:
    error = ServerError("no")

    assert delay(error, others=True) == pytest.approx(0.05)
    assert delay(error, 1, others=True) is None
    assert delay(error, others=True, limited=True) is None


@pytest.mark.parametrize("others", [False, True])
def test_a_single_retry_is_quick(others: bool) -> None:
    error = ServerError("no")

    assert delay(error, once=True, others=others) == pytest.approx(0.05)
    assert delay(error, 1, once=True, others=others) is None


def test_an_error_may_forbid_retries() -> None:
    error = ServerError("no")
    error.retryable = False

    assert delay(error) is None


@pytest.mark.parametrize(
    ("hint", "others", "expected"),
    [
        (2.4, True, 2.5),
        (2.501, True, None),
        (20.0, False, 21.0),
        (20.001, False, None),
    ],
)
def test_a_hint_is_waited_for_within_the_patience_e02(
    hint: float, others: bool, expected: float | None
) -> None:
    error = RateLimitError("no", retry_after=hint)

    assert delay(error, others=others) == (expected and pytest.approx(expected))
    assert delay(error, 1, others=others) is None


@pytest.mark.parametrize(
    ("hint", "longest"),
    [(0.0, 0.0), (0.25, 0.275), (1.0, 1.1), (10.0, 11.0), (20.0, 21.0), (300.0, 301.0)],
)
def test_a_wait_is_a_little_longer_than_its_hint_e02(
    hint: float, longest: float
) -> None:
    assert after_hint(hint, never) == hint
    assert after_hint(hint, always) == pytest.approx(longest)
    assert after_hint(hint, lambda: 0.5) == pytest.approx((hint + longest) / 2)


@pytest.mark.parametrize("seed", [20261123])
def test_a_target_is_never_tried_before_its_hint_e02(seed: int) -> None:
    source = Random(seed)
    for _ in range(DRAWS):
        hint = source.uniform(0, 30)
        assert hint <= after_hint(hint, source.random) <= hint + min(1, 0.1 * hint)
