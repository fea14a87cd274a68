"""The health of targets in the public API."""

from __future__ import annotations

import logging
import time

import pytest

import turnout
from turnout._app import App, current_app
from turnout._config import Config
from turnout.errors import RateLimitError, ServerError
from turnout.routes import Policy
from turnout.routes._candidate import RouteTarget
from turnout.routes._policy import rule
from turnout.testing import FakeProvider

from .site import Site


async def test_no_health_is_shown_before_the_first_request() -> None:
    assert turnout.health() == ()


async def test_health_shows_each_target() -> None:
    failing = FakeProvider(ServerError("no"), name="P", api_key="sk-canary")
    chat = turnout.fallback(failing, FakeProvider("b", name="B"), max_attempts=1)

    for _ in range(5):
        assert (await chat.complete("Why?")).text == "b"
    up, down = turnout.health()

    assert [up.target, down.target] == ["B:fake-1", "P:fake-1"]
    assert (up.state, up.reason, up.wait) == ("up", "", 0.0)
    assert up.first_delta_p95 is not None
    assert (down.state, down.reason) == ("down", "its last 5 attempts failed")
    assert 0 < down.wait <= 6.25
    assert "canary" not in repr((up, down))


def limit(app: App, name: str) -> None:
    """Let a target refuse a request for a minute."""
    target, now = app.provider(name, {}).target(), time.monotonic()
    error = RateLimitError("no", retry_after=60.0)
    permit = RouteTarget(target, app.target_health).health(now).start(now)
    permit.failed(error, rule(error, Policy()), now)


def test_an_explanation_says_which_target_is_skipped() -> None:
    app = current_app()

    (before,) = turnout.explain("FlowGpt").places
    limit(app, "FlowGpt")
    (after,) = turnout.explain("FlowGpt").places

    assert not before.passed_over
    assert after.passed_over.endswith("s more, after RateLimitError")
    assert app.meaning("FlowGpt").places == (before,)
    assert "RateLimitError" in str(turnout.explain("FlowGpt"))


def test_an_explanation_says_which_provider_cannot_be_made(site: Site) -> None:
    site.add(
        "torn",
        """
        class Torn(Silent):
            info = ProviderInfo(name="Torn", models=("m",))

            def __init__(self, **options):
                raise UnavailableError("type something")

        @hookimpl
        def turnout_providers(): return [Torn]
        """,
        "Torn",
    )
    (place,) = App(Config()).explain("Torn").places

    assert place.passed_over == "type something"


async def test_each_attempt_is_a_line_of_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    error = ServerError("canary", status_code=502)
    chat = turnout.fallback(
        FakeProvider(error, name="P"), FakeProvider("canary", name="B"), max_attempts=1
    )
    with caplog.at_level(logging.DEBUG, "turnout.attempts"):
        await chat.complete("canary")
    with caplog.at_level(logging.WARNING, "turnout.attempts"):
        await chat.complete("canary")

    first, second = caplog.messages
    assert first.startswith("attempt 1: P:fake-1 failed after 0.")
    assert first.endswith(" s: ServerError (status 502)")
    assert second.startswith("attempt 2: B:fake-1 complete after 0.")
    assert "first delta after 0." in second
    assert [record.levelname for record in caplog.records] == ["INFO", "DEBUG"]
    assert "canary" not in caplog.text
