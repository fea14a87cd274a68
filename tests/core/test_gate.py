"""How many streams of a provider run at once, and which ones wait."""

from __future__ import annotations

import asyncio
import copy
import gc
import math
import pickle
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

import turnout
from turnout._attempt import AttemptReader
from turnout._gate import Gate
from turnout._record import Record
from turnout._waiter import Waiter
from turnout.errors import (
    ConfigError,
    DeadlineError,
    FirstDeltaTimeoutError,
    ServerError,
    TurnoutError,
    UnavailableError,
)
from turnout.provider import Provider
from turnout.testing import (
    CHUNKED,
    FakeProvider,
    FaultServer,
    Pause,
    chunk,
    response_head,
    run_simulated,
    send,
    until,
    wait_request,
)
from turnout.types import Attempt, ChatRequest

from .scripted import Lines, Scripted


def gate_of(provider: Provider) -> Gate:
    return provider.gates.of(asyncio.get_running_loop())


def load(provider: Provider) -> tuple[int, int]:
    """Return how many streams run and how many wait."""
    gate = gate_of(provider)
    return gate.taken, gate.queued


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def ask(provider: Provider, **options: Any) -> asyncio.Task[turnout.Reply]:
    return asyncio.create_task(provider.complete("Why?", **options))


async def cancel(task: asyncio.Task[turnout.Reply]) -> None:
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_concurrent": 0}, "max_concurrent=0 is out of range; set at least 1"),
        ({"max_queued": -1}, "max_queued=-1 is out of range; set at least 0"),
        ({"queue_timeout": 0}, "queue_timeout=0.0 is out of range; set seconds"),
    ],
)
def test_a_limit_that_is_out_of_range_is_refused(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        FakeProvider("a", **options)


def test_t10_a_thousand_are_served_in_their_order_three_at_a_time() -> None:
    order: list[int] = []
    under_way = most = 0

    async def answer(request: ChatRequest) -> AsyncGenerator[str]:
        nonlocal under_way, most
        order.append(int(request.last_user_text))
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001 * (order[-1] % 7))
        yield "a"
        under_way -= 1

    async def main() -> None:
        provider = Scripted(answer, max_concurrent=3)
        async with asyncio.TaskGroup() as group:
            for index in range(1000):
                group.create_task(provider.complete(str(index)))
        assert load(provider) == (0, 0)

    run_simulated(main())

    assert order == list(range(1000))
    assert most == 3


async def test_t10_a_newcomer_does_not_take_a_slot_that_was_passed_on() -> None:
    provider = FakeProvider("a", max_concurrent=1)
    gate = gate_of(provider)
    assert provider.gates.enter(asyncio.get_running_loop()) is gate
    first = asyncio.create_task(provider.complete("First?"))
    await turns()

    gate.leave()
    late = await provider.complete("Late?")
    await first

    assert late.text == "a"
    asked = [request.last_user_text for request in provider.requests]
    assert asked == ["First?", "Late?"]
    assert load(provider) == (0, 0)


def test_t09_a_stream_that_waits_too_long_is_refused() -> None:
    async def main() -> float:
        provider = FakeProvider(Pause(30), "a", max_concurrent=1, queue_timeout=3)
        first = ask(provider)
        await turns()
        with pytest.raises(UnavailableError) as caught:
            await provider.complete("Why?")
        waited = asyncio.get_running_loop().time()

        told = str(caught.value)
        assert "queue_timeout=3 s" in told
        assert "1 running (max_concurrent=1) and 0 queued; raise" in told
        assert "nothing was sent" in told
        assert caught.value.reply is not None
        (attempt,) = caught.value.reply.attempts
        assert attempt.outcome == "passed_over"
        assert attempt.seconds == pytest.approx(3)
        assert load(provider) == (1, 0)
        await first
        assert len(provider.requests) == 1
        assert load(provider) == (0, 0)
        return waited

    assert run_simulated(main()) == pytest.approx(3)


