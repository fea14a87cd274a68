"""One request's decisions, with time given and chance injected."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from random import Random

import pytest

from turnout._record import Record
from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    InvalidRequestError,
    OverloadedError,
    PluginError,
    ProtocolError,
    RateLimitError,
    ServerError,
    StreamBrokenError,
    StreamTruncatedError,
    TurnoutError,
    UnavailableError,
)
from turnout.provider import BoundTarget
from turnout.routes import Hedging, Member, MemoryHealth, Policy
from turnout.routes._course import Ask, Course, Wait
from turnout.routes._hedging import HedgeShare
from turnout.routes._policy import rule
from turnout.testing import FakeProvider
from turnout.types import ChatRequest, ModelInfo

T = 1000.0
NO = ServerError("no")
GONE = ConnectError("gone")
CUT = StreamTruncatedError("cut")


@cache
def target(name: str, window: int | None) -> BoundTarget:
    model = ModelInfo(name="m", context_window=window)
    return FakeProvider(name=name, models=[model]).target()


class Asking:
    """A course over targets A, B, C ..., and what is done with it.

    Args:
        count: How many targets there are.
        names: The providers, where they are others than the first letters.
        windows: Their context windows, where they are known.
        random: For the waits; the middle of each, if none is given.
        policy: Fields of the policy.
    """

    def __init__(
        self,
        count: int = 2,
        *,
        names: str = "",
        windows: tuple[int | None, ...] = (),
        random: Callable[[], float] = lambda: 0.5,
        deadline: float = T + 600,
        text: str = "Why?",
        **policy: object,
    ) -> None:
        self.store = MemoryHealth(random=lambda: 0.5)
        self.record = Record()
        names = names or "ABCDEFGH"[:count]
        self.members = [
            Member(target(name, window), self.store)
            for name, window in zip(names, windows or (None,) * len(names), strict=True)
        ]
        self.policy = Policy(**policy)  # type: ignore[arg-type]
        self.course = Course(
            self.members,
            ChatRequest.build(text),
            self.policy,
            self.record,
            deadline,
            random,
        )

    def asks(self, now: float = T) -> Ask:
        step = self.course.next(now)
        assert isinstance(step, Ask)
        return step

    def waits(self, now: float = T) -> float:
        """Return the seconds that are waited."""
        step = self.course.next(now)
        assert isinstance(step, Wait)
        return step.until - now

    def fails(self, error: TurnoutError, now: float = T) -> str:
        """Ask whoever is next, who fails with nothing shown; return who that was."""
        ask = self.asks(now)
        ask.turn.failed(error, rule(error, self.policy), now)
        self.course.failed(ask.candidate, error, now)
        return ask.candidate.target.provider

    def breaks(self, text: str = "Half of an ", now: float = T) -> bool:
        """Ask whoever is next, whose answer breaks; tell whether it begins anew."""
        ask = self.asks(now)
        self.record.take([text])
        ask.turn.failed(CUT, rule(CUT, self.policy), now)
        return self.course.broke(ask.candidate, CUT)

    def in_flight(self) -> int:
        return sum(health.budget.in_flight for _, health in self.store.known())


def test_full_jitter_is_uniform_r01() -> None:
    random = Random(20261122).random
    firsts: list[float] = []
    seconds: list[float] = []
    for _ in range(10_000):
        asking = Asking(1, random=random)
        asking.fails(NO)
        firsts.append(asking.waits())
        asking.fails(NO, T + 1)
        seconds.append(asking.waits(T + 1))

    for delays, cap in ((firsts, 0.5), (seconds, 1.0)):
        assert 0 <= min(delays) <= max(delays) <= cap
        tenths = [0] * 10
        for delay in delays:
            tenths[min(9, int(delay / cap * 10))] += 1
        # Each tenth has a tenth of them, by more than four deviations.
        assert all(870 < tenth < 1130 for tenth in tenths)


@pytest.mark.parametrize(
    ("error", "ceilings"),
    [
        pytest.param(NO, [0.5, 1, 2, 4], id="server"),
        pytest.param(RateLimitError("no"), [1, 2, 4, 8, 8], id="limited"),
        pytest.param(OverloadedError("no"), [1, 2, 4, 8], id="overloaded"),
        pytest.param(ConnectError("no"), [0.5, 1, 2, 2], id="unreached"),
    ],
)
def test_the_waits_of_a_lone_target_double(
    error: TurnoutError, ceilings: list[float]
) -> None:
    waits: list[float] = []
    asking, now = Asking(1, max_retries=9, max_attempts=9), T
    for _ in ceilings:  # Of what counts, a fifth would open the circuit.
        asking.fails(error, now)
        waits.append(asking.waits(now))
        now += waits[-1]

    assert waits == pytest.approx([ceiling / 2 for ceiling in ceilings])


def test_a_budget_is_taken_for_a_retry_and_given_back_at_its_end() -> None:
    asking = Asking(1)
    asking.fails(NO)
    assert asking.in_flight() == 1
    ask = asking.asks(T + 1)
    asking.course.wait_no_more()
    assert asking.in_flight() == 1
    ask.turn.succeeded(T + 2, 0.1)

    assert asking.in_flight() == 0


def test_a_retry_that_is_not_waited_for_gives_its_budget_back() -> None:
    asking = Asking(1)
    asking.fails(NO)
    asking.course.wait_no_more()
    asking.course.wait_no_more()

    assert asking.in_flight() == 0


def test_a_retry_that_finds_its_circuit_open_goes_to_the_next() -> None:
    asking = Asking(2)
    asking.fails(NO)
    asking.members[0].standing(T).own.breaker.force_open()

    assert asking.asks(T + 1).candidate.target.provider == "B"
    assert asking.in_flight() == 0
    assert asking.record.attempts == []


def test_an_empty_budget_allows_no_retry() -> None:
    asking = Asking(1)
    budget = asking.members[0].standing(T).own.budget
    while budget.spend():
        pass
    asking.fails(NO)

    with pytest.raises(ServerError):
        asking.course.next(T)


@pytest.mark.parametrize("error", [NO, GONE])
def test_a_circuit_that_has_opened_allows_no_retry(error: TurnoutError) -> None:
    asking = Asking(1)
    for _ in range(4):
        turn = asking.members[0].standing(T).start(T)
        assert turn is not None
        turn.failed(error, rule(error, Policy()), T)
    asking.fails(error)

    with pytest.raises(type(error)):
        asking.course.next(T)
    assert asking.in_flight() == 0


def test_a_time_that_is_named_is_the_least() -> None:
    asking = Asking(1, random=lambda: 0.0)
    asking.fails(RateLimitError("no", retry_after=3.0))

    assert asking.waits() == 3.0
    assert asking.waits(T + 2.999) == pytest.approx(0.001)
    assert asking.asks(T + 3.0).candidate.target.provider == "A"


def test_a_wait_is_no_longer_than_patience_where_there_are_others() -> None:
    asking = Asking(2, random=lambda: 1.0)
    asking.fails(RateLimitError("no", retry_after=2.4))
    alone = Asking(1, random=lambda: 1.0)
    alone.fails(RateLimitError("no", retry_after=20.0))

    assert asking.waits() == 2.5
    assert alone.waits() == 21.0


def test_patience_is_not_for_a_quick_retry() -> None:
    asking = Asking(3, random=lambda: 1.0)
    asking.fails(NO)
    assert asking.waits() == 0.5
    asking.fails(NO, T + 1)
    assert asking.fails(RateLimitError("no", retry_after=2.5), T + 1) == "B"

    assert asking.waits(T + 1) == 2.5


def test_patience_is_not_for_a_wait_without_others() -> None:
    asking = Asking(3)
    others = [member.standing(T).own.breaker for member in asking.members[1:]]
    for breaker in others:
        breaker.force_open()
    asking.fails(RateLimitError("no", retry_after=10.0))
    assert asking.waits() >= 10.0
    for breaker in others:
        breaker.reset()
    asking.fails(ProtocolError("no"), T + 11)
    assert asking.fails(RateLimitError("no", retry_after=2.0), T + 11) == "B"

    assert asking.waits(T + 11) >= 2.0


def test_who_may_not_be_asked_is_not_another_target() -> None:
    asking = Asking(2)
    asking.members[1].standing(T).own.breaker.force_open()
    asking.fails(RateLimitError("no", retry_after=10.0))

    assert asking.waits() >= 10.0


def test_who_is_not_asked_any_more_is_not_another_target() -> None:
    asking = Asking(2)
    asking.members[0].standing(T).own.cool(T + 60, "RateLimitError")
    assert asking.fails(ProtocolError("no")) == "B"
    assert asking.fails(RateLimitError("no", retry_after=10.0)) == "A"

    assert asking.waits() >= 10.0


def test_no_wait_ends_past_the_last_moment_for_an_attempt() -> None:
    for deadline, waits in ((T + 4.001, True), (T + 4.0, False)):
        asking = Asking(1, random=lambda: 0.0, deadline=deadline)
        asking.fails(RateLimitError("no", retry_after=3.0))
        if waits:
            assert asking.waits() == 3.0
        else:
            with pytest.raises(RateLimitError):
                asking.course.next(T)


def test_one_attempt_at_one_of_many_raises_its_own_error() -> None:
    asking = Asking(2, max_attempts=1, max_retries=0)
    asking.fails(NO)

    with pytest.raises(ServerError):
        asking.course.next(T)


def test_a_key_that_was_refused_is_told_to_whoever_runs_this(
    caplog: pytest.LogCaptureFixture,
) -> None:
    asking = Asking(2)
    asking.fails(AuthenticationError("no"))
    asking.fails(NO)

    assert [(r.levelname, r.getMessage()) for r in caplog.records] == [
        ("WARNING", "A:m refused its key; another is asked")
    ]


def test_a_deadline_that_leaves_no_time_names_who_is_not_asked() -> None:
    asking = Asking(2, max_retries=0, deadline=T + 10)
    asking.fails(NO)

    with pytest.raises(DeadlineError, match="B:m") as caught:
        asking.course.next(T + 9.001)
    assert caught.value.__cause__ is NO
    assert asking.asks(T + 9.0).candidate.target.provider == "B"


def test_a_deadline_with_nobody_left_says_what_failed() -> None:
    asking = Asking(1, max_retries=0, deadline=T + 10)
    asking.fails(NO)

    with pytest.raises(ServerError):
        asking.course.next(T + 9.5)


def test_a_deadline_leaves_no_time_to_continue() -> None:
    asking = Asking(2, deadline=T + 10)
    assert not asking.breaks()

    with pytest.raises(StreamBrokenError, match="no time"):
        asking.course.next(T + 9.5)


def test_a_continuation_is_paid_by_whoever_is_asked() -> None:
    asking = Asking(3)
    assert not asking.breaks()
    budget = asking.members[1].standing(T).own.budget
    while budget.spend():
        pass
    for _ in range(3):
        budget.release()
        budget.spend()

    ask = asking.asks()
    assert ask.candidate.target.provider == "C"
    assert asking.members[2].standing(T).own.budget.in_flight == 1
    ask.turn.released()
    assert asking.members[2].standing(T).own.budget.in_flight == 0


def test_who_was_passed_over_is_looked_at_again_before_it_continues() -> None:
    # A takes the question, and not the question with half of an answer behind it.
    asking = Asking(3, windows=(400, None, None), text="Why? " * 100)
    asking.members[0].standing(T).own.breaker.force_open()
    asking.breaks("Half of an answer. " * 100)
    asking.asks()

    passed = [a.error for a in asking.record.attempts if a.outcome == "passed_over"]
    assert [type(error) for error in passed] == [UnavailableError, ContextLengthError]


def test_where_nobody_can_pay_an_answer_is_left_broken() -> None:
    asking = Asking(2)
    assert not asking.breaks()
    budget = asking.members[1].standing(T).own.budget
    while budget.spend():
        pass

    with pytest.raises(StreamBrokenError, match="no other target") as caught:
        asking.course.next(T)
    assert caught.value.__cause__ is CUT


@pytest.mark.parametrize("hedged", [False, True])
def test_who_cannot_pay_gives_its_probes_place_back(hedged: bool) -> None:
    asking = Asking(2, hedging=Hedging(enabled=True))
    second = asking.members[1].standing(T - 10)
    for _ in range(5):
        turn = second.start(T - 10)
        assert turn is not None
        turn.failed(GONE, rule(GONE, asking.policy), T - 10)
    while second.own.budget.spend():
        pass

    assert second.service.breaker.state(T) == "half_open"
    if hedged:
        assert asking.course.rival(asking.asks(), share(), T) is None
    else:
        asking.breaks()
        with pytest.raises(StreamBrokenError):
            asking.course.next(T)
    assert second.allows(T)


def test_who_fails_to_continue_is_not_asked_again() -> None:
    asking = Asking(3)
    asking.breaks()

    assert asking.fails(NO) == "B"
    assert asking.asks().candidate.target.provider == "C"


def test_a_plugins_fault_ends_a_continuation() -> None:
    asking = Asking(3)
    assert not asking.breaks()
    ask = asking.asks()

    with pytest.raises(StreamBrokenError, match="B:m failed: bug") as caught:
        asking.course.failed(ask.candidate, PluginError("bug"), T)
    assert caught.value.__cause__ is CUT


def test_a_lone_target_that_broke_raises_its_own_error() -> None:
    with pytest.raises(StreamTruncatedError):
        Asking(1).breaks()


@pytest.mark.parametrize("error", [DeadlineError("up"), PluginError("bug")])
def test_what_no_other_target_would_mend_is_raised_after_text_too(
    error: TurnoutError,
) -> None:
    asking = Asking(2)
    ask = asking.asks()
    asking.record.take(["Half of an "])

    with pytest.raises(type(error)):
        asking.course.broke(ask.candidate, error)


def test_nothing_but_reasoning_is_begun_anew() -> None:
    asking = Asking(2)

    assert asking.breaks("")
    assert not asking.course.continuing
    ask = asking.asks()
    assert len(ask.request.messages) == 1
    assert not ask.prefill


def test_what_broke_before_its_text_is_told_with_what_failed_after_it() -> None:
    asking = Asking(2, max_retries=0)
    asking.breaks("")
    asking.fails(NO)

    with pytest.raises(FallbackError) as caught:
        asking.course.next(T)
    assert caught.value.exceptions == (CUT, NO)


def test_those_that_take_no_more_are_left_out_after_a_context_that_is_too_long() -> (
    None
):
    asking = Asking(5, windows=(100, 50, 100, None, 200), max_attempts=5)
    asking.fails(ContextLengthError("long"))
    told = [(a.target.provider, a.outcome) for a in asking.record.attempts]

    assert told == [("B", "passed_over"), ("C", "passed_over")]
    assert [asking.fails(NO), asking.fails(NO, T + 1)] == ["D", "D"]
    assert asking.asks(T + 2).candidate.target.provider == "E"


def test_after_a_window_that_is_not_known_all_are_asked() -> None:
    asking = Asking(2, windows=(None, 10))
    asking.fails(ContextLengthError("long"))

    assert asking.asks().candidate.target.provider == "B"


def test_what_cannot_fit_is_not_asked() -> None:
    asking = Asking(2, windows=(2, None), text="Why is this so long a question?")

    assert asking.asks().candidate.target.provider == "B"
    (passed,) = asking.record.attempts
    assert isinstance(passed.error, ContextLengthError)
    assert "2 tokens, by estimate" in str(passed.error)


def test_a_target_is_passed_over_once() -> None:
    asking = Asking(2, max_retries=0)
    asking.members[0].standing(T).own.cool(T + 60, "RateLimitError")
    assert asking.fails(NO) == "B"
    # It is tried in spite of its cooldown, as nobody else is left.
    assert asking.fails(ProtocolError("no")) == "A"

    with pytest.raises(FallbackError) as caught:
        asking.course.next(T)
    assert [type(error) for error in caught.value.exceptions] == [
        UnavailableError,
        ServerError,
        ProtocolError,
    ]
    assert caught.value.retry_after == pytest.approx(60.0)


def test_the_last_resort_is_the_one_that_is_free_first_and_is_waited_for_once() -> None:
    asking = Asking(2)
    asking.members[0].standing(T).own.cool(T + 2.0, "RateLimitError")
    asking.members[1].standing(T).own.cool(T + 1.5, "RateLimitError")

    assert asking.waits() == 1.5
    # Meanwhile it was told to cool for longer.
    asking.members[1].standing(T).own.cool(T + 3.0, "RateLimitError")
    assert asking.asks(T + 1.5).candidate.target.provider == "A"


def test_the_last_resort_is_waited_for_as_long_as_the_policy_says() -> None:
    for seconds, waits in ((2.0, True), (2.001, False)):
        asking = Asking(1)
        asking.members[0].standing(T).own.cool(T + seconds, "RateLimitError")

        assert isinstance(asking.course.next(T), Wait) is waits


@pytest.mark.parametrize("until", [T + 1.5, T + 1.6])
def test_nobody_is_waited_for_past_the_deadline(until: float) -> None:
    asking = Asking(1, deadline=T + 2.5)
    asking.members[0].standing(T).own.cool(until, "RateLimitError")

    assert isinstance(asking.course.next(T), Ask)


def prefilling(deadline: float = T + 600) -> Asking:
    """Return a course of which the second target takes the beginning of an answer."""
    asking = Asking(2)
    asking.members[1] = Member(
        FakeProvider(
            name="B", models=[ModelInfo(name="m", prefill="trailing")]
        ).target(),
        asking.store,
    )
    asking.course = Course(
        asking.members,
        ChatRequest.build("Why?"),
        asking.policy,
        asking.record,
        deadline,
        lambda: 0.5,
    )
    return asking


def test_a_question_that_is_refused_is_not_asked_again() -> None:
    asking = prefilling()
    asking.course.outrun(asking.asks().candidate, NO)

    with pytest.raises(InvalidRequestError):
        asking.fails(InvalidRequestError("no"))


def test_the_second_form_of_a_continuation_costs_nothing() -> None:
    asking = prefilling()
    budget = asking.members[1].standing(T).own.budget
    budget.spend()  # Somebody else's.
    asking.breaks()
    asking.fails(InvalidRequestError("no"))
    ask = asking.asks()

    assert not ask.prefill
    assert (budget.left, budget.in_flight) == (8.0, 1)
    ask.turn.released()
    assert budget.in_flight == 1


def test_a_second_form_that_is_not_sent_gives_nothing_back() -> None:
    asking = prefilling()
    budget = asking.members[1].standing(T).own.budget
    budget.spend()  # Somebody else's.
    asking.breaks()
    asking.fails(InvalidRequestError("no"))
    asking.course.wait_no_more()

    assert budget.in_flight == 1


def test_a_refused_prefill_with_no_time_left_is_not_asked_again() -> None:
    asking = prefilling(deadline=T + 10)
    assert not asking.breaks()
    ask = asking.asks()
    assert ask.prefill
    asking.course.failed(ask.candidate, InvalidRequestError("no"), T + 9.5)

    with pytest.raises(StreamBrokenError):
        asking.course.next(T + 9.5)


def test_a_refused_prefill_is_asked_again_at_the_last_moment() -> None:
    asking = prefilling(deadline=T + 10)
    asking.breaks(now=T + 9)
    assert asking.fails(InvalidRequestError("no"), T + 9) == "B"

    assert asking.asks(T + 9).candidate.target.provider == "B"


# Whom a slow target races with.


def share() -> HedgeShare:
    share = HedgeShare(0.5, 100)
    for _ in range(10):
        share.asked()
    return share


def test_a_rival_is_the_next_that_can_be_asked() -> None:
    asking = Asking(3, windows=(None, 1, None), hedging=Hedging(enabled=True))
    first = asking.asks()
    rival = asking.course.rival(first, share(), T)

    assert rival is not None
    assert rival.candidate.target.provider == "C"
    assert asking.in_flight() == 1
    rival.turn.released()
    assert asking.in_flight() == 0


def test_a_rival_is_looked_for_past_the_targets_of_the_same_provider() -> None:
    asking = Asking(names="AAB", hedging=Hedging(enabled=True))
    rival = asking.course.rival(asking.asks(), share(), T)

    assert rival is not None
    assert rival.candidate.target.provider == "B"
    rival.turn.released()


def test_a_rival_of_a_retry_leaves_its_budget_alone() -> None:
    asking = Asking(2, hedging=Hedging(enabled=True))
    asking.fails(NO)
    first = asking.asks(T + 1)
    rival = asking.course.rival(first, share(), T + 1)

    assert rival is not None
    assert asking.in_flight() == 2
    first.turn.released()
    rival.turn.released()
    assert asking.in_flight() == 0


def test_a_rival_is_counted() -> None:
    asking = Asking(2, hedging=Hedging(enabled=True))
    hedges = HedgeShare(0.1, 100)
    for _ in range(10):
        hedges.asked()

    assert asking.course.rival(asking.asks(), hedges, T) is not None
    assert not hedges.allows()


def test_a_rival_may_be_asked_at_the_last_moment() -> None:
    asking = Asking(2, hedging=Hedging(enabled=True), deadline=T + 10)

    assert asking.course.rival(asking.asks(), share(), T + 9) is not None


def test_a_rival_is_none_that_has_failed() -> None:
    asking = Asking(2, hedging=Hedging(enabled=True))
    asking.fails(ProtocolError("no"))

    assert asking.course.rival(asking.asks(), share(), T) is None


def test_who_was_but_slower_may_go_on_with_the_answer() -> None:
    asking = Asking(2, hedging=Hedging(enabled=True))
    asking.fails(NO)
    first = asking.asks(T + 1)
    rival = asking.course.rival(first, share(), T + 1)
    assert rival is not None
    first.turn.released()
    asking.record.take(["Half of an "])

    assert not asking.course.broke(rival.candidate, CUT)
    assert asking.asks(T + 1).candidate is first.candidate


@pytest.mark.parametrize("why", ["attempts", "time", "off", "budget", "service", "one"])
def test_there_may_be_no_rival(why: str) -> None:
    asking = Asking(
        1 if why == "one" else 2,
        hedging=Hedging(enabled=why != "off"),
        max_attempts=1 if why == "attempts" else 4,
    )
    first = asking.asks()
    if why == "budget":
        while asking.members[1].standing(T).own.budget.spend():
            pass
    elif why == "service":
        asking.members[1].standing(T).service.breaker.force_open()
    now = T + 600 if why == "time" else T

    before = asking.in_flight()
    assert asking.course.rival(first, share(), now) is None
    assert asking.in_flight() == before


def test_who_is_outrun_is_not_asked_again() -> None:
    asking = Asking(2)
    first = asking.asks()
    asking.course.outrun(first.candidate, NO)

    assert asking.asks().candidate.target.provider == "B"
    with pytest.raises(InvalidRequestError):
        asking.course.outrun(first.candidate, InvalidRequestError("no"))


def test_every_error_of_a_request_is_told() -> None:
    asking = Asking(2, max_retries=0)
    asking.fails(NO)
    asking.fails(ProtocolError("b"))

    with pytest.raises(FallbackError) as caught:
        asking.course.next(T)
    assert caught.value.__cause__ is NO
    assert caught.value.retry_after is None
