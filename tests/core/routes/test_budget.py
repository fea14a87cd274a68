"""How many retries a target has left (R02)."""

from __future__ import annotations

import pytest

from turnout.routes._budget import BudgetPolicy, RetryBudget


def spent(budget: RetryBudget) -> int:
    """Take retries that each end at once, until the bucket is empty; count them."""
    count = 0
    while budget.left >= 1:
        assert budget.spend()
        budget.release()
        count += 1
    return count


def test_the_numbers_are_those_that_are_documented() -> None:
    assert BudgetPolicy() == BudgetPolicy(capacity=10.0, per_success=0.1, floor=3)


def test_a_full_bucket_has_ten_retries_r02() -> None:
    budget = RetryBudget(BudgetPolicy(floor=0))

    assert [budget.spend() for _ in range(12)] == [True] * 10 + [False] * 2
    assert budget.left == 0
    assert budget.in_flight == 10


def test_ten_successes_make_up_for_one_retry_r02() -> None:
    budget = RetryBudget(BudgetPolicy(floor=0))
    spent(budget)
    granted: list[bool] = []
    for _ in range(20):
        budget.succeeded()
        granted.append(budget.spend())

    # As floats, ten times a tenth would be less than one.
    assert granted == ([False] * 9 + [True]) * 2


def test_successes_fill_the_bucket_and_no_more() -> None:
    budget = RetryBudget(BudgetPolicy())
    budget.succeeded()
    assert budget.left == 10

    budget.spend()
    for _ in range(9):
        budget.succeeded()
    assert budget.left == 9.9
    budget.succeeded()
    assert budget.left == 10
    budget.succeeded()
    assert budget.left == 10


def test_with_an_empty_bucket_a_few_may_be_in_flight_r02() -> None:
    budget = RetryBudget(BudgetPolicy())
    spent(budget)

    assert [budget.spend() for _ in range(5)] == [True] * 3 + [False] * 2
    budget.release()
    assert [budget.spend(), budget.spend()] == [True, False]
    assert budget.left == 0


def test_retries_that_took_from_the_bucket_count_as_in_flight_r02() -> None:
    budget = RetryBudget(BudgetPolicy(capacity=3))

    assert [budget.spend() for _ in range(4)] == [True] * 3 + [False]


def test_the_floor_takes_nothing_of_what_a_success_put_in() -> None:
    budget = RetryBudget(BudgetPolicy(capacity=1))
    budget.spend()
    for _ in range(5):
        budget.succeeded()
    budget.spend()

    assert budget.left == 0.5


def test_what_was_not_granted_and_is_released_makes_no_room() -> None:
    budget = RetryBudget(BudgetPolicy(capacity=0, floor=1))
    budget.release()

    assert budget.in_flight == 0
    assert [budget.spend(), budget.spend()] == [True, False]


@pytest.mark.parametrize("floor", [0, 3])
def test_a_target_that_always_fails_is_not_buried_r02(floor: int) -> None:
    budget = RetryBudget(BudgetPolicy(floor=floor))

    # Two hundred calls at once: nothing is released before all have asked.
    assert sum(budget.spend() for _ in range(200)) == 10
