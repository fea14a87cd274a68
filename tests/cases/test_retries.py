"""Retries, health and hedges. R01 to R13 of the cases, and E01, E02, E07.

tests/core/routes check how long the waits are, by a simulated clock. Here a wait is
never too short, and no target is asked that must not be.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Sequence
from contextlib import ExitStack

import pytest

from turnout import BoundTarget, get_provider
from turnout.errors import (
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    ContentFilterError,
    FallbackError,
    FirstDeltaTimeoutError,
    InvalidRequestError,
    ModelUnavailableError,
    OverloadedError,
    PermissionDeniedError,
    QuotaExceededError,
    RateLimitError,
    ServerError,
    TurnoutError,
    UnavailableError,
)
from turnout.routes import Health, Route
from turnout.routes._target_health import TargetHealth
from turnout.testing import (
    FaultServer,
    Step,
    chunk,
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
    KEY,
    OPENAI,
    PATIENCE,
    PROMPT,
    Case,
    Service,
    come_true,
    watched,
)
from .routed import leg, routed

FAILING = respond(500, b'{"error":"no"}')

SILENT = [wait_request(), expect_close(PATIENCE)]
"""Accept the request and never answer."""

TRIED = 0.1
"""Seconds until a target that is down is first tried, where a test waits for that."""

HEDGED = 0.03
"""Seconds without a first delta after which a second target is asked."""

ROUNDING = 1e-6
"""Seconds by which the difference of two times may be too small."""

UNHEDGED = 19
"""Requests before the first one that may be hedged, since one in twenty is."""


@pytest.fixture
def quick_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the waits before retries that the target named no time for."""
    monkeypatch.setattr("turnout.routes._retries._BACKOFF", 0.05)
    monkeypatch.setattr("turnout.routes._retries._LONGEST_BACKOFF", 0.1)


@pytest.fixture
def quick_tries(monkeypatch: pytest.MonkeyPatch) -> Health:
    """Return a health that tries targets that are down after short and exact times."""
    monkeypatch.setattr("turnout.routes._target_health._FIRST_DELAY", TRIED)
    monkeypatch.setattr("turnout.routes._target_health._LONGEST_DELAY", 2.5 * TRIED)
    return Health(random=lambda: 0.5)


def health_of(health: Health, server: FaultServer) -> TargetHealth:
    """Return the health of a server's only target."""
    (found,) = [one for one in health.known() if one.scope.address == server.url]
    return found


def now() -> float:
    return asyncio.get_running_loop().time()


def asked(server: FaultServer) -> int:
    return len(server.http_requests)


def waits(server: FaultServer) -> list[float]:
    """Return the seconds between a server's requests."""
    times = sorted(request.received_at for request in server.http_requests)
    return [b - a for a, b in itertools.pairwise(times)]


def outcomes(reply: Reply) -> list[tuple[str, str]]:
    return [(attempt.target.provider, attempt.outcome) for attempt in reply.attempts]


def limited(milliseconds: int) -> list[Step]:
    """Return a script that refuses for a rate limit and says when to come again."""
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
        route: The route that is asked.
        count: How often.
        server: Where the requests come to.
        others: Requests that it has besides; fewer than none are missing there.
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


async def test_r01_a_lone_target_is_asked_again_after_waits_that_double(
    case: Case, service: Service, quick_waits: None
) -> None:
    script = [FAILING, FAILING, service.answering(HEALTHY)]
    random.seed(1)
    draws = random.random(), random.random()
    random.seed(1)
    async with routed(leg(service, *script)) as (route, (alone,)):
        reply = await route.complete(PROMPT)

    assert reply.text == HEALTHY
    assert [a.status_code for a in reply.attempts] == [500, 500, None]
    first, second = waits(alone)
    assert first >= 0.05 * draws[0] - ROUNDING
    assert second >= 0.1 * draws[1] - ROUNDING


async def test_r01_a_lone_target_is_asked_no_more_than_max_attempts(
    case: Case, service: Service, quick_waits: None
) -> None:
    async with routed(leg(service, FAILING)) as (route, (alone,)):
        error = await case.fails_through(route, FallbackError)

    assert asked(alone) == 4
    assert [type(one) for one in error.exceptions] == [ServerError] * 4


