"""Retries, budgets, health and waits: R01 to R13, E01 to E06 and T07.

All use the public API and a simulated clock. tests/cases has the same over sockets.
"""

from __future__ import annotations

import asyncio
import pickle
import random
from collections.abc import Callable, Coroutine
from email.utils import formatdate
from time import time as wall_time
from typing import Any

import pytest

from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ContentFilterError,
    ContextLengthError,
    DeadlineError,
    FallbackError,
    InvalidRequestError,
    OverloadedError,
    RateLimitError,
    ServerError,
    TurnoutError,
    UnavailableError,
)
from turnout.routes import Health, Route
from turnout.testing import (
    AnswerItem,
    FakeProvider,
    FaultServer,
    Pause,
    respond,
    run_simulated,
)
from turnout.types import Attempt, ChatRequest, ModelInfo, Reply
from turnout_openai import OpenAI

from ...support.openai_server import answer as openai_answer

Test = Callable[[], Coroutine[Any, Any, None]]

NO = ServerError("no")


def simulated(test: Test) -> Callable[[], None]:
    """Run a test with a simulated clock."""

    def run() -> None:
        run_simulated(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def now() -> float:
    return asyncio.get_running_loop().time()


class Target(FakeProvider):
    """Returns its answers in turn, the last one repeatedly, and records the times."""

    def __init__(self, name: str, *answers: AnswerItem, **options: Any) -> None:
        self.times: list[float] = []

        def answer(_: ChatRequest) -> Any:
            self.times.append(now())
            return answers[min(len(self.times), len(answers)) - 1]

        super().__init__(answer, name=name, **options)

    @property
    def asked(self) -> int:
        return len(self.times)

    @property
    def waits(self) -> list[float]:
        """The seconds between its requests."""
        return [b - a for a, b in zip(self.times, self.times[1:], strict=False)]


def route_of(
    *targets: FakeProvider, health: Health | None = None, **policy: object
) -> Route:
    return Route([target.target() for target in targets], policy, health=health)


async def failure_of(route: Route, **options: Any) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await route.complete("Why?", **options)
    return caught.value


def is_at_rest(store: Health) -> bool:
    """Return whether every permit has ended: no probe, retry or attempt is left."""
    return not any(
        health.probes or health.waiting or health.retries_in_flight
        for health in store.known()
    )


def outcomes(attempts: tuple[Attempt, ...]) -> list[tuple[str, str]]:
    return [(attempt.target.provider, attempt.outcome) for attempt in attempts]


# R01


@simulated
async def test_a_lone_target_is_retried_after_500_r01() -> None:
    for seed in range(50):
        random.seed(seed)
        alone = Target("P", NO, NO, "ok")
        reply = await route_of(alone).complete("Why?")

        assert reply.text == "ok"
        first, second = alone.waits
        assert 0 <= first <= 0.5
        assert 0 <= second <= 1.0


@simulated
async def test_a_lone_target_is_tried_four_times_at_most_r01() -> None:
    errors = [ServerError(str(number)) for number in range(5)]
    alone = Target("P", *errors)

    failure = await failure_of(route_of(alone))

    assert isinstance(failure, FallbackError)
    assert list(failure.exceptions) == errors[:4]
    assert alone.asked == 4


@simulated
async def test_a_target_has_one_quick_retry_if_another_is_left_r01() -> None:
    first, second = Target("P", NO, NO), Target("B", "b")

    reply = await route_of(first, second).complete("Why?")

    assert reply.text == "b"
    assert first.asked == 2
    assert first.waits[0] <= 0.05
    assert outcomes(reply.attempts) == [
        ("P", "failed"),
        ("P", "failed"),
        ("B", "complete"),
    ]


@simulated
async def test_a_target_that_forbids_retries_is_not_retried() -> None:
    error = ServerError("no")
    error.retryable = False
    alone = Target("P", error)

    failure = await failure_of(route_of(alone))

    assert isinstance(failure, FallbackError)
    assert failure.exceptions == (error,)
    assert alone.asked == 1


@simulated
async def test_every_target_is_tried_once_however_many_there_are() -> None:
    targets = [Target(name, NO) for name in "ABCDEF"]

    failure = await failure_of(route_of(*targets, max_attempts=2))

    assert [target.asked for target in targets] == [2, 1, 1, 1, 1, 1]
    assert isinstance(failure, FallbackError)
    assert len(failure.exceptions) == len(failure.attempts) == 7


@simulated
async def test_a_target_without_support_does_not_count_as_another_one() -> None:
    # So the request waits for the only one that can.
    tools = [{"type": "function", "function": {"name": "f"}}]
    limited = RateLimitError("no", retry_after=10.0)
    first = Target("P", limited, "ok")
    second = FakeProvider("b", name="B", models=[ModelInfo(name="m", context_window=1)])

    reply = await route_of(first, second).complete("Why so?", tools=tools)

    assert reply.text == "ok"
    assert 10.0 <= first.waits[0] <= 11.0
    assert outcomes(reply.attempts) == [
        ("P", "failed"),
        ("B", "passed_over"),
        ("P", "complete"),
    ]


# R02


@simulated
async def test_a_target_that_fails_always_gets_few_retries_r02() -> None:
    alone, store = Target("P", NO), Health()
    route = route_of(alone, health=store)

    results = await asyncio.gather(
        *(route.complete("Why?") for _ in range(200)), return_exceptions=True
    )

    assert all(isinstance(one, FallbackError) for one in results)
    assert 200 < alone.asked <= 200 * 1.1 + 13
    assert is_at_rest(store)


@simulated
async def test_requests_at_once_to_a_target_that_names_a_time_are_not_lost() -> None:
    open_at = 1.0

    def limiting(_: ChatRequest) -> list[Any]:
        return ["ok"] if now() >= open_at else [RateLimitError("no", retry_after=1.0)]

    alone, store = Target("P", limiting), Health()
    route = route_of(alone, health=store)
    first = await asyncio.gather(
        *(route.complete("Why?") for _ in range(10)), return_exceptions=True
    )

    assert all(isinstance(one, Reply) for one in first)
    assert is_at_rest(store)


# R03, R04, R05, R07


async def ask_times(route: Route, times: int = 5) -> None:
    for _ in range(times):
        await route.complete("Why?")


@simulated
async def test_a_target_is_tried_after_others_after_five_failures_r03() -> None:
    first, second = Target("P", NO), Target("B", "b")
    route = route_of(first, second, max_attempts=1)

    await ask_times(route, 6)
    reply = await route.complete("Why?")

    assert (first.asked, second.asked) == (5, 7)
    assert outcomes(reply.attempts) == [("P", "passed_over"), ("B", "complete")]
    error = reply.attempts[0].error
    assert isinstance(error, UnavailableError)
    assert "P:fake-1 was passed over: its last 5 attempts failed" in str(error)


@pytest.mark.parametrize(("failures", "down"), [(4, False), (5, True)])
def test_a_target_of_which_half_of_ten_attempts_failed_is_down_r04(
    failures: int, down: bool
) -> None:
    async def main() -> None:
        # Never five consecutive ones.
        turns: list[AnswerItem] = ["ok", NO]
        answers = [*["ok"] * 10, *turns * failures][-10:]
        first, second = Target("P", *answers, "last"), Target("B", "b")
        route = route_of(first, second, max_attempts=1)
        await ask_times(route, 10)

        reply = await route.complete("Why?")

        assert (reply.text == "b") is down

    run_simulated(main())


@simulated
async def test_one_of_many_requests_tries_a_target_that_is_down_r05() -> None:
    gate = asyncio.Event()

    def gated(_: ChatRequest) -> list[Any]:
        return [gate, "ok"]

    first = Target("P", *[NO] * 5, gated)
    second, store = Target("B", "b"), Health()
    route = route_of(first, second, max_attempts=1, health=store)
    await ask_times(route)
    await asyncio.sleep(6.3)

    tasks = [asyncio.create_task(route.complete("Why?")) for _ in range(100)]
    await asyncio.sleep(1.0)
    tried = first.asked
    gate.set()
    await asyncio.gather(*tasks)
    # Two at a time may wait for their first delta now, later four, then eight.
    for _ in range(3):
        await asyncio.gather(*(route.complete("Why?") for _ in range(10)))
    before = second.asked
    await asyncio.gather(*(route.complete("Why?") for _ in range(100)))

    assert tried == 6
    assert second.asked == before
    assert is_at_rest(store)


@simulated
async def test_the_time_between_tries_doubles_up_to_a_minute_r05() -> None:
    first, second = Target("P", NO), Target("B", "b")
    route = route_of(first, second, max_attempts=1)

    for _ in range(1000):
        await route.complete("Why?")
        await asyncio.sleep(0.5)

    spans = [wait for wait in first.waits if wait > 1.0]
    assert len(spans) > 8
    for span, delay in zip(spans, [5, 10, 20, 40, 60, 60, 60, 60], strict=False):
        assert delay * 0.75 <= span <= delay * 1.25 + 0.51


@pytest.mark.parametrize(
    "error",
    [InvalidRequestError("no"), ContextLengthError("no"), ContentFilterError("no")],
)
def test_refusals_of_a_request_do_not_mark_a_target_as_down_r07(
    error: TurnoutError,
) -> None:
    async def main() -> None:
        first, second = Target("P", error), Target("B", "b")
        store = Health()
        route = route_of(first, second, health=store, fallback_on_content_filter=True)
        await ask_times(route, 100)

        assert first.asked == 100
        assert not any(health.is_down(now()) for health in store.known())

    run_simulated(main())


@simulated
async def test_cancelled_requests_do_not_mark_a_target_as_down_r07() -> None:
    alone, store = Target("P", *[Pause(1000)] * 100, "ok"), Health()
    route = route_of(alone, health=store)

    for _ in range(100):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await route.complete("Why?")

    (health,) = store.known()
    assert not health.is_down(now())
    assert (await route.complete("Why?")).text == "ok"
    assert is_at_rest(store)


@simulated
async def test_cancelled_requests_that_had_waited_long_mark_a_target_as_down() -> None:
    first, second = Target("P", Pause(1000)), Target("B", "b")
    store = Health()
    route = route_of(first, second, health=store)

    for _ in range(5):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(6.0):
                await route.complete("Why?")

    assert (await route.complete("Why?")).text == "b"
    assert is_at_rest(store)


@simulated
async def test_a_cancelled_try_frees_its_place_r05() -> None:
    first, second = Target("P", *[NO] * 5, Pause(1000), "ok"), Target("B", "b")
    store = Health()
    route = route_of(first, second, max_attempts=1, health=store)
    await ask_times(route)
    await asyncio.sleep(6.3)

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await route.complete("Why?")

    assert (await route.complete("Why?")).text == "ok"
    assert is_at_rest(store)


@simulated
async def test_a_target_without_answers_is_passed_over_before_its_timeout() -> None:
    first, second = Target("P", Pause(1000)), Target("B", "b")
    route = route_of(first, second, first_delta_timeout=60)

    tasks = [asyncio.create_task(route.complete("Why?")) for _ in range(5)]
    await asyncio.sleep(5.1)
    reply = await route.complete("Why?")
    passed = now()
    replies = await asyncio.gather(*tasks)

    assert reply.text == "b"
    assert passed < 6
    assert {one.text for one in replies} == {"b"}


# R08


def slow(_: ChatRequest) -> list[Any]:
    return [Pause(1.0), "ok"]


@simulated
async def test_if_all_targets_are_down_requests_are_spread_and_do_not_fail_r08() -> (
    None
):
    first, second = Target("P", *[NO] * 5, slow), Target("B", *[NO] * 5, slow)
    store = Health()
    route = route_of(first, second, max_attempts=1, health=store)
    for _ in range(5):
        await failure_of(route)
    await asyncio.sleep(0.1)
    began = now()

    replies = await asyncio.gather(*(route.complete("Why?") for _ in range(20)))

    at_once = sum(time == began for time in first.times + second.times)
    assert {reply.text for reply in replies} == {"ok"}
    assert at_once == 2
    assert now() - began <= 4.0
    assert is_at_rest(store)


@simulated
async def test_if_all_targets_are_held_for_long_a_request_fails_at_once_r08() -> None:
    limited = RateLimitError("no", retry_after=60.0)
    first, second = Target("P", limited, slow), Target("B", limited, slow)
    store = Health()
    route = route_of(first, second, health=store)
    await failure_of(route)

    failure = await failure_of(route)

    assert isinstance(failure, FallbackError)
    assert first.asked + second.asked == 2
    assert failure.retry_after == pytest.approx(60.0)
    assert {type(error) for error in failure.exceptions} == {UnavailableError}
    assert {attempt.outcome for attempt in failure.attempts} == {"passed_over"}
    assert is_at_rest(store)


@simulated
async def test_a_request_waits_for_a_short_hold_r08() -> None:
    limited = RateLimitError("no", retry_after=10.0)
    first, second = Target("P", limited, "ok"), Target("B", limited, "ok")
    route = route_of(first, second)

    replies = await asyncio.gather(*(route.complete("Why?") for _ in range(20)))

    assert {reply.text for reply in replies} == {"ok"}
    assert 10.0 <= now() <= 12.0


@simulated
async def test_a_target_that_refused_its_key_is_not_tried_r08() -> None:
    alone = Target("P", AuthenticationError("no", status_code=401))
    route = route_of(alone)

    await failure_of(route)
    failure = await failure_of(route)

    assert isinstance(failure, FallbackError)
    assert "AuthenticationError" in str(failure)
    assert failure.retry_after == pytest.approx(300.0)
    assert alone.asked == 1


# R13


@simulated
async def test_failures_of_all_targets_are_in_order_r13() -> None:
    errors = [NO, OverloadedError("b"), ConnectError("c"), ServerError("d")]
    targets = [Target(n, e) for n, e in zip("ABCD", errors, strict=True)]

    failure = await failure_of(route_of(*targets, max_attempts=1))

    assert isinstance(failure, FallbackError)
    assert list(failure.exceptions) == errors
    assert failure.__cause__ is errors[0]
    assert [a.target.provider for a in failure.attempts] == list("ABCD")
    copy = pickle.loads(pickle.dumps(failure))
    assert [str(error) for error in copy.exceptions] == [str(e) for e in errors]
    assert copy.retry_after == failure.retry_after
    assert [str(a.error) for a in copy.reply.attempts] == [str(e) for e in errors]


@simulated
async def test_a_passed_over_target_is_in_order_among_the_attempts() -> None:
    limited = RateLimitError("no", retry_after=60.0)
    too_long = ContextLengthError("long")
    first, second, third = (
        Target("A", limited),
        Target("B", too_long),
        Target("C", NO),
    )
    store = Health()
    await failure_of(route_of(first, health=store))

    failure = await failure_of(
        route_of(first, second, third, health=store, max_attempts=1)
    )

    assert isinstance(failure, FallbackError)
    kinds = [(a.target.provider, type(a.error)) for a in failure.attempts]
    assert kinds == [
        ("A", UnavailableError),
        ("B", ContextLengthError),
        ("C", ServerError),
    ]
    assert [type(error) for error in failure.exceptions] == [kind for _, kind in kinds]


# E01 to E06, over sockets


WHOLE = respond(200, openai_answer("ok"), ("Content-Type", "text/event-stream"))
LIMITED = b'{"error": {"message": "slow", "code": "rate_limit_exceeded"}}'


def limited(*headers: tuple[str, str]) -> list[Any]:
    return respond(429, LIMITED, ("Content-Type", "application/json"), *headers)


class Asked:
    """The result of a request to a server that limits the first one."""

    def __init__(self, *headers: tuple[str, str]) -> None:
        self.script = limited(*headers)
        self.seconds = 0.0
        self.requests = 0
        self.attempts: tuple[Attempt, ...] = ()

    async def run(self, *others: FakeProvider, **policy: object) -> Asked:
        async with FaultServer(self.script, WHOLE) as server:
            asked = OpenAI(base_url=f"{server.url}/v1")
            targets = [asked.target("m"), *(other.target() for other in others)]
            begun = now()
            try:
                reply = await Route(targets, policy).complete("Why?")
                self.attempts = reply.attempts
            finally:
                self.seconds = now() - begun
                self.requests = len(server.http_requests)
        return self


@simulated
async def test_a_short_hint_is_waited_for_once_although_there_is_another_e01() -> None:
    other = FakeProvider("b", name="B")
    asked = await Asked(("retry-after", "1")).run(other)

    assert asked.requests == 2
    assert other.requests == []
    assert 1.0 <= asked.seconds <= 1.2


@pytest.mark.parametrize(
    ("name", "value", "least", "most"),
    [
        pytest.param("retry-after", "1", 1.0, 1.1, id="e02"),
        pytest.param("retry-after-ms", "250", 0.25, 0.275, id="e03"),
        pytest.param("retry-after", "-HTTP-date-", 0.9, 2.2, id="e04"),
        pytest.param("retry-after", formatdate(1e9, usegmt=True), 0.0, 0.0, id="e05"),
        *(
            pytest.param("retry-after", value, 0.0, 1.0, id=f"e06-{value}")
            for value in ("abc", "-1", "nan", "1e400", "")
        ),
        pytest.param("retry-after", "19", 19.0, 20.0, id="longest"),
    ],
)
def test_a_lone_target_is_waited_for_once(
    name: str, value: str, least: float, most: float
) -> None:
    async def main() -> None:
        date = formatdate(wall_time() + 2, usegmt=True)
        asked = await Asked((name, date if value == "-HTTP-date-" else value)).run()

        assert asked.requests == 2
        # A response over a socket takes a little time of the clock.
        assert least <= asked.seconds <= most + 0.1
        assert [a.status_code for a in asked.attempts] == [429, None]

    run_simulated(main())


@simulated
async def test_a_request_waits_only_once_for_a_hint() -> None:
    error = RateLimitError("no", retry_after=1.0)
    alone = Target("P", error)

    failure = await failure_of(route_of(alone))

    assert isinstance(failure, FallbackError)
    assert failure.exceptions == (error, error)
    assert alone.asked == 2


@simulated
async def test_the_patience_is_the_sum_of_all_waits_of_a_request() -> None:
    error = RateLimitError("no", retry_after=2.0)
    first, second, third = Target("A", error), Target("B", error), Target("C", "c")
    reply = await route_of(first, second, third).complete("Why?")

    assert reply.text == "c"
    assert (first.asked, second.asked) == (2, 1)
    assert now() <= 2.5


# T07


@simulated
async def test_a_wait_past_the_deadline_is_not_begun_t07() -> None:
    error = RateLimitError("no", retry_after=5.0)
    alone = Target("P", error)

    failure = await failure_of(route_of(alone), deadline=5.0)

    assert isinstance(failure, FallbackError)
    assert failure.exceptions == (error,)
    assert now() == 0.0


@simulated
async def test_a_deadline_ends_a_second_attempt_on_time_t07() -> None:
    first, second, third = Target("A", NO), Target("B", Pause(1000)), Target("C", "c")
    error = await failure_of(
        route_of(first, second, third, max_attempts=1), deadline=7.5
    )

    assert isinstance(error, DeadlineError)
    assert now() == pytest.approx(7.5, abs=0.001)
    assert third.asked == 0


@simulated
async def test_no_target_is_tried_with_too_little_time_left_t07() -> None:
    second = Target("B", "b")
    first = FakeProvider(Pause(6.6), NO, name="A")
    error = await failure_of(route_of(first, second), deadline=7.5)

    assert isinstance(error, DeadlineError)
    assert isinstance(error.__cause__, ServerError)
    assert now() == pytest.approx(6.6, abs=0.001)
    assert second.asked == 0


@simulated
async def test_a_deadline_ends_the_answer_itself_t07() -> None:
    parts: list[AnswerItem] = ["a", Pause(1.0)]
    alone = FakeProvider(*parts * 100, name="A")
    with pytest.raises(DeadlineError):
        await route_of(alone).complete("Why?", deadline=7.5)

    assert now() == pytest.approx(7.5, abs=0.001)


# What a waiting request releases.


@simulated
async def test_cancelling_a_wait_releases_everything_c03() -> None:
    alone, store = Target("P", NO, "never"), Health()
    route = route_of(alone, health=store)
    random.seed(1)

    task = asyncio.create_task(route.complete("Why?"))
    await asyncio.sleep(0.001)
    (in_flight,) = [health.retries_in_flight for health in store.known()]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(20)

    assert in_flight == 1
    assert alone.asked == 1
    assert is_at_rest(store)


@simulated
async def test_closing_a_wait_releases_everything_c03() -> None:
    alone, store = Target("P", NO, "never"), Health()
    stream = route_of(alone, health=store).stream("Why?")
    random.seed(1)

    reading = asyncio.create_task(stream.collect())
    await asyncio.sleep(0.001)
    before = now()
    await stream.aclose()
    reply = await reading

    assert now() == before
    assert [a.outcome for a in reply.attempts] == ["failed"]
    assert alone.asked == 1
    assert is_at_rest(store)


@pytest.mark.parametrize("why", ["a hold", "a place"])
def test_a_wait_for_a_target_ends_when_it_is_closed_c03(why: str) -> None:
    async def main() -> None:
        held = RateLimitError("no", retry_after=10.0)
        errors = [held] if why == "a hold" else [NO] * 5
        alone, store = Target("P", *errors, Pause(1000)), Health()
        route = route_of(alone, max_attempts=1, health=store)
        for _ in errors:
            await failure_of(route)
        tasks = [asyncio.create_task(route.complete("Why?")) for _ in range(2)]
        await asyncio.sleep(0.001)
        asked, before = alone.asked, now()
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

        assert asked == len(errors) + (why == "a place")
        assert now() == before
        assert is_at_rest(store)

    run_simulated(main())
