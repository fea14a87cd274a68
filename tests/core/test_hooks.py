"""What plugins say in the path of a request, and what they cannot break."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from tests.core.site import Site
from turnout._hooks import PluginHooks
from turnout._plugins import PluginHost, PluginRules
from turnout.types import Attempt, ChatRequest, Target

REQUEST = ChatRequest.build("Hi", model="m")

A, B, C = (Target(name, "m") for name in "ABC")

ATTEMPT = Attempt(target=A, outcome="running")


def hooks_of(site: Site, **plugins: str) -> PluginHooks:
    """Return the hooks of plugins with this code, by their names."""
    for name, code in plugins.items():
        site.add(f"dist-{name}", code, name)
    host = PluginHost(PluginRules(allow=tuple(plugins)))
    host.load_all()
    assert host.set_aside == ()
    return PluginHooks(host)


REWRITE = """
from dataclasses import replace

@hookimpl
def turnout_rewrite_request(request, target):
    LOG.append((request, target))
    return replace(request, seed=(request.seed or 0) * 10 + {digit})
"""

RAISING = """
@hookimpl
def turnout_rewrite_request(request): raise RuntimeError("what was asked")

@hookimpl
def turnout_order_targets(targets): raise RuntimeError("what was asked")

@hookimpl
def turnout_attempt_started(attempt): raise RuntimeError("what was asked")

@hookimpl
def turnout_attempt_ended(attempt): raise RuntimeError("what was asked")
"""


def order(expression: str) -> str:
    return f"@hookimpl\ndef turnout_order_targets(targets): return {expression}"


def test_without_plugins_nothing_is_watched(site: Site) -> None:
    hooks = hooks_of(site)

    assert not hooks.watching
    assert hooks.ordering is None
    assert hooks.rewrite(REQUEST, A) is REQUEST


@pytest.mark.parametrize(
    "hook",
    ["turnout_rewrite_request", "turnout_attempt_started", "turnout_attempt_ended"],
)
def test_one_hook_is_enough_to_watch(site: Site, hook: str) -> None:
    hooks = hooks_of(site, one=f"@hookimpl\ndef {hook}(): pass")

    assert hooks.watching
    assert hooks.ordering is None


def test_a_plugin_that_orders_targets_watches_no_attempts(site: Site) -> None:
    hooks = hooks_of(site, one=order("None"))

    assert not hooks.watching
    assert hooks.ordering == hooks.order


def test_each_plugin_rewrites_what_the_one_before_it_made(site: Site) -> None:
    hooks = hooks_of(site, b=REWRITE.format(digit=2), a=REWRITE.format(digit=1))

    assert hooks.rewrite(REQUEST, A) == replace(REQUEST, seed=12)
    assert site.log("dist-a") == [(REQUEST, A)]


def test_a_plugin_may_leave_a_request_as_it_is(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = hooks_of(site, a="@hookimpl\ndef turnout_rewrite_request(): pass")

    assert hooks.rewrite(REQUEST, A) is REQUEST
    assert not caplog.records


def test_what_is_no_request_is_passed_over(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = hooks_of(
        site,
        a="@hookimpl\ndef turnout_rewrite_request(): return {'seed': 5}",
        b=REWRITE.format(digit=2),
    )

    assert hooks.rewrite(REQUEST, A).seed == 2
    assert caplog.messages == [
        "plugin 'a' returned a dict from turnout_rewrite_request; it is not a "
        "ChatRequest, so the request stays as it was"
    ]


def test_observers_hear_of_attempts(site: Site) -> None:
    observer = """
    @hookimpl
    def turnout_attempt_started(attempt): LOG.append(("started", attempt))

    @hookimpl
    def turnout_attempt_ended(attempt): LOG.append(("ended", attempt))
    """
    hooks = hooks_of(site, a=observer, b=observer)

    hooks.started(ATTEMPT)
    hooks.ended(ATTEMPT)

    heard: list[object] = [("started", ATTEMPT), ("ended", ATTEMPT)]
    assert site.log("dist-a") == site.log("dist-b") == heard


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("None", [A, B, C], id="none"),
        pytest.param("targets[::-1]", [C, B, A], id="reversed"),
        pytest.param("[targets[2]]", [C], id="some"),
        pytest.param("(t for t in targets[1:])", [B, C], id="iterator"),
        pytest.param("[targets[1], targets[0], targets[1]]", [B, A], id="twice"),
        pytest.param(
            "[Target('X', 'm'), targets[1]]", [B], id="one that is not the route's"
        ),
    ],
)
def test_a_plugin_orders_targets(
    site: Site,
    expression: str,
    expected: list[Target],
    caplog: pytest.LogCaptureFixture,
) -> None:
    hooks = hooks_of(site, a=order(expression))

    assert list(hooks.order([A, B, C], REQUEST)) == expected
    assert not caplog.records


@pytest.mark.parametrize(
    "expression", ["[]", "[Target('X', 'm')]", "5", "[['A']]", "[1]"]
)
def test_an_order_without_any_of_the_routes_targets_is_passed_over(
    site: Site, expression: str, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = hooks_of(site, a=order(expression), b=order("targets[::-1]"))

    assert list(hooks.order([A, B], REQUEST)) == [B, A]
    assert caplog.messages == [
        "plugin 'a' returned no target of the route from turnout_order_targets, so "
        "their order stays as it was"
    ]


def test_the_first_order_wins(site: Site) -> None:
    hooks = hooks_of(
        site, c=order("targets"), b=order("targets[::-1]"), a=order("None")
    )

    assert list(hooks.order([A, B], REQUEST)) == [B, A]


def test_a_plugin_that_raises_is_passed_over_and_recorded(
    site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    hooks = hooks_of(
        site, a=RAISING, b=REWRITE.format(digit=5) + order("targets[::-1]")
    )

    assert hooks.rewrite(REQUEST, A).seed == 5
    assert list(hooks.order([A, B], REQUEST)) == [B, A]
    hooks.started(ATTEMPT)
    hooks.ended(ATTEMPT)

    assert {(name, level) for name, level, _ in caplog.record_tuples} == {
        ("turnout", logging.WARNING)
    }
    assert len(caplog.messages) == 4
    for message in caplog.messages:
        first, *places = message.splitlines()
        assert first == "plugin 'a' raised RuntimeError in a hook"
        assert "dist_a.py" in "".join(places)