@pytest.mark.ci
def test_all_of_five_thousand_requests_at_once_are_answered() -> None:
    async def main() -> float:
        provider = FakeProvider(Pause(5), "a")
        replies = await asyncio.gather(*(ask(provider) for _ in range(5000)))
        assert {reply.text for reply in replies} == {"a"}
        assert load(provider) == (0, 0)
        return asyncio.get_running_loop().time()

    # 256 of them run at once.
    assert run_simulated(main()) == pytest.approx(100)


@pytest.mark.ci
def test_all_of_five_thousand_requests_to_a_route_of_one_target_are_answered() -> None:
    async def main() -> None:
        route = turnout.fallback(FakeProvider(Pause(5), "a"))
        replies = await asyncio.gather(*(route.complete("Why?") for _ in range(5000)))
        assert {reply.text for reply in replies} == {"a"}

    run_simulated(main())


def test_the_error_of_a_deadline_in_the_queue_says_so() -> None:
    async def main() -> None:
        provider = FakeProvider(
            Pause(700), "a", max_concurrent=1, first_delta_timeout=900, deadline=900
        )
        first, second = ask(provider), ask(provider, deadline=600)
        with pytest.raises(DeadlineError) as caught:
            await second
        first.cancel()

        assert str(caught.value) == (
            "the deadline passed: Fake had no free slot for the request within 600 s, "
            "and nothing was sent: 1 running (max_concurrent=1) and 0 queued; raise "
            "max_concurrent or the deadline, or send fewer requests at once"
        )

    run_simulated(main())


def reading(
    provider: Provider, waiter: Waiter, slot_timeout: float | None, deadline: float = 60
) -> AttemptReader:
    """Return an attempt as a route makes it, with a limit on its wait for a slot."""
    request = ChatRequest.build("Why?", model="fake-1")
    due = waiter.now() + deadline
    return AttemptReader(
        provider, request, Record(), waiter, due, slot_timeout=slot_timeout
    )


@pytest.mark.parametrize(
    ("slot_timeout", "queue_timeout", "waited", "told"),
    [
        pytest.param(2.0, None, 2, "within 2 s", id="the attempt's"),
        pytest.param(2.0, 9.0, 2, "within 2 s", id="the shorter one of the attempt"),
        pytest.param(9.0, 2.0, 2, "queue_timeout=2 s", id="the shorter one's option"),
        pytest.param(2.0, 2.0, 2, "queue_timeout=2 s", id="equal"),
        pytest.param(None, 2.0, 2, "queue_timeout=2 s", id="the option"),
        pytest.param(0.0, None, 0, "within 0 s", id="at once"),
    ],
)
def test_an_attempt_waits_for_a_slot_as_long_as_it_may(
    slot_timeout: float | None, queue_timeout: float | None, waited: float, told: str
) -> None:
    async def main() -> None:
        provider = FakeProvider(
            Pause(30), "a", max_concurrent=1, queue_timeout=queue_timeout
        )
        first, waiter = ask(provider), Waiter()
        await turns()
        reader = reading(provider, waiter, slot_timeout)
        assert not provider.gates.has_free(waiter.loop)
        with pytest.raises(UnavailableError, match=told):
            await reader.read()
        assert waiter.now() == pytest.approx(waited)
        await first
        assert provider.gates.has_free(waiter.loop)
        assert len(provider.requests) == 1
        waiter.close()

    run_simulated(main())


def test_an_attempt_with_a_limit_on_its_wait_has_its_deadline_too() -> None:
    async def main() -> None:
        provider = FakeProvider(Pause(30), "a", max_concurrent=1)
        first, waiter = ask(provider), Waiter()
        await turns()
        with pytest.raises(DeadlineError):
            await reading(provider, waiter, 9.0, deadline=3).read()
        first.cancel()
        waiter.close()

    run_simulated(main())


def test_an_attempt_takes_a_slot_that_comes_in_time() -> None:
    async def main() -> None:
        provider = FakeProvider(Pause(3), "a", max_concurrent=1)
        first, waiter = ask(provider), Waiter()
        await turns()
        reader = reading(provider, waiter, 4.0)
        assert await reader.read() == ["a"]
        assert waiter.now() == pytest.approx(6)
        await reader.close()
        await first
        waiter.close()

    run_simulated(main())


