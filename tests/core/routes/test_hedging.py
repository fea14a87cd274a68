"""When a request is hedged, and which requests are (R10, R11)."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from turnout.errors import RateLimitError, ServerError
from turnout.routes import Health, Hold, Policy
from turnout.routes._health import Scope
from turnout.routes._hedging import HedgeShare, can_hedge, hedge_delay
from turnout.routes._policy import rule
from turnout.routes._target_health import TargetHealth
from turnout.types import ChatRequest, Message, Target, Tool

T = 1000.0


def target_health(name: str = "A", *first_deltas: float) -> TargetHealth:
    scope = Scope(provider=name, model="m")
    health = Health(random=lambda: 0.5).of(scope, Target(name, "m"), T)
    for seconds in first_deltas:
        health.succeeded(T, T - seconds)
    return health


def ask(**fields: Any) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="Hi"),), **fields)


def allowed(
    request: ChatRequest | None = None,
    *,
    first: TargetHealth | None = None,
    second: TargetHealth | None = None,
    now: float = T,
) -> bool:
    first, second = first or target_health("A"), second or target_health("B")
    return can_hedge(first, second, request or ask(), now)


def counted(requests: int) -> HedgeShare:
    share = HedgeShare()
    for _ in range(requests):
        share.asked()
    return share


def hedges_of(share: HedgeShare) -> int:
    """Hedge as often as allowed; return the number of hedges."""
    hedges = 0
    while share.allows():
        share.hedged()
        hedges += 1
    return hedges


@pytest.mark.parametrize(
    ("first_deltas", "delay"),
    [
        pytest.param([], 2.0, id="nothing is known"),
        pytest.param([9.0] * 19, 2.0, id="too little is known"),
        pytest.param([9.0] * 20, 9.0, id="enough is known"),
        pytest.param([0.5] * 20, 2.0, id="it is quick"),
        pytest.param([3.0] * 95 + [9.0] * 5, 3.0, id="one in twenty is slow"),
        pytest.param([3.0] * 94 + [9.0] * 6, 9.0, id="more are slow"),
        pytest.param([9.0] * 100 + [3.0] * 100, 3.0, id="it was slow once"),
    ],
)
def test_a_hedge_begins_later_than_most_answers_r10(
    first_deltas: list[float], delay: float
) -> None:
    health = target_health("A", *first_deltas)

    assert hedge_delay(2.0, health) == pytest.approx(delay)


def test_a_request_to_two_targets_that_are_up_is_hedged_r10() -> None:
    assert allowed()


@pytest.mark.parametrize("which", ["first", "second"])
@pytest.mark.parametrize(
    ("later", "expected"), [(0, False), (59.9, False), (60, True), (61, True)]
)
def test_a_target_that_was_limited_lately_is_not_hedged_r11(
    which: str, later: float, expected: bool
) -> None:
    limited, error = target_health("C"), RateLimitError("no")
    limited.start(T).failed(error, rule(error, Policy()), T)
    either: dict[str, Any] = {which: limited}

    assert allowed(**either, now=T + later) is expected


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_target_that_is_down_is_not_hedged_r11(which: str) -> None:
    down, error = target_health("C"), ServerError("no")
    for _ in range(5):
        down.start(T).failed(error, rule(error, Policy()), T)
    either: dict[str, Any] = {which: down}

    assert not allowed(**either)
    assert not allowed(**either, now=T + 5)


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_target_that_is_held_is_not_hedged_r11(which: str) -> None:
    held = target_health("C")
    held.hold(Hold(until=T + 1, reason="ServerError"), T)
    either: dict[str, Any] = {which: held}

    assert not allowed(**either)
    assert allowed(**either, now=T + 1)


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(ask(tools=(Tool(name="now"),)), id="tools"),
        pytest.param(ask(extra={"tools": [{}]}), id="tools in extra"),
        pytest.param(ask(extra={"store": True}), id="store"),
        pytest.param(ask(extra={"previous_response_id": "r"}), id="a previous answer"),
        pytest.param(ask(extra={"conversation": "c"}), id="a conversation"),
        pytest.param(ask(extra={"container": "c"}), id="a container"),
        pytest.param(ask(extra={"modalities": ["image"]}), id="images"),
        pytest.param(ask(extra={"audio": {"voice": "a"}}), id="speech"),
    ],
)
def test_a_request_with_side_effects_is_not_hedged_r11(
    request_: ChatRequest,
) -> None:
    assert not allowed(request_)


@pytest.mark.parametrize(
    "request_",
    [
        ask(response_format={"type": "json_object"}),
        ask(extra={"n": 2, "store": False}),
    ],
)
def test_a_request_for_another_form_may_be_hedged(
    request_: ChatRequest,
) -> None:
    assert allowed(request_)


def test_one_request_in_twenty_is_hedged_r10() -> None:
    share, hedged = HedgeShare(), list[int]()

    before = share.allows()
    for number in range(1, 501):
        share.asked()
        if share.allows():
            share.hedged()
            hedged.append(number)

    assert not before
    assert hedged == list(range(20, 501, 20))


@pytest.mark.parametrize(
    ("requests", "hedges"),
    [(1000, 50), (1001, 25), (100_000, 50)],
    ids=["at the limit", "past it", "a long time without hedges"],
)
def test_the_count_of_requests_is_halved_past_a_thousand(
    requests: int, hedges: int
) -> None:
    # 1,000 requests allow 50 hedges; 501 allow 25.
    assert hedges_of(counted(requests)) <= hedges
    assert hedges_of(counted(1001)) == 25


def test_the_count_of_hedges_is_halved_with_the_requests() -> None:
    share = counted(1000)

    for _ in range(40):
        share.hedged()
    share.asked()

    # 501 requests allow 25 hedges; 20 are counted.
    assert hedges_of(share) == 5


@pytest.mark.parametrize("seed", [20261122])
def test_the_share_is_never_exceeded_r10(seed: int) -> None:
    source, share, hedged = Random(seed), HedgeShare(), list[bool]()

    for _ in range(50_000):
        share.asked()
        wanted = source.random() < 0.5 and share.allows()
        if wanted:
            share.hedged()
        hedged.append(wanted)

    assert 0.045 * len(hedged) < sum(hedged) <= 0.05 * len(hedged)
