"""Retries, budgets, circuits and waits: R01 to R13, E01 to E06 and T07.

All through the public face, by a simulated clock: how long everything takes. Who is
asked over sockets, and who is not, is in tests/cases.
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
from turnout.routes import MemoryHealth, Route
from turnout.testing import (
    AnswerItem,
    FakeProvider,
    FaultServer,
    Pause,
    respond,
    run_simulated,
)
from turnout.types import Attempt, ChatRequest, ModelInfo
from turnout_openai import OpenAI

from ...support.openai_server import answer as openai_answer

Test = Callable[[], Coroutine[Any, Any, None]]

NO = ServerError("no")


def simulated(test: Test) -> Callable[[], None]:
    """Have a test run by a simulated clock."""

    def run() -> None:
        run_simulated(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


def now() -> float:
    return asyncio.get_running_loop().time()


class Target(FakeProvider):
    """Gives its answers in turn, the last one again and again, and notes when."""

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
    *targets: FakeProvider, health: MemoryHealth | None = None, **policy: object
) -> Route:
    return Route([target.target() for target in targets], policy, health=health)


async def failure_of(route: Route, **options: Any) -> TurnoutError:
    with pytest.raises(TurnoutError) as caught:
        await route.complete("Why?", **options)
    return caught.value


def is_at_rest(store: MemoryHealth) -> bool:
    """Tell whether every turn was given back: no probe is out, no retry is counted."""
    for _, health in store.known():
        permit = health.probe()
        if permit is None or health.budget.in_flight:
            return False
        health.released(permit)
    return True


# R01


@simulated
async def test_a_lone_target_is_asked_again_twice_after_500_r01() -> None:
    for seed in range(50):
        random.seed(seed)
        alone = Target("P", NO, NO, "ok")
        reply = await route_of(alone).complete("Why?")

        assert reply.text == "ok"
        first, second = alone.waits
        assert 0 <= first <= 0.5
        assert 0 <= second <= 1.0


@simulated
async def test_a_lone_target_is_asked_again_no_more_than_twice_r01() -> None:
    last = ServerError("last")
    alone = Target("P", NO, NO, last, "never")

    assert await failure_of(route_of(alone)) is last
    assert alone.asked == 3


@simulated
async def test_a_target_has_one_quick_retry_where_there_is_another_r01() -> None:
    first, second = Target("P", NO, NO), Target("B", "b")
    reply = await route_of(first, second).complete("Why?")

    assert reply.text == "b"
    assert first.asked == 2
    assert first.waits[0] <= 0.5
    assert [str(a.target) for a in reply.attempts] == [
        "P:fake-1",
        "P:fake-1",
        "B:fake-1",
    ]


@simulated
async def test_a_target_that_forbids_it_is_not_asked_again() -> None:
    error = ServerError("no")
    error.retryable = False
    alone = Target("P", error)

    assert await failure_of(route_of(alone)) is error
    assert alone.asked == 1


@simulated
async def test_attempts_are_counted_with_the_retries() -> None:
    first, second = Target("P", NO), Target("B", NO)
    failure = await failure_of(route_of(first, second, max_attempts=3))

    assert isinstance(failure, FallbackError)
    assert (first.asked, second.asked) == (2, 1)
    assert len(failure.exceptions) == len(failure.attempts) == 3


@simulated
async def test_who_cannot_do_it_is_not_another_target() -> None:
    # So the only one that can is waited for.
    tools = [{"type": "function", "function": {"name": "f"}}]
    limited = RateLimitError("no", retry_after=10.0)
    first = Target("P", limited, "ok")
    second = FakeProvider("b", name="B", models=[ModelInfo(name="m", context_window=1)])
    reply = await route_of(first, second).complete("Why so?", tools=tools)

    assert reply.text == "ok"
    assert 10.0 <= first.waits[0] <= 11.0
    outcomes = [(str(a.target), a.outcome) for a in reply.attempts]
    assert outcomes == [
        ("P:fake-1", "failed"),
        ("B:m", "passed_over"),
        ("P:fake-1", "complete"),
    ]


# R02


@simulated
async def test_a_target_that_fails_always_is_not_buried_under_retries_r02() -> None:
    alone, store = Target("P", NO), MemoryHealth()
    route = route_of(alone, health=store)
    outcomes = await asyncio.gather(
        *(route.complete("Why?") for _ in range(200)), return_exceptions=True
    )

    assert all(isinstance(one, TurnoutError) for one in outcomes)
    assert alone.asked <= 200 * 1.1 + 13
    assert is_at_rest(store)


@simulated
async def test_a_target_whose_circuit_stays_closed_has_its_budget_r02() -> None:
    limited = RateLimitError("no", retry_after=1.0)
    alone, store = Target("P", limited), MemoryHealth()
    route = route_of(alone, health=store)
    await asyncio.gather(
        *(route.complete("Why?") for _ in range(200)), return_exceptions=True
    )

    assert 200 < alone.asked <= 200 * 1.1 + 13
    assert is_at_rest(store)


# R03, R04, R05, R07


async def opened(route: Route, times: int = 5) -> None:
    for _ in range(times):
        await route.complete("Why?")


@simulated
async def test_five_failures_in_a_row_open_a_circuit_r03() -> None:
    first, second = Target("P", NO), Target("B", "b")
    route = route_of(first, second, max_retries=0)
    await opened(route, 6)

    assert (first.asked, second.asked) == (5, 6)
    reply = await route.complete("Why?")
    assert [a.outcome for a in reply.attempts] == ["passed_over", "complete"]
    error = reply.attempts[0].error
    assert isinstance(error, UnavailableError)
    assert error.retry_after is not None
    assert 0 < error.retry_after <= 6.0


@pytest.mark.parametrize(("failures", "opens"), [(4, False), (6, True)])
def test_half_of_ten_failures_open_a_circuit_r04(failures: int, opens: bool) -> None:
    async def main() -> None:
        # Never five in a row.
        answers: list[AnswerItem] = [NO, "ok"] * failures
        answers = (["ok"] * 10 + answers)[-10:] if failures == 4 else answers[:10]
        first, second = Target("P", *answers, "last"), Target("B", "b")
        route = route_of(first, second, max_retries=0)
        await opened(route, 10)
        reply = await route.complete("Why?")

        assert (reply.text == "b") is opens

    run_simulated(main())


@simulated
async def test_one_of_many_tries_a_circuit_that_was_open_r05() -> None:
    gate = asyncio.Event()

    def gated(_: ChatRequest) -> list[Any]:
        return [gate, "ok"]

    first = Target("P", *[NO] * 5, gated)
    second, store = Target("B", "b"), MemoryHealth()
    route = route_of(first, second, max_retries=0, health=store)
    await opened(route)
    await asyncio.sleep(6.01)
    tasks = [asyncio.create_task(route.complete("Why?")) for _ in range(100)]
    await asyncio.sleep(1.0)

    assert first.asked == 6
    assert second.asked == 5 + 99
    gate.set()
    await asyncio.gather(*tasks)
    # The second success closes it.
    assert (await route.complete("Why?")).text == "ok"
    await asyncio.gather(*(route.complete("Why?") for _ in range(10)))
    assert second.asked == 5 + 99
    assert is_at_rest(store)


@simulated
async def test_an_open_time_doubles_up_to_two_minutes_r05() -> None:
    first, second = Target("P", NO), Target("B", "b")
    route = route_of(first, second, max_retries=0)
    for _ in range(1000):
        await route.complete("Why?")
        await asyncio.sleep(0.5)

    spans = [wait for wait in first.waits if wait > 1.0]
    for span, nominal in zip(spans, [5, 10, 20, 40, 80, 120, 120], strict=False):
        assert nominal * 0.8 <= span <= min(120, nominal * 1.2) + 0.51


@pytest.mark.parametrize(
    "error",
    [
        InvalidRequestError("no"),
        ContentFilterError("no"),
        ContextLengthError("no"),
    ],
)
def test_what_the_request_is_to_blame_for_opens_no_circuit_r07(
    error: TurnoutError,
) -> None:
    async def main() -> None:
        alone = Target("P", error)
        route = route_of(alone)
        for _ in range(100):
            assert await failure_of(route) is error
        assert alone.asked == 100

    run_simulated(main())


@simulated
async def test_cancelled_requests_open_no_circuit_r07() -> None:
    alone, store = Target("P", *[Pause(1000)] * 100, "ok"), MemoryHealth()
    route = route_of(alone, health=store)
    for _ in range(100):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await route.complete("Why?")

    assert (await route.complete("Why?")).text == "ok"
    assert is_at_rest(store)


@simulated
async def test_a_probe_that_is_cancelled_makes_room_for_the_next_r05() -> None:
    first, second = Target("P", *[NO] * 5, Pause(1000), "ok"), Target("B", "b")
    store = MemoryHealth()
    route = route_of(first, second, max_retries=0, health=store)
    await opened(route)
    await asyncio.sleep(6.01)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await route.complete("Why?")

    assert (await route.complete("Why?")).text == "ok"
    assert is_at_rest(store)


# R08


def slow(_: ChatRequest) -> list[Any]:
    return [Pause(1.0), "ok"]


@simulated
async def test_where_all_circuits_are_open_one_request_tries_r08() -> None:
    first, second = Target("P", *[NO] * 5, slow), Target("B", *[NO] * 5, slow)
    store = MemoryHealth()
    route = route_of(first, second, max_retries=0, health=store)
    for _ in range(5):
        await failure_of(route)
    outcomes = await asyncio.gather(
        *(route.complete("Why?") for _ in range(20)), return_exceptions=True
    )

    assert first.asked + second.asked == 11
    failures = [one for one in outcomes if isinstance(one, FallbackError)]
    assert len(failures) == 19
    for failure in failures:
        assert failure.retry_after is not None
        assert 0 < failure.retry_after <= 6.0
        assert {type(error) for error in failure.exceptions} == {UnavailableError}
        assert {a.outcome for a in failure.attempts} == {"passed_over"}
    assert is_at_rest(store)


@simulated
async def test_where_all_targets_cool_one_request_tries_r08() -> None:
    limited = RateLimitError("no", retry_after=60.0)
    first, second = Target("P", limited, slow), Target("B", limited, slow)
    store = MemoryHealth()
    route = route_of(first, second, health=store)
    await failure_of(route)
    outcomes = await asyncio.gather(
        *(route.complete("Why?") for _ in range(20)), return_exceptions=True
    )

    assert first.asked + second.asked == 3
    assert sum(isinstance(one, FallbackError) for one in outcomes) == 19
    assert is_at_rest(store)


@simulated
async def test_a_short_while_is_waited_for_r08() -> None:
    first, second = Target("P", *[NO] * 5, "ok"), Target("B", *[NO] * 5, "b")
    route = route_of(first, second, max_retries=0)
    for _ in range(5):
        await failure_of(route)
    await asyncio.sleep(3.99)
    before = now()
    reply = await route.complete("Why?")

    assert reply.text in {"ok", "b"}
    assert 0 <= now() - before <= 2.0


@simulated
async def test_a_refused_key_is_not_tried_in_spite_of_all_r08() -> None:
    alone = Target("P", AuthenticationError("no"))
    route = route_of(alone)
    await failure_of(route)
    error = await failure_of(route)

    assert isinstance(error, UnavailableError)
    assert "AuthenticationError" in str(error)
    assert error.retry_after == pytest.approx(300.0)
    assert alone.asked == 1


# R13


@simulated
async def test_four_failing_targets_are_told_in_order_r13() -> None:
    errors = [NO, OverloadedError("b"), ConnectError("c"), ServerError("d")]
    targets = [Target(n, e) for n, e in zip("ABCD", errors, strict=True)]
    failure = await failure_of(route_of(*targets, Target("E", "never"), max_retries=0))

    assert isinstance(failure, FallbackError)
    assert list(failure.exceptions) == errors
    assert failure.__cause__ is errors[0]
    assert [a.target.provider for a in failure.attempts] == list("ABCD")
    copy = pickle.loads(pickle.dumps(failure))
    assert [str(error) for error in copy.exceptions] == [str(e) for e in errors]
    assert copy.retry_after == failure.retry_after
    assert [str(a.error) for a in copy.reply.attempts] == [str(e) for e in errors]


@simulated
async def test_who_was_passed_over_stands_where_that_happened() -> None:
    limited = RateLimitError("no", retry_after=60.0)
    too_long = ContextLengthError("long")
    first, second, third = (
        Target("A", limited, too_long),
        Target("B", too_long, NO),
        Target("C", NO),
    )
    await failure_of(route_of(first, health=(store := MemoryHealth())))
    failure = await failure_of(
        route_of(first, second, third, health=store, max_retries=0)
    )

    assert isinstance(failure, FallbackError)
    told = [(a.target.provider, type(a.error)) for a in failure.attempts]
    assert told == [
        ("A", UnavailableError),
        ("B", ContextLengthError),
        ("C", ServerError),
        ("A", ContextLengthError),
    ]
    assert [type(error) for error in failure.exceptions] == [kind for _, kind in told]


# E01 to E06, over sockets


WHOLE = respond(200, openai_answer("ok"), ("Content-Type", "text/event-stream"))
LIMITED = b'{"error": {"message": "slow", "code": "rate_limit_exceeded"}}'


def limited(*headers: tuple[str, str]) -> list[Any]:
    return respond(429, LIMITED, ("Content-Type", "application/json"), *headers)


class Asked:
    """What came of one request to a server that limits the first one."""

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
async def test_a_short_hint_is_waited_for_once_though_there_is_another_e01() -> None:
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
        # What comes over a socket takes a little of the clock's time.
        assert least <= asked.seconds <= most + 0.1
        assert [a.status_code for a in asked.attempts] == [429, None]

    run_simulated(main())


@simulated
async def test_a_hint_that_was_kept_and_did_not_help_is_not_waited_for_again() -> None:
    error = RateLimitError("no", retry_after=1.0)
    alone = Target("P", error)

    assert await failure_of(route_of(alone)) is error
    assert alone.asked == 2


@simulated
async def test_patience_is_for_all_waits_of_a_request() -> None:
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

    assert await failure_of(route_of(alone), deadline=5.0) is error
    assert now() == 0.0


@simulated
async def test_a_deadline_ends_a_second_attempt_on_time_t07() -> None:
    first, second, third = Target("A", NO), Target("B", Pause(1000)), Target("C", "c")
    error = await failure_of(
        route_of(first, second, third, max_retries=0), deadline=7.5
    )

    assert isinstance(error, DeadlineError)
    assert now() == pytest.approx(7.5, abs=0.001)
    assert third.asked == 0


@simulated
async def test_no_target_is_asked_with_too_little_time_left_t07() -> None:
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


# What a request holds while it waits.


@simulated
async def test_a_wait_that_is_cancelled_gives_everything_back_c03() -> None:
    alone, store = Target("P", NO, "never"), MemoryHealth()
    route = route_of(alone, health=store, backoff=8.0, longest_backoff=8.0)
    random.seed(1)
    task = asyncio.create_task(route.complete("Why?"))
    await asyncio.sleep(0.001)
    (in_flight,) = [h.budget.in_flight for s, h in store.known() if s.model]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(20)

    assert in_flight == 1
    assert alone.asked == 1
    assert is_at_rest(store)


@simulated
async def test_a_wait_that_is_closed_gives_everything_back_c03() -> None:
    alone, store = Target("P", NO, "never"), MemoryHealth()
    stream = route_of(alone, health=store, backoff=8.0).stream("Why?")
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


@simulated
async def test_a_wait_for_a_circuit_that_is_closed_ends_c03() -> None:
    alone, store = Target("P", *[NO] * 5, "never"), MemoryHealth()
    route = route_of(alone, max_retries=0, health=store)
    for _ in range(5):
        await failure_of(route)
    await asyncio.sleep(3.99)
    stream = route.stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await asyncio.sleep(0.001)
    await stream.aclose()
    await reading

    assert alone.asked == 5
    assert is_at_rest(store)
