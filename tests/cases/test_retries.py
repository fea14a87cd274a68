"""Retries, budgets, circuits and hedges. R01 to R13 of the cases, and E01, E02, E07.

How long the waits are is a matter of arithmetic, which tests/core/routes look into by a
simulated clock. Here a wait is never too short, and nobody is asked who is not to be.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Sequence
from contextlib import ExitStack

import pytest

from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    ContentFilterError,
    FallbackError,
    InvalidRequestError,
    OverloadedError,
    RateLimitError,
    ServerError,
    TurnoutError,
    UnavailableError,
)
from turnout.routes import BreakerPolicy, HealthPolicy, Hedging, MemoryHealth, Route
from turnout.routes._health import Health
from turnout.testing import (
    FaultServer,
    Step,
    expect_close,
    fin,
    refused_url,
    respond,
    rst,
    signal,
    sleep,
    until,
    wait_request,
)
from turnout.types import Reply

from .harness import (
    FLOWGPT,
    HEALTHY,
    OPENAI,
    PATIENCE,
    PROMPT,
    Case,
    Service,
    come_true,
)
from .routed import leg, routed

FAILING = respond(500, b'{"error":"no"}')

OPEN = 0.1
"""Seconds that a circuit is open the first time, where that is waited for."""

HEDGED = Hedging(enabled=True, share=1.0, first_delay=0.03)


def quick_circuits(**breaker: float) -> MemoryHealth:
    """Return a store whose circuits are open for short and known times."""
    policy = BreakerPolicy(open_time=OPEN, open_time_jitter=0, **breaker)  # type: ignore[arg-type]
    return MemoryHealth(HealthPolicy(breaker=policy))


def health_of(store: MemoryHealth, server: FaultServer) -> Health:
    """Return the health of a server's one target."""
    (found,) = [
        health
        for scope, health in store.known()
        if scope.model and scope.origin == server.url
    ]
    return found


def now() -> float:
    return asyncio.get_running_loop().time()


def asked(server: FaultServer) -> int:
    return len(server.http_requests)


def waits(server: FaultServer) -> list[float]:
    """Return the seconds between a server's requests."""
    times = sorted(request.received_at for request in server.http_requests)
    return [b - a for a, b in itertools.pairwise(times)]


def told(reply: Reply) -> list[tuple[str, str]]:
    return [(attempt.target.provider, attempt.outcome) for attempt in reply.attempts]


def limited(milliseconds: int) -> list[Step]:
    """Return a script that is asked too much, and says when to come again."""
    return respond(429, b"{}", ("Retry-After-Ms", str(milliseconds)))


def held(go: asyncio.Event, answer: Sequence[Step]) -> list[Step]:
    """Return a script that answers when it may."""
    return [wait_request(), until(go), *answer[1:]]


async def ask_often(route: Route, times: int) -> list[str]:
    return [(await route.complete(PROMPT)).text for _ in range(times)]


async def crowd(
    route: Route, count: int, server: FaultServer, others: int = 0
) -> list[asyncio.Task[Reply]]:
    """Ask so often at the same time; return when a server has all of that.

    Args:
        route: Whom to ask.
        count: How often.
        server: Where the requests come to.
        others: Requests that it has besides; less than none are missing there.
    """
    asking: list[asyncio.Task[Reply]] = []
    # No more at once than the queue of a listening socket holds.
    for number in range(50, count + 1, 50):
        asking += [asyncio.create_task(route.complete(PROMPT)) for _ in range(50)]
        await come_to(server, number + others)
    return asking


async def come_to(server: FaultServer, count: int) -> None:
    """Wait until a server has had so many requests."""
    await server.wait_for(lambda: asked(server) == count)


async def gathered(
    *asking: Awaitable[Reply],
) -> tuple[list[Reply], list[TurnoutError]]:
    """Return the answers and the errors, of which all must be ours."""
    outcomes = await asyncio.gather(*asking, return_exceptions=True)
    replies = [one for one in outcomes if isinstance(one, Reply)]
    errors = [one for one in outcomes if isinstance(one, TurnoutError)]
    assert len(replies) + len(errors) == len(outcomes), outcomes
    return replies, errors


