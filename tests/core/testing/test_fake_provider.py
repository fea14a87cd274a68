from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import fields
from typing import Any

import pytest

import turnout
from tests.core.scripted import saying
from turnout.errors import (
    ArgumentError,
    ConfigError,
    PluginError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    UnknownModelError,
    UnsupportedError,
)
from turnout.testing import FakeProvider, Pause, reset_health, run_simulated
from turnout.types import (
    Capabilities,
    ChatRequest,
    Finish,
    ModelInfo,
    ReasoningDelta,
    ToolCall,
    ToolCallDelta,
    Usage,
)


async def test_the_pieces_come_one_by_one() -> None:
    fake = FakeProvider("Hello", ", ", "world")

    assert [text async for text in fake.stream("Hi")] == ["Hello", ", ", "world"]


async def test_one_answer_is_given_to_every_request() -> None:
    fake = FakeProvider("Hello")

    replies = [await fake.complete(question) for question in ("a", "b")]

    assert [reply.text for reply in replies] == ["Hello", "Hello"]
    assert [request.last_user_text for request in fake.requests] == ["a", "b"]


async def test_an_answer_ends_as_a_good_one_does() -> None:
    assert (await FakeProvider("a").complete("?")).finish_reason == "stop"
    empty = await FakeProvider().complete("?", allow_empty=True)
    assert empty.finish_reason == "stop"


async def test_an_answer_that_calls_a_tool_says_so() -> None:
    call = ToolCallDelta(index=0, id="1", name="now", arguments="{}")

    reply = await FakeProvider(["Wait. ", call]).complete("?")

    assert reply.finish_reason == "tool_calls"
    assert reply.tool_calls == (ToolCall(id="1", name="now", arguments="{}"),)


async def test_events_are_given_as_they_are() -> None:
    usage, finish = Usage(input_tokens=1), Finish(reason="length")
    fake = FakeProvider(ReasoningDelta(text="Hm."), "a", usage, finish)

    events = [event async for event in fake.stream("?").events()]

    assert events == [ReasoningDelta(text="Hm."), "a", usage, finish]


async def test_an_exception_is_raised_in_its_place() -> None:
    error = StreamTruncatedError("cut")

    with pytest.raises(StreamTruncatedError) as caught:
        await FakeProvider("a", error, "b").complete("?")

    assert caught.value is error
    assert error.reply is not None
    assert error.reply.text == "a"


async def test_an_exception_may_be_given_as_its_class() -> None:
    with pytest.raises(RateLimitError):
        await FakeProvider(RateLimitError).complete("?")


async def test_answers_are_given_in_turn() -> None:
    fake = FakeProvider(answers=["one", ["tw", "o"], ServerError("no"), lambda _: "4"])

    assert (await fake.complete("?")).text == "one"
    assert (await fake.complete("?")).text == "two"
    with pytest.raises(ServerError):
        await fake.complete("?")
    assert (await fake.complete("?")).text == "4"


async def test_a_request_after_the_last_answer_is_an_error() -> None:
    fake = FakeProvider(answers=["one"], name="Parrot")
    await fake.complete("?")

    with pytest.raises(PluginError, match="'Parrot' got request 2 and has 1 answers"):
        await fake.complete("?")


def echo(request: ChatRequest) -> str:
    return f"You said {request.last_user_text!r}."


def spelt(request: ChatRequest) -> Iterator[str]:
    yield from request.last_user_text


def batched(request: ChatRequest) -> list[str | list[str]]:
    return [request.last_user_text[:1], [request.last_user_text[1:]]]


async def spelt_slowly(request: ChatRequest) -> AsyncGenerator[str, None]:
    for letter in request.last_user_text:
        await asyncio.sleep(0)
        yield letter


@pytest.mark.parametrize(
    ("function", "pieces"),
    [
        pytest.param(echo, ["You said 'Hi'."], id="text"),
        pytest.param(spelt, ["H", "i"], id="generator"),
        pytest.param(spelt_slowly, ["H", "i"], id="async-generator"),
        pytest.param(batched, ["H", "i"], id="list"),
    ],
)
async def test_a_function_makes_the_answer(function: Any, pieces: list[str]) -> None:
    fake = FakeProvider(function)

    assert [text async for text in fake.stream("Hi")] == pieces


