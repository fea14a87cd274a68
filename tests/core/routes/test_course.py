"""The schedule of one request, with given times and random numbers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from random import Random

import pytest

from turnout._record import Record
from turnout.errors import (
    ArgumentError,
    AuthenticationError,
    ConnectError,
    ContentFilterError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    InvalidReplyError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PluginError,
    ProtocolError,
    ProviderError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    StreamError,
    StreamTruncatedError,
    TurnoutError,
    UnavailableError,
    UnsupportedError,
)
from turnout.provider import BoundTarget
from turnout.routes import Health, Hold, Policy
from turnout.routes._candidate import RouteTarget
from turnout.routes._course import Ask, Course, Wait
from turnout.routes._hedging import HedgeShare
from turnout.routes._policy import rule
from turnout.routes._target_health import TargetHealth
from turnout.testing import FakeProvider
from turnout.types import Attempt, ChatRequest, ModelInfo

T = 1000.0
NO = ServerError("no")
CUT = StreamTruncatedError("cut")


@cache
def target(name: str, window: int | None, key: str | None = "k") -> BoundTarget:
    model = ModelInfo(name="m", context_window=window)
    return FakeProvider(name=name, models=[model], api_key=key).target()


class Request:
    """One request to targets A, B, C ..., and its attempts.

    Args:
        count: The number of targets.
        names: The providers' names; A, B, C ... by default.
        windows: Their context windows, if they are known.
        targets: The targets; new ones by default.
        random: For the waits; the middle of each by default.
        deadline: When the request must end.
        text: The question.
        policy: Fields of the policy.
    """

    def __init__(
        self,
        count: int = 2,
        *,
        names: str = "",
        windows: tuple[int | None, ...] = (),
        targets: tuple[BoundTarget, ...] = (),
        random: Callable[[], float] = lambda: 0.5,
        deadline: float = T + 600,
        text: str = "Why?",
        **policy: object,
    ) -> None:
        self.store = Health(random=lambda: 0.5)
        self.record = Record()
        names = names or "ABCDEFGH"[:count]
        windows = windows or (None,) * len(names)
        targets = targets or tuple(map(target, names, windows))
        self.targets = [RouteTarget(bound, self.store) for bound in targets]
        self.policy = Policy(**policy)  # type: ignore[arg-type]
        self.course = Course(
            self.targets,
            ChatRequest.build(text),
            self.policy,
            self.record,
            deadline,
            random,
        )

    def health(self, index: int) -> TargetHealth:
        return self.targets[index].health(T)

    def mark_down(self, *indexes: int, now: float = T) -> None:
        """Let attempts of other requests at targets fail."""
        for index in indexes:
            for _ in range(5):
                self.health(index).start(now).failed(NO, rule(NO, self.policy), now)

    def hold(self, index: int, seconds: float, reason: str = "RateLimitError") -> None:
        self.health(index).hold(Hold(until=T + seconds, reason=reason), T)

    def empty_budget(self, index: int, in_flight: int = 3) -> None:
        """Let other requests spend a target's retries, some of which stay in flight."""
        health = self.health(index)
        while health.spend_retry():
            pass
        while health.retries_in_flight > in_flight:
            health.return_retry()

    def asks(self, now: float = T) -> Ask:
        step = self.course.next(now)
        assert isinstance(step, Ask)
        return step

    def asked(self, now: float = T) -> str:
        """Try the next target; return its provider."""
        return self.asks(now).candidate.target.provider

    def waits(self, now: float = T) -> float:
        """Return the seconds of the wait."""
        step = self.course.next(now)
        assert isinstance(step, Wait)
        return step.until - now

    def fails(self, error: TurnoutError, now: float = T) -> str:
        """Let the next attempt fail before a delta; return its provider."""
        ask = self.asks(now)
        ask.permit.failed(error, rule(error, self.policy), now)
        self.course.failed(ask.candidate, error, now)
        return ask.candidate.target.provider

    def has_no_slot(self) -> UnavailableError:
        """Try the next target, which has no free slot; return the error."""
        ask, error = self.asks(), UnavailableError("no free slot")
        passed = Attempt(
            target=ask.candidate.target, outcome="passed_over", error=error
        )
        self.record.end(passed)
        ask.permit.released(T)
        self.course.failed(ask.candidate, error, T)
        return error

    def breaks(self, text: str = "Half of an ", now: float = T) -> bool:
        """Let the next answer break; return whether it restarts."""
        ask = self.asks(now)
        self.record.take([text])
        ask.permit.failed(CUT, rule(CUT, self.policy), now)
        return self.course.broke(ask.candidate, CUT)

    def failure(self, now: float = T) -> FallbackError:
        with pytest.raises(FallbackError) as caught:
            self.course.next(now)
        return caught.value

    def passed_over(self) -> list[tuple[str, type[TurnoutError]]]:
        return [
            (attempt.target.provider, type(attempt.error))  # type: ignore[misc]
            for attempt in self.record.attempts
            if attempt.outcome == "passed_over"
        ]

    def in_flight(self) -> int:
        """Return how many retries are in flight in all budgets."""
        return sum(health.retries_in_flight for health in self.store.known())


