"""When a target is down, how it comes back, and its retry budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from threading import Thread

import pytest

from turnout.errors import (
    ArgumentError,
    AuthenticationError,
    ContentFilterError,
    ContextLengthError,
    DeadlineError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    TurnoutError,
    UnsupportedError,
)
from turnout.routes import Policy
from turnout.routes._health import Scope
from turnout.routes._holds import MemoryStore
from turnout.routes._policy import rule
from turnout.routes._target_health import Permit, TargetHealth
from turnout.types import Target

T = 1000.0
NO = ServerError("no")


def target_health(random: Callable[[], float] = lambda: 0.5) -> TargetHealth:
    """Return the health of a target whose tries are not spread."""
    scope = Scope(provider="Hello", model="m")
    return TargetHealth(scope, Target("Hello", "m"), MemoryStore(), random)


def send(health: TargetHealth, now: float = T) -> Permit:
    permit = health.start(now)
    permit.sent(now)
    return permit


def end(permit: Permit, error: TurnoutError, now: float) -> None:
    permit.failed(error, rule(error, Policy()), now)


def fail(
    health: TargetHealth, now: float = T, times: int = 1, error: TurnoutError = NO
) -> None:
    """Let attempts fail one after another, as soon as they are sent."""
    for _ in range(times):
        end(send(health, now), error, now)


def succeed(
    health: TargetHealth, now: float = T, times: int = 1, first_delta: float = 0.0
) -> None:
    for _ in range(times):
        permit = send(health, now - first_delta)
        permit.first_delta(now)
        permit.completed()


def probes_of(health: TargetHealth, now: float = T) -> int:
    """Send as many attempts as a target that is down allows; return their number."""
    count = 0
    while health.has_room:
        send(health, now)
        count += 1
    return count


def down(now: float = T) -> TargetHealth:
    health = target_health()
    fail(health, now, 5)
    return health


# When it is down.


def test_a_new_target_is_up() -> None:
    health = target_health()

    assert not health.is_down(T)
    assert health.held(T) is None
    assert health.first_delta_p95 is None
    assert health.last_limited == -math.inf


def test_five_failures_in_a_row_mark_it_as_down() -> None:
    health = target_health()

    fail(health, times=4)
    before = health.is_down(T)
    fail(health)

    assert not before
    assert health.is_down(T)
    assert health.reason(T) == "its last 5 attempts failed"


def test_a_first_delta_ends_the_row_of_failures() -> None:
    health = target_health()

    fail(health, times=4)
    succeed(health)
    fail(health, times=4)

    assert health.failures_in_a_row == 4
    assert not health.is_down(T)


@pytest.mark.parametrize(
    ("failures", "successes", "expected"),
    [(4, 6, False), (5, 5, True), (4, 5, False), (7, 8, False)],
)
def test_half_of_ten_attempts_or_more_mark_it_as_down(
    failures: int, successes: int, expected: bool
) -> None:
    health = target_health()

    succeed(health, times=successes - failures)
    for _ in range(min(failures, successes)):
        succeed(health)
        fail(health)

    assert health.is_down(T) is expected


def test_a_target_that_answers_some_requests_has_four_probes_at_first() -> None:
    answering, silent = target_health(), target_health()

    for _ in range(5):
        succeed(answering)
        fail(answering)
    fail(silent, times=5)

    assert answering.is_down(T)
    assert probes_of(answering) == 4
    assert probes_of(silent) == 1


def test_the_share_of_failures_is_its_reason() -> None:
    health = target_health()

    for _ in range(5):
        succeed(health)
        fail(health)

    assert health.is_down(T)
    assert health.reason(T + 1) == "5 of its last 10 attempts failed"
    assert health.reason(T + 30) == "its last attempts failed or were not answered"


def test_attempts_count_for_thirty_seconds() -> None:
    health = target_health()

    for _ in range(4):
        fail(health)
        succeed(health)
    fail(health, T + 30)
    succeed(health, T + 30, 4)
    fail(health, T + 30, 4)

    # Five of nine; the eight before them do not count any more.
    assert not health.is_down(T + 30)


def test_no_more_than_64_attempts_count() -> None:
    health = target_health()

    succeed(health, times=1000)
    for _ in range(31):
        succeed(health)
        fail(health)
    before = health.is_down(T)
    succeed(health)
    fail(health)

    assert not before
    assert health.is_down(T)


def test_a_break_after_the_first_delta_is_a_failure_of_the_same_attempt() -> None:
    health = target_health()

    for _ in range(10):
        permit = send(health)
        permit.first_delta(T)
        end(permit, StreamTruncatedError("cut"), T)

    assert health.failures_in_a_row == 0
    assert health.is_down(T)
    assert health.reason(T) == "10 of its last 10 attempts failed"


def test_breaks_count_although_their_first_deltas_have_left_the_window() -> None:
    health = target_health()

    permits = [send(health) for _ in range(100)]
    for permit in permits:
        permit.first_delta(T)
    for permit in permits:
        end(permit, StreamTruncatedError("cut"), T + 5)

    assert health.is_down(T + 5)
    assert health.reason(T + 5) == "64 of its last 64 attempts failed"


def test_breaks_of_less_than_half_of_the_answers_leave_it_up() -> None:
    health = target_health()

    for number in range(60):
        permit = send(health)
        permit.first_delta(T)
        if number % 3:
            permit.completed()
        else:
            end(permit, StreamTruncatedError("cut"), T)

    assert not health.is_down(T)


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestError("no"),
        UnsupportedError("no"),
        ContextLengthError("no"),
        ContentFilterError("no"),
        InvalidReplyError("no"),
        AuthenticationError("no"),
        QuotaExceededError("no"),
        DeadlineError("no"),
        ArgumentError("no"),
    ],
)
def test_other_errors_do_not_count_as_failures(error: TurnoutError) -> None:
    health = target_health()

    fail(health, times=20, error=error)

    assert not health.is_down(T)
    assert health.failures_in_a_row == 0


# Attempts that wait longer than usual.


def test_five_overdue_attempts_mark_it_as_down() -> None:
    health = target_health()
    succeed(health, times=20, first_delta=1.0)

    for _ in range(5):
        send(health)

    assert health.overdue_after == 2.0
    assert not health.is_down(T + 2.0)
    assert health.is_down(T + 2.001)
    assert health.reason(T + 40) == "its last attempts failed or were not answered"


def test_four_overdue_attempts_do_not() -> None:
    health = target_health()

    for _ in range(4):
        send(health)

    assert not health.is_down(T + 1000)


def test_failures_and_overdue_attempts_are_counted_together() -> None:
    health = target_health()

    send(health)
    send(health)
    fail(health, T + 6, times=2)
    before = health.is_down(T + 6)
    fail(health, T + 6)

    assert not before
    assert health.is_down(T + 6)


@pytest.mark.parametrize(
    ("first_deltas", "overdue_after"),
    [
        pytest.param([], 5.0, id="nothing is known"),
        pytest.param([0.1] * 19, 5.0, id="too few are known"),
        pytest.param([3.0] * 20, 6.0, id="twice the usual time"),
        pytest.param([0.1] * 20, 0.5, id="half a second at least"),
    ],
)
def test_an_attempt_is_overdue_after_twice_the_usual_time(
    first_deltas: list[float], overdue_after: float
) -> None:
    health = target_health()

    for seconds in first_deltas:
        succeed(health, first_delta=seconds)

    assert health.overdue_after == overdue_after


def test_attempts_before_an_answered_one_are_not_overdue() -> None:
    health = target_health()

    slow = [send(health) for _ in range(10)]
    send(health, T + 1).first_delta(T + 2)

    assert not health.is_down(T + 1000)
    slow[0].released(T + 1000)
    assert health.failures_in_a_row == 0


def test_attempts_that_wait_for_a_slot_are_not_overdue() -> None:
    health = target_health()

    permits = [health.start(T) for _ in range(10)]
    before = health.is_down(T + 1000)
    for permit in permits:
        permit.sent(T + 1000)

    assert not before
    assert not health.is_down(T + 1001)
    assert health.is_down(T + 1005.001)


def test_the_release_of_an_overdue_attempt_counts_as_a_failure() -> None:
    health = target_health()

    for _ in range(5):
        send(health).released(T + 5.001)

    assert health.failures_in_a_row == 5
    assert health.is_down(T + 5.001)


def test_a_quick_release_does_not_count() -> None:
    health = target_health()

    for _ in range(100):
        send(health).released(T + 5.0)

    assert health.failures_in_a_row == 0
    assert not health.is_down(T + 5.0)


def test_a_deadline_that_ends_an_overdue_attempt_counts_as_a_failure() -> None:
    health = target_health()

    end(send(health), DeadlineError("up"), T + 6)

    assert health.failures_in_a_row == 1


@pytest.mark.parametrize(("count", "failing"), [(300, 15), (40, 15), (12, 5)])
def test_failures_before_late_first_deltas_do_not_mark_it_as_down(
    count: int, failing: int
) -> None:
    health = target_health()

    permits = [send(health) for _ in range(count)]
    for permit in permits[::2][:failing]:
        end(permit, NO, T + 0.05)
    before = health.is_down(T + 0.05)
    for permit in permits:
        permit.first_delta(T + 4)

    assert not before
    assert not health.is_down(T + 4)


def test_failures_that_take_long_mark_it_as_down_while_later_attempts_are_open() -> (
    None
):
    health = target_health()

    permits = [send(health, T + number / 30) for number in range(95)]
    for number, permit in enumerate(permits[:5]):
        end(permit, NO, T + 3 + number / 30)

    assert health.is_down(T + 3.2)


def test_most_of_the_attempts_that_were_sent_at_once_have_to_fail() -> None:
    health = target_health()

    permits = [send(health) for _ in range(20)]
    for permit in permits[:9]:
        end(permit, NO, T + 0.05)
    before = health.is_down(T + 0.05)
    end(permits[9], NO, T + 0.05)

    assert not before
    assert health.is_down(T + 0.05)


# How it is tried again.


def test_it_is_tried_after_five_seconds_by_one_request() -> None:
    health = down()

    assert not health.is_due(T + 4.999)
    assert health.is_due(T + 5)
    probe = send(health, T + 5)
    assert not health.is_due(T + 5)
    probe.released(T + 5)
    assert health.is_due(T + 5)


@pytest.mark.parametrize(("random", "delay"), [(0.0, 3.75), (0.999, 6.2475)])
def test_the_delay_is_spread_by_a_quarter(random: float, delay: float) -> None:
    health = target_health(lambda: random)

    fail(health, times=5)

    assert health.retry_at - T == pytest.approx(delay)


def test_first_deltas_double_the_limit_until_it_is_up() -> None:
    health, limits = down(), list[int]()

    while health.is_down(T + 5):
        probes: list[Permit] = []
        while health.is_due(T + 5):
            probes.append(send(health, T + 5))
        limits.append(len(probes))
        probes[0].first_delta(T + 5)
        for probe in probes[1:]:
            probe.released(T + 5)

    assert limits == [1, 2, 4, 8]


def test_it_is_up_with_a_new_window() -> None:
    health = down()

    succeed(health, T + 5, times=4)
    fail(health, T + 5, times=4)

    # Four of eight; the five failures before them do not count any more.
    assert not health.is_down(T + 5)


def test_a_failed_try_doubles_the_delay_up_to_a_minute() -> None:
    health, now, delays = down(), T, list[float]()

    for _ in range(6):
        delays.append(health.retry_at - now)
        now = health.retry_at
        fail(health, now)

    assert delays == [5, 10, 20, 40, 60, 60]


def test_a_failure_halves_the_limit_and_delays_the_next_try() -> None:
    health = down()
    succeed(health, T + 5, times=2)

    probes = [send(health, T + 6.5) for _ in range(3)]
    end(probes[0], NO, T + 7)

    assert health.retry_at == T + 7 + 10
    assert not health.is_due(T + 17)  # Two of two allowed attempts wait.
    probes[1].released(T + 17)
    assert health.is_due(T + 17)


def test_failures_of_attempts_from_before_a_delay_add_no_delay() -> None:
    health = target_health()
    early = [send(health) for _ in range(10)]

    for permit in early:
        end(permit, NO, T + 1)
    first = health.retry_at
    probes = [send(health, T + 6) for _ in range(4)]
    for probe in probes:
        end(probe, NO, T + 7)

    assert first == T + 6
    assert health.retry_at == T + 7 + 10


def test_a_failure_delays_nothing_if_a_first_delta_came_after_it_began() -> None:
    health = down()

    probe = send(health, T + 5)
    succeed(health, T + 6)
    end(probe, NO, T + 7)

    assert health.is_due(T + 7)
    send(health, T + 7)
    assert health.has_room  # Two attempts are allowed.


def test_first_deltas_of_attempts_that_began_before_count() -> None:
    health = target_health()
    earlier = [send(health) for _ in range(4)]

    for _ in range(5):
        end(send(health, T + 1), NO, T + 1)
    was_down = health.is_down(T + 1)
    for permit in earlier:
        permit.first_delta(T + 2)

    assert was_down
    assert not health.is_down(T + 2)


def test_after_a_first_delta_it_is_tried_at_once_and_soon_after_failures() -> None:
    health = down()
    fail(health, T + 5, times=1)

    succeed(health, T + 6)
    due = health.is_due(T + 6)
    fail(health, T + 8)

    assert due
    assert health.retry_at == T + 8 + 10  # Five seconds, doubled once.


def test_failures_within_a_second_after_a_first_delta_delay_nothing() -> None:
    health = down()

    succeed(health, T + 6)
    fail(health, T + 7, times=10)
    due = health.is_due(T + 7)
    fail(health, T + 7.001)

    assert due
    assert not health.is_due(T + 7.001)


def test_probes_before_it_was_up_do_not_count_when_it_is_down_again() -> None:
    health = down()
    send(health, T + 5)  # Hangs.
    succeed(health, T + 6, times=4)

    fail(health, T + 7, times=5)

    assert health.is_due(T + 20)


def test_a_probe_that_answers_leaves_its_place_before_it_ends() -> None:
    health = down()

    probe = send(health, T + 5)
    probe.first_delta(T + 6)

    assert not health.probes


# Permits.


def test_a_permit_ends_once() -> None:
    health = target_health()
    health.spend_retry()
    permit = send(health)
    permit.paid = True

    permit.completed()
    permit.completed()
    permit.released(T + 1000)
    end(permit, NO, T + 1000)

    assert health.retries_in_flight == 0
    assert health.retries_left == pytest.approx(9.1)
    assert health.failures_in_a_row == 0
    assert not health.waiting


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (AuthenticationError("no", status_code=401), 300),
        (PermissionDeniedError("no"), 300),
        (ModelUnavailableError("no"), 300),
        (QuotaExceededError("no"), 300),
        (QuotaExceededError("no", retry_after=7000), 3600),
        (AuthenticationError("no", retry_after=10), 10),
        (RateLimitError("no", retry_after=3), 3),
        (OverloadedError("no", retry_after=7000), 300),
        (ServerError("no", retry_after=3), 3),
    ],
)
def test_a_certain_refusal_is_a_hold(error: TurnoutError, seconds: float) -> None:
    health = target_health()

    fail(health, error=error)
    hold = health.held(T)

    assert hold is not None
    assert (hold.until, hold.reason) == (T + seconds, type(error).__name__)
    assert health.held(T + seconds) is None


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        ("P is\n  busy", "P is busy"),
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 200 + "\u2026"),
        ("", ""),
    ],
)
def test_a_hold_has_the_message_of_its_error_shortened(message: str, kept: str) -> None:
    health = target_health()

    fail(health, error=RateLimitError(message, retry_after=3))
    hold = health.held(T)

    assert hold is not None
    assert hold.message == kept


@pytest.mark.parametrize(
    "error",
    [
        RateLimitError("no"),
        OverloadedError("no"),
        ServerError("no"),
        RateLimitError("no", retry_after=0),
        AuthenticationError("no"),
        InvalidRequestError("no", retry_after=3),
        UnsupportedError("no", retry_after=3),
        ContextLengthError("no", retry_after=3),
        ContentFilterError("no", retry_after=3),
        InvalidReplyError("no", retry_after=3),
    ],
)
def test_other_errors_are_no_hold(error: TurnoutError) -> None:
    health = target_health()

    fail(health, error=error)

    assert health.held(T) is None


@pytest.mark.parametrize(
    ("error", "limited"),
    [(RateLimitError("no"), T), (OverloadedError("no"), T), (NO, -math.inf)],
)
def test_the_time_of_the_last_refusal_without_capacity_is_recorded(
    error: TurnoutError, limited: float
) -> None:
    health = target_health()

    fail(health, error=error)

    assert health.last_limited == limited


# Retry budget.


def test_ten_retries_are_allowed_and_three_at_a_time_after_them() -> None:
    health = target_health()

    spent = [health.spend_retry() for _ in range(10)]
    in_flight = health.spend_retry()
    for _ in range(8):
        health.return_retry()
    floor = health.spend_retry(), health.spend_retry()

    assert all(spent)
    assert not in_flight
    assert floor == (True, False)
    assert health.retries_in_flight == 3


def test_ten_complete_answers_add_one_retry() -> None:
    health = target_health()
    for _ in range(10):
        health.spend_retry()

    succeed(health, times=9)
    before = health.spend_retry()
    succeed(health)

    assert not before
    assert health.spend_retry()
    assert not health.spend_retry()


def test_no_more_than_ten_retries_are_saved() -> None:
    health = target_health()

    succeed(health, times=100)

    assert health.retries_left == 10


def test_an_answer_that_breaks_adds_nothing() -> None:
    health = target_health()
    health.spend_retry()

    permit = send(health)
    permit.first_delta(T)
    end(permit, StreamTruncatedError("cut"), T)

    assert health.retries_left == 9


# Seconds to the first delta.


@pytest.mark.parametrize(
    ("count", "p95"),
    [(1, 1), (19, 19), (20, 19), (21, 20), (40, 38), (100, 95), (101, 96), (250, 245)],
)
def test_the_95th_percentile_is_of_the_last_hundred_first_deltas(
    count: int, p95: float
) -> None:
    health = target_health()

    for number in range(1, count + 1):
        succeed(health, first_delta=float(number))

    assert health.first_delta_p95 == p95
    assert health.usual_first_delta == (p95 if count >= 20 else None)


def test_first_deltas_need_not_come_in_order() -> None:
    health = target_health()

    for seconds in (9.0, 3.0, 2.0, 1.0):
        succeed(health, first_delta=seconds)

    assert health.first_delta_p95 == 9.0


# Threads.


def test_threads_that_share_it_lose_no_counts() -> None:
    health = target_health()

    def ask() -> None:
        for number in range(2000):
            permit = send(health)
            permit.paid = health.spend_retry()
            if number % 3 == 0:
                permit.first_delta(T)
                permit.completed()
            elif number % 3 == 1:
                end(permit, NO, T)
            else:
                permit.released(T)
            health.is_down(T + 1)
            health.reason(T)

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert health.retries_in_flight == 0
    assert not health.waiting
    assert not health.probes


def test_a_permit_may_be_released_while_the_lock_is_held() -> None:
    # The garbage collector does that with a stream that was dropped.
    dropped: list[Permit] = []

    def collect() -> float:
        for permit in dropped:
            permit.released(T)
        return 0.5

    health = target_health(collect)
    dropped.append(send(health))

    fail(health, times=5)

    assert not health.waiting
    assert health.is_down(T)


def test_one_refusal_of_a_target_that_answers_holds_nothing() -> None:
    health = target_health()

    succeed(health)
    fail(health, error=AuthenticationError("no", status_code=401), times=2)
    before = health.held(T)
    fail(health, error=AuthenticationError("no", status_code=401))

    assert before is None
    assert health.held(T) is not None


def test_refusals_between_answers_hold_nothing() -> None:
    health = target_health()

    for _ in range(5):
        succeed(health)
        fail(health, error=QuotaExceededError("no"), times=2)

    assert health.held(T) is None


def test_a_refusal_long_after_an_answer_holds_at_once() -> None:
    health = target_health()

    succeed(health)
    fail(health, T + 31, error=ModelUnavailableError("no"))

    assert health.held(T + 31) is not None