# R01


async def test_r01_a_lone_target_is_asked_again_twice(
    case: Case, service: Service
) -> None:
    script = [FAILING, FAILING, service.answering(HEALTHY)]
    random.seed(1)
    draws = random.random(), random.random()
    random.seed(1)
    async with routed(leg(service, *script), backoff=0.05) as (route, (alone,)):
        reply = await route.complete(PROMPT)

    assert reply.text == HEALTHY
    assert [a.status_code for a in reply.attempts] == [500, 500, None]
    first, second = waits(alone)
    # The draw's part of a wait that doubles.
    assert first >= 0.05 * draws[0] - 1e-6
    assert second >= 0.1 * draws[1] - 1e-6


async def test_r01_a_lone_target_is_asked_no_more_than_three_times(
    case: Case, service: Service
) -> None:
    async with routed(leg(service, FAILING), backoff=0.01) as (route, (alone,)):
        await case.fails_through(route, ServerError)

    assert asked(alone) == 3


async def test_r01_with_another_target_there_is_one_quick_retry(
    case: Case, service: Service
) -> None:
    legs = leg(service, FAILING), leg(service, service.answering(HEALTHY))
    async with routed(*legs, quick_retry=0.01) as (route, (first, second)):
        assert await ask_often(route, 1) == [HEALTHY]

    assert (asked(first), asked(second)) == (2, 1)


# E01, E02, E07


async def test_e01_who_is_not_waited_for_is_let_alone(
    case: Case, service: Service
) -> None:
    first = leg(service, respond(429, b"{}", ("Retry-After", "1")))
    second = leg(service, service.answering(HEALTHY))
    store = MemoryHealth()
    async with routed(first, second, store=store, patience=0) as (route, servers):
        assert await ask_often(route, 2) == [HEALTHY] * 2
        (limit,) = [h for _, h in store.known() if h.limits_in_a_row]

    primary, other = servers
    (request,) = primary.http_requests
    assert asked(other) == 2
    assert limit.not_before >= request.received_at + 1.0


@pytest.mark.parametrize("alone", [True, False], ids=["E02-alone", "E01-patience"])
async def test_a_short_while_is_waited_for_once(
    case: Case, service: Service, alone: bool
) -> None:
    first = leg(service, limited(80), service.answering("first"))
    others = [] if alone else [leg(service, service.answering("second"))]
    async with routed(first, *others) as (route, servers):
        reply = await route.complete(PROMPT)

    assert reply.text == "first"
    assert [asked(server) for server in servers] == [2, *([] if alone else [0])]
    (wait,) = waits(servers[0])
    assert wait >= 0.08


async def test_e07_an_hour_is_not_waited_for(case: Case, service: Service) -> None:
    script = respond(429, b"{}", ("Retry-After", "3600"))
    async with routed(leg(service, script)) as (route, (alone,)):
        error = await case.fails_through(route, RateLimitError)

    assert error.retry_after == 3600
    assert asked(alone) == 1


# R02


@pytest.mark.parametrize("opens", [True, False], ids=["circuit", "budget"])
async def test_r02_retries_are_few_among_many_failures(
    case: Case, service: Service, opens: bool
) -> None:
    # All of them fail together, and are told to come again when all have failed.
    go = asyncio.Event()
    failure = held(go, FAILING if opens else limited(300))
    async with routed(leg(service, failure), backoff=0.01) as (route, (alone,)):
        asking = await crowd(route, 200, alone)
        go.set()
        replies, errors = await gathered(*asking)

    case.raised += errors[:3]
    assert not replies
    assert len(errors) == 200
    assert 200 <= asked(alone) <= 200 * (1 + 0.1) + 13
    # Where no circuit opens, the budget lets some of them go.
    assert opens or asked(alone) > 200


# R03, R04