# Retries.


def test_the_waits_of_a_lone_target_are_spread_evenly_r01() -> None:
    random = Random(20261122).random
    firsts, seconds = list[float](), list[float]()

    for _ in range(10_000):
        request = Request(1, random=random)
        request.fails(NO)
        firsts.append(request.waits())
        request.fails(NO, T + 1)
        seconds.append(request.waits(T + 1))

    for delays, cap in ((firsts, 0.5), (seconds, 1.0)):
        assert 0 <= min(delays) <= max(delays) <= cap
        tenths = [0] * 10
        for delay in delays:
            tenths[min(9, int(delay / cap * 10))] += 1
        # Each of ten intervals has a tenth of them, within four standard deviations.
        assert all(870 < tenth < 1130 for tenth in tenths)


@pytest.mark.parametrize(
    ("error", "ceilings"),
    [
        pytest.param(NO, [0.5, 1, 2, 4, 8, 8], id="server"),
        pytest.param(RateLimitError("no"), [1, 2, 4, 8, 8], id="limited"),
        pytest.param(OverloadedError("no"), [1, 2, 4, 8], id="overloaded"),
        pytest.param(ConnectError("no"), [0.5, 1, 2, 2], id="no connection"),
    ],
)
def test_the_waits_of_a_lone_target_double(
    error: TurnoutError, ceilings: list[float]
) -> None:
    request, now, waits = Request(1, max_attempts=9), T, list[float]()

    for _ in ceilings:
        request.fails(error, now)
        waits.append(request.waits(now))
        now += waits[-1]

    assert waits == pytest.approx([ceiling / 2 for ceiling in ceilings])


def test_a_target_is_retried_once_and_soon_if_another_is_left() -> None:
    request = Request(2, random=lambda: 1.0)

    request.fails(NO)
    wait = request.waits()
    again = request.fails(NO, T + wait)

    assert wait == pytest.approx(0.05)
    assert again == "A"
    assert request.asked(T + wait) == "B"


@pytest.mark.parametrize("error", [RateLimitError("no"), OverloadedError("no")])
def test_a_target_without_capacity_is_not_retried_if_another_is_left(
    error: TurnoutError,
) -> None:
    request = Request(2)

    request.fails(error)

    assert request.asked() == "B"


@pytest.mark.parametrize("count", [1, 2])
def test_a_target_whose_model_failed_is_retried_once(count: int) -> None:
    request = Request(count, random=lambda: 1.0)
    error = InvalidReplyError("the model failed")
    error.retryable = True

    request.fails(error)
    wait = request.waits()
    again = request.fails(error, T + wait)

    assert wait == pytest.approx(0.05)
    assert again == "A"
    if count == 2:
        assert request.asked(T + wait) == "B"
    else:
        assert list(request.failure(T + wait).exceptions) == [error] * 2