def test_a_stream_continues_to_wait_while_no_other_slot_is_free() -> None:
    answers = [False, False, True]

    async def main() -> None:
        gate, waiter = Gate("Fake", 0, None, None), Waiter()
        with pytest.raises(UnavailableError, match="within 6 s"):
            await gate.wait(waiter, math.inf, 2.0, lambda: answers.pop(0))
        assert waiter.now() == pytest.approx(6)
        assert gate.queued == 0
        waiter.close()

    run_simulated(main())
    assert answers == []


@pytest.mark.parametrize("queue_timeout", [None, 5.0])
def test_a_stream_that_continues_to_wait_ends_with_its_deadline_or_option(
    queue_timeout: float | None,
) -> None:
    async def main() -> None:
        gate, waiter = Gate("Fake", 0, None, queue_timeout), Waiter()
        kind: type[TurnoutError] = DeadlineError
        deadline = 5.0
        if queue_timeout is not None:
            kind, deadline = UnavailableError, 60.0
        with pytest.raises(kind, match=r"5 s"):
            await gate.wait(waiter, waiter.now() + deadline, 2.0, never)
        assert waiter.now() == pytest.approx(5)
        waiter.close()

    run_simulated(main())


def never() -> bool:
    return False


def test_a_stream_that_continues_to_wait_keeps_its_position() -> None:
    served: list[int] = []

    async def main() -> None:
        gate = Gate("Fake", 0, None, None)

        async def wait(name: int, slot_timeout: float | None) -> None:
            waiter = Waiter()
            await gate.wait(waiter, math.inf, slot_timeout, never)
            served.append(name)
            waiter.close()

        async with asyncio.TaskGroup() as group:
            for name, slot_timeout in enumerate([2.0, None, 3.0, None]):
                group.create_task(wait(name, slot_timeout))
            await asyncio.sleep(10)
            for _ in range(4):
                gate.leave()

    run_simulated(main())
    assert served == [0, 1, 2, 3]


@pytest.mark.parametrize("slot_first", [True, False])
@pytest.mark.parametrize("others", [0, 1])
def test_a_slot_that_comes_as_a_wait_ends_is_not_lost(
    slot_first: bool, others: int
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        gate, waiters = Gate("Fake", 2, None, None), [Waiter() for _ in range(2)]
        gate.free = 0
        if slot_first:
            loop.call_at(loop.time() + 2, gate.leave)
        first = asyncio.create_task(gate.wait(waiters[0], math.inf, 2.0, never))
        rest = [
            asyncio.create_task(gate.wait(waiters[1], math.inf)) for _ in range(others)
        ]
        await turns()
        if not slot_first:
            loop.call_at(loop.time() + 2, gate.leave)
        await asyncio.sleep(2.5)

        # One of them has the slot, and the other one has the next.
        done = [task.done() for task in (first, *rest)]
        assert done.count(True) == 1
        assert gate.free == 0
        assert gate.queued == others
        if others:
            gate.leave()
            await asyncio.gather(first, *rest)
        for waiter in waiters:
            waiter.close()

    run_simulated(main())


def test_a_slot_that_comes_with_the_deadline_is_passed_on() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        gate, waiter = Gate("Fake", 1, None, None), Waiter()
        gate.free = 0
        loop.call_at(loop.time() + 2, gate.leave)
        with pytest.raises(DeadlineError):
            await gate.wait(waiter, loop.time() + 2)
        assert (gate.free, gate.queued) == (1, 0)
        waiter.close()

    run_simulated(main())


def test_requests_go_where_a_slot_is_free() -> None:
    async def main() -> float:
        slow = FakeProvider(Pause(5), "a", name="A")
        other = FakeProvider(Pause(5), "b", name="B")
        loop = asyncio.get_running_loop()

        async def complete() -> str:
            waiter = Waiter()
            request = ChatRequest.build("Why?", model="fake-1")
            reader = AttemptReader(
                slow,
                request,
                Record(),
                waiter,
                waiter.now() + 600,
                slot_timeout=3.0,
                is_free_elsewhere=lambda: other.gates.has_free(loop),
            )
            try:
                while await reader.read():
                    pass
            except UnavailableError:
                return (await other.complete("Why?")).text
            finally:
                waiter.close()
            return "a"

        texts = await asyncio.gather(*(complete() for _ in range(5000)))
        assert texts.count("a") + texts.count("b") == 5000
        return loop.time()

    # Both work all the time: one alone takes 100 s, and two take half of it.
    assert run_simulated(main()) < 65


async def test_the_cost_of_leaving_the_queue_does_not_depend_on_its_length() -> None:
    # The last ones leave first; a search from the front would find them last.
    async def seconds(count: int) -> float:
        gate = Gate("Fake", 0, None, None)
        waits = [
            asyncio.create_task(gate.wait(Waiter(), math.inf)) for _ in range(count)
        ]
        await asyncio.sleep(0)
        assert gate.queued == count
        began = time.process_time()
        for wait in reversed(waits):
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)
        assert gate.queued == 0
        return time.process_time() - began

    few, many = await seconds(1000), await seconds(16000)

    # Sixteen times as many, and 256 times the cost if each searched the queue.
    assert many < 100 * few