async def test_r03_five_failures_in_a_row_open_a_circuit(
    case: Case, service: Service
) -> None:
    legs = leg(service, FAILING), leg(service, service.answering(HEALTHY))
    async with routed(*legs, max_retries=0) as (route, (first, second)):
        assert await ask_often(route, 5) == [HEALTHY] * 5
        reply = await route.complete(PROMPT)

    assert reply.text == HEALTHY
    assert (asked(first), asked(second)) == (5, 6)
    passed_over, complete = reply.attempts
    assert (passed_over.outcome, complete.outcome) == ("passed_over", "complete")
    assert isinstance(passed_over.error, UnavailableError)
    assert passed_over.error.retry_after is not None
    assert 0 < passed_over.error.retry_after <= 6.0


@pytest.mark.parametrize(
    ("failures", "opens"),
    [pytest.param(4, False, id="R04-below"), pytest.param(5, True, id="R04-half")],
)
async def test_half_of_ten_failures_open_a_circuit(
    case: Case, service: Service, failures: int, opens: bool
) -> None:
    well = service.answering("first")
    # Never five in a row; the tenth is a failure, or the last one was before.
    ten = [*[well] * (10 - 2 * failures), *[well, FAILING] * failures]
    first, second = leg(service, *ten, well), leg(service, service.answering("second"))
    async with routed(first, second, max_retries=0) as (route, _):
        await ask_often(route, 10)
        reply = await route.complete(PROMPT)

    assert reply.text == ("second" if opens else "first")


# R05


async def test_r05_one_of_a_hundred_tries_a_circuit_that_was_open(
    case: Case, service: Service
) -> None:
    go = asyncio.Event()
    probed = held(go, service.answering("first"))
    first = leg(service, *[FAILING] * 5, probed, service.answering("first"))
    second = leg(service, service.answering("second"))
    store = quick_circuits()
    async with routed(first, second, store=store, max_retries=0) as (route, servers):
        primary, other = servers
        assert await ask_often(route, 5) == ["second"] * 5
        circuit = health_of(store, primary).breaker
        await come_true(lambda: circuit.state(now()) == "half_open")
        asking = await crowd(route, 100, other, others=5 - 1)
        await come_to(primary, 5 + 1)
        go.set()
        replies, errors = await gathered(*asking)

        assert not errors
        assert sorted(reply.text for reply in replies) == ["first"] + ["second"] * 99
        assert circuit.state(now()) == "half_open"
        # The second success closes it.
        assert await ask_often(route, 1) == ["first"]
        assert circuit.state(now()) == "closed"
        replies, _ = await gathered(*(route.complete(PROMPT) for _ in range(10)))

    assert [reply.text for reply in replies] == ["first"] * 10
    assert asked(other) == 5 + 99


async def test_r05_each_time_that_a_probe_fails_doubles_the_open_time(
    case: Case, service: Service
) -> None:
    store = quick_circuits(longest_open_time=2.5 * OPEN)
    failing = leg(service, FAILING)
    async with routed(failing, store=store, max_retries=0) as (route, (alone,)):
        for _ in range(4):
            await case.fails_through(route, ServerError)
        # Whoever asks next waits for the circuit, as there is nobody else.
        for nominal in (OPEN, 2 * OPEN, 2.5 * OPEN):
            await case.fails_through(route, ServerError)
            received_at = alone.http_requests[-1].received_at
            opened_at = health_of(store, alone).next_at(received_at) - nominal
            assert received_at <= opened_at + 1e-6 <= now() + 2e-6
        await case.fails_through(route, ServerError)

    nominals = [OPEN, 2 * OPEN, 2.5 * OPEN]
    for wait, nominal in zip(waits(alone)[-3:], nominals, strict=True):
        assert wait >= nominal


async def test_r05_a_probe_that_is_cancelled_makes_room_for_the_next(
    case: Case, service: Service
) -> None:
    probed = [wait_request(), expect_close(PATIENCE)]
    scripts = [*[FAILING] * 5, probed, service.answering(HEALTHY)]
    store = quick_circuits()
    alone = leg(service, *scripts)
    async with routed(alone, store=store, max_retries=0) as (route, (server,)):
        for _ in range(5):
            await case.fails_through(route, ServerError)
        await cancelled_at(6, route, server)
        assert await ask_often(route, 1) == [HEALTHY]

    assert asked(server) == 7