def test_an_answer_of_the_wrong_form_is_not_retried() -> None:
    request = Request(2)

    request.fails(InvalidReplyError("no JSON"))

    assert request.asked() == "B"


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (InvalidRequestError("no"), True),
        (UnsupportedError("no"), True),
        (StreamError("no"), True),
        # These last for a while and are held.
        (AuthenticationError("no", status_code=401), False),
        (ModelUnavailableError("no"), False),
        (QuotaExceededError("no"), False),
    ],
)
def test_an_error_is_retried_if_it_is_retryable_and_not_held(
    error: ProviderError, again: bool
) -> None:
    request = Request(2, random=lambda: 0.0)
    error.retryable = True

    request.fails(error)

    assert request.asked() == ("A" if again else "B")


def test_a_target_that_is_down_is_not_retried_if_another_is_left() -> None:
    request = Request(2)

    ask = request.asks()
    request.mark_down(0)
    request.course.failed(ask.candidate, NO, T)

    assert request.asked() == "B"


def test_a_target_is_retried_only_while_fewer_attempts_were_made() -> None:
    request = Request(3, max_attempts=2)

    first, second = request.fails(NO), request.fails(NO, T + 1)

    assert (first, second) == ("A", "A")
    assert request.fails(NO, T + 1) == "B"
    assert request.fails(NO, T + 1) == "C"
    assert len(request.failure(T + 1).exceptions) == 4


def test_a_retry_is_paid_until_its_attempt_ends() -> None:
    request = Request(1)

    request.fails(NO)
    waiting = request.in_flight()
    ask = request.asks(T + 1)
    request.course.cancel_retry()
    asking = request.in_flight()
    ask.permit.completed()

    assert (waiting, asking) == (1, 1)
    assert request.in_flight() == 0


def test_a_retry_that_is_cancelled_is_returned_once() -> None:
    request = Request(1)

    request.fails(NO)
    request.course.cancel_retry()
    request.course.cancel_retry()

    assert request.in_flight() == 0


def test_an_empty_budget_allows_no_retry() -> None:
    request = Request(1)

    request.empty_budget(0)
    request.fails(NO)

    assert request.failure().exceptions == (NO,)


def test_a_retry_that_finds_its_target_held_goes_to_the_next() -> None:
    request = Request(2)

    request.fails(NO)
    request.hold(0, 60)

    assert request.asked(T + 1) == "B"
    assert request.in_flight() == 0
    assert request.record.attempts == []


def test_a_retry_that_finds_its_only_target_held_waits_for_it() -> None:
    request = Request(1)

    request.fails(NO)
    request.hold(0, 3)
    wait = request.waits(T + 1)
    ask = request.asks(T + 1 + wait)

    assert wait == pytest.approx(2.1)
    assert request.in_flight() == 0
    ask.permit.released(T + 4)
    assert request.in_flight() == 0


# Times that a target names.


def test_a_retry_is_not_before_a_named_time() -> None:
    request = Request(1, random=lambda: 0.0)

    request.fails(RateLimitError("no", retry_after=3.0))

    assert request.waits() == 3.0
    assert request.waits(T + 2.999) == pytest.approx(0.001)
    assert request.asked(T + 3.0) == "A"


def test_a_wait_is_no_longer_than_patience_if_another_is_left() -> None:
    request = Request(2, random=lambda: 1.0)
    alone = Request(1, random=lambda: 1.0)

    request.fails(RateLimitError("no", retry_after=2.4))
    alone.fails(RateLimitError("no", retry_after=20.0))

    assert request.waits() == 2.5
    assert alone.waits() == 21.0


@pytest.mark.parametrize(("count", "seconds"), [(2, 2.501), (1, 20.001)])
def test_a_named_time_beyond_the_patience_is_not_waited_for(
    count: int, seconds: float
) -> None:
    request = Request(count)

    request.fails(RateLimitError("no", retry_after=seconds))

    if count == 1:
        assert request.failure().retry_after == pytest.approx(seconds)
    else:
        assert request.asked() == "B"


def test_the_patience_is_the_sum_of_all_waits_of_a_request() -> None:
    request = Request(3, random=lambda: 0.0)

    request.fails(RateLimitError("no", retry_after=2.0))
    first = request.waits()
    request.fails(ProtocolError("no"), T + 2)
    second = request.fails(RateLimitError("no", retry_after=1.0), T + 2)

    assert (first, second) == (2.0, "B")
    assert request.asked(T + 2) == "C"


