"""The circuit: when it opens, for how long, and when it closes (R03, R04, R05, R07)."""

from __future__ import annotations

import math
from collections.abc import Iterable
from random import Random
from typing import Any

import pytest

from turnout.routes._breaker import Breaker, BreakerPolicy, Permit

T = 1000.0
"""When the tests begin; a clock of its own sort begins anywhere."""


def breaker(random: float = 0.5, **fields: Any) -> Breaker:
    return Breaker(BreakerPolicy(**fields), lambda: random)


def start(circuit: Breaker, now: float = T) -> Permit:
    permit = circuit.start(now)
    assert permit is not None
    return permit


def fail(circuit: Breaker, now: float = T, times: int = 1) -> None:
    for _ in range(times):
        circuit.failed(start(circuit, now), now)


def succeed(circuit: Breaker, now: float = T, times: int = 1) -> None:
    for _ in range(times):
        circuit.succeeded(start(circuit, now), now)


def run(circuit: Breaker, outcomes: str, now: float = T) -> None:
    for outcome in outcomes:
        (fail if outcome == "f" else succeed)(circuit, now)


def opened(random: float = 0.5, **fields: Any) -> Breaker:
    circuit = breaker(random, **fields)
    fail(circuit, times=fields.get("consecutive_failures", 5))
    return circuit


def test_the_numbers_are_those_that_are_documented() -> None:
    assert BreakerPolicy() == BreakerPolicy(
        consecutive_failures=5,
        failure_ratio=0.5,
        minimum_calls=10,
        window=30.0,
        buckets=10,
        open_time=5.0,
        longest_open_time=120.0,
        open_time_jitter=0.2,
        healthy_decay=60.0,
        probes=1,
        successes_to_close=2,
    )


def test_a_new_circuit_is_closed() -> None:
    circuit = breaker()

    assert circuit.state(-1e9) == circuit.state(T) == "closed"
    assert circuit.allows(T)
    assert circuit.next_at(T) == T
    assert not start(circuit).probe


def test_five_failures_in_a_row_open_it_r03() -> None:
    circuit = breaker()
    fail(circuit, times=4)
    assert circuit.state(T) == "closed"
    assert circuit.failures_in_a_row == 4

    fail(circuit)

    assert circuit.state(T) == "open"
    assert circuit.failures_in_a_row == 5
    assert not circuit.allows(T)
    assert circuit.start(T) is None


def test_a_success_ends_the_row_r03() -> None:
    circuit = breaker()
    run(circuit, "ffffs" + "ffff")
    # Eight of nine failed, and nine say nothing of a share.
    assert circuit.state(T) == "closed"
    assert circuit.failures_in_a_row == 4

    fail(circuit)
    assert circuit.state(T) == "open"


def test_failures_in_a_row_are_not_forgotten_with_the_window_r03() -> None:
    circuit = breaker()
    fail(circuit, times=4)
    fail(circuit, T + 1000)

    assert circuit.state(T + 1000) == "open"


@pytest.mark.parametrize(
    ("outcomes", "state"),
    [
        pytest.param("ffsffsffs", "closed", id="six of nine: too few calls"),
        pytest.param("ffsssfsfss", "closed", id="four of ten"),
        pytest.param("ffsfsfsssf", "open", id="five of ten, a failure last"),
        pytest.param("ffsfsfsfss", "open", id="five of ten, a success last"),
        pytest.param("fssfssfssfssfss", "closed", id="a third of fifteen"),
    ],
)
def test_half_of_ten_calls_open_it_r04(outcomes: str, state: str) -> None:
    circuit = breaker()
    run(circuit, outcomes[:9])
    assert circuit.state(T) == "closed"

    run(circuit, outcomes[9:])

    assert circuit.state(T) == state


@pytest.mark.parametrize(("failures", "state"), [(49, "closed"), (51, "open")])
def test_a_share_of_a_hundred_calls_r04(failures: int, state: str) -> None:
    circuit = breaker(consecutive_failures=1000, minimum_calls=100)
    run(circuit, "f" * failures + "s" * (100 - failures))

    assert circuit.state(T) == state


