"""Observers, and the hooks of plugins, are called for every attempt of the process."""

from __future__ import annotations

import asyncio
import logging
import pickle
import time
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

import turnout
from tests.core.scripted import Ledger, saying
from tests.core.site import Site
from turnout import ArgumentError, Attempt, Observation, RateLimitError
from turnout._app import current_app
from turnout.provider import Provider
from turnout.testing import FakeProvider
from turnout_openai import OpenAI

NOWHERE = "http://127.0.0.1:9/v1"
"""Refuses connections."""

HEARING = """
@hookimpl
def turnout_rewrite_request(request): return request.for_model(request.model + "!")

@hookimpl
def turnout_attempt_started(attempt): LOG.append(attempt)

@hookimpl
def turnout_attempt_ended(attempt): LOG.append(attempt)
"""


def of_the_public_class() -> Provider:
    return OpenAI(api_key="k", base_url=NOWHERE)


def of_get_provider() -> Provider:
    return turnout.get_provider("OpenAI", api_key="k", base_url=NOWHERE)


def ask(provider: Provider | turnout.Route, **options: Any) -> None:
    try:
        asyncio.run(provider.complete("Why?", **options))
    except turnout.TurnoutError:
        pass


@pytest.mark.parametrize(
    "make",
    [of_the_public_class, of_get_provider, lambda: saying("a"), FakeProvider],
    ids=["public-class", "get_provider", "own-class", "fake"],
)
@pytest.mark.parametrize("in_a_route", [False, True])
def test_hooks_are_called_however_a_provider_was_made(
    site: Site, make: Any, in_a_route: bool
) -> None:
    site.add("hearing", HEARING, "Hearing")
    provider: Provider = make()  # Before the plugin is loaded.
    asked = turnout.fallback(provider, max_attempts=1) if in_a_route else provider
    current_app().load_all()
    ask(asked)

    started, ended = site.log("hearing")
    assert isinstance(started, Attempt)
    assert isinstance(ended, Attempt)
    assert started.outcome == "running"
    assert ended.outcome in {"complete", "failed"}
    assert started.id == ended.id
    assert ended.route == (str(ended.target) if in_a_route else None)
    assert ended.request is not None
    assert started.request is ended.request
    assert ended.request.model.endswith("!")
    assert ended.request.last_user_text == "Why?"