def test_a_quick_retry_uses_no_patience() -> None:
    request = Request(3, random=lambda: 1.0)

    request.fails(NO)
    request.fails(NO, T + 1)
    second = request.fails(RateLimitError("no", retry_after=2.5), T + 1)

    assert second == "B"
    assert request.waits(T + 1) == 2.5


@pytest.mark.parametrize("why", ["held", "failed", "window"])
def test_a_target_that_cannot_be_used_does_not_count_as_another_one(why: str) -> None:
    windows = (1, None) if why == "window" else (None, None)
    request = Request(2, windows=windows, text="Why is it so?")
    if why == "held":
        request.hold(0, 60)
    elif why == "failed":
        request.fails(ProtocolError("no"))

    request.fails(RateLimitError("no", retry_after=10.0))

    assert request.waits() >= 10.0


def test_no_wait_ends_after_the_latest_time_for_an_attempt() -> None:
    error = RateLimitError("no", retry_after=3.0)
    enough = Request(1, random=lambda: 0.0, deadline=T + 4.001)
    too_short = Request(1, random=lambda: 0.0, deadline=T + 4.0)

    enough.fails(error)
    too_short.fails(error)

    assert enough.waits() == 3.0
    assert too_short.failure().exceptions == (error,)


# Which target is tried.


def test_a_target_that_is_down_is_tried_after_the_others() -> None:
    request = Request(3)

    request.mark_down(0)

    assert request.fails(ProtocolError("b")) == "B"
    assert request.fails(ProtocolError("c")) == "C"
    assert request.fails(ProtocolError("a")) == "A"
    assert request.passed_over() == [("A", UnavailableError)]
    assert len(request.failure().exceptions) == 4


def test_a_request_tries_at_most_one_target_that_is_down_while_others_are_up() -> None:
    request = Request(3)

    request.mark_down(0, 1)

    assert request.fails(ProtocolError("a"), T + 5) == "A"
    assert request.asked(T + 5) == "C"
    assert request.passed_over() == [("B", UnavailableError)]


def test_all_requests_share_the_limit_of_a_target_that_is_down() -> None:
    request, other = Request(2), Request(2)
    other.course = Course(
        request.targets,
        ChatRequest.build("Why?"),
        Policy(),
        other.record,
        T + 600,
        lambda: 0.5,
    )

    request.mark_down(0)

    assert request.asked(T + 5) == "A"
    assert other.asked(T + 5) == "B"


def test_a_target_that_is_held_is_not_tried() -> None:
    request = Request(2)

    request.hold(0, 60, "AuthenticationError")

    assert request.fails(ProtocolError("no")) == "B"
    failure = request.failure()
    assert [type(error) for error in failure.exceptions] == [
        UnavailableError,
        ProtocolError,
    ]
    assert failure.retry_after == pytest.approx(60.0)
    assert "A:m is cooling down for 60 s after AuthenticationError" in str(failure)


def test_a_target_that_is_passed_over_is_recorded_once() -> None:
    request = Request(2)
    request.hold(0, 60)

    request.fails(NO)
    request.fails(ProtocolError("no"), T + 1)

    assert [type(error) for error in request.failure(T + 1).exceptions] == [
        UnavailableError,
        ServerError,
        ProtocolError,
    ]
    assert request.passed_over() == [("A", UnavailableError)]


# No target is up.


def test_the_down_target_with_the_earliest_try_is_tried() -> None:
    request = Request(2)
    request.mark_down(1)
    request.mark_down(0, now=T + 1)

    assert request.asked(T + 1) == "B"


def test_a_target_with_a_free_place_comes_before_one_with_an_earlier_try() -> None:
    request = Request(2)
    request.mark_down(0)
    request.mark_down(1, now=T + 1)
    request.health(0).start(T + 1)

    assert request.asked(T + 1) == "B"


