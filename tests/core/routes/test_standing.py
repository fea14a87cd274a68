"""How a target stands: two healths as one, and the turns that are taken there."""

from __future__ import annotations

from typing import Any

import pytest

from turnout.errors import (
    AuthenticationError,
    ConnectError,
    DeadlineError,
    OverloadedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TurnoutError,
)
from turnout.routes import Member, MemoryHealth, Policy
from turnout.routes._policy import rule
from turnout.routes._standing import Standing, Turn
from turnout.testing import FakeProvider

T = 1000.0


def middle() -> float:
    return 0.5


def standing_of(
    provider: FakeProvider | None = None, store: MemoryHealth | None = None
) -> Standing:
    target = (provider or FakeProvider()).target()
    return Member(target, store or MemoryHealth(random=middle)).standing(T)


def taken(standing: Standing, now: float = T) -> Turn:
    turn = standing.start(now)
    assert turn is not None
    return turn


def fail(standing: Standing, error: TurnoutError, times: int = 5) -> None:
    for _ in range(times):
        taken(standing).failed(error, rule(error, Policy()), T)


def test_a_target_has_a_health_by_its_model_and_key_and_shares_its_services() -> None:
    store = MemoryHealth()
    address: dict[str, Any] = {"base_url": "http://one.test/v1"}
    first = standing_of(FakeProvider(api_key="a", **address), store)
    other_key = standing_of(FakeProvider(api_key="b", **address), store)
    other_path = standing_of(
        FakeProvider(api_key="a", base_url="http://one.test/v2"), store
    )
    other_host = standing_of(
        FakeProvider(api_key="a", base_url="http://two.test/v1"), store
    )

    assert first.own is not other_key.own
    assert first.service is other_key.service
    assert first.own is other_path.own
    assert first.service is not other_host.service
    assert first.own.scope.origin == "http://one.test"
    assert first.reason(T) == ""


def test_a_key_that_is_changed_is_another_health(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    provider = FakeProvider()
    member = Member(provider.target(), MemoryHealth())
    before = member.standing(T).own

    assert member.standing(T).own is before
    changed = FakeProvider(api_key="new").api_key
    monkeypatch.setattr(FakeProvider, "api_key", changed)
    assert member.standing(T).own is not before


def test_only_connections_are_the_services_own_failure() -> None:
    standing = standing_of()
    fail(standing, ConnectError("no"))

    assert not standing.allows(T)
    assert standing.own.allows(T)
    assert standing.own.failures == 0
    assert standing.next_at(T) == standing.service.next_at(T) > T
    assert standing.reason(T) == "its service failed too often"
    assert standing.start(T) is None


def test_what_else_fails_is_the_targets_own() -> None:
    standing = standing_of()
    fail(standing, ServerError("no"))

    assert not standing.allows(T)
    assert standing.service.allows(T)
    assert standing.next_at(T) == standing.own.next_at(T) > T
    assert standing.reason(T) == "it failed too often"


def test_what_was_answered_makes_up_for_connections_that_failed() -> None:
    standing = standing_of()
    fail(standing, ConnectError("no"), 4)
    fail(standing, RateLimitError("no", retry_after=0.0), 1)
    fail(standing, ConnectError("no"), 4)

    assert standing.service.allows(T)


def test_an_answer_makes_up_for_connections_that_failed() -> None:
    standing = standing_of()
    fail(standing, ConnectError("no"), 4)
    taken(standing).succeeded(T, 0.1)
    fail(standing, ConnectError("no"), 4)

    assert standing.service.allows(T)


def test_a_probe_that_reaches_nobody_is_given_back() -> None:
    standing = standing_of()
    fail(standing, ServerError("no"))
    turn = standing.probe(T)
    assert turn is not None
    error = ConnectError("no")
    turn.failed(error, rule(error, Policy()), T)

    assert standing.probe(T) is not None


def test_where_one_of_two_gives_no_leave_the_other_is_given_back() -> None:
    standing = standing_of()
    standing.own.breaker.force_open()
    standing.service.breaker.force_open()
    standing.service.breaker.reset()
    fail(other := standing_of(), ConnectError("no"))

    assert standing.start(T) is None  # Its own does not.
    assert other.start(T) is None  # Its service does not.
    assert standing.probe(T) is None
    standing.own.breaker.reset()
    probe = standing.service.probe()
    assert probe is not None


def test_a_services_probe_is_given_back_where_its_target_gives_no_leave() -> None:
    standing = standing_of()
    fail(standing, ConnectError("no"))
    standing.own.breaker.force_open()

    assert standing.start(T + 7) is None
    assert standing.service.allows(T + 7)


def test_a_lone_probe_is_given_back_where_the_other_has_none() -> None:
    standing = standing_of()
    fail(standing, ServerError("no"))
    standing.service.breaker.force_open()

    assert standing.probe(T) is None
    standing.service.breaker.reset()
    assert standing.probe(T) is not None


@pytest.mark.parametrize("reason", [AuthenticationError, QuotaExceededError])
def test_some_cooldowns_are_not_gone_round(reason: type[TurnoutError]) -> None:
    standing = standing_of()
    fail(standing, reason("no"), 1)

    assert standing.lasting(T)
    assert standing.lasting(standing.own.not_before - 0.5)
    assert standing.reason(T) == f"it is let alone after {reason.__name__}"
    assert not standing.lasting(T + 3600)


def test_one_asks_in_spite_of_a_cooldown() -> None:
    standing = standing_of()
    fail(standing, RateLimitError("no", retry_after=60.0), 1)
    assert not standing.lasting(T)
    turn = standing.probe(T)

    assert turn is not None
    assert standing.probe(T) is None
    turn.first_delta()
    assert standing.probe(T) is not None


def test_those_of_one_service_are_tried_each_by_itself() -> None:
    store = MemoryHealth(random=middle)
    both = [standing_of(FakeProvider(api_key=key), store) for key in "ab"]
    for standing in both:
        fail(standing, RateLimitError("no", retry_after=60.0), 1)

    assert [standing.probe(T) is None for standing in both] == [False, False]


def test_the_first_delta_of_a_services_probe_makes_room() -> None:
    standing = standing_of()
    fail(standing, ConnectError("no"))
    turn = standing.probe(T)

    assert turn is not None
    assert standing.probe(T) is None
    turn.first_delta()
    assert standing.probe(T) is not None


def test_a_target_is_asked_again_though_it_cools() -> None:
    standing = standing_of()
    fail(standing, RateLimitError("no", retry_after=60.0), 1)

    assert standing.start(T) is None
    assert standing.again(T) is not None


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        pytest.param(RateLimitError("no"), [5, 10, 20, 40, 80, 160, 300], id="double"),
        pytest.param(RateLimitError("no", retry_after=7.0), [7, 7], id="hint"),
        pytest.param(RateLimitError("no", retry_after=900.0), [300], id="long hint"),
        pytest.param(OverloadedError("no"), [0], id="no hint"),
        pytest.param(OverloadedError("no", retry_after=4.0), [4], id="overloaded"),
        pytest.param(QuotaExceededError("no"), [600], id="quota"),
        pytest.param(QuotaExceededError("no", retry_after=9e9), [3600], id="month"),
    ],
)
def test_a_target_cools_as_its_error_has_it(
    error: TurnoutError, seconds: list[float]
) -> None:
    standing, now = standing_of(), T
    for expected in seconds:
        turn = taken(standing, now)
        turn.failed(error, rule(error, Policy()), now)
        assert standing.own.cooling(now) == expected
        now += expected