async def test_r01_with_another_target_there_is_one_quick_retry(
    case: Case, service: Service
) -> None:
    legs = leg(service, FAILING), leg(service, service.answering(HEALTHY))
    async with routed(*legs) as (route, (first, second)):
        assert await ask_often(route, 1) == [HEALTHY]

    assert (asked(first), asked(second)) == (2, 1)


# E01, E02, E07


async def test_e01_a_time_that_is_named_holds_all_requests(
    case: Case, service: Service
) -> None:
    first = leg(service, respond(429, b"{}", ("Retry-After", "1")))
    second = leg(service, service.answering(HEALTHY))
    health = Health()
    async with routed(first, second, health=health, patience=0) as (route, servers):
        primary, other = servers
        assert await ask_often(route, 1) == [HEALTHY]
        # Other routes hold it back too.
        elsewhere = Route(route.targets, health=health)
        both = route, elsewhere
        replies, errors = await gathered(*(r.complete(PROMPT) for r in both * 5))
        hold = health_of(health, primary).held(now())

    assert not errors
    assert [reply.text for reply in replies] == [HEALTHY] * 10
    assert (asked(primary), asked(other)) == (1, 11)
    (request,) = primary.http_requests
    assert hold is not None
    assert hold.reason == "RateLimitError"
    assert hold.until >= request.received_at + 1.0
    for reply in replies:
        passed_over, _ = reply.attempts
        assert isinstance(passed_over.error, UnavailableError)
        assert passed_over.error.retry_after is not None
        assert 0 < passed_over.error.retry_after <= 1.0


async def test_e01_a_lone_429_without_a_time_holds_no_other_request(
    case: Case, service: Service
) -> None:
    refusal = respond(429, b"{}")
    first = leg(service, refusal, service.answering("first"))
    second = leg(service, service.answering("second"))
    async with routed(first, second) as (route, (primary, _)):
        assert await ask_often(route, 1) == ["second"]
        replies, errors = await gathered(*(route.complete(PROMPT) for _ in range(10)))

    assert not errors
    assert [reply.text for reply in replies] == ["first"] * 10
    assert asked(primary) == 11


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
    assert wait >= 0.08 - ROUNDING


async def test_e02_a_request_waits_for_the_end_of_an_earlier_hold(
    case: Case, service: Service
) -> None:
    alone = leg(service, limited(200), service.answering(HEALTHY))
    async with routed(alone, max_attempts=1) as (route, (server,)):
        await case.fails_through(route, FallbackError)
        assert await ask_often(route, 1) == [HEALTHY]

    (wait,) = waits(server)
    assert wait >= 0.2 - ROUNDING


async def test_e07_an_hour_is_not_waited_for(case: Case, service: Service) -> None:
    script = respond(429, b"{}", ("Retry-After", "3600"))
    async with routed(leg(service, script)) as (route, (alone,)):
        error = await case.fails_through(route, FallbackError)

    assert [type(one) for one in error.exceptions] == [RateLimitError]
    assert error.retry_after == 3600
    assert asked(alone) == 1


# R02


@pytest.mark.parametrize("hinted", [False, True], ids=["500", "429"])
async def test_r02_retries_are_few_among_many_failures(
    case: Case, service: Service, hinted: bool, quick_waits: None
) -> None:
    # All of them fail together; those of a rate limit come again when all have failed.
    go = asyncio.Event()
    failure = held(go, limited(300) if hinted else FAILING)
    async with routed(leg(service, failure)) as (route, (alone,)):
        asking = await crowd(route, 200, alone)
        go.set()
        replies, errors = await gathered(*asking)

    case.raised += errors[:3]
    assert not replies
    assert len(errors) == 200
    assert {type(error) for error in errors} == {FallbackError}
    # The budget allows ten, and three at a time when it is empty.
    assert 200 <= asked(alone) <= 200 * (1 + 0.1) + 13
    # Each refusal that names a time puts the time off, and the retries with it.
    assert hinted or asked(alone) > 200


# R03, R04


