"""A slow request is hedged at a second target: R10 to R12 of the cases."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

import pytest

from turnout import _watchdog
from turnout.errors import (
    ContentFilterError,
    FallbackError,
    RateLimitError,
    ServerError,
    TurnoutError,
)
from turnout.routes import Health, Route
from turnout.testing import FakeProvider, Pause, run_simulated
from turnout.types import (
    ChatRequest,
    Event,
    Failover,
    Finish,
    ReasoningDelta,
    Reply,
    Usage,
)

from ..scripted import Scripted

T = TypeVar("T")

AFTER = 2.0
"""Seconds after which a request is hedged."""
POLICY = {"hedge_after": AFTER, "max_attempts": 1}
"""A request may be hedged, and each target is tried once."""
TOOL = {"type": "function", "function": {"name": "now"}}


@pytest.fixture(autouse=True)
def every_request_may_be_hedged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("turnout.routes._hedging._SHARE", 1.0)


def simulated(coroutine: Coroutine[Any, Any, T]) -> T:
    return run_simulated(coroutine)


def slow(*pieces: Any, seconds: float = 10.0, name: str = "Slow") -> FakeProvider:
    return FakeProvider(Pause(seconds), *pieces, name=name)


def route_of(
    *providers: FakeProvider, store: Health | None = None, **policy: Any
) -> Route:
    fields = {**POLICY, **policy}
    return Route([provider.target() for provider in providers], fields, health=store)


def outcomes(reply: Reply) -> list[tuple[str, str]]:
    return [(attempt.target.provider, attempt.outcome) for attempt in reply.attempts]


def test_r10_the_faster_target_answers_and_the_other_is_closed() -> None:
    async def main() -> Reply:
        first, second = slow("late"), FakeProvider("fa", "st", name="Fast")
        reply = await route_of(first, second).complete("Why?")
        assert len(asyncio.all_tasks()) == 1
        return reply

    reply = simulated(main())

    assert reply.text == "fast"
    assert reply.target is not None
    assert reply.target.provider == "Fast"
    assert outcomes(reply) == [("Slow", "closed"), ("Fast", "complete")]
    assert reply.attempts[0].seconds == pytest.approx(AFTER, abs=0.01)


def test_r10_everything_from_the_second_is_in_the_stream_and_the_reply() -> None:
    usage = Usage(input_tokens=1, output_tokens=2)

    async def main() -> tuple[list[Event], Reply]:
        brought: list[Any] = [
            ReasoningDelta(text="hm"),
            "a",
            usage,
            Finish(reason="length"),
        ]
        second = FakeProvider(*brought, name="Fast")
        stream = route_of(slow("late"), second).stream("Why?")
        events = [event async for event in stream.events()]
        return events, stream.reply

    events, reply = simulated(main())

    assert not any(isinstance(event, Failover) for event in events)
    assert (reply.text, reply.reasoning, reply.usage) == ("a", "hm", usage)
    assert reply.finish_reason == "length"


def test_the_first_target_continues_if_it_begins_first() -> None:
    async def main() -> Reply:
        first, second = slow("late", seconds=3.0), slow("never", name="Other")
        reply = await route_of(first, second).complete("Why?")
        rounds = _watchdog._ROUNDS.get(asyncio.get_running_loop())  # pyright: ignore[reportPrivateUsage]
        assert rounds is not None
        assert rounds.watched == set()
        return reply

    reply = simulated(main())

    assert reply.text == "late"
    assert sorted(outcomes(reply)) == [("Other", "closed"), ("Slow", "complete")]


def test_a_target_that_begins_in_time_is_not_hedged() -> None:
    async def main() -> tuple[Reply, int]:
        first, second = slow("late", seconds=1.9), FakeProvider("b", name="Other")
        reply = await route_of(first, second).complete("Why?")
        return reply, len(second.requests)

    reply, asked = simulated(main())

    assert reply.text == "late"
    assert asked == 0


def test_hedging_is_off_by_default() -> None:
    async def main() -> Reply:
        first, second = slow("late"), FakeProvider("b", name="Other")
        return await route_of(first, second, hedge_after=None).complete("Why?")

    assert simulated(main()).text == "late"


@pytest.mark.parametrize(
    ("options", "policy"),
    [
        pytest.param({"tools": [TOOL]}, {}, id="tools"),
        pytest.param({"extra": {"store": True}}, {}, id="state"),
        pytest.param({"deadline": 2.5}, {}, id="deadline"),
    ],
)
def test_r11_some_requests_are_not_hedged(
    options: dict[str, Any], policy: dict[str, Any]
) -> None:
    async def main() -> int:
        first, second = slow("late", seconds=2.2), FakeProvider("b", name="Other")
        reply = await route_of(first, second, **policy).complete("Why?", **options)
        assert reply.text == "late"
        return len(second.requests)

    assert simulated(main()) == 0


def test_r10_no_request_is_hedged_if_too_many_were(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("turnout.routes._hedging._SHARE", 0.05)

    async def main() -> list[str]:
        late: list[Any] = [Pause(3.0), "late"]
        first = FakeProvider(answers=[late] * 41, name="Slow")
        route = route_of(first, FakeProvider("b", name="Other"))
        return [(await route.complete("Why?")).text for _ in range(41)]

    texts = simulated(main())

    # Its usual time is known to be 3 s, so no answer is late.
    assert texts == ["late"] * 19 + ["b"] + ["late"] * 21


def test_r11_a_target_that_was_limited_lately_is_no_hedge_target() -> None:
    async def main() -> Reply:
        limited = FakeProvider(
            answers=[[RateLimitError("no", retry_after=1.0)], ["b"]], name="Other"
        )
        store = Health()
        await route_of(
            limited, FakeProvider("x", name="Third"), patience=0, store=store
        ).complete("Why?")
        await asyncio.sleep(5)
        return await route_of(slow("late"), limited, store=store).complete("Why?")

    assert outcomes(simulated(main())) == [("Slow", "complete")]


def test_a_request_is_not_hedged_at_the_same_provider() -> None:
    async def main() -> Reply:
        provider = FakeProvider(
            answers=[[Pause(10.0), "late"], ["b"]], models=("a", "b")
        )
        route = Route([provider.target("a"), provider.target("b")], POLICY)
        return await route.complete("Why?")

    assert simulated(main()).text == "late"


def test_a_lone_target_is_not_hedged() -> None:
    async def main() -> Reply:
        return await route_of(slow("late")).complete("Why?")

    assert simulated(main()).text == "late"


def test_the_budget_of_the_second_target_pays_for_a_hedge() -> None:
    async def main() -> Reply:
        first, second = slow("late"), FakeProvider("b", name="Other")
        store = Health()
        await route_of(second, store=store).complete("Why?")
        (health,) = store.known()
        while health.spend_retry():
            pass
        return await route_of(first, second, store=store).complete("Why?")

    assert outcomes(simulated(main())) == [("Slow", "complete")]


def test_r12_if_both_fail_the_error_has_both() -> None:
    async def main() -> FallbackError:
        first = slow(ServerError("a"), seconds=5.0)
        second = slow(RateLimitError("b"), seconds=1.0, name="Other")
        with pytest.raises(FallbackError) as caught:
            await route_of(first, second).complete("Why?")
        return caught.value

    failure = simulated(main())

    assert [str(error) for error in failure.exceptions] == ["b", "a"]
    assert [a.target.provider for a in failure.attempts] == ["Other", "Slow"]


def test_if_one_of_two_fails_the_other_continues() -> None:
    async def main() -> tuple[Reply, Reply]:
        failing = slow(ServerError("b"), seconds=1.0, name="Other")
        first = await route_of(slow("late"), failing).complete("Why?")
        failing = slow(ServerError("a"), seconds=3.0)
        second = await route_of(failing, slow("b", name="Other")).complete("Why?")
        return first, second

    first, second = simulated(main())

    assert outcomes(first) == [("Other", "failed"), ("Slow", "complete")]
    assert outcomes(second) == [("Slow", "failed"), ("Other", "complete")]
    assert (first.text, second.text) == ("late", "b")


def test_a_failure_does_not_report_an_attempt_that_was_slower() -> None:
    async def main() -> FallbackError:
        slower = FakeProvider(
            answers=[[Pause(10.0), "late"], [ServerError("a")]], name="Slow"
        )
        faster = FakeProvider("b", ServerError("cut"), name="Fast")
        with pytest.raises(FallbackError) as caught:
            await route_of(slower, faster).complete("Why?")
        return caught.value

    failure = simulated(main())

    assert [a.outcome for a in failure.attempts] == ["closed", "failed", "failed"]
    message = "no target answered: Fast:fake-1: cut; Slow:fake-1: a"
    assert str(failure).startswith(message)


def test_an_error_while_the_slower_one_closes_is_ignored(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.sleep(60)
            yield "never"
        except asyncio.CancelledError:
            raise ValueError from None

    async def main() -> Reply:
        targets = [Scripted(answer).target(), FakeProvider("b", name="Fast").target()]
        return await Route(targets, POLICY).complete("Why?")

    assert simulated(main()).text == "b"
    gc.collect()  # asyncio logs an unread exception when a task is deleted.
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_a_content_filter_of_one_ends_both() -> None:
    async def main() -> TurnoutError:
        refusing = slow(ContentFilterError("no"), seconds=1.0, name="Other")
        with pytest.raises(ContentFilterError) as caught:
            await route_of(slow("late"), refusing).complete("Why?")
        assert len(asyncio.all_tasks()) == 1
        return caught.value

    error = simulated(main())

    assert error.reply is not None
    assert outcomes(error.reply) == [("Other", "failed"), ("Slow", "closed")]


def test_the_first_target_wins_a_tie() -> None:
    async def main() -> Reply:
        first, second = slow("a", seconds=3.0), slow("b", seconds=1.0, name="Other")
        return await route_of(first, second).complete("Why?")

    reply = simulated(main())

    assert reply.text == "a"
    assert outcomes(reply) == [("Other", "closed"), ("Slow", "complete")]


@pytest.mark.parametrize("how", ["cancel", "close"])
@pytest.mark.parametrize("seconds", [1.0, 5.0], ids=["before", "during"])
def test_c03_ending_a_race_closes_and_releases_both(how: str, seconds: float) -> None:
    async def main() -> None:
        store = Health()
        first, second = slow("late", seconds=60), slow("b", seconds=60, name="Other")
        stream = route_of(first, second, store=store).stream("Why?")
        task = asyncio.create_task(stream.collect())
        await asyncio.sleep(seconds)
        if how == "cancel":
            task.cancel()
        else:
            await stream.aclose()
        await asyncio.wait([task])

        assert task.cancelled() == (how == "cancel")
        assert len(asyncio.all_tasks()) == 1
        assert {outcome for _, outcome in outcomes(stream.reply)} == {"closed"}
        for health in store.known():
            assert health.retries_in_flight == 0
            assert health.failures_in_a_row == 0

    simulated(main())


def test_c03_no_target_is_tried_while_the_first_closes() -> None:
    async def main() -> list[ChatRequest]:
        async def answer(_: ChatRequest) -> AsyncGenerator[str]:
            try:
                await asyncio.sleep(60)
                yield "never"
            finally:
                await asyncio.sleep(0.5)

        other = FakeProvider("b", name="Other")
        targets = [Scripted(answer).target(), other.target()]
        stream = Route(targets, POLICY).stream("Why?")
        reading = asyncio.create_task(stream.collect())
        await asyncio.sleep(1.8)
        await stream.aclose()
        await reading
        return other.requests

    assert simulated(main()) == []


def test_c03_closing_ends_the_attempt_that_is_left() -> None:
    async def main() -> None:
        first, second = slow(ServerError("a"), seconds=3), slow("b", name="Other")
        stream = route_of(first, second).stream("Why?")
        reading = asyncio.create_task(stream.collect())
        await asyncio.sleep(5.0)
        await stream.aclose()

        assert asyncio.get_running_loop().time() == pytest.approx(5.0, abs=0.1)
        assert outcomes(await reading) == [("Slow", "failed"), ("Other", "closed")]

    simulated(main())


def test_c03_closing_before_the_first_is_read_ends_it() -> None:
    async def main() -> None:
        store = Health()
        stream = route_of(slow("late"), slow("b", name="Other"), store=store).stream(
            "?"
        )
        reading = asyncio.create_task(stream.collect())
        await asyncio.sleep(0)
        await stream.aclose()

        assert asyncio.get_running_loop().time() == pytest.approx(0, abs=0.1)
        assert outcomes(await reading) == [("Slow", "closed")]
        assert not any(health.waiting for health in store.known())

    simulated(main())


def test_c03_closing_before_the_second_is_read_ends_both() -> None:
    async def main() -> None:
        closing: list[asyncio.Task[None]] = []

        def answer(_: ChatRequest) -> AsyncGenerator[str]:
            # Before the task that reads this answer begins.
            closing.append(asyncio.create_task(stream.aclose()))
            return waiting()

        async def waiting() -> AsyncGenerator[str]:
            await asyncio.sleep(60)
            yield "never"

        second = Scripted(answer).target()
        stream = Route([slow("late").target(), second], POLICY).stream("Why?")
        reply = await stream.collect()
        await closing[0]

        assert asyncio.get_running_loop().time() == pytest.approx(AFTER, abs=0.1)
        assert sorted(outcomes(reply)) == [("Scripted", "closed"), ("Slow", "closed")]

    simulated(main())


def test_c03_cancelling_twice_releases_both() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.sleep(60)
            yield "never"
        finally:
            await asyncio.sleep(0.5)

    async def main() -> None:
        store = Health()
        names = "A", "B"
        targets = [
            Scripted(answer, info=FakeProvider("x", name=name).info).target()
            for name in names
        ]
        route = Route(targets, POLICY, health=store)
        task = asyncio.create_task(route.complete("Why?"))
        await asyncio.sleep(AFTER + 1)
        for _ in range(2):
            task.cancel()
            await asyncio.sleep(0.1)
        await asyncio.wait([task])

        assert task.cancelled()
        for health in store.known():
            assert not health.waiting
            assert health.retries_in_flight == 0

    simulated(main())


def test_c03_cancelling_while_the_slower_one_closes_releases_both() -> None:
    async def answer(_: ChatRequest) -> AsyncGenerator[str]:
        try:
            await asyncio.sleep(60)
            yield "never"
        finally:
            await asyncio.sleep(0.5)

    async def main() -> Reply:
        store = Health()
        second = FakeProvider("b", name="Other", max_concurrent=1)
        targets = [Scripted(answer).target(), second.target()]
        task = asyncio.create_task(Route(targets, POLICY, health=store).complete("?"))
        await asyncio.sleep(AFTER + 0.1)
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
        for health in store.known():
            assert not health.waiting
            assert health.retries_in_flight == 0
        return await second.complete("Why?")

    assert simulated(main()).text == "b"