async def test_t09_a_full_queue_refuses_at_once() -> None:
    provider = FakeProvider(asyncio.Event(), max_concurrent=1, max_queued=1)
    tasks = [ask(provider), ask(provider)]
    await turns()

    with pytest.raises(UnavailableError, match="raise max_concurrent or max_queued"):
        await provider.complete("Why?")

    assert load(provider) == (1, 1)
    for task in reversed(tasks):
        await cancel(task)
    assert load(provider) == (0, 0)


async def test_a_route_uses_its_next_target_if_the_queue_is_full() -> None:
    full = FakeProvider(asyncio.Event(), max_concurrent=1, max_queued=0)
    held = ask(full)
    await turns()

    reply = await turnout.fallback(full, FakeProvider("b")).complete("Why?")

    assert reply.text == "b"
    assert [a.outcome for a in reply.attempts] == ["passed_over", "complete"]
    assert len(full.requests) == 1
    await cancel(held)


async def test_a_full_queue_after_an_earlier_timeout_has_its_own_error() -> None:
    slow = FakeProvider(asyncio.Event(), first_delta_timeout=0.01)
    full = FakeProvider(asyncio.Event(), max_concurrent=1, max_queued=0)
    held = ask(full)
    await turns()

    with pytest.raises(turnout.FallbackError) as caught:
        await turnout.fallback(slow, full).complete("Why?")

    assert "max_queued" in str(caught.value.exceptions[1])
    await cancel(held)


@pytest.mark.parametrize("routed", [False, True])
def test_t07_the_deadline_includes_the_wait_in_the_queue(routed: bool) -> None:
    async def main() -> float:
        provider = FakeProvider(Pause(30), "a", max_concurrent=1)
        other = FakeProvider("b")
        first = ask(provider)
        await turns()
        asked = turnout.fallback(provider, other) if routed else provider
        with pytest.raises(DeadlineError, match=r"Fake had no free slot .* 2 s"):
            await asked.complete("Why?", deadline=2.0)
        passed = asyncio.get_running_loop().time()
        assert not other.requests
        assert load(provider) == (1, 0)
        await first
        assert len(provider.requests) == 1
        return passed

    assert run_simulated(main()) == pytest.approx(2)


def test_first_delta_timeout_starts_with_the_slot() -> None:
    async def main() -> None:
        provider = FakeProvider(
            Pause(8), "a", max_concurrent=1, first_delta_timeout=9.0
        )
        tasks = [ask(provider), ask(provider)]
        replies = await asyncio.gather(*tasks)

        assert [r.attempts[0].first_delta for r in replies] == pytest.approx([8, 8])

    run_simulated(main())


