"""The options of a single target of a route."""

from __future__ import annotations

import copy
import pickle
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import asdict
from typing import Any, cast

import pytest
from pydantic import BaseModel

import turnout
from turnout._target_options import layered
from turnout.errors import (
    ArgumentError,
    ServerError,
    StreamBrokenError,
    StreamTruncatedError,
    UnsupportedError,
)
from turnout.provider import BoundTarget
from turnout.routes import Route
from turnout.testing import FakeProvider, FaultServer, respond
from turnout.types import (
    Capabilities,
    ChatRequest,
    NativeTool,
    TargetOptions,
    merged,
)

from ..scripted import Lines


class City(BaseModel):
    name: str


class Town(BaseModel):
    name: str


def fake(*items: Any, name: str = "A", **options: Any) -> FakeProvider:
    return FakeProvider(*(items or ("Hello.",)), name=name, **options)


async def asked(target: BoundTarget, **call: Any) -> ChatRequest:
    """Return the request that a target of a route gets."""
    await Route([target]).complete("Why?", **call)
    provider = target.provider
    assert isinstance(provider, FakeProvider)
    return provider.requests[-1]


async def test_each_target_gets_its_own_options() -> None:
    first, second = fake(ServerError("no")), fake(name="B")
    route = turnout.fallback(
        first.target("m", temperature=0.1, stop="x", seed=0),
        second.target("n", max_tokens=7, tools=[{"type": "web_search"}]),
        max_attempts=2,
    )

    await route.complete("Why?")

    one, two = first.requests[0], second.requests[0]
    assert (one.model, one.temperature, one.stop, one.seed) == ("m", 0.1, ("x",), 0)
    assert (two.model, two.temperature, two.max_tokens) == ("n", None, 7)
    assert two.native_tools == (NativeTool(definition={"type": "web_search"}),)
    assert one.tools == ()


CALLS: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ({"temperature": 0.1}, {"temperature": 0.9}, {"temperature": 0.9}),
    ({"temperature": 0.1}, {"temperature": None}, {"temperature": 0.1}),
    ({"temperature": None}, {}, {"temperature": None}),
    ({"temperature": 0.1}, {"top_p": 0.5}, {"temperature": 0.1, "top_p": 0.5}),
    ({"stop": "x"}, {"stop": []}, {"stop": ()}),
    ({"allow_empty": True}, {"allow_empty": False}, {"allow_empty": False}),
    ({"allow_empty": True}, {}, {"allow_empty": True}),
    ({"tools": [{"type": "a"}]}, {"tools": []}, {"tools": ()}),
    ({"tool_choice": "auto"}, {"tool_choice": "none"}, {"tool_choice": "none"}),
    ({}, {"deadline": 5.0}, {"deadline": 5.0}),
]


@pytest.mark.parametrize(("own", "call", "wanted"), CALLS)
async def test_options_of_the_call_override_those_of_the_target(
    own: dict[str, Any], call: dict[str, Any], wanted: dict[str, Any]
) -> None:
    request = await asked(fake().target("m", **own), **call)

    assert {name: getattr(request, name) for name in wanted} == wanted


@pytest.mark.parametrize(("own", "call"), [(City, {}), (Town, City), ({}, City)])
async def test_an_answer_is_parsed_by_the_response_format_of_target_or_call(
    own: Any, call: Any
) -> None:
    target = fake('{"name": "Rome"}').target("m", response_format=own or None)

    reply = await Route([target]).complete("Where?", response_format=call or None)

    assert reply.parsed == City(name="Rome")


Extra = Mapping[str, object]

EXTRAS: list[tuple[Extra, Extra, Extra]] = [
    ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
    ({"a": 1}, {"a": 2}, {"a": 2}),
    ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
    ({"a": None}, {}, {"a": None}),
    ({"a": 1}, {"a": None}, {"a": None}),
    ({"a": None}, {"a": 1}, {"a": 1}),
    ({"a": {"b": None}}, {"a": {"c": 1}}, {"a": {"b": None, "c": 1}}),
    ({"tools": [1]}, {"tools": [2]}, {"tools": [1, 2]}),
    ({"tools": [1]}, {"tools": None}, {"tools": None}),
    ({"stops": [1]}, {"stops": [2]}, {"stops": [2]}),
]


@pytest.mark.parametrize(("lower", "upper", "wanted"), EXTRAS)
async def test_extra_of_provider_target_and_call_are_merged(
    lower: Extra, upper: Extra, wanted: Extra
) -> None:
    assert layered(lower, upper) == wanted
    of_target = await asked(fake().target("m", extra=lower), extra=upper)
    of_provider = await asked(fake(extra=lower).target("m", extra=upper))
    of_call = await asked(fake(extra=lower).target("m"), extra=upper)
    alone = fake(extra=lower)
    await alone.complete("Why?", extra=upper)

    for request in (of_target, of_provider, of_call, *alone.requests):
        assert request.extra == wanted


async def test_a_field_that_is_removed_once_stays_removed() -> None:
    target = fake(extra={"usage": None}).target("m", extra={"a": 1})

    request = await asked(target, extra={"b": {"c": None}})

    assert request.merged({"usage": True, "b": {"c": 1}}) == {"a": 1, "b": {}}


def test_merged_layers_equal_layers_in_sequence() -> None:
    body = {"a": {"b": 1}, "usage": True, "tools": [0]}
    lower: Extra = {"a": {"c": 2}, "usage": None, "tools": [1]}
    upper: Extra = {"a": {"b": None}, "n": 1, "tools": [2]}

    once = merged(body, layered(lower, upper))

    assert once == merged(merged(body, lower), upper)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"temprature": 1},
            "unknown option 'temprature'; did you mean",
        ),
        ({"temperature": "warm"}, "temperature='warm' is a str, not a number"),
        ({"extra": 3}, "extra is a int, not a mapping"),
        ({"deadline": 3}, "deadline is not an option of a target, as it covers"),
    ],
)
def test_an_option_that_is_wrong_is_refused_at_once(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ArgumentError, match=message):
        fake().target("m", **options)


