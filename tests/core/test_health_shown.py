"""How targets fare, as the public face shows it."""

from __future__ import annotations

import logging
import time

import pytest

import turnout
from turnout._app import App, current_app
from turnout._config import Config
from turnout.errors import ServerError
from turnout.routes import Member
from turnout.testing import FakeProvider

from .site import Site


async def test_nothing_is_shown_before_anybody_was_asked() -> None:
    assert turnout.health() == ()


async def test_health_shows_each_target_and_each_service() -> None:
    failing = FakeProvider(ServerError("no"), name="P", api_key="sk-canary")
    chat = turnout.fallback(failing, FakeProvider("b", name="B"), max_retries=0)
    for _ in range(5):
        assert (await chat.complete("Why?")).text == "b"
    shown = turnout.health()

    assert [one.target for one in shown] == ["B", "B:fake-1", "P", "P:fake-1"]
    last = shown[-1]
    assert (last.state, last.reason) == ("open", "circuit open")
    assert 0 < last.wait <= 6.0
    assert last.failures_in_a_row == 5
    assert shown[1].first_delta_p95 is not None
    assert "canary" not in repr(shown)


def cool(app: App, name: str) -> None:
    """Have a target cool as if it had limited a request."""
    now = time.monotonic()
    member = Member(app.provider(name, {}).target(), app.store)
    member.standing(now).own.cool(now + 60, "RateLimitError")


def test_an_explanation_tells_who_is_passed_over() -> None:
    app = current_app()
    (before,) = turnout.explain("FlowGpt").places
    cool(app, "FlowGpt")
    (after,) = turnout.explain("FlowGpt").places

    assert not before.passed_over
    assert "s more, as it is let alone after RateLimitError" in after.passed_over
    assert app.meaning("FlowGpt").places == (before,)
    assert "RateLimitError" in str(turnout.explain("FlowGpt"))


def test_an_explanation_tells_who_cannot_be_made(site: Site) -> None:
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
        FakeProvider(error, name="P"), FakeProvider("canary", name="B"), max_retries=0
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