def test_first_delta_timeout_applies_after_a_wait() -> None:
    async def main() -> float:
        provider = FakeProvider(
            Pause(60), "a", max_concurrent=1, first_delta_timeout=5.0
        )
        tasks = [ask(provider), ask(provider)]
        errors = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(error) for error in errors} == {FirstDeltaTimeoutError}
        assert load(provider) == (0, 0)
        return asyncio.get_running_loop().time()

    assert run_simulated(main()) == pytest.approx(10)


@pytest.mark.parametrize("error", [None, ServerError("no"), ValueError("x")])
async def test_a_slot_is_released_at_each_kind_of_end(
    error: Exception | None,
) -> None:
    provider = FakeProvider("a", *([error] if error else []), max_concurrent=1)
    for _ in range(3):
        try:
            await provider.complete("Why?")
        except TurnoutError:
            assert error is not None
        assert load(provider) == (0, 0)


async def test_a_slot_is_released_by_a_stream_that_is_closed() -> None:
    provider = FakeProvider("a", "b", max_concurrent=1)
    stream = provider.stream("Why?")
    assert load(provider) == (0, 0)
    async with stream:
        assert load(provider) == (1, 0)
    await stream.aclose()

    assert load(provider) == (0, 0)


@pytest.mark.parametrize("routed", [False, True])
async def test_a_slot_is_released_by_a_stream_that_is_dropped(routed: bool) -> None:
    provider = FakeProvider("a", "b", max_concurrent=1)
    asked = turnout.fallback(provider) if routed else provider

    async def lose() -> None:
        _ = await asked.stream("Why?").__aenter__()

    with pytest.warns(ResourceWarning, match="dropped half-read"):  # noqa: PT031
        await lose()
        gc.collect()
        await turns()

    assert load(provider) == (0, 0)
    assert (await provider.complete("Why?")).text == "ab"


async def test_a_slot_is_released_if_nothing_can_be_closed() -> None:
    provider = FakeProvider(GeneratorExit, max_concurrent=1)
    stream = provider.stream("Why?")
    with pytest.raises(GeneratorExit):
        await stream
    await turns()

    assert load(provider) == (0, 0)


async def test_an_attempt_that_was_closed_takes_no_slot() -> None:
    provider, waiter = FakeProvider("a"), Waiter()
    request = ChatRequest.build("Why?", model="fake-1")
    reader = AttemptReader(provider, request, Record(), waiter, math.inf)
    await reader.close()

    assert await reader.read() is None
    assert load(provider) == (0, 0)
    waiter.close()


async def test_a_route_that_fails_before_its_request_releases_no_slot() -> None:
    def stop(_: Attempt) -> None:
        raise KeyboardInterrupt

    provider = FakeProvider("a")
    turnout.observe(started=stop)
    with pytest.raises(KeyboardInterrupt):
        await turnout.fallback(provider).complete("Why?")

    assert load(provider) == (0, 0)


def test_a_stream_that_outlives_its_loop_is_dropped_without_an_error() -> None:
    provider = FakeProvider("a", "b", max_concurrent=1)
    kept: list[object] = []

    async def main() -> None:
        kept.append(await provider.stream("Why?").__aenter__())

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.close()
    with pytest.warns(ResourceWarning, match="dropped half-read"):  # noqa: PT031
        kept.clear()
        gc.collect()

    assert asyncio.run(provider.complete("Why?")).text == "ab"


async def test_c03_a_stream_that_is_cancelled_in_the_queue_sends_nothing() -> None:
    go = asyncio.Event()
    provider = FakeProvider(go, "a", max_concurrent=1)
    first, second, third = ask(provider), ask(provider), ask(provider)
    await turns()
    assert load(provider) == (1, 2)

    await cancel(second)
    assert load(provider) == (1, 1)
    go.set()
    await asyncio.gather(first, third)

    assert len(provider.requests) == 2
    assert load(provider) == (0, 0)


async def test_c03_a_stream_that_is_closed_in_the_queue_sends_nothing() -> None:
    provider = FakeProvider(asyncio.Event(), max_concurrent=1)
    first = ask(provider)
    await turns()
    stream = provider.stream("Why?")
    reading = asyncio.create_task(stream.collect())
    await turns()
    await stream.aclose()

    assert (await reading).attempts[0].outcome == "closed"
    assert load(provider) == (1, 0)
    await cancel(first)
    assert len(provider.requests) == 1