def test_a_request_without_a_place_waits_and_is_then_sent() -> None:
    request, now, waits = Request(2), T, list[float]()
    request.mark_down(0, 1)
    for index in range(2):
        request.health(index).start(T)

    while isinstance(step := request.course.next(now), Wait):
        waits.append(step.until - now)
        now = step.until

    assert waits == pytest.approx([0.1] * 20, abs=1e-6)
    assert step.candidate.target.provider == "A"


def test_a_request_that_waits_takes_a_place_that_becomes_free() -> None:
    request = Request(1)
    request.mark_down(0)
    probe = request.health(0).start(T)

    request.waits()
    probe.released(T)

    assert request.asked(T + 0.1) == "A"


def test_the_deadline_ends_the_wait_for_a_place() -> None:
    request = Request(1, deadline=T + 1.15)
    request.mark_down(0)
    request.health(0).start(T)

    assert request.waits() == pytest.approx(0.1)
    assert request.asked(T + 0.1) == "A"


def test_held_targets_are_recorded_before_one_that_is_down_is_tried() -> None:
    request = Request(2)
    request.hold(0, 60)
    request.mark_down(1)

    assert request.asked() == "B"
    assert request.passed_over() == [("A", UnavailableError)]


def test_a_request_waits_for_the_first_hold_that_ends() -> None:
    request = Request(2, random=lambda: 0.0)

    request.hold(0, 15)
    request.hold(1, 5)
    wait = request.waits()

    assert wait == 5
    assert request.asked(T + 5) == "B"


@pytest.mark.parametrize(("seconds", "waits"), [(20.0, True), (20.001, False)])
def test_a_request_waits_up_to_twenty_seconds_for_a_hold(
    seconds: float, waits: bool
) -> None:
    request = Request(1, random=lambda: 0.0)

    request.hold(0, seconds)

    if waits:
        assert request.waits() == seconds
    else:
        assert request.failure().retry_after == pytest.approx(seconds)
        assert request.passed_over() == [("A", UnavailableError)]


@pytest.mark.parametrize(
    "error",
    [AuthenticationError("no"), QuotaExceededError("no", retry_after=2.0)],
)
def test_a_hold_without_a_time_of_the_service_is_not_waited_for(
    error: TurnoutError,
) -> None:
    request = Request(1)

    request.hold(0, 2.0, type(error).__name__)

    assert request.failure().retry_after == pytest.approx(2.0)


def test_waits_for_prolonged_holds_have_a_limit_in_total() -> None:
    request, now = Request(1, random=lambda: 0.0), T

    for _ in range(6):
        request.hold(0, now - T + 3)
        now += request.waits(now)
    request.hold(0, 21)

    # Two of the twenty seconds are left.
    assert request.failure(now).retry_after == pytest.approx(3)


@pytest.mark.parametrize(("seconds", "waits"), [(1.49, True), (1.5, False)])
def test_a_request_does_not_wait_for_a_hold_past_the_deadline(
    seconds: float, waits: bool
) -> None:
    request = Request(1, random=lambda: 0.0, deadline=T + 2.5)

    request.hold(0, seconds)

    if waits:
        assert request.waits() == pytest.approx(seconds)
    else:
        request.failure()


# The end of a request.


@pytest.mark.parametrize(
    "error", [ArgumentError("no"), DeadlineError("up"), ContentFilterError("no")]
)
def test_a_final_error_is_raised(error: TurnoutError) -> None:
    request = Request(2)

    with pytest.raises(type(error)) as caught:
        request.fails(error)

    assert caught.value is error


def test_every_error_of_a_request_is_in_its_failure() -> None:
    request, second = Request(2, max_attempts=1), ProtocolError("b")

    request.fails(NO)
    request.fails(second)
    failure = request.failure()

    assert failure.exceptions == (NO, second)
    assert failure.__cause__ is NO
    assert failure.retry_after is None


def test_a_key_that_was_refused_is_logged_when_another_target_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    request = Request(2)

    request.fails(AuthenticationError("no", status_code=401))
    before = len(caplog.records)
    request.fails(NO)

    assert before == 0
    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "A:m refused its key; trying B:m")
    ]