def test_a_share_is_no_nearly_so_r04() -> None:
    # As floats, 0.57 of 100 are a little less than 57.
    circuit = breaker(consecutive_failures=1000, minimum_calls=100, failure_ratio=0.57)
    run(circuit, "s" * 43 + "f" * 56)
    assert circuit.state(T) == "closed"
    fail(circuit)
    assert circuit.state(T) == "open"


@pytest.mark.parametrize(
    ("later", "state"), [(26.9, "open"), (29.9, "open"), (30.0, "closed")]
)
def test_calls_are_forgotten_after_half_a_minute_r04(later: float, state: str) -> None:
    begin = 999.0  # A bucket begins here.
    circuit = breaker()
    run(circuit, "ffsffs", begin)
    run(circuit, "fsfs", begin + later)

    assert circuit.state(begin + later) == state


def test_a_part_of_the_window_at_a_time_is_forgotten_r04() -> None:
    begin = 999.0
    circuit = breaker(consecutive_failures=1000)
    run(circuit, "fff", begin)
    run(circuit, "fff", begin + 3)
    # The first three are gone, the next three are not: four of nine, and then five.
    run(circuit, "sssss" + "f", begin + 30)
    assert circuit.state(begin + 30) == "closed"

    fail(circuit, begin + 30)

    assert circuit.state(begin + 30) == "open"


def test_failures_are_forgotten_with_their_calls_r04() -> None:
    begin = 999.0
    circuit = breaker()
    run(circuit, "ffffsssss", begin)
    run(circuit, "ffffssssss", begin + 30)

    assert circuit.state(begin + 30) == "closed"


def test_many_parts_of_the_window_are_forgotten_at_once_r04() -> None:
    circuit = breaker(consecutive_failures=1000)
    for part in range(3):
        run(circuit, "fff", 999.0 + 3 * part)
    run(circuit, "f" * 9, 2000.0)

    assert circuit.state(2000.0) == "closed"


@pytest.mark.parametrize(
    ("random", "seconds"), [(0.0, 4.0), (0.25, 4.5), (0.5, 5.0), (1.0, 6.0)]
)
def test_it_is_open_for_five_seconds_or_a_fifth_more_or_less_r05(
    random: float, seconds: float
) -> None:
    circuit = opened(random)

    assert circuit.next_at(T) == pytest.approx(T + seconds)
    assert circuit.state(T + seconds - 0.001) == "open"
    assert circuit.state(T + seconds + 0.001) == "half_open"


@pytest.mark.parametrize("now", [-1000.0, 0.0, 1.0])
def test_a_clock_may_begin_anywhere_r05(now: float) -> None:
    circuit = breaker()
    fail(circuit, now, times=5)

    assert circuit.next_at(now) == now + 5


def test_its_time_is_over_when_it_is_r05() -> None:
    circuit = opened()

    assert circuit.state(math.nextafter(T + 5, 0)) == "open"
    assert not circuit.allows(math.nextafter(T + 5, 0))
    assert circuit.start(math.nextafter(T + 5, 0)) is None
    assert circuit.state(T + 5) == "half_open"
    assert circuit.allows(T + 5)
    assert circuit.next_at(T + 5) == T + 5


def reopenings(circuit: Breaker, count: int) -> Iterable[float]:
    """Yield how long the circuit is open, each time a probe has failed."""
    now = T
    for _ in range(count):
        until = circuit.next_at(now)
        yield until - now
        now = until
        fail(circuit, now)


@pytest.mark.parametrize(
    ("random", "times"),
    [
        (0.5, [5, 10, 20, 40, 80, 120, 120, 120]),
        (0.0, [4, 8, 16, 32, 64, 96, 96, 96]),
        (1.0, [6, 12, 24, 48, 96, 120, 120, 120]),
    ],
)
def test_each_failed_probe_doubles_the_time_up_to_two_minutes_r05(
    random: float, times: list[float]
) -> None:
    assert list(reopenings(opened(random), 8)) == pytest.approx(times)