async def test_an_async_generator_may_be_an_answer() -> None:
    request = ChatRequest.build("abc")
    fake = FakeProvider(answers=[spelt_slowly(request)])

    assert (await fake.complete("?")).text == "abc"


def test_a_pause_takes_its_time() -> None:
    async def main() -> float:
        await FakeProvider("a", Pause(30), "b").complete("?")
        return asyncio.get_running_loop().time()

    assert run_simulated(main()) == pytest.approx(30)


async def test_an_event_is_waited_for() -> None:
    go = asyncio.Event()
    async with FakeProvider("a", go, "b").stream("?") as stream:
        texts = aiter(stream)
        assert await anext(texts) == "a"
        rest = asyncio.ensure_future(anext(texts))
        await asyncio.sleep(0)
        assert not rest.done()
        go.set()
        assert await rest == "b"


async def test_a_fake_takes_part_in_a_route() -> None:
    first = FakeProvider(RateLimitError("later"), name="First")
    second = FakeProvider("Hello", name="Second")

    reply = await turnout.fallback(first, second).complete("Hi")

    assert reply.text == "Hello"
    assert str(reply.target) == "Second:fake-1"
    assert [attempt.outcome for attempt in reply.attempts] == ["failed", "complete"]
    assert len(first.requests) == len(second.requests) == 1


async def test_any_model_is_served_unless_some_are_named() -> None:
    fake = FakeProvider("a")
    await fake.complete("?", model="gpt-4o")
    await fake.complete("?")

    assert [request.model for request in fake.requests] == ["gpt-4o", "fake-1"]
    with pytest.raises(UnknownModelError):
        FakeProvider(models=["one", ModelInfo(name="two")]).target("x")


async def test_everything_can_be_asked_unless_it_is_said() -> None:
    fake = FakeProvider("a")
    capabilities = fake.info.capabilities

    assert all(getattr(capabilities, field.name) for field in fields(Capabilities))
    with pytest.raises(UnsupportedError):
        await FakeProvider(capabilities=Capabilities()).complete("?", temperature=1.0)


def test_options_are_those_of_a_provider() -> None:
    assert FakeProvider(first_delta_timeout=3.0).options.first_delta_timeout == 3.0
    with pytest.raises(ConfigError):
        FakeProvider(frist_delta_timeout=3.0)


@pytest.mark.parametrize(
    ("item", "named"),
    [
        pytest.param(7, "a int", id="number"),
        pytest.param(Finish, "the class Finish", id="class"),
        pytest.param({"text": "a"}, "a dict", id="dict"),
    ],
)
async def test_an_invalid_item_of_an_answer_is_refused(item: Any, named: str) -> None:
    with pytest.raises(ArgumentError, match=f"^{named} cannot be part of an answer"):
        FakeProvider("a", item)
    with pytest.raises(ArgumentError, match=f"^{named} cannot be part of an answer"):
        await FakeProvider(lambda _: ["a", item]).complete("?")


async def test_a_coroutine_function_is_refused() -> None:
    async def answer(_: ChatRequest) -> str:
        raise NotImplementedError

    function: Any = answer
    with pytest.raises(ArgumentError, match="a coroutine cannot be"):
        await FakeProvider(function).complete("?")


def test_items_and_answers_together_are_refused() -> None:
    with pytest.raises(ArgumentError, match="either items or answers"):
        FakeProvider("a", answers=["b"])


async def test_a_fake_that_failed_does_not_change_how_the_next_is_asked() -> None:
    async def answer(*items: Any) -> str:
        second = FakeProvider("second", name="Other")
        return (await turnout.fallback(FakeProvider(*items), second).complete("Q")).text

    assert await answer(turnout.AuthenticationError("no")) == "second"
    assert await answer("first") == "first"


async def test_the_health_of_all_other_providers_can_be_reset() -> None:
    first = saying(turnout.AuthenticationError("no", status_code=401))
    route = turnout.fallback(first, FakeProvider("second"))
    for outcome in ("failed", "passed_over"):
        assert (await route.complete("Q")).attempts[0].outcome == outcome

    reset_health()

    assert turnout.health() == ()
    assert (await route.complete("Q")).attempts[0].outcome == "failed"