@pytest.mark.parametrize("why", ["no key was sent", "nothing was refused", "no other"])
def test_no_other_error_logs_a_refused_key(
    why: str, caplog: pytest.LogCaptureFixture
) -> None:
    status = None if why == "nothing was refused" else 401
    key = None if why == "no key was sent" else "k"
    targets = target("A", None, key), target("B", None)
    request = Request(targets=targets[:1] if why == "no other" else targets)

    request.fails(AuthenticationError("no", status_code=status))
    if why == "no other":
        request.failure()
    else:
        request.fails(NO)

    assert caplog.records == []


def test_a_deadline_without_time_for_another_target_names_it() -> None:
    request, error = Request(2, deadline=T + 10), ProtocolError("no")

    request.fails(error)
    with pytest.raises(DeadlineError, match="B:m") as caught:
        request.course.next(T + 9.001)

    assert caught.value.__cause__ is error
    assert request.asked(T + 9.0) == "B"


def test_after_the_last_target_the_deadline_does_not_matter() -> None:
    request, error = Request(1, deadline=T + 10), ProtocolError("no")

    request.fails(error)

    assert request.failure(T + 9.5).exceptions == (error,)


def test_the_first_target_is_tried_even_near_the_deadline() -> None:
    assert Request(2, deadline=T + 0.1).asked() == "A"


# Inputs that are too long.


def test_targets_with_no_larger_window_are_skipped_after_a_refusal() -> None:
    request = Request(5, windows=(100, 50, 100, None, 200), max_attempts=5)

    request.fails(ContextLengthError("long"))

    assert request.passed_over() == [
        ("B", ContextLengthError),
        ("C", ContextLengthError),
    ]
    assert [request.fails(NO), request.fails(NO, T + 1)] == ["D", "D"]
    assert request.asked(T + 2) == "E"


def test_after_a_target_with_an_unknown_window_all_are_tried() -> None:
    request = Request(2, windows=(None, 10))

    request.fails(ContextLengthError("long"))

    assert request.asked() == "B"


def test_a_target_without_room_for_the_request_is_not_tried() -> None:
    request = Request(2, windows=(2, None), text="Why is this so long a question?")

    asked = request.asked()
    (passed,) = request.record.attempts

    assert asked == "B"
    assert isinstance(passed.error, ContextLengthError)
    assert "2 tokens, by estimate" in str(passed.error)


# Answers that break.


def test_a_continuation_costs_no_retry() -> None:
    request = Request(3)

    continues = not request.breaks()
    request.empty_budget(1)
    before = request.in_flight()

    assert continues
    assert request.asked() == "B"
    assert request.in_flight() == before


def test_a_target_is_checked_again_before_it_continues_an_answer() -> None:
    # A has room for the question, but not for the question and half of an answer.
    request = Request(3, windows=(400, None, None), text="Why? " * 100)

    request.hold(0, 60)
    request.breaks("Half of an answer. " * 100)
    request.asks()

    assert request.passed_over() == [("A", UnavailableError), ("A", ContextLengthError)]


def test_a_target_that_fails_to_continue_is_not_retried() -> None:
    request = Request(3)

    request.breaks()

    assert request.fails(NO) == "B"
    assert request.asked() == "C"


def test_an_answer_that_no_target_continues_is_broken() -> None:
    request = Request(2)

    request.breaks()
    request.fails(NO)
    with pytest.raises(StreamBrokenError, match="could continue it: no") as caught:
        request.course.next(T)

    assert caught.value.__cause__ is CUT


def test_an_answer_without_another_target_is_broken() -> None:
    request = Request(2)
    request.hold(1, 60)

    request.breaks()
    with pytest.raises(StreamBrokenError, match="no other target") as caught:
        request.course.next(T)

    assert caught.value.__cause__ is CUT


def test_after_a_plugin_fault_another_target_continues() -> None:
    request = Request(3)

    request.breaks()
    request.fails(PluginError("bug"))

    assert request.asked() == "C"