async def test_r03_five_failures_in_a_row_mark_a_target_as_down(
    case: Case, service: Service
) -> None:
    legs = leg(service, FAILING), leg(service, service.answering(HEALTHY))
    async with routed(*legs, max_attempts=1) as (route, (first, second)):
        assert await ask_often(route, 5) == [HEALTHY] * 5
        reply = await route.complete(PROMPT)

    assert reply.text == HEALTHY
    assert (asked(first), asked(second)) == (5, 6)
    passed_over, complete = reply.attempts
    assert (passed_over.outcome, complete.outcome) == ("passed_over", "complete")
    assert isinstance(passed_over.error, UnavailableError)
    assert "its last 5 attempts failed" in str(passed_over.error)


@pytest.mark.parametrize(
    ("failures", "down"),
    [pytest.param(4, False, id="R04-below"), pytest.param(5, True, id="R04-half")],
)
async def test_half_of_ten_failures_mark_a_target_as_down(
    case: Case, service: Service, failures: int, down: bool
) -> None:
    well = service.answering("first")
    # Never five in a row; the tenth is a failure, or the last one was before.
    ten = [*[well] * (10 - 2 * failures), *[well, FAILING] * failures]
    first, second = leg(service, *ten, well), leg(service, service.answering("second"))
    async with routed(first, second, max_attempts=1) as (route, _):
        await ask_often(route, 10)
        reply = await route.complete(PROMPT)

    assert reply.text == ("second" if down else "first")


# A target that accepts requests and never answers.


@pytest.mark.parametrize("how", ["silence", "head", "empty"])
async def test_a_target_that_never_answers_costs_five_requests(
    case: Case, service: Service, how: str
) -> None:
    gone = expect_close(PATIENCE)
    hanging = {
        "silence": SILENT,
        "head": service.streaming(gone),
        "empty": service.streaming(chunk(service.piece("")), gone),
    }

    def impatient(url: str) -> BoundTarget:
        return service.provider(url, first_delta_timeout=0.1).target(service.model)

    legs = (impatient, [hanging[how]]), leg(service, service.answering(HEALTHY))
    async with routed(*legs) as (route, (first, second)):
        replies: list[Reply] = []
        for _ in range(10):
            answers, errors = await gathered(
                *(route.complete(PROMPT) for _ in range(5))
            )
            replies += answers
            assert not errors

    assert [reply.text for reply in replies] == [HEALTHY] * 50
    # A slow connection may leave less than five of them.
    assert asked(first) <= 5
    assert asked(second) == 50
    errors_of_first = [reply.attempts[0].error for reply in replies]
    kinds = [type(error) for error in errors_of_first]
    assert kinds == [FirstDeltaTimeoutError] * 5 + [UnavailableError] * 45


async def test_a_target_that_stops_answering_is_passed_over_before_its_timeouts(
    case: Case, service: Service
) -> None:
    # Twenty answers say how long it takes as a rule; then it accepts and is silent.
    first = leg(service, *[service.answering("first")] * 20, SILENT)
    second = leg(service, service.answering("second"))
    health = Health()
    legs = first, second
    async with routed(*legs, health=health, first_delta_timeout=60) as (route, servers):
        primary, _ = servers
        assert await ask_often(route, 20) == ["first"] * 20
        waiting = [asyncio.create_task(route.complete(PROMPT)) for _ in range(5)]
        await come_to(primary, 25)
        await come_true(lambda: health_of(health, primary).is_down(now()))
        assert await ask_often(route, 10) == ["second"] * 10
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)

    assert asked(primary) == 25


async def test_five_requests_at_once_to_a_dead_route_are_all_asked(
    case: Case, service: Service, quick_waits: None
) -> None:
    with refused_url() as one, refused_url() as other:
        targets = [service.target(url) for url in (one, other)]
        # The first ten mark both targets as down; they are asked all the same.
        async with Route(targets) as route:
            for _ in range(3):
                replies, errors = await gathered(
                    *(route.complete(PROMPT) for _ in range(5))
                )
                case.raised += errors

                assert not replies
                for error in errors:
                    assert isinstance(error, FallbackError)
                    assert any(isinstance(e, ConnectError) for e in error.exceptions)