@pytest.mark.parametrize("seed", [20261122])
def test_open_times_are_spread_r05(seed: int) -> None:
    random = Random(seed).random
    policy = BreakerPolicy(consecutive_failures=1)
    times: list[float] = []
    for _ in range(10_000):
        circuit = Breaker(policy, random)
        fail(circuit)
        times.append(circuit.next_at(T) - T)

    assert 4.0 <= min(times) < 4.01
    assert 5.99 < max(times) <= 6.0
    assert sum(time < 5 for time in times) == pytest.approx(5000, abs=250)


def test_one_of_a_hundred_waiters_probes_r05() -> None:
    circuit = opened()
    permits = [circuit.start(T + 5) for _ in range(100)]

    assert sum(permit is not None for permit in permits) == 1
    assert permits[0] is not None
    assert permits[0].probe
    assert not circuit.allows(T + 5)
    assert circuit.state(T + 5) == "half_open"


def test_while_a_probe_is_in_flight_nobody_knows_when_one_may_go_r05() -> None:
    circuit = opened()
    start(circuit, T + 5)

    assert circuit.next_at(T + 5) == T + 10
    assert circuit.next_at(T + 7) == T + 12


def test_two_probes_that_succeed_close_it_r05() -> None:
    circuit = opened()
    succeed(circuit, T + 5)
    assert circuit.state(T + 5) == "half_open"
    assert circuit.failures_in_a_row == 0

    succeed(circuit, T + 6)

    assert circuit.state(T + 6) == "closed"
    assert not start(circuit, T + 6).probe


def test_a_closed_circuit_has_forgotten_what_opened_it_r05() -> None:
    circuit = opened()
    succeed(circuit, T + 5, times=2)
    fail(circuit, T + 5, times=4)

    assert circuit.state(T + 5) == "closed"


def test_what_opened_a_circuit_is_not_forgotten_twice_r05() -> None:
    circuit = opened()
    succeed(circuit, T + 5, times=2)
    run(circuit, "fsfsfsfss", T + 5)
    assert circuit.state(T + 5) == "closed"

    run(circuit, "ffsfsfsfss", T + 100)

    assert circuit.state(T + 100) == "open"


def test_successes_before_a_failure_do_not_close_it_r05() -> None:
    circuit = opened()
    succeed(circuit, T + 5)
    fail(circuit, T + 5)
    assert circuit.next_at(T + 5) == T + 15

    succeed(circuit, T + 15)

    assert circuit.state(T + 15) == "half_open"


def test_the_first_delta_of_a_probe_makes_room_for_the_next_r05() -> None:
    circuit = opened()
    first = start(circuit, T + 5)
    circuit.first_delta(first)

    second = start(circuit, T + 5)
    assert circuit.start(T + 5) is None
    circuit.succeeded(first, T + 6)
    assert circuit.start(T + 6) is None  # The second is in flight still.
    circuit.succeeded(second, T + 6)
    assert circuit.state(T + 6) == "closed"


def test_a_probe_that_began_to_answer_may_fail_yet_r05() -> None:
    circuit = opened()
    first = start(circuit, T + 5)
    circuit.first_delta(first)
    second = start(circuit, T + 5)
    circuit.failed(first, T + 6)
    assert circuit.next_at(T + 6) == T + 16

    circuit.failed(second, T + 7)
    assert circuit.next_at(T + 7) == T + 16
    circuit.succeeded(second, T + 7)
    assert circuit.state(T + 7) == "open"


def test_a_probe_under_way_keeps_its_place_when_the_circuit_opens_again_r05() -> None:
    circuit = opened()
    first = start(circuit, T + 5)
    circuit.first_delta(first)
    second = start(circuit, T + 5)
    circuit.failed(first, T + 6)

    assert circuit.start(T + 16) is None
    circuit.released(second)
    assert start(circuit, T + 16).probe


def test_a_probe_may_still_fail_when_the_circuit_has_closed() -> None:
    circuit = opened(probes=3)
    permits = [start(circuit, T + 5) for _ in range(3)]
    circuit.succeeded(permits[0], T + 5)
    circuit.succeeded(permits[1], T + 5)
    circuit.failed(permits[2], T + 5)

    assert circuit.state(T + 5) == "closed"
    assert circuit.failures_in_a_row == 1