def test_a_final_error_ends_a_continuation() -> None:
    request = Request(3)

    request.breaks()
    with pytest.raises(StreamBrokenError, match="B:m failed: no") as caught:
        request.fails(ContentFilterError("no"))

    assert caught.value.__cause__ is CUT


def test_the_deadline_leaves_no_time_to_continue() -> None:
    request = Request(2, deadline=T + 10)

    request.breaks()

    with pytest.raises(StreamBrokenError, match="no time"):
        request.course.next(T + 9.5)


def test_a_lone_target_that_broke_raises_its_own_error() -> None:
    with pytest.raises(StreamTruncatedError):
        Request(1).breaks()


@pytest.mark.parametrize("error", [DeadlineError("up"), ArgumentError("no")])
def test_a_final_error_is_raised_after_text_too(
    error: TurnoutError,
) -> None:
    request = Request(2)

    ask = request.asks()
    request.record.take(["Half of an "])

    with pytest.raises(type(error)):
        request.course.broke(ask.candidate, error)


def test_an_answer_restarts_if_the_caller_received_only_reasoning() -> None:
    request = Request(2)

    starts_again = request.breaks("")
    ask = request.asks()

    assert starts_again
    assert not request.course.continuing
    assert len(ask.request.messages) == 1
    assert not ask.prefill


def test_an_attempt_that_broke_before_its_text_is_in_the_failure() -> None:
    request = Request(2, max_attempts=1)

    request.breaks("")
    request.fails(NO)

    assert request.failure().exceptions == (CUT, NO)


# Prefills that are refused.


def prefilling(deadline: float = T + 600, max_attempts: int = 4) -> Request:
    """Return a request whose second target accepts a prefill."""
    model = ModelInfo(name="m", prefill="trailing")
    second = FakeProvider(name="B", models=[model]).target()
    targets = target("A", None), second
    return Request(targets=targets, deadline=deadline, max_attempts=max_attempts)


@pytest.mark.parametrize(
    "error", [InvalidRequestError("no"), UnsupportedError("no prefill")]
)
def test_a_refused_prefill_is_replaced_by_an_instruction_without_cost(
    error: ProviderError,
) -> None:
    request = prefilling()
    health = request.health(1)
    health.spend_retry()  # For another request.

    request.breaks()
    request.fails(error)
    ask = request.asks()

    assert not ask.prefill
    assert (health.retries_left, health.retries_in_flight) == (9.0, 1)
    ask.permit.released(T)
    assert health.retries_in_flight == 1


def test_an_instruction_that_is_not_sent_does_not_change_the_budget() -> None:
    request = prefilling()
    request.health(1).spend_retry()  # For another request.

    request.breaks()
    request.fails(InvalidRequestError("no"))
    request.course.cancel_retry()

    assert request.in_flight() == 1


@pytest.mark.parametrize(
    ("request_", "now"),
    [
        pytest.param(prefilling(deadline=T + 10), T + 9.5, id="time"),
        pytest.param(prefilling(max_attempts=2), T, id="attempts"),
    ],
)
def test_a_refused_prefill_without_time_or_attempts_left_breaks_the_answer(
    request_: Request, now: float
) -> None:
    request_.breaks()
    ask = request_.asks()
    request_.course.failed(ask.candidate, InvalidRequestError("no"), now)

    with pytest.raises(StreamBrokenError):
        request_.course.next(now)
    assert ask.prefill


def test_a_refused_prefill_is_replaced_until_the_latest_time() -> None:
    request = prefilling(deadline=T + 10)

    request.breaks(now=T + 9)

    assert request.fails(InvalidRequestError("no"), T + 9) == "B"
    assert request.asked(T + 9) == "B"


def test_a_refused_prefill_of_a_target_that_is_held_now_breaks_the_answer() -> None:
    request = prefilling()

    request.breaks()
    request.fails(InvalidRequestError("no"))
    request.hold(1, 60)

    with pytest.raises(StreamBrokenError):
        request.course.next(T)


# Hedging.


def many_requests() -> HedgeShare:
    share = HedgeShare()
    for _ in range(100):
        share.asked()
    return share