@pytest.mark.parametrize("cancelled_first", [False, True])
async def test_a_slot_that_comes_with_a_cancellation_is_passed_on(
    cancelled_first: bool,
) -> None:
    provider = FakeProvider("a", max_concurrent=1)
    gate = gate_of(provider)
    assert provider.gates.enter(asyncio.get_running_loop()) is gate
    second, third = ask(provider), ask(provider)
    await turns()
    assert load(provider) == (1, 2)

    if cancelled_first:
        second.cancel()
        gate.leave()
    else:
        gate.leave()
        second.cancel()
    with pytest.raises(asyncio.CancelledError):
        await second

    assert (await third).text == "a"
    assert load(provider) == (0, 0)


def test_cancelling_at_any_step_releases_the_slot() -> None:
    async def main(step: int) -> bool:
        provider = FakeProvider(Pause(1), "a", Pause(1), "b", max_concurrent=1)
        tasks = [ask(provider) for _ in range(3)]
        await turns(step % 20)
        await asyncio.sleep(0.5 * (step // 20))
        tasks[1].cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        assert load(provider) == (0, 0)
        assert [getattr(r, "text", None) for r in results][::2] == ["ab", "ab"]
        return isinstance(results[1], asyncio.CancelledError)

    outcomes = [run_simulated(main(step)) for step in range(200)]

    assert outcomes[0]
    assert not outcomes[-1]


def test_each_event_loop_has_slots_of_its_own_until_it_is_freed() -> None:
    provider = FakeProvider("a", max_concurrent=1)
    for _ in range(3):
        asyncio.run(provider.complete("Why?"))
        gc.collect()

    assert len(provider.gates) == 0

    with asyncio.Runner() as one, asyncio.Runner() as other:
        for runner in (one, other, one):
            assert runner.run(provider.complete("Why?")).text == "a"
        assert len(provider.gates) == 2


def test_a_loop_that_was_closed_while_a_stream_waited_is_freed() -> None:
    provider = FakeProvider(asyncio.Event(), "a", max_concurrent=1)
    loop = asyncio.new_event_loop()
    left = [loop.create_task(provider.complete("Why?")) for _ in range(2)]
    for _ in range(3):
        loop.run_until_complete(asyncio.sleep(0))
    assert provider.gates.of(loop).queued == 1
    loop.close()

    other = asyncio.new_event_loop()
    provider.gates.of(other)
    other.close()

    assert len(provider.gates) == 1
    for task in left:
        task._log_destroy_pending = False  # type: ignore[attr-defined]


def test_a_copy_of_a_provider_has_slots_of_its_own() -> None:
    provider = Lines(max_concurrent=7)
    for other in (copy.deepcopy(provider), pickle.loads(pickle.dumps(provider))):
        loop = asyncio.new_event_loop()
        assert other.gates.of(loop) is not provider.gates.of(loop)
        assert other.gates.of(loop).free == 7
        loop.close()


async def test_t09_t10_c03_a_server_has_no_more_requests_than_slots() -> None:
    go = asyncio.Event()
    script = [
        wait_request(),
        send(response_head(200, CHUNKED)),
        chunk(b"a\n"),
        until(go),
        chunk(b""),
    ]
    async with FaultServer(script, keep_alive=True) as server:
        provider = Lines(base_url=server.url, max_concurrent=2, max_queued=3)
        async with provider:
            tasks = [asyncio.create_task(provider.complete(str(i))) for i in range(5)]
            await server.wait_for(lambda: len(server.http_requests) == 2)
            with pytest.raises(UnavailableError):
                await provider.complete("too many")
            await cancel(tasks[3])
            assert load(provider) == (2, 2)
            assert len(server.http_requests) == 2
            go.set()
            await asyncio.gather(*tasks[:3], tasks[4])

        asked = {repr(request.json()) for request in server.http_requests}
        assert asked == {repr({"q": str(index)}) for index in (0, 1, 2, 4)}
        assert load(provider) == (0, 0)