async def cancelled_at(count: int, route: Route, server: FaultServer) -> None:
    """Ask a route, and cancel that when the server has had so many requests."""
    asking = asyncio.create_task(route.complete(PROMPT))
    await come_to(server, count)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


# R07


async def test_r07_what_the_request_is_to_blame_for_opens_no_circuit(
    case: Case, service: Service
) -> None:
    script = [respond(400, b"{}")] * 100
    alone = leg(service, *script, service.answering(HEALTHY))
    async with routed(alone) as (route, (server,)):
        for _ in range(100):
            with pytest.raises(InvalidRequestError):
                await route.complete(PROMPT)
        assert await ask_often(route, 1) == [HEALTHY]

    assert asked(server) == 101


async def test_r07_filters_open_no_circuit(case: Case) -> None:
    refusal = respond(400, b'{"error":{"code":"content_filter"}}')
    alone = leg(OPENAI, *[refusal] * 100, OPENAI.answering(HEALTHY))
    async with routed(alone) as (route, (server,)):
        for _ in range(100):
            with pytest.raises(ContentFilterError):
                await route.complete(PROMPT)
        assert await ask_often(route, 1) == [HEALTHY]

    assert asked(server) == 101


async def test_r07_requests_that_are_cancelled_open_no_circuit(
    case: Case, service: Service
) -> None:
    silent = [wait_request(), expect_close(PATIENCE)]
    alone = leg(service, *[silent] * 100, service.answering(HEALTHY))
    async with routed(alone) as (route, (server,)):
        for number in range(1, 101):
            await cancelled_at(number, route, server)
        assert await ask_often(route, 1) == [HEALTHY]


# R08


async def test_r08_where_all_circuits_are_open_one_request_tries(
    case: Case, service: Service
) -> None:
    go = asyncio.Event()
    broken = leg(service, *[FAILING] * 5, held(go, service.answering(HEALTHY)))
    legs = broken, broken
    async with routed(*legs, max_retries=0, last_wait=0) as (route, servers):
        for _ in range(5):
            await case.fails_through(route, FallbackError)
        asking = [asyncio.create_task(route.complete(PROMPT)) for _ in range(20)]
        waiting = set(asking)
        while len(waiting) > 1:
            _, waiting = await asyncio.wait(
                waiting, return_when=asyncio.FIRST_COMPLETED
            )
        go.set()
        replies, errors = await gathered(*asking)

    assert sum(map(asked, servers)) == 5 + 5 + 1
    assert [reply.text for reply in replies] == [HEALTHY]
    case.raised += errors
    for error in errors:
        assert isinstance(error, FallbackError)
        assert {type(one) for one in error.exceptions} == {UnavailableError}
        assert error.retry_after is not None
        assert 0 < error.retry_after <= 6.0


async def test_r08_a_circuit_that_is_open_for_a_short_while_is_waited_for(
    case: Case, service: Service
) -> None:
    broken = leg(service, *[FAILING] * 5, service.answering(HEALTHY))
    store = quick_circuits()
    async with routed(broken, broken, store=store, max_retries=0) as (route, servers):
        for _ in range(5):
            await case.fails_through(route, FallbackError)
        assert await ask_often(route, 1) == [HEALTHY]

    (tried,) = [server for server in servers if asked(server) == 6]
    assert waits(tried)[-1] >= OPEN


async def test_r08_a_refused_key_is_not_tried_in_spite_of_all(
    case: Case, service: Service
) -> None:
    async with routed(leg(service, respond(401, b"{}"))) as (route, (alone,)):
        await case.fails_through(route, AuthenticationError)
        error = await case.fails_through(route, UnavailableError)

    assert asked(alone) == 1
    assert "AuthenticationError" in str(error)


# R10, R11, R12


def other_than(service: Service) -> Service:
    # A second target of the same provider is not asked.
    return FLOWGPT if service is OPENAI else OPENAI


