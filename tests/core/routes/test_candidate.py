"""The status of a target, and a target in one request."""

from __future__ import annotations

from turnout.errors import RateLimitError, ServerError, TurnoutError
from turnout.routes import Health, Policy, status
from turnout.routes._candidate import Candidate, RouteTarget
from turnout.routes._policy import rule
from turnout.testing import FakeProvider
from turnout.types import ChatRequest, ModelInfo

T = 1000.0


def status_after(*errors: TurnoutError) -> str:
    health, target = Health(), FakeProvider("a", name="P").target()
    for error in errors:
        permit = RouteTarget(target, health).health(T).start(T)
        permit.failed(error, rule(error, Policy()), T)
    return status(target, health, T + 1)


def test_a_target_that_is_up_has_no_status() -> None:
    assert status_after(*[ServerError("no")] * 4) == ""


def test_a_target_that_is_down_is_passed_over_while_others_are_up() -> None:
    assert status_after(*[ServerError("no")] * 5) == (
        "while others are up, since its last 5 attempts failed"
    )


def test_a_held_target_has_the_status_of_its_hold() -> None:
    limited = RateLimitError("no", retry_after=60.0)

    assert status_after(*[ServerError("no")] * 5, limited) == (
        "for 59 s more, after RateLimitError"
    )


def test_a_candidate_has_the_request_for_its_own_model() -> None:
    model = ModelInfo(name="m", context_window=7, prefill="trailing")
    target = FakeProvider("a", name="P", models=[model]).target()
    candidate = Candidate(RouteTarget(target, Health()), ChatRequest.build("Why?"))

    request = candidate.request
    took_prefill = candidate.prefills
    candidate.instructed = True

    assert request.model == "m"
    assert candidate.request is request
    assert str(candidate.target) == "P:m"
    assert candidate.window == 7
    assert took_prefill
    assert not candidate.prefills
    assert candidate.health(T) is candidate.health(T + 1)