# R05


async def test_r05_one_of_a_hundred_tries_a_target_that_is_down(
    case: Case, service: Service, quick_tries: Health
) -> None:
    go = asyncio.Event()
    probed = held(go, service.answering("first"))
    first = leg(service, *[FAILING] * 5, probed, service.answering("first"))
    second = leg(service, service.answering("second"))
    legs = first, second
    async with routed(*legs, health=quick_tries, max_attempts=1) as (route, servers):
        primary, other = servers
        assert await ask_often(route, 5) == ["second"] * 5
        health = health_of(quick_tries, primary)
        await come_true(lambda: health.is_due(now()))
        asking = await crowd(route, 100, other, others=5 - 1)
        await come_to(primary, 5 + 1)
        go.set()
        replies, errors = await gathered(*asking)

        assert not errors
        assert sorted(reply.text for reply in replies) == ["first"] + ["second"] * 99
        # Each first delta doubles the limit: two, four, eight, and it is up.
        assert health.is_down(now())
        assert await ask_often(route, 3) == ["first"] * 3
        assert not health.is_down(now())
        replies, _ = await gathered(*(route.complete(PROMPT) for _ in range(10)))

    assert [reply.text for reply in replies] == ["first"] * 10
    assert asked(other) == 5 + 99


async def test_r05_each_try_that_fails_doubles_the_time_to_the_next(
    case: Case, service: Service, quick_tries: Health
) -> None:
    legs = leg(service, FAILING), leg(service, service.answering(HEALTHY))
    async with routed(*legs, health=quick_tries, max_attempts=1) as (route, servers):
        primary, _ = servers
        while asked(primary) < 9:
            assert await ask_often(route, 1) == [HEALTHY]

    nominals = [TRIED, 2 * TRIED, 2.5 * TRIED, 2.5 * TRIED]
    for wait, nominal in zip(waits(primary)[-4:], nominals, strict=True):
        assert wait >= nominal - ROUNDING


async def test_r05_a_try_that_is_cancelled_makes_room_for_the_next(
    case: Case, service: Service, quick_tries: Health
) -> None:
    first = leg(service, *[FAILING] * 5, SILENT, service.answering("first"))
    second = leg(service, service.answering("second"))
    legs = first, second
    async with routed(*legs, health=quick_tries, max_attempts=1) as (route, servers):
        primary, _ = servers
        assert await ask_often(route, 5) == ["second"] * 5
        health = health_of(quick_tries, primary)
        await come_true(lambda: health.is_due(now()))
        await cancelled_at(6, route, primary)
        assert await ask_often(route, 1) == ["first"]

    assert asked(primary) == 7


async def cancelled_at(count: int, route: Route, server: FaultServer) -> None:
    """Ask a route, and cancel that when the server has had so many requests."""
    asking = asyncio.create_task(route.complete(PROMPT))
    await come_to(server, count)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


# R07


async def test_r07_refusals_of_the_request_say_nothing_against_the_target(
    case: Case, service: Service
) -> None:
    script = [respond(400, b"{}")] * 100
    alone = leg(service, *script, service.answering(HEALTHY))
    async with routed(alone) as (route, (server,)):
        for _ in range(100):
            with pytest.raises(FallbackError) as caught:
                await route.complete(PROMPT)
            (error,) = caught.value.exceptions
            assert isinstance(error, InvalidRequestError)
        assert await ask_often(route, 1) == [HEALTHY]

    assert asked(server) == 101


async def test_r07_filters_say_nothing_against_the_target(case: Case) -> None:
    refusal = respond(400, b'{"error":{"code":"content_filter"}}')
    alone = leg(OPENAI, *[refusal] * 100, OPENAI.answering(HEALTHY))
    async with routed(alone) as (route, (server,)):
        for _ in range(100):
            with pytest.raises(ContentFilterError):
                await route.complete(PROMPT)
        assert await ask_often(route, 1) == [HEALTHY]

    assert asked(server) == 101