def test_several_probes_where_the_policy_says_so_r05() -> None:
    circuit = opened(probes=2)
    start(circuit, T + 5)
    start(circuit, T + 5)

    assert circuit.start(T + 5) is None


def test_a_released_probe_gives_its_place_back_r07() -> None:
    circuit = opened()
    permit = start(circuit, T + 5)
    circuit.released(permit)

    assert circuit.state(T + 5) == "half_open"
    assert circuit.allows(T + 5)
    second = start(circuit, T + 5)
    circuit.released(permit)  # Given back before: nothing is given back twice.
    assert circuit.start(T + 5) is None
    circuit.succeeded(second, T + 5)
    assert circuit.state(T + 5) == "half_open"


def test_what_does_not_count_opens_nothing_r07() -> None:
    circuit = breaker()
    fail(circuit, times=4)
    for _ in range(100):
        circuit.released(start(circuit))
    assert circuit.state(T) == "closed"
    assert circuit.failures_in_a_row == 4

    # Nor was it a call of which a share fails: four of nine are no half of ten.
    run(circuit, "sssss")
    assert circuit.state(T) == "closed"


@pytest.mark.parametrize("when", [T + 1, T + 5, T + 6], ids=["open", "due", "probed"])
def test_late_results_change_nothing(when: float) -> None:
    circuit = breaker()
    late = [start(circuit) for _ in range(20)]
    for permit in late[:5]:
        circuit.failed(permit, T)
    probe = start(circuit, when) if when == T + 6 else None
    state = circuit.state(when)
    for permit in late[5:15]:
        circuit.failed(permit, when)
    for permit in late[15:]:
        circuit.succeeded(permit, when)
    circuit.released(late[0])

    assert circuit.state(when) == state
    assert circuit.failures_in_a_row == 5
    if probe is None:
        assert circuit.next_at(T) == T + 5
    else:
        assert circuit.start(when) is None


def test_late_failures_do_not_open_a_circuit_that_has_closed() -> None:
    circuit = breaker()
    late = [start(circuit) for _ in range(20)]
    fail(circuit, times=5)
    succeed(circuit, T + 5, times=2)
    for permit in late:
        circuit.failed(permit, T + 5)

    assert circuit.state(T + 5) == "closed"
    assert circuit.failures_in_a_row == 0


def reopened_after(healthy: float, openings: int = 3) -> float:
    """Return how long it is open once it was closed so long, after some openings."""
    circuit = opened()
    now = circuit.next_at(T)
    for _ in range(openings - 1):
        fail(circuit, now)
        now = circuit.next_at(now)
    succeed(circuit, now, times=2)
    now += healthy
    fail(circuit, now, times=5)
    return circuit.next_at(now) - now


@pytest.mark.parametrize(
    ("healthy", "seconds"),
    [(0, 40), (59.9, 40), (60, 20), (119, 20), (120, 10), (180, 5), (1e6, 5)],
)
def test_each_healthy_minute_makes_up_for_an_opening_r05(
    healthy: float, seconds: float
) -> None:
    assert reopened_after(healthy) == pytest.approx(seconds)


def test_openings_past_the_longest_time_need_not_be_made_up_for_r05() -> None:
    # Five are enough for two minutes: 5, 10, 20, 40, 80, 120.
    assert reopened_after(0, openings=50) == pytest.approx(120)
    assert reopened_after(60, openings=50) == pytest.approx(80)
    assert reopened_after(300, openings=50) == pytest.approx(5)


def test_the_last_target_is_probed_though_its_circuit_is_open_r08() -> None:
    circuit = opened()
    permit = circuit.probe()
    assert permit is not None
    assert circuit.probe() is None
    assert circuit.state(T + 1) == "open"

    circuit.succeeded(permit, T + 1)
    assert circuit.state(T + 1) == "half_open"
    succeed(circuit, T + 1)
    assert circuit.state(T + 1) == "closed"