async def test_r10_the_faster_of_two_gives_the_answer(
    case: Case, service: Service
) -> None:
    other = other_than(service)
    silent = leg(service, [wait_request(), expect_close(PATIENCE)])
    fast = leg(other, other.answering(HEALTHY))
    store = MemoryHealth()
    async with routed(silent, fast, store=store, hedging=HEDGED) as (route, servers):
        reply = await route.complete(PROMPT)
        slow, quick = servers
        await slow.connections[0].wait_peer_closed()

    assert reply.text == HEALTHY
    assert told(reply) == [(service.name, "closed"), (other.name, "complete")]
    assert (asked(slow), asked(quick)) == (1, 1)
    one, two = health_of(store, slow), health_of(store, quick)
    assert (one.successes, one.failures) == (0, 0)
    assert (two.successes, two.failures) == (1, 0)


async def test_r11_what_a_service_keeps_is_not_asked_for_twice(
    case: Case, service: Service
) -> None:
    other = other_than(service)
    late = [wait_request(), sleep(0.1), *service.answering(HEALTHY)[1:]]
    legs = leg(service, late), leg(other, other.answering("other"))
    async with routed(*legs, hedging=HEDGED) as (route, (_, second)):
        reply = await route.complete(PROMPT, extra={"store": True})

    assert reply.text == HEALTHY
    assert second.connections == []


async def test_r11_a_target_that_had_too_much_to_do_is_not_helped_out(
    case: Case, service: Service
) -> None:
    other = other_than(service)
    well = service.answering(HEALTHY)
    late = [wait_request(), sleep(0.1), *well[1:]]
    legs = leg(service, limited(0), well, late), leg(other, other.answering("other"))
    store = MemoryHealth()
    async with routed(*legs, store=store, hedging=HEDGED) as (route, (first, second)):
        # Without the other, so that it is not asked however long this takes.
        assert await ask_often(Route(route.targets[:1], health=store), 1) == [HEALTHY]
        assert await ask_often(route, 1) == [HEALTHY]

    assert asked(first) == 3
    assert second.connections == []


async def test_r12_both_of_two_that_fail_are_told(case: Case, service: Service) -> None:
    other = other_than(service)
    go = asyncio.Event()
    first = leg(service, held(go, FAILING))
    second = leg(other, [*limited(1000), signal(go)])
    legs = [first, second]
    async with routed(*legs, hedging=HEDGED, max_retries=0) as (route, servers):
        error = await case.fails_through(route, FallbackError)

    assert {type(one) for one in error.exceptions} == {ServerError, RateLimitError}
    assert {a.target.provider for a in error.attempts} == {service.name, other.name}
    assert [asked(server) for server in servers] == [1, 1]


# R13


async def test_r13_four_failing_targets_are_told_in_order(
    case: Case, service: Service
) -> None:
    legs = [
        leg(service, FAILING),
        leg(service, respond(503, b"{}")),
        leg(service, [wait_request(), rst()]),
        leg(service, [wait_request(), fin()]),
        leg(service, service.answering("never")),
    ]
    async with routed(*legs, max_retries=0) as (route, servers):
        error = await case.fails_through(route, FallbackError)

    kinds = [ServerError, OverloadedError, ConnectionLostError, ConnectionLostError]
    assert [type(one) for one in error.exceptions] == kinds
    assert error.__cause__ is error.exceptions[0]
    assert [a.outcome for a in error.attempts] == ["failed"] * 4
    assert [asked(server) for server in servers] == [1, 1, 1, 1, 0]


async def test_r13_four_targets_that_cannot_be_reached_are_told(
    case: Case, service: Service
) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(refused_url()) for _ in range(4)]
        targets = [service.provider(url).target() for url in urls]
        async with Route(targets, {"max_retries": 0}) as route:
            error = await case.fails_through(route, FallbackError)

    assert [type(one) for one in error.exceptions] == [ConnectError] * 4
    for one, url in zip(error.exceptions, urls, strict=True):
        assert url.removeprefix("http://") in str(one)