def hedge(request: Request, now: float = T) -> Ask | None:
    """Try the first target, and return the hedge."""
    return request.course.hedge_target(request.asks(now), many_requests(), now)


def test_the_hedge_target_is_the_next_usable_one() -> None:
    request = Request(3, windows=(None, 1, None), hedge_after=1)

    second = hedge(request)

    assert second is not None
    assert second.candidate.target.provider == "C"
    assert request.in_flight() == 1
    second.permit.released(T)
    assert request.in_flight() == 0


def test_a_target_of_the_same_provider_is_not_the_hedge_target() -> None:
    second = hedge(Request(names="AAB", hedge_after=1))

    assert second is not None
    assert second.candidate.target.provider == "B"


def test_a_hedge_of_a_retry_keeps_the_cost_of_the_retry() -> None:
    request = Request(2, hedge_after=1)

    request.fails(NO)
    first = request.asks(T + 1)
    second = request.course.hedge_target(first, many_requests(), T + 1)
    both = request.in_flight()
    first.permit.released(T + 1)
    assert second is not None
    second.permit.released(T + 1)

    assert both == 2
    assert request.in_flight() == 0


def test_a_hedge_is_counted() -> None:
    request, share = Request(2, hedge_after=1), HedgeShare()
    for _ in range(20):
        share.asked()

    second = request.course.hedge_target(request.asks(), share, T)

    assert second is not None
    assert not share.allows()


def test_a_hedge_may_begin_at_the_latest_time() -> None:
    request = Request(2, hedge_after=1, deadline=T + 10)

    assert hedge(request, T + 9) is not None


@pytest.mark.parametrize("why", ["time", "budget", "down", "held", "one", "failed"])
def test_some_requests_have_no_hedge_target(why: str) -> None:
    request = Request(1 if why == "one" else 2, hedge_after=1)
    if why == "budget":
        request.empty_budget(1)
    elif why == "down":
        request.mark_down(1)
    elif why == "held":
        request.hold(1, 60)
    elif why == "failed":
        request.fails(ProtocolError("no"))
    before = request.in_flight()

    second = hedge(request, T + 600 if why == "time" else T)

    assert second is None
    assert request.in_flight() == before


def test_no_request_is_hedged_if_too_many_were() -> None:
    request = Request(2, hedge_after=1)

    assert request.course.hedge_target(request.asks(), HedgeShare(), T) is None


def test_the_slower_target_may_continue_the_answer() -> None:
    request = Request(2, hedge_after=1)

    first = request.asks()
    second = request.course.hedge_target(first, many_requests(), T)
    assert second is not None
    first.permit.released(T)
    request.record.take(["Half of an "])
    starts_again = request.course.broke(second.candidate, CUT)

    assert not starts_again
    assert request.asks().candidate is first.candidate


def test_a_target_that_failed_in_a_hedge_is_not_retried() -> None:
    request = Request(2)

    first = request.asks()
    request.course.lost_race(first.candidate, NO)

    assert request.asked() == "B"


def test_a_final_error_ends_both_attempts() -> None:
    request = Request(2)

    first = request.asks()

    with pytest.raises(ArgumentError):
        request.course.lost_race(first.candidate, ArgumentError("no"))


def test_a_target_without_a_free_slot_is_tried_after_the_others() -> None:
    request = Request(3)
    request.has_no_slot()
    bad = ProtocolError("bad")

    assert [request.fails(bad), request.fails(bad)] == ["B", "C"]
    assert request.asked() == "A"


def test_a_target_that_stays_without_a_free_slot_is_skipped() -> None:
    request = Request(1)
    full = [request.has_no_slot(), request.has_no_slot()]

    assert list(request.failure().exceptions) == full


def test_only_targets_that_are_up_count_for_a_free_slot() -> None:
    request = Request(3)
    ask = request.asks()
    loop = asyncio.new_event_loop()

    def has_free_slot() -> bool:
        return request.course.has_free_slot(ask.candidate, loop, T)

    try:
        assert has_free_slot()
        request.mark_down(1)
        assert has_free_slot()
        request.hold(2, 60.0)
        assert not has_free_slot()
    finally:
        loop.close()
