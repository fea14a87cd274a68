"""What is known of a target, and where it is kept (R03, R08, E01)."""

from __future__ import annotations

import math
import threading
from typing import Any

import pytest

from turnout.routes._breaker import BreakerPolicy
from turnout.routes._budget import BudgetPolicy
from turnout.routes._health import (
    Health,
    HealthPolicy,
    HealthReport,
    HealthStore,
    MemoryHealth,
    Scope,
    fingerprint,
    report,
)
from turnout.types import Secret

T = 1000.0
SCOPE = Scope(
    provider="Hello",
    origin="https://hello.test",
    credential="0123456789abcdef",
    model="hello-1",
)


def middle() -> float:
    return 0.5


def health(**fields: Any) -> Health:
    return Health(SCOPE, HealthPolicy(**fields), middle)


def store(limit: int = 4096) -> MemoryHealth:
    return MemoryHealth(HealthPolicy(), middle, limit=limit)


def scope(number: int) -> Scope:
    return Scope(provider="Hello", model=f"m{number}")


def fail(target: Health, now: float = T, times: int = 5) -> None:
    for _ in range(times):
        permit = target.start(now)
        assert permit is not None
        target.failed(permit, now)


def succeed(target: Health, *first_deltas: float | None) -> None:
    for seconds in first_deltas:
        permit = target.start(T)
        assert permit is not None
        target.succeeded(permit, T, seconds)


def test_the_numbers_are_those_that_are_documented() -> None:
    assert HealthPolicy() == HealthPolicy(
        breaker=BreakerPolicy(), budget=BudgetPolicy(), samples=100
    )


def test_a_scope_is_a_key_and_cannot_be_changed() -> None:
    assert SCOPE.wider() == Scope(provider="Hello", origin="https://hello.test")
    assert len({SCOPE, SCOPE.wider(), SCOPE.wider()}) == 2
    with pytest.raises(AttributeError):
        SCOPE.model = "other"  # type: ignore[misc]


def test_a_new_target_may_be_asked() -> None:
    target = health()

    assert target.scope is SCOPE
    assert target.allows(T)
    assert target.next_at(T) == T
    assert target.cooling(T) == 0
    assert target.cool_reason == ""
    assert target.last_limited == -math.inf
    assert target.first_delta_p95 is None
    assert (target.samples, target.successes, target.failures) == (0, 0, 0)
    assert target.at_rest(T)


def test_a_target_that_cools_is_not_asked_e01() -> None:
    target = health()
    target.cool(T + 2, "rate limited")

    assert target.cooling(T) == 2
    assert target.cooling(T + 1.5) == 0.5
    assert target.cooling(T + 3) == 0
    assert target.next_at(T) == T + 2
    before = math.nextafter(T + 2, 0)
    assert not target.allows(before)
    assert target.start(before) is None
    assert target.allows(T + 2)
    assert target.start(T + 2) is not None


@pytest.mark.parametrize(
    ("second", "until", "reason"),
    [
        (T + 1, T + 2, "rate limited"),
        (T + 2, T + 2, "rate limited"),
        (T + 3, T + 3, "out of quota"),
    ],
)
def test_a_shorter_hint_never_shortens_a_cooldown_e01(
    second: float, until: float, reason: str
) -> None:
    target = health()
    target.cool(T + 2, "rate limited")
    target.cool(second, "out of quota")

    assert target.not_before == until
    assert target.cool_reason == reason


def test_circuit_and_cooldown_must_both_allow_a_request_r08() -> None:
    target = health()
    fail(target)
    assert target.next_at(T) == T + 5
    target.cool(T + 3, "overloaded")
    assert target.next_at(T) == T + 5
    assert not target.allows(T + 4)
    target.cool(T + 7, "overloaded")
    assert target.next_at(T) == T + 7
    assert not target.allows(T + 6)
    assert target.allows(T + 7)


def test_the_last_target_is_probed_in_spite_of_both_r08() -> None:
    target = health()
    fail(target)
    target.cool(T + 60, "overloaded")
    permit = target.probe()

    assert permit is not None
    assert target.probe() is None
    target.first_delta(permit)
    assert target.probe() is not None


def test_a_probe_is_given_back_by_release() -> None:
    target = health()
    permit = target.probe()
    assert permit is not None
    target.released(permit)

    assert target.probe() is not None


def test_what_became_of_requests_is_counted() -> None:
    target = health()
    succeed(target, 0.1, None)
    fail(target, times=3)

    assert (target.successes, target.failures) == (2, 3)
    assert target.breaker.failures_in_a_row == 3
    assert target.samples == 1


def test_a_success_makes_up_for_a_tenth_of_a_retry() -> None:
    target = health()
    target.budget.spend()
    succeed(target, 0.1)

    assert target.budget.left == 9.1


@pytest.mark.parametrize(
    ("count", "p95"),
    [(1, 1), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95), (101, 96), (250, 245)],
)
def test_the_first_deltas_of_the_last_hundred_are_remembered(
    count: int, p95: float
) -> None:
    target = health()
    # The last hundred of 250 are 151 to 250, in whatever order they come.
    succeed(target, *(float(n) for n in range(1, count + 1)))

    assert target.samples == min(count, 100)
    assert target.first_delta_p95 == p95


def test_first_deltas_need_not_come_in_order() -> None:
    target = health(samples=3)
    succeed(target, 9.0, 3.0, 2.0, 1.0)

    assert target.first_delta_p95 == 3.0


def test_when_it_was_limited_is_remembered() -> None:
    target = health()
    target.limited(T)

    assert target.last_limited == T