def test_a_success_ends_the_doubling_of_a_cooldown() -> None:
    standing = standing_of()
    fail(standing, RateLimitError("no"), 1)
    taken(standing, T + 5).succeeded(T + 5, 0.1)
    again = taken(standing, T + 5)
    error = RateLimitError("no")
    again.failed(error, rule(error, Policy()), T + 5)

    assert standing.own.cooling(T + 5) == 5.0


def test_a_success_is_both_healths() -> None:
    standing = standing_of()
    taken(standing).succeeded(T, 0.25)

    assert (standing.own.successes, standing.own.first_delta_p95) == (1, 0.25)
    # The service was reached, and no more is said of it.
    assert standing.service.successes == 0


def test_what_is_not_the_providers_doing_says_nothing() -> None:
    standing = standing_of()
    fail(standing, DeadlineError("no"), 20)

    assert standing.allows(T)


def test_a_probe_that_the_deadline_ends_is_given_back() -> None:
    standing = standing_of()
    fail(standing, ServerError("no"))
    turn = standing.probe(T)
    assert turn is not None
    error = DeadlineError("no")
    turn.failed(error, rule(error, Policy()), T)

    assert standing.probe(T) is not None


@pytest.mark.parametrize("first", ["succeeded", "failed", "released"])
def test_only_the_first_end_of_a_turn_is_heard(first: str) -> None:
    standing = standing_of()
    turn = taken(standing)
    assert turn.pay()
    assert standing.own.budget.in_flight == 1
    error = ServerError("no")
    ends = {
        "succeeded": lambda: turn.succeeded(T, None),
        "failed": lambda: turn.failed(error, rule(error, Policy()), T),
        "released": turn.released,
    }
    for end in (ends[first], *ends.values()):
        end()

    assert standing.own.successes == (first == "succeeded")
    assert standing.own.failures == (first == "failed")
    assert standing.own.budget.in_flight == 0


def test_a_turn_cannot_pay_from_an_empty_budget() -> None:
    standing = standing_of()
    turns = [taken(standing) for _ in range(14)]

    assert [turn.pay() for turn in turns] == [True] * 10 + [False] * 4