async def test_r07_requests_that_are_cancelled_say_nothing_against_the_target(
    case: Case, service: Service
) -> None:
    alone = leg(service, *[SILENT] * 100, service.answering(HEALTHY))
    async with routed(alone) as (route, (server,)):
        for number in range(1, 101):
            await cancelled_at(number, route, server)
        assert await ask_often(route, 1) == [HEALTHY]


# R08


async def test_r08_targets_that_are_all_down_are_asked_a_few_requests_at_a_time(
    case: Case, service: Service
) -> None:
    go = asyncio.Event()
    broken = leg(service, *[FAILING] * 5, held(go, service.answering(HEALTHY)))
    async with routed(broken, broken, max_attempts=1) as (route, servers):
        for _ in range(5):
            await case.fails_through(route, FallbackError)
        asking = [asyncio.create_task(route.complete(PROMPT)) for _ in range(20)]
        for server in servers:
            await come_to(server, 6)
        # One at each target; the others wait for an answer, and then go too.
        go.set()
        replies, errors = await gathered(*asking)

    assert not errors
    assert [reply.text for reply in replies] == [HEALTHY] * 20
    assert sum(map(asked, servers)) == 5 + 5 + 20


async def test_r08_a_lone_target_that_is_down_is_asked_at_once(
    case: Case, service: Service
) -> None:
    alone = leg(service, *[FAILING] * 5, service.answering(HEALTHY))
    async with routed(alone, max_attempts=1) as (route, (server,)):
        for _ in range(5):
            await case.fails_through(route, FallbackError)
        assert await ask_often(route, 1) == [HEALTHY]

    assert asked(server) == 6


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AuthenticationError),
        (402, QuotaExceededError),
        (403, PermissionDeniedError),
        (404, ModelUnavailableError),
    ],
)
async def test_r08_a_target_is_not_asked_again_after_a_certain_refusal(
    case: Case, service: Service, status: int, kind: type[TurnoutError]
) -> None:
    async with routed(leg(service, respond(status, b"{}"))) as (route, (alone,)):
        refused = await case.fails_through(route, FallbackError)
        error = await case.fails_through(route, FallbackError)

    assert asked(alone) == 1
    assert [type(one) for one in refused.exceptions] == [kind]
    assert [type(one) for one in error.exceptions] == [UnavailableError]
    assert kind.__name__ in str(error)
    assert error.retry_after is not None
    # The difference of two times of the clock is rounded.
    assert 0 < error.retry_after < 300.001


async def test_r08_a_refused_key_holds_other_providers_with_it_and_no_other_key(
    case: Case, service: Service
) -> None:
    health = Health()
    alone = leg(service, respond(401, b"{}"), service.answering(HEALTHY))
    async with routed(alone, health=health) as (route, (server,)):
        await case.fails_through(route, FallbackError)
        same = Route([service.target(server.url)], health=health)
        await case.fails_through(same, FallbackError)
        assert asked(server) == 1
        other = get_provider(service.name, base_url=server.url, api_key=f"{KEY}-new")
        target = watched(other).target(service.model)
        async with Route([target], health=health) as renewed:
            assert await ask_often(renewed, 1) == [HEALTHY]


# R10, R11, R12


def other_than(service: Service) -> Service:
    # A second target of the same provider is not asked.
    return FLOWGPT if service is OPENAI else OPENAI


async def test_r10_the_faster_of_two_gives_the_answer(
    case: Case, service: Service
) -> None:
    other = other_than(service)
    first = leg(service, *[service.answering("first")] * UNHEDGED, SILENT)
    second = leg(other, other.answering(HEALTHY))
    health = Health()
    async with routed(first, second, health=health, hedge_after=HEDGED) as (
        route,
        servers,
    ):
        slow, quick = servers
        await ask_often(route, UNHEDGED)
        reply = await route.complete(PROMPT)
        await slow.connections[-1].wait_peer_closed()

    assert reply.text == HEALTHY
    assert outcomes(reply) == [(service.name, "closed"), (other.name, "complete")]
    assert (asked(slow), asked(quick)) == (UNHEDGED + 1, 1)
    # Losing a race is not a failure.
    assert health_of(health, slow).failures_in_a_row == 0
    assert health_of(health, quick).first_delta_p95 is not None