def test_what_is_not_at_rest() -> None:
    cooling, failing, retrying, opened = health(), health(), health(), health()
    cooling.cool(T + 1, "rate limited")
    fail(failing, times=1)
    retrying.budget.spend()
    opened.breaker.force_open()

    assert not any(h.at_rest(T) for h in (cooling, failing, retrying, opened))
    assert cooling.at_rest(T + 1)
    succeed(failing, 0.1)
    retrying.budget.release()
    assert failing.at_rest(T)
    assert retrying.at_rest(T)


def test_a_store_knows_a_scope_once() -> None:
    kept: HealthStore = store()
    first = kept.of(SCOPE, T)
    same = kept.of(Scope(*SCOPE), T)
    other = kept.of(SCOPE.wider(), T)

    assert same is first
    assert other is not first
    assert first.scope == SCOPE
    assert list(kept.known()) == [(SCOPE, first), (SCOPE.wider(), other)]


def test_a_store_is_bounded_and_forgets_what_was_not_used_for_the_longest() -> None:
    kept = store(limit=16)
    for number in range(16):
        kept.of(scope(number), T + number)
    kept.of(scope(0), T + 16)
    assert len(kept.known()) == 16

    kept.of(scope(16), T + 17)

    # An eighth of them went, so that not each new one has all of them looked at.
    gone = {scope(n) for n in range(17)} - {known for known, _ in kept.known()}
    assert gone == {scope(1), scope(2)}


def test_what_is_not_at_rest_goes_last() -> None:
    kept = store(limit=16)
    for number in range(16):
        kept.of(scope(number), T + number)
    fail(kept.of(scope(0), T))
    kept.of(scope(1), T).cool(T + 1000, "unknown")
    kept.of(scope(16), T + 17)

    gone = {scope(n) for n in range(17)} - {known for known, _ in kept.known()}
    assert gone == {scope(2), scope(3)}


def test_a_store_stays_bounded_where_nothing_is_at_rest() -> None:
    kept = store(limit=4)
    for number in range(100):
        kept.of(scope(number), T + number).cool(math.inf, "unknown")
        assert len(kept.known()) == min(number + 1, 4)

    assert scope(99) in dict(kept.known())


def test_a_store_of_one_scope_and_none_of_less() -> None:
    kept = store(limit=1)
    kept.of(scope(1), T)
    kept.of(scope(2), T)

    assert [known for known, _ in kept.known()] == [scope(2)]
    with pytest.raises(ValueError, match="limit is at least 1"):
        store(limit=0)


def test_a_store_knows_4096_scopes() -> None:
    kept = MemoryHealth(HealthPolicy(), middle)
    for number in range(4097):
        kept.of(scope(number), T + number)
        if number == 4095:
            assert len(kept.known()) == 4096

    assert len(kept.known()) == 4097 - 512


def test_threads_that_meet_a_scope_at_once_have_one_health() -> None:
    kept = store()
    together = threading.Barrier(8)
    met: list[Health] = []

    def meet() -> None:
        together.wait()
        met.extend(kept.of(scope(number), T) for number in range(200))

    threads = [threading.Thread(target=meet) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({id(target) for target in met}) == 200
    assert len(kept.known()) == 200


class Contested(Scope):
    """A scope that another thread has met by the time it was found to be unknown."""

    __slots__ = ()
    __hash__ = Scope.__hash__
    known = False

    def __eq__(self, other: object) -> bool:
        was, Contested.known = Contested.known, True
        return was


def test_a_thread_that_is_second_has_the_health_of_the_first() -> None:
    kept = store()
    contested = Contested(provider="Hello")
    first = kept.of(Scope(provider="Hello"), T)

    assert kept.of(contested, T) is first


def test_a_report_of_a_target_that_is_well() -> None:
    target = health()
    succeed(target, 0.5)

    assert report(SCOPE, target, T) == HealthReport(
        target="Hello:hello-1",
        origin="https://hello.test",
        key="0123",
        state="closed",
        wait=0.0,
        reason="",
        failures_in_a_row=0,
        first_delta_p95=0.5,
        retries_left=10.0,
    )


@pytest.mark.parametrize(
    ("cool", "now", "state", "wait", "reason"),
    [
        pytest.param(0, T + 1, "open", 4, "circuit open", id="open"),
        pytest.param(0, T + 5, "half_open", 0, "circuit half-open", id="half-open"),
        pytest.param(8, T + 1, "open", 7, "overloaded", id="cooling"),
    ],
)
def test_a_report_says_why_a_target_may_not_be_asked(
    cool: float, now: float, state: str, wait: float, reason: str
) -> None:
    target = health()
    fail(target)
    target.budget.spend()
    target.cool(T + cool, "overloaded")
    told = report(SCOPE.wider(), target, now)

    assert told.target == "Hello"
    assert told.key == ""
    assert (told.state, told.wait, told.reason) == (state, wait, reason)
    assert told.failures_in_a_row == 5
    assert told.retries_left == 9


def test_a_fingerprint_tells_keys_apart_and_shows_none() -> None:
    salt = b"salt"
    one = fingerprint(Secret("sk-one"), salt)

    assert one == fingerprint(Secret("sk-one"), salt)
    assert one != fingerprint(Secret("sk-two"), salt)
    assert one != fingerprint(Secret("sk-one"), b"other")
    assert len(one) == 16
    assert int(one, 16) >= 0
    assert len(fingerprint(Secret("clé\udcff"), salt)) == 16


@pytest.mark.parametrize("key", [None, Secret("")])
def test_no_key_has_no_fingerprint(key: Secret | None) -> None:
    assert fingerprint(key, b"salt") == ""
