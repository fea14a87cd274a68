from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from turnout.errors import ArgumentError, ConfigError, ServerError
from turnout.routes import Route
from turnout.testing import FaultServer, respond_in_chunks, run_clean
from turnout.types import ChatRequest, Target

from ..scripted import Lines, saying


def has_pool(provider: Lines) -> bool:
    """Return whether a provider has its own connections."""
    return provider.http.pool is not None


def test_a_route_needs_a_target() -> None:
    with pytest.raises(ConfigError, match="needs at least one target"):
        Route([])


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        ({"max_attempts": 0}, "max_attempts"),
        ({"deadline": -1.0}, "deadline"),
        ({"max_atempts": 2}, "max_attempts"),
    ],
)
def test_a_policy_that_is_wrong_is_refused(
    policy: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        Route([saying("a").target()], policy)


def test_a_request_that_is_wrong_is_refused_before_it_is_sent() -> None:
    with pytest.raises(ArgumentError):
        _ = Route([saying("a").target()]).stream([{"role": "nobody", "content": "x"}])


def test_a_route_refuses_a_model() -> None:
    with pytest.raises(ArgumentError, match="leave model out"):
        _ = Route([saying("a").target()]).stream("Why?", model="one")


def test_the_repr_of_a_route_has_its_targets() -> None:
    route = Route([saying(name="A").target(), saying(name="B").target("two")])

    assert repr(route) == "<Route A:one -> B:two>"


async def test_a_route_answers_as_a_provider_does() -> None:
    route = Route([saying("a", "b").target()])

    assert (await route.complete("Why?")).text == "ab"
    assert [text async for text in route.stream("Why?")] == ["a", "b"]


async def test_each_target_gets_its_own_model() -> None:
    first, second = saying(ServerError("no"), name="A"), saying("a", name="B")
    await Route([first.target(), second.target("two")]).complete("Why?")

    assert [first.requests[0].model, second.requests[0].model] == ["one", "two"]


async def test_the_order_is_called_for_each_request() -> None:
    seen: list[tuple[Sequence[Target], str]] = []

    def backwards(targets: Sequence[Target], request: ChatRequest) -> Sequence[Target]:
        seen.append((targets, request.last_user_text))
        return targets[::-1]

    targets = [saying("a", name="A").target(), saying("b", name="B").target()]
    route = Route(targets, order=backwards)

    assert (await route.complete("Why?")).text == "b"
    assert seen == [((Target("A", "one"), Target("B", "one")), "Why?")]


async def test_an_order_may_leave_targets_out() -> None:
    first, second = saying("a", name="A"), saying("b", name="B")
    route = Route(
        [first.target(), second.target()],
        order=lambda targets, _: [Target("X", "y"), *targets[1:]],
    )

    assert (await route.complete("Why?")).text == "b"
    assert first.requests == []


async def test_an_order_without_targets_changes_nothing() -> None:
    route = Route([saying("a").target()], order=lambda _targets, _request: ())

    assert (await route.complete("Why?")).text == "a"


async def test_one_target_by_two_providers_keeps_both_when_ordered() -> None:
    failing, other = saying(ServerError("no")), saying("a")
    route = Route([failing.target(), other.target()], order=lambda targets, _: targets)

    assert (await route.complete("Why?")).text == "a"


def test_entering_keeps_connections_for_the_block() -> None:
    async def main() -> None:
        script = [*respond_in_chunks([b"a\n"]), *respond_in_chunks([b"b\n"])]
        async with FaultServer(script) as server:
            provider = Lines(base_url=server.url)
            route = Route([provider.target(), provider.target()])
            async with route as entered, route:
                assert entered is route
                assert has_pool(provider)
                for _ in range(2):
                    await route.complete("Why?")
            assert not has_pool(provider)
            assert len(server.connections) == 1
            await server.connections[0].wait_closed()
            await route.aclose()

    run_clean(main)


async def test_a_route_that_was_entered_may_be_closed_before_it_is_left() -> None:
    provider = Lines(base_url="http://127.0.0.1:1")
    async with Route([provider.target()]) as route:
        await route.aclose()
        assert not has_pool(provider)


async def test_a_provider_that_cannot_be_entered_leaves_none_entered() -> None:
    class Broken(Lines):
        async def __aenter__(self) -> Broken:
            raise ServerError("no")

    good = Lines(base_url="http://127.0.0.1:1")
    with pytest.raises(ServerError):
        async with Route([good.target(), Broken().target()]):
            pytest.fail("it was entered")

    assert not has_pool(good)


async def test_requests_of_one_route_run_concurrently() -> None:
    route = Route([saying("a").target()])
    replies = await asyncio.gather(*(route.complete("Why?") for _ in range(20)))

    assert {reply.text for reply in replies} == {"a"}