async def test_r11_what_a_service_keeps_is_not_asked_for_twice(
    case: Case, service: Service
) -> None:
    other = other_than(service)
    well = service.answering(HEALTHY)
    late = [wait_request(), sleep(0.1), *well[1:]]
    first = leg(service, *[well] * UNHEDGED, late)
    legs = first, leg(other, other.answering("other"))
    async with routed(*legs, hedge_after=HEDGED) as (route, (_, second)):
        await ask_often(route, UNHEDGED)
        reply = await route.complete(PROMPT, extra={"store": True})

    assert reply.text == HEALTHY
    assert second.connections == []


async def test_r11_a_target_that_refused_for_capacity_is_not_hedged(
    case: Case, service: Service
) -> None:
    other = other_than(service)
    well = service.answering(HEALTHY)
    late = [wait_request(), sleep(0.1), *well[1:]]
    first = leg(service, limited(0), *[well] * (1 + UNHEDGED), late)
    legs = first, leg(other, other.answering("other"))
    health = Health()
    async with routed(*legs, health=health, hedge_after=HEDGED) as (route, servers):
        primary, second = servers
        # Without the other, so that it is not asked however long this takes.
        assert await ask_often(Route(route.targets[:1], health=health), 1) == [HEALTHY]
        assert await ask_often(route, UNHEDGED + 1) == [HEALTHY] * (UNHEDGED + 1)

    assert asked(primary) == 2 + UNHEDGED + 1
    assert second.connections == []


async def test_r12_the_errors_of_both_of_two_that_fail_are_kept(
    case: Case, service: Service
) -> None:
    other = other_than(service)
    go = asyncio.Event()
    well = service.answering(HEALTHY)
    first = leg(service, *[well] * UNHEDGED, held(go, FAILING))
    second = leg(other, [*limited(1000), signal(go)])
    legs = first, second
    async with routed(*legs, hedge_after=HEDGED, max_attempts=1) as (route, servers):
        await ask_often(route, UNHEDGED)
        error = await case.fails_through(route, FallbackError)

    assert {type(one) for one in error.exceptions} == {ServerError, RateLimitError}
    assert {a.target.provider for a in error.attempts} == {service.name, other.name}
    assert [asked(server) for server in servers] == [UNHEDGED + 1, 1]


# R13


@pytest.mark.parametrize("answers", [True, False], ids=["fifth-answers", "all-fail"])
async def test_r13_every_target_is_asked_once_and_the_errors_are_in_order(
    case: Case, service: Service, answers: bool
) -> None:
    legs = [
        leg(service, FAILING),
        leg(service, respond(503, b"{}")),
        leg(service, [wait_request(), rst()]),
        leg(service, [wait_request(), fin()]),
        leg(service, service.answering(HEALTHY) if answers else respond(422, b"{}")),
    ]
    kinds = [ServerError, OverloadedError, ConnectionLostError, ConnectionLostError]
    # There are more targets than attempts: the limit is on repeats.
    async with routed(*legs, max_attempts=1) as (route, servers):
        if answers:
            attempts = (await route.complete(PROMPT)).attempts[:4]
        else:
            error = await case.fails_through(route, FallbackError)
            attempts = error.attempts[:4]
            found = [type(one) for one in error.exceptions]
            assert found == [*kinds, InvalidRequestError]
            assert error.__cause__ is error.exceptions[0]

    assert [type(attempt.error) for attempt in attempts] == kinds
    assert [attempt.outcome for attempt in attempts] == ["failed"] * 4
    assert [asked(server) for server in servers] == [1] * 5


async def test_r13_four_targets_that_cannot_be_reached_are_named(
    case: Case, service: Service
) -> None:
    with ExitStack() as stack:
        urls = [stack.enter_context(refused_url()) for _ in range(4)]
        targets = [service.provider(url).target() for url in urls]
        async with Route(targets, {"max_attempts": 1}) as route:
            error = await case.fails_through(route, FallbackError)

    assert [type(one) for one in error.exceptions] == [ConnectError] * 4
    for one, url in zip(error.exceptions, urls, strict=True):
        assert url.removeprefix("http://") in str(one)