def test_plugins_that_are_always_loaded_hear_of_the_first_attempt(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add("hearing", HEARING, "Hearing")
    config = site.folder / "turnout.toml"
    config.write_text('[plugins]\nalways = ["Hearing"]\n')
    monkeypatch.setenv("TURNOUT_CONFIG", str(config))
    ask(of_the_public_class())

    assert len(site.log("hearing")) == 2


def test_a_configuration_that_cannot_be_read_is_an_error_of_each_request(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = site.folder / "turnout.toml"
    config.write_text("[plugins")
    monkeypatch.setenv("TURNOUT_CONFIG", str(config))
    fake = FakeProvider("a")

    for _ in range(2):
        with pytest.raises(turnout.ConfigError):
            asyncio.run(fake.complete("Why?"))
    assert fake.requests == []


def test_the_attempts_of_a_request_are_joined_by_their_ids() -> None:
    ledger = Ledger()
    before = time.time()
    route = turnout.fallback(FakeProvider(RateLimitError("x")), FakeProvider("a"))
    reply = asyncio.run(route.complete("Why?"))
    ask(FakeProvider("b"))

    assert [one.id for one in ledger.began] == [one.id for one in ledger.over]
    assert len({one.id for one in ledger.over}) == 3
    first, second, other = ledger.over
    assert first.stream_id == second.stream_id != other.stream_id
    assert first.route == second.route == route.name
    assert route.name == "Fake:fake-1 -> Fake:fake-1"
    assert before <= first.started_at <= second.started_at <= time.time()
    assert list(reply.attempts) == [first, second]


def test_a_target_that_is_passed_over_has_an_id_and_is_not_reported() -> None:
    ledger = Ledger()
    refusing = FakeProvider(turnout.AuthenticationError("no", status_code=401))
    route = turnout.fallback(refusing, FakeProvider("a"))
    asyncio.run(route.complete("Why?"))
    reply = asyncio.run(route.complete("Why?"))

    passed_over, complete = reply.attempts
    assert passed_over.outcome == "passed_over"
    assert passed_over.stream_id == complete.stream_id
    assert passed_over.id != complete.id
    assert passed_over.route == route.name
    assert passed_over.started_at > 0
    assert len(ledger.over) == 3


def test_a_route_of_the_configuration_has_its_name(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.add(
        "hello",
        """
        @hookimpl
        def turnout_providers(): return [row("Hello", "hello-1")]
        """,
        "Hello",
    )
    config = site.folder / "turnout.toml"
    config.write_text('[routes.fast]\ntargets = ["Hello:hello-1"]\n')
    monkeypatch.setenv("TURNOUT_CONFIG", str(config))

    for name in ("fast", "hello-1"):
        reply = asyncio.run(turnout.complete("Why?", model=name))
        assert reply.attempts[0].route == name


def test_the_prompt_is_not_kept_with_a_reply() -> None:
    ledger = Ledger()
    reply = asyncio.run(FakeProvider("a").complete("a canary"))

    assert reply.attempts[0].request is None
    assert "canary" not in repr((ledger.began, ledger.over, reply))
    assert pickle.loads(pickle.dumps(reply)) == reply
    (ended,) = ledger.over
    assert ended == replace(ended, request=None) == reply.attempts[0]
    assert hash(ended) == hash(reply.attempts[0])


def test_several_observers_are_called_after_the_plugins_in_their_order(
    site: Site,
) -> None:
    site.add("hearing", HEARING, "Hearing")
    current_app().load_all()
    log = site.log("hearing")
    turnout.observe(ended=lambda _: log.append("one"))
    turnout.observe(started=lambda _: log.append("two"), ended=lambda _: log.append(2))
    ask(FakeProvider("a"))

    assert [one if isinstance(one, str | int) else "plugin" for one in log] == [
        "plugin",
        "two",
        "plugin",
        "one",
        2,
    ]


def test_an_observer_in_a_block_is_stopped_at_its_end() -> None:
    seen: list[Attempt] = []
    with turnout.observe(ended=seen.append) as observation:
        ask(FakeProvider("a"))
        assert isinstance(observation, Observation)
    ask(FakeProvider("a"))
    observation.stop()

    assert len(seen) == 1
    assert current_app().attempt_hooks() is None


async def test_an_observer_that_is_stopped_meanwhile_hears_no_end() -> None:
    seen: list[str] = []
    observation = turnout.observe(
        started=lambda _: seen.append("started"), ended=lambda _: seen.append("ended")
    )
    async with FakeProvider("a", "b").stream("Why?") as stream:
        observation.stop()
        await anext(aiter(stream))

    assert seen == ["started"]


async def test_an_observer_that_is_added_meanwhile_hears_of_the_next_attempt() -> None:
    seen: list[Attempt] = []
    async with FakeProvider("a", "b").stream("Why?"):
        turnout.observe(ended=seen.append)
    assert seen == []
    await FakeProvider("a").complete("Why?")

    assert len(seen) == 1


def test_an_observer_hears_of_requests_without_asyncio() -> None:
    ledger = Ledger()

    assert "".join(FakeProvider("a").stream("Why?")) == "a"
    assert turnout.run(FakeProvider("b").complete("Why?")).text == "b"

    assert [one.outcome for one in ledger.over] == ["complete", "complete"]


@pytest.mark.parametrize("kind", [ValueError, SystemExit, asyncio.CancelledError])
def test_what_an_observer_raises_is_logged_and_goes_no_further(
    kind: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def failing(attempt: Attempt) -> None:
        raise kind(attempt.request)

    turnout.observe(started=failing, ended=failing)
    ledger = Ledger()

    assert asyncio.run(FakeProvider("a").complete("a canary")).text == "a"
    assert len(ledger.began) == len(ledger.over) == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * 2
    for message in caplog.messages:
        assert f"failing' raised {kind.__name__} in a hook\n" in message
        assert "test_observe.py" in message
        assert "canary" not in message


class Callee:
    """An observer that is an object."""

    def __call__(self, attempt: Attempt) -> None:
        raise ValueError


def test_any_function_of_an_attempt_is_an_observer(
    caplog: pytest.LogCaptureFixture,
) -> None:
    seen: list[tuple[str, Attempt]] = []

    def keep(name: str, attempt: Attempt) -> None:
        seen.append((name, attempt))

    turnout.observe(ended=partial(keep, "x"))
    turnout.observe(ended=Callee())
    ask(FakeProvider("a"))

    assert [name for name, _ in seen] == ["x"]
    assert caplog.messages[0].startswith("observer 'Callee' raised ValueError")


async def _late(_: Attempt) -> None:
    pass


class _Late:
    async def __call__(self, attempt: Attempt) -> None:
        pass


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "needs started=, ended= or both"),
        ({"started": 5}, "started is an int; it is a function of an attempt"),
        ({"ended": _late}, "ended is an `async def`, which would never be awaited"),
        ({"ended": _Late()}, "ended is an `async def`"),
        ({"ended": partial(_late)}, "ended is an `async def`"),
    ],
)
def test_what_cannot_be_called_is_refused(given: Any, told: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        turnout.observe(**given)

    assert told in str(caught.value)
    assert current_app().observers.all == ()
