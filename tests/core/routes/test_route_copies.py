"""Routes that are copied, deep-copied and pickled."""

from __future__ import annotations

import asyncio
import copy
import pickle
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

import turnout
from tests.core.site import Site
from turnout._app import App, current_app
from turnout._config import Config
from turnout.provider import Provider
from turnout.routes import Route
from turnout.testing import FakeProvider, FaultServer, respond_in_chunks
from turnout.types import ChatRequest, Target

from ..scripted import Lines
from ..subprocesses import output_of


def pickled(value: object) -> Any:
    return pickle.loads(pickle.dumps(value))


COPIES: list[Callable[[Any], Any]] = [copy.copy, copy.deepcopy, pickled]


def asked_targets() -> list[str]:
    """Return the targets whose health the process knows."""
    return [one.target for one in turnout.health()]


def backwards(targets: Sequence[Target], request: ChatRequest) -> Sequence[Target]:
    return targets[::-1]


def vllm(name: str, **options: Any) -> Provider:
    return turnout.get_provider(
        "vLLM", base_url=f"http://127.0.0.1:9/{name}", **options
    )


@pytest.mark.parametrize("again", COPIES)
def test_a_copy_has_the_targets_the_policy_and_the_order(
    again: Callable[[Route], Route],
) -> None:
    first, second = FakeProvider("a", name="A"), FakeProvider("b", name="B")
    targets = [first.target(), second.target("x"), first.target("y")]
    route = Route(targets, {"max_attempts": 3}, order=backwards)

    other = again(route)

    assert repr(other) == "<Route A:fake-1 -> B:x -> A:y>"
    assert other.policy == route.policy
    assert other.targets[0].provider is other.targets[2].provider
    assert asyncio.run(other.complete("Why?")).attempts[0].target == Target("A", "y")


@pytest.mark.parametrize("again", COPIES)
async def test_a_copy_of_a_route_with_its_own_health_has_its_own_too(
    again: Callable[[Route], Route],
) -> None:
    other = again(Route([FakeProvider("a", name="A").target()]))

    await other.complete("Why?")

    assert other.find_health is None
    assert turnout.health() == ()


@pytest.mark.parametrize("again", COPIES)
async def test_a_copy_shares_the_health_of_the_process(
    again: Callable[[Route], Route],
) -> None:
    other = again(turnout.fallback(FakeProvider("a", name="A")))

    await other.complete("Why?")

    assert "A:fake-1" in asked_targets()
    assert other.find_health == current_app().find_health


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_a_copy_in_one_process_keeps_the_health_of_its_own_app(
    again: Callable[[Route], Route],
) -> None:
    app = App(Config())
    route = app.route((FakeProvider("a"),), {})

    other = again(route)

    assert other.find_health is not None
    assert other.find_health() is app.target_health
    assert app.target_health is not current_app().target_health


def has_pool(provider: Provider) -> bool:
    """Return whether a provider has its own connections."""
    return provider.http.pool is not None


@pytest.mark.parametrize("again", COPIES)
async def test_a_copy_of_an_entered_route_is_not_entered(
    again: Callable[[object], Any],
) -> None:
    provider = vllm("a")
    route = turnout.fallback(provider.target("m"))

    async with route:
        other: Route = again(route)
        alone: Provider = again(provider)
        await other.aclose()
        assert has_pool(provider)
        assert not has_pool(alone)
        async with alone:
            assert has_pool(alone)
        assert not has_pool(alone)

    assert not has_pool(provider)


@pytest.mark.parametrize("again", COPIES)
async def test_a_copy_of_a_used_route_works_too(
    again: Callable[[Route], Route],
) -> None:
    script = [*respond_in_chunks([b"a\n"]), *respond_in_chunks([b"b\n"])]
    async with FaultServer(script) as server:
        route = turnout.fallback(Lines(base_url=server.url))

        texts = [(await route.complete("Why?")).text]
        texts.append((await again(route).complete("Why?")).text)

    assert texts == ["a", "b"]


def test_a_route_in_a_dataclass_is_copied() -> None:
    @dataclass
    class Holder:
        route: Route

    held = Holder(turnout.fallback(vllm("a").target("m")))

    assert repr(asdict(held)["route"]) == "<Route vLLM:m>"
    assert repr(copy.deepcopy({"x": [held]})["x"][0].route) == "<Route vLLM:m>"


def test_a_route_of_the_configuration_is_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "turnout.toml").write_text(
        '[routes.fast]\ntargets = ["vLLM:m", "Ollama:n"]\nmax_attempts = 2\n'
    )
    monkeypatch.chdir(tmp_path)
    route = current_app().route_for("fast")

    for again in COPIES:
        assert repr(again(route)) == "<Route vLLM:m -> Ollama:n>"
        assert again(route).policy.max_attempts == 2


def test_a_route_with_a_key_is_copied_and_says_why_it_is_not_pickled() -> None:
    route = turnout.fallback(vllm("a", api_key="sk-canary").target("m"))

    assert copy.deepcopy(route).targets[0].provider.api_key is not None
    with pytest.raises(TypeError, match="a Secret is not pickled"):
        pickle.dumps(route)


WATCHING = """
@hookimpl
def turnout_attempt_ended(attempt): LOG.append(attempt.outcome)

@hookimpl
def turnout_order_targets(targets): return targets[::-1]
"""


@pytest.mark.parametrize("again", COPIES)
def test_a_copy_calls_the_hooks_of_the_plugins(
    site: Site, again: Callable[[Route], Route]
) -> None:
    site.add("watching", WATCHING, "Watching")
    current_app().load_all()
    route = turnout.fallback(vllm("a").target("m"), vllm("b").target("n"))

    other = again(route)

    with pytest.raises(turnout.TurnoutError) as caught:
        asyncio.run(other.complete("Why?", deadline=1.5))
    assert caught.value.reply is not None
    assert caught.value.reply.attempts[0].target.model == "n"
    assert set(site.log("watching")) == {"failed"}


def test_a_route_is_pickled_into_another_process_and_uses_its_health(
    tmp_path: Path,
) -> None:
    route = turnout.fallback(FakeProvider("a", name="A"), FakeProvider("b", name="B"))
    asyncio.run(route.complete("Why?"))
    file = tmp_path / "route"
    file.write_bytes(pickle.dumps(route))

    output = output_of(
        f"""
        import asyncio, pickle
        from pathlib import Path
        import turnout

        route = pickle.loads(Path({str(file)!r}).read_bytes())
        print(route, len(turnout.health()))
        # asyncio would log a first request whose imports take 0.1 s.
        asyncio.run(turnout.warm_up())
        print(asyncio.run(route.complete("Why?")).text)
        print("A:fake-1" in [one.target for one in turnout.health()])
        """
    )

    assert output.splitlines() == ["<Route A:fake-1 -> B:fake-1> 0", "a", "True"]


def asked(route: Route) -> tuple[str, bool]:
    text = asyncio.run(route.complete("Why?")).text
    return text, "A:fake-1" in asked_targets()


def test_a_route_can_be_an_argument_of_a_multiprocessing_process() -> None:
    route = turnout.fallback(FakeProvider("a", name="A"))

    with get_context("spawn").Pool(1) as pool:
        assert pool.apply(asked, [route]) == ("a", True)