def test_a_probe_before_the_time_that_fails_never_makes_it_shorter_r08() -> None:
    draws = iter([1.0, 0.0])  # Ten seconds, and then two.
    policy = BreakerPolicy(open_time=10, open_time_jitter=0.8, longest_open_time=10)
    circuit = Breaker(policy, lambda: next(draws))
    fail(circuit, times=5)
    permit = circuit.probe()
    assert permit is not None
    circuit.failed(permit, T + 1)

    assert circuit.next_at(T + 1) == T + 10


def test_a_probe_of_a_closed_circuit_holds_a_place_and_counts_as_any_other() -> None:
    circuit = breaker()
    permit = circuit.probe()
    assert permit is not None
    assert permit.probe
    assert circuit.probe() is None
    assert not start(circuit).probe

    circuit.failed(permit, T)

    assert circuit.failures_in_a_row == 1
    assert circuit.probe() is not None


def test_a_circuit_opened_by_hand_stays_open() -> None:
    circuit = breaker()
    under_way = start(circuit)
    circuit.force_open()
    circuit.succeeded(under_way, T)

    assert circuit.state(1e12) == "open"
    assert circuit.next_at(T) == math.inf
    assert circuit.start(1e12) is None
    assert circuit.probe() is None


def test_a_circuit_closed_by_hand_remembers_how_often_it_was_open() -> None:
    circuit = opened()
    circuit.force_open()
    circuit.force_close(T + 1)
    assert circuit.state(T + 1) == "closed"
    assert circuit.failures_in_a_row == 0

    fail(circuit, T + 1, times=5)

    assert circuit.next_at(T + 1) == T + 11


def test_a_circuit_that_is_reset_is_a_new_one() -> None:
    circuit = opened()
    probe = start(circuit, T + 5)
    circuit.reset()
    assert circuit.state(T + 5) == "closed"
    assert circuit.failures_in_a_row == 0

    fail(circuit, T + 5, times=4)
    circuit.failed(probe, T + 5)
    assert circuit.failures_in_a_row == 4
    fail(circuit, T + 5)
    assert circuit.next_at(T + 5) == T + 10


def test_a_circuit_that_is_reset_forgets_how_often_it_was_open() -> None:
    # Near the clock's beginning, where no healthy time makes up for it.
    circuit = breaker()
    fail(circuit, 0.0, times=5)
    circuit.reset()
    fail(circuit, 0.0, times=5)

    assert circuit.next_at(0.0) == 5.0


def test_a_request_that_began_before_all_was_forgotten_says_nothing() -> None:
    circuit = breaker()
    before = start(circuit, T)
    fail(circuit, T, times=5)
    circuit.reset()
    circuit.failed(before, T)

    assert circuit.failures_in_a_row == 0


def test_a_probe_under_way_holds_no_place_of_a_circuit_that_is_reset() -> None:
    circuit = opened()
    start(circuit, T + 5)
    circuit.reset()
    fail(circuit, T + 5, times=5)

    assert start(circuit, T + 10).probe


@pytest.mark.parametrize("seed", [20261124])
def test_at_no_time_are_more_probes_in_flight_than_allowed_r05(seed: int) -> None:
    source = Random(seed)
    circuit = Breaker(BreakerPolicy(), source.random)
    now, flying = T, list[tuple[Permit, bool]]()
    until = -math.inf
    for _ in range(20_000):
        now += source.expovariate(2)
        if circuit.state(now) == "open":
            due = circuit.next_at(now)
            assert due >= until or until <= now  # An open time is never made shorter.
            assert now < due <= now + 120
            until = due
        permit = circuit.start(now)
        if permit is not None:
            flying.append((permit, permit.probe))
        assert sum(probing for _, probing in flying) <= 1
        if flying and source.random() < 0.7:
            index = source.randrange(len(flying))
            done, probing = flying[index]
            if probing and source.random() < 0.3:
                circuit.first_delta(done)
                flying[index] = (done, False)
                continue
            del flying[index]
            match source.randrange(5):
                case 0:
                    circuit.released(done)
                case 1 | 2:
                    circuit.succeeded(done, now)
                case _:
                    circuit.failed(done, now)
