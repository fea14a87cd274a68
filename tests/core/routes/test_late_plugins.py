"""Hooks of a plugin that is loaded after the route was made."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

import turnout
from tests.core.site import Site
from turnout.routes import Route
from turnout.testing import FakeProvider

LATE = """
from dataclasses import replace

@hookimpl
def turnout_order_targets(targets): return targets[::-1]

@hookimpl
def turnout_rewrite_request(request):
    return replace(request, seed=7)

@hookimpl
def turnout_attempt_started(attempt):
    LOG.append(f"started {attempt.target} {attempt.request.seed}")

@hookimpl
def turnout_attempt_ended(attempt):
    LOG.append(f"{attempt.outcome} {attempt.target} {attempt.request.seed}")

class Late(Silent):
    info = ProviderInfo(name="Late", models=("m",))

@hookimpl
def turnout_providers(): return [Late]
"""


def same(route: Route) -> Route:
    return route


def copied(route: Route) -> Route:
    return copy.deepcopy(route)


@pytest.mark.parametrize("again", [same, copied])
async def test_a_route_calls_the_hooks_of_a_plugin_that_is_loaded_later(
    site: Site, again: Callable[[Route], Route]
) -> None:
    site.add("late", LATE, "Late")
    route = again(
        turnout.fallback(FakeProvider("a", name="A"), FakeProvider("b", name="B"))
    )

    before = await route.complete("Why?")
    was_loaded = site.loaded("late")
    turnout.get_provider("Late")
    after = await route.complete("Why?")

    assert not was_loaded
    assert (before.text, after.text) == ("a", "b")
    assert site.log("late") == ["started B:fake-1 7", "complete B:fake-1 7"]


async def test_a_route_calls_the_hooks_of_two_plugins_in_their_order(
    site: Site,
) -> None:
    site.add("late", LATE, "Late")
    site.add("other", LATE.replace('"Late"', '"Other"').replace("[::-1]", ""), "Other")
    turnout.get_provider("Other")
    route = turnout.fallback(FakeProvider("a", name="A"), FakeProvider("b", name="B"))

    before = await route.complete("Why?")
    turnout.get_provider("Late")
    after = await route.complete("Why?")

    # "Late" goes before "Other", by name.
    assert (before.text, after.text) == ("a", "b")
    assert site.log("late") == ["started B:fake-1 7", "complete B:fake-1 7"]
    assert len(site.log("other")) == 4


async def test_an_attempt_that_breaks_is_shown_to_a_plugin_that_is_loaded_meanwhile(
    site: Site,
) -> None:
    site.add("late", LATE, "Late")
    first = FakeProvider("So it is", turnout.ServerError("no"), name="A")
    second = FakeProvider(" is, and more.", name="B")

    async with turnout.fallback(first, second).stream("Why?") as stream:
        async for _ in stream:
            if not site.loaded("late"):
                turnout.get_provider("Late")

    assert site.log("late") == ["started B:fake-1 7", "complete B:fake-1 7"]
    assert second.requests[0].seed == 7
