"""When a second target is asked too (R10, R11)."""

from __future__ import annotations

import math
from random import Random
from typing import Any

import pytest

from turnout.routes._health import Health, HealthPolicy, Scope
from turnout.routes._hedging import HedgeShare, Hedging
from turnout.types import ChatRequest, Message, Tool

T = 1000.0
ON = Hedging(enabled=True)


def middle() -> float:
    return 0.5


def health(provider: str = "A", *first_deltas: float) -> Health:
    made = Health(Scope(provider=provider, model="m"), HealthPolicy(), middle)
    for seconds in first_deltas:
        permit = made.start(T)
        assert permit is not None
        made.succeeded(permit, T, seconds)
    return made


def ask(**fields: Any) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="Hi"),), **fields)


def plenty() -> HedgeShare:
    share = HedgeShare(0.05, 1000)
    for _ in range(100):
        share.asked()
    return share


def allowed(
    request: ChatRequest | None = None,
    *,
    rule: Hedging = ON,
    first: Health | None = None,
    second: Health | None = None,
    share: HedgeShare | None = None,
    now: float = T,
) -> bool:
    return rule.allowed(
        first or health("A"),
        second or health("B"),
        request or ask(),
        share or plenty(),
        now,
    )


def test_the_numbers_are_those_that_are_documented() -> None:
    assert Hedging() == Hedging(
        enabled=False,
        least_delay=1.0,
        first_delay=2.0,
        least_samples=20,
        calm=60.0,
        share=0.05,
        recent=1000,
    )


@pytest.mark.parametrize("name", ["least_delay", "first_delay", "calm"])
@pytest.mark.parametrize("value", [0, math.nan, math.inf])
def test_a_span_is_more_than_none(name: str, value: float) -> None:
    fields: dict[str, Any] = {name: value}
    with pytest.raises(ValueError, match=f"{name} is in seconds"):
        Hedging(**fields)


@pytest.mark.parametrize("name", ["least_samples", "recent"])
def test_a_number_is_one_at_least(name: str) -> None:
    fields: dict[str, Any] = {name: 0}
    with pytest.raises(ValueError, match=f"{name} is at least 1"):
        Hedging(**fields)
    fields[name] = 1
    assert getattr(Hedging(**fields), name) == 1


@pytest.mark.parametrize("value", [0, 1.01, math.nan])
def test_a_share_is_some_and_no_more_than_all(value: float) -> None:
    with pytest.raises(ValueError, match="share is a share"):
        Hedging(share=value)
    assert Hedging(share=1).share == 1


@pytest.mark.parametrize(
    ("first_deltas", "delay"),
    [
        pytest.param([], 2.0, id="nothing is known"),
        pytest.param([9.0] * 19, 2.0, id="too little is known"),
        pytest.param([9.0] * 20, 9.0, id="enough is known"),
        pytest.param([0.5] * 20, 1.0, id="it is quick"),
        pytest.param([1.5] * 95 + [9.0] * 5, 1.5, id="one in twenty is slow"),
        pytest.param([1.5] * 94 + [9.0] * 6, 9.0, id="more are slow"),
        pytest.param([9.0] * 100 + [3.0] * 100, 3.0, id="it was slow once"),
    ],
)
def test_a_second_target_is_asked_later_than_most_answers_begin_r10(
    first_deltas: list[float], delay: float
) -> None:
    assert ON.delay(health("A", *first_deltas)) == delay


def test_a_slow_target_may_be_overtaken_r10() -> None:
    assert allowed()


def test_nothing_is_hedged_unless_it_is_said_r10() -> None:
    assert not allowed(rule=Hedging())


def test_no_second_target_of_the_same_provider_is_asked_r10() -> None:
    assert not allowed(second=health("A"))


@pytest.mark.parametrize("which", ["first", "second"])
@pytest.mark.parametrize(
    ("later", "expected"), [(0, False), (59.9, False), (60, True), (61, True)]
)
def test_a_target_that_was_limited_lately_is_left_alone_r11(
    which: str, later: float, expected: bool
) -> None:
    limited = health("C")
    limited.limited(T)
    either: dict[str, Any] = {which: limited}

    assert allowed(**either, now=T + later) is expected


@pytest.mark.parametrize("which", ["first", "second"])
def test_a_target_that_is_not_well_is_left_alone_r11(which: str) -> None:
    opened, cooling = health("C"), health("C")
    for _ in range(5):
        permit = opened.start(T)
        assert permit is not None
        opened.failed(permit, T)
    cooling.cool(T + 1, "refused")

    for unwell in (opened, cooling):
        either: dict[str, Any] = {which: unwell}
        assert not allowed(**either)
    half_open: dict[str, Any] = {which: opened}
    assert not allowed(**half_open, now=T + 5)
    cooled: dict[str, Any] = {which: cooling}
    assert allowed(**cooled, now=T + 1)


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
def test_what_does_more_than_answer_is_not_asked_twice_r11(
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
def test_a_form_may_be_asked_for_twice(request_: ChatRequest) -> None:
    assert allowed(request_)


def test_one_request_in_twenty_is_hedged_r10() -> None:
    share = ON.counted()
    hedged: list[int] = []
    assert not share.allows()
    for number in range(1, 501):
        share.asked()
        if share.allows():
            share.hedged()
            hedged.append(number)

    assert hedged == list(range(20, 501, 20))
    assert not allowed(share=share)


def test_a_long_time_without_hedges_does_not_allow_many_at_once_r10() -> None:
    share = HedgeShare(0.05, 100)
    for _ in range(100_000):
        share.asked()
    hedges = 0
    while share.allows():
        share.hedged()
        hedges += 1

    assert hedges <= 5


@pytest.mark.parametrize(
    ("requests", "first"), [(100, 5), (101, 2)], ids=["at the limit", "past it"]
)
def test_counts_are_halved_past_the_limit(requests: int, first: int) -> None:
    share = HedgeShare(0.05, 100)
    for _ in range(requests):
        share.asked()
    hedges = 0
    while share.allows():
        share.hedged()
        hedges += 1

    # A hundred requests allow five hedges; fifty and one allow two.
    assert hedges == first


def test_hedges_are_halved_with_the_requests() -> None:
    share = HedgeShare(0.5, 10)
    for _ in range(10):
        share.asked()
    for _ in range(4):
        share.hedged()
    share.asked()  # Six requests, and two hedges of which there may be three.
    assert share.allows()

    share.hedged()
    assert not share.allows()


@pytest.mark.parametrize("seed", [20261122])
def test_the_share_is_never_exceeded_r10(seed: int) -> None:
    source = Random(seed)
    share = HedgeShare(0.05, 1000)
    window: list[bool] = []
    for _ in range(50_000):
        share.asked()
        wanted = source.random() < 0.5 and share.allows()
        if wanted:
            share.hedged()
        window.append(wanted)

    assert sum(window) <= 0.05 * len(window)
    assert sum(window) > 0.045 * len(window)