def test_an_option_that_the_model_does_not_support_is_refused_at_once() -> None:
    provider = fake(capabilities=Capabilities(temperature=True))

    provider.target("m", temperature=0.5)
    with pytest.raises(UnsupportedError, match="A:m does not support seed, top_p"):
        provider.target("m", temperature=0.5, top_p=0.5, seed=1)


def test_a_model_in_the_options_of_a_bound_target_is_refused() -> None:
    bound = BoundTarget(fake(), "m", {"model": "n"})

    with pytest.raises(ArgumentError, match="model is not an option of a target"):
        Route([bound])


async def test_one_target_can_be_in_a_route_with_several_options() -> None:
    def answer(request: ChatRequest) -> ServerError | str:
        return ServerError("no") if request.seed else "Hello."

    provider = fake(answer)
    targets = [provider.target("m", seed=1), provider.target("m", seed=0)]
    route = turnout.fallback(*targets, provider.target("m", seed=1), "Local")

    reply = await route.complete("Why?")

    assert len(route.targets) == 3
    assert reply.text == "Hello."
    # A target has one health, so all three share it.
    names = [report.target for report in turnout.health()]
    assert names.count("A:m") == 1


def test_a_bound_target_is_compared_with_its_options() -> None:
    provider = fake()
    warm, cold = provider.target("m", temperature=1), provider.target("m")

    assert warm == provider.target("m", temperature=1)
    assert warm != cold
    assert len({warm, cold, provider.target("m", temperature=1)}) == 2
    assert "temperature" not in repr(warm)


COPIES: list[Callable[[Any], Any]] = [
    copy.copy,
    copy.deepcopy,
    lambda value: pickle.loads(pickle.dumps(value)),
]


@pytest.mark.parametrize("again", COPIES)
async def test_a_copy_of_a_route_has_the_options(again: Callable[[Any], Any]) -> None:
    options = TargetOptions(temperature=0.1, extra={"a": 1}, response_format=City)
    route = again(Route([fake('{"name": "Rome"}').target("m", **options)]))

    reply = await route.complete("Where?")

    (request,) = cast("FakeProvider", route.targets[0].provider).requests
    assert (request.temperature, request.extra) == (0.1, {"a": 1})
    assert reply.parsed == City(name="Rome")


def test_the_options_of_a_bound_target_are_a_field() -> None:
    bound = fake().target("m", temperature=0.1)

    assert asdict(bound)["options"] == {"temperature": 0.1}


class Merging(Lines):
    """Writes a field that not every service accepts."""

    async def generate(self, request: ChatRequest) -> AsyncGenerator[list[str]]:
        body = {"q": request.last_user_text, "stream_options": {"include_usage": True}}
        async with self.http.post("/ask", json=request.merged(body)) as response:
            yield [chunk.decode() async for chunk in response.chunks()]


@pytest.mark.parametrize("place", ["provider", "target", "call"])
async def test_a_field_that_turnout_writes_can_be_left_out(place: str) -> None:
    extra = {"stream_options": None, "top_k": 5}

    def own(here: str) -> dict[str, Any]:
        return {"extra": extra} if place == here else {}

    async with FaultServer(respond(200, b"ok")) as server:
        provider = Merging(base_url=server.url, **own("provider"))
        route = Route([provider.target("m", **own("target"))])
        await route.complete("Why?", **own("call"))

    (request,) = server.http_requests
    assert request.json() == {"q": "Why?", "top_k": 5}


# An answer that breaks and is continued by a target with other options.


def broken(**options: Any) -> BoundTarget:
    return fake("One, two", StreamTruncatedError("cut")).target("m", **options)


async def test_an_answer_is_continued_with_the_options_of_the_other() -> None:
    other = fake(", three", name="B")

    route = Route([broken(temperature=0.1), other.target("n", top_p=0.5)])
    reply = await read(route)

    assert reply.text == "One, two, three"
    assert (other.requests[0].temperature, other.requests[0].top_p) == (None, 0.5)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"response_format": City}, "response_format asks for more than plain text"),
        ({"extra": {"n": 2}}, "n asks for more than plain text"),
        ({"extra": {"store": True}}, "store refers to state that only its service has"),
    ],
)
async def test_options_of_a_target_can_forbid_a_continuation(
    own: dict[str, Any], message: str
) -> None:
    third = fake(", four", name="C")
    second = fake(", three", name="B").target("n", **own)

    with pytest.raises(StreamBrokenError, match=message):
        async for _ in Route([broken(**own), third.target("o")]).stream("Count."):
            pass
    reply = await read(Route([broken(), second, third.target("o")]))

    assert reply.text == "One, two, four"
    assert [attempt.outcome for attempt in reply.attempts] == [
        "failed",
        "passed_over",
        "complete",
    ]
    assert message in str(reply.attempts[1].error)
    assert "B:n cannot continue the answer" in str(reply.attempts[1].error)


async def read(route: Route) -> turnout.Reply:
    stream = route.stream("Count.")
    async for _ in stream:
        pass
    return stream.reply


async def test_a_schema_of_a_target_is_sent_as_a_message_if_the_policy_says_so() -> (
    None
):
    provider = fake('{"name": "Rome"}', capabilities=Capabilities())
    bound = BoundTarget(provider, "m", {"response_format": City})

    reply = await Route([bound], {"prompted_schema": True}).complete("Where?")

    assert reply.parsed == City(name="Rome")
    assert "JSON alone" in provider.requests[0].last_user_text
