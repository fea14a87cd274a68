"""What an answer cost, by the real prices, or that this is not known."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from turnout.errors import (
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    UnsupportedError,
)
from turnout.provider import Provider
from turnout.routes import Route
from turnout.types import (
    Attempt,
    Capabilities,
    Finish,
    ProviderInfo,
    Reply,
    Target,
    Usage,
)
from turnout.types._cost import _prices  # pyright: ignore[reportPrivateUsage]

from ..scripted import Scripted, saying

# A million tokens of each make the cost the sum of two listed prices.
MILLION = Usage(input_tokens=1_000_000, output_tokens=1_000_000)
GPT_4 = Decimal(30 + 60)


class Word(BaseModel):
    word: str


def priced(
    *items: object,
    model: str = "gpt-4",
    prices_id: str | None = "openai",
    name: str = "Priced",
    **options: Any,
) -> Scripted:
    """Return a provider that gives items, whose tokens have prices."""
    info = ProviderInfo(
        name=name,
        models=(model,),
        prices_id=prices_id,
        options={"base_url": "https://own.example/v1"},
        capabilities=Capabilities(response_format=True),
    )
    return Scripted(saying(*items).generate, info=info, **options)


async def cost_of(*items: object, **fields: Any) -> Decimal | None:
    return (await priced(*items, **fields).complete("Hi")).cost


def route_of(*providers: Provider) -> Route:
    return Route([provider.target() for provider in providers])


@pytest.fixture
def looked_up_anew() -> Iterator[None]:
    _prices.cache_clear()
    yield
    _prices.cache_clear()


async def test_tokens_cost_what_the_provider_lists() -> None:
    assert await cost_of("Hi", MILLION) == GPT_4


async def test_tokens_that_were_at_hand_cost_less() -> None:
    usage = Usage(input_tokens=100, cached_tokens=20, output_tokens=10)

    cost = await cost_of("Hi", usage, model="gpt-4o-mini")

    per_million = 80 * Decimal("0.15") + 20 * Decimal("0.075") + 10 * Decimal("0.6")
    assert cost == per_million / 1_000_000


async def test_tokens_that_were_kept_for_later_cost_more() -> None:
    usage = Usage(
        input_tokens=10, output_tokens=10, cached_tokens=0, cache_write_tokens=10
    )
    fields = {"model": "claude-3-haiku-20240307", "prices_id": "anthropic"}

    cost = await cost_of("Hi", usage, **fields)

    assert cost == (10 * Decimal("0.3") + 10 * Decimal("1.25")) / 1_000_000
    unsaid = Usage(input_tokens=10, output_tokens=10, cached_tokens=0)
    assert await cost_of("Hi", unsaid, **fields) is None


@pytest.mark.parametrize(
    ("items", "fields"),
    [
        pytest.param(["Hi"], {}, id="the provider says no usage"),
        pytest.param(["Hi", Usage(input_tokens=1)], {}, id="half of it"),
        pytest.param(["Hi", Usage(output_tokens=1)], {}, id="the other half"),
        pytest.param(["Hi", MILLION], {"prices_id": None}, id="it has no prices"),
        pytest.param(["Hi", MILLION], {"prices_id": "acme"}, id="they are not known"),
        pytest.param(["Hi", MILLION], {"model": "gpt-99"}, id="the model's are not"),
        pytest.param(
            ["Hi", MILLION], {"base_url": "https://other.example"}, id="another address"
        ),
        pytest.param(
            ["Hi", MILLION], {"model": "gpt-4o-mini"}, id="what was at hand is not said"
        ),
        pytest.param(
            ["Hi", Usage(input_tokens=1, cached_tokens=2, output_tokens=1)],
            {"model": "gpt-4o-mini"},
            id="more at hand than there was",
        ),
        pytest.param(
            ["Hi", MILLION, Finish(reason="stop", details={"service_tier": "flex"})],
            {},
            id="another tier",
        ),
    ],
)
async def test_what_is_not_known_is_never_guessed(
    items: list[object], fields: dict[str, Any]
) -> None:
    assert await cost_of(*items, **fields) is None


async def test_the_standard_tier_has_the_listed_prices() -> None:
    finish = Finish(reason="stop", details={"service_tier": "default"})

    assert await cost_of("Hi", MILLION, finish) == GPT_4


@pytest.mark.parametrize(
    ("answered", "cost"),
    [
        ("gpt-4", GPT_4),
        ("gpt-4-0613", GPT_4),
        ("a-name-of-its-own", GPT_4),
        (None, GPT_4),
        ("gpt-3.5-turbo", None),
    ],
)
async def test_what_another_model_answered_has_not_the_prices_of_the_one_asked(
    answered: str | None, cost: Decimal | None
) -> None:
    finish = Finish(reason="stop", details={"model": answered})

    assert await cost_of("Hi", MILLION, finish) == cost


async def test_an_estimate_is_no_cost() -> None:
    usage = Usage(input_tokens=1, output_tokens=1, estimated=True)
    attempt = Attempt(
        target=Target("A", "gpt-4"),
        outcome="failed",
        usage=usage,
        prices_id="openai",
    )

    assert Reply(attempts=(attempt,)).cost is None
    assert Reply().cost is None


async def test_attempts_are_summed_each_at_its_own_prices() -> None:
    first = priced('{"wrd": 1}', MILLION, name="A")
    second = priced('{"word": "hi"}', MILLION, name="B", model="gpt-3.5-turbo-0125")
    reply = await route_of(first, second).complete("Hi", response_format=Word)

    assert [attempt.outcome for attempt in reply.attempts] == ["failed", "complete"]
    assert reply.cost == GPT_4 + Decimal("0.5") + Decimal("1.5")


@pytest.mark.parametrize("error", [RateLimitError("no"), UnsupportedError("no")])
async def test_a_refused_attempt_costs_nothing(error: Exception) -> None:
    refusing = priced(error, name="A", prices_id=None)
    reply = await route_of(refusing, priced("Hi", MILLION, name="B")).complete("Hi")

    assert reply.cost == GPT_4


@pytest.mark.parametrize("error", [ServerError("no"), StreamTruncatedError("cut")])
async def test_an_attempt_that_may_have_cost_something_makes_it_unknown(
    error: Exception,
) -> None:
    failing = priced("Half", error, name="A")
    reply = await route_of(failing, priced("Hi", MILLION, name="B")).complete("Hi")

    assert reply.attempts[-1].outcome == "complete"
    assert reply.cost is None


@pytest.mark.usefixtures("looked_up_anew")
async def test_without_the_extra_no_cost_is_known_and_that_is_told_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)

    with caplog.at_level(logging.WARNING, "turnout"):
        costs = [await cost_of("Hi", MILLION) for _ in range(3)]

    assert costs == [None, None, None]
    (record,) = caplog.records
    assert record.name == "turnout"
    assert "pip install 'turnout[prices]'" in record.getMessage()


REPORTED = Usage(input_tokens=5, output_tokens=5, cost=Decimal("0.25"))


@pytest.mark.parametrize(
    "details",
    [{}, {"service_tier": "flex"}, {"model": "gpt-4o"}],
    ids=["alone", "of another tier", "of another model"],
)
async def test_a_cost_that_the_service_reports_is_used_as_it_is(
    details: dict[str, object],
) -> None:
    end = Finish(reason="stop", details=details)

    for prices_id in ("openai", None):
        provider = priced("a", REPORTED, end, prices_id=prices_id)
        assert (await provider.complete("Why?")).cost == Decimal("0.25")


async def test_a_reported_cost_is_added_to_one_that_is_calculated() -> None:
    first = priced("One", MILLION, RateLimitError("no"), name="A")
    second = priced("One, two", REPORTED, name="B")

    reply = await Route([first.target(), second.target()]).complete("Count.")

    assert reply.usage is not None
    assert reply.usage.cost == Decimal("0.25")
    assert reply.cost == GPT_4 + Decimal("0.25")


def test_the_prices_are_loaded_when_a_cost_is_asked_for() -> None:
    program = """
import asyncio, sys
from turnout.testing import FakeProvider

reply = asyncio.run(FakeProvider("Hi").complete("Hi"))
assert reply.cost is None
assert "genai_prices" not in sys.modules, "no attempt of it has prices"
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_attempt_shows_no_prices() -> None:
    one = Attempt(target=Target("A", "m"), outcome="complete", prices_id="openai")

    assert "prices_id" not in repr(one)
    assert one == Attempt(target=Target("A", "m"), outcome="complete")
