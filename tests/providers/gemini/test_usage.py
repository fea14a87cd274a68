"""What an answer used, and what the service says of it."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from turnout.types import Finish, Usage
from turnout_gemini._protocol import Decoder

from ...support.gemini_server import event, finish, response, text
from ..reading import Reading, end_of, usage_of

READING = Reading(Decoder)

COUNTS = {
    "promptTokenCount": 10,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 7,
    "cachedContentTokenCount": 3,
    "toolUsePromptTokenCount": 2,
    "totalTokenCount": 24,
}
USAGE = Usage(input_tokens=12, output_tokens=12, cached_tokens=3, reasoning_tokens=7)


def usage_in(*usages: object) -> Usage | None:
    """Return the usage of an answer whose responses say these of it."""
    chunks = [event(response([{"text": "a"}], USAGE=each)) for each in usages[:-1]]
    last = event(response([{"text": "a"}], "STOP", USAGE=usages[-1]))
    return usage_of(READING.decode(b"".join([*chunks, last])))


def test_thoughts_are_output_and_tools_results_are_input() -> None:
    assert usage_in(COUNTS) == USAGE


def test_the_last_count_holds() -> None:
    before = {"promptTokenCount": 10, "candidatesTokenCount": 1}  # S01, S16

    assert usage_in(before, COUNTS) == USAGE


@pytest.mark.parametrize(
    "after",
    [
        dict.fromkeys(COUNTS, 0),
        dict.fromkeys(COUNTS),
        {"thoughtsTokenCount": 0},
        {"trafficType": "ON_DEMAND"},
        {},
        None,
    ],
)
def test_a_zero_does_not_replace_a_count(after: object) -> None:
    assert usage_in(COUNTS, after) == USAGE


def test_counts_may_come_apart() -> None:
    asked = {"promptTokenCount": 10, "totalTokenCount": 10}
    given = {"candidatesTokenCount": 5, "totalTokenCount": 15}

    assert usage_in(asked, given) == Usage(
        input_tokens=10, output_tokens=5, cached_tokens=0
    )


def test_a_zero_is_a_count() -> None:
    counts = {"promptTokenCount": 10, "candidatesTokenCount": 0}

    assert usage_in(counts) == Usage(input_tokens=10, output_tokens=0, cached_tokens=0)


@pytest.mark.parametrize(
    "odd",
    [
        [1],
        "x",
        7,
        {"promptTokenCount": "9"},
        {"promptTokenCount": -9},
        {"promptTokenCount": True},
        {"promptTokenCount": [9]},
        {"promptTokenCount": 9.5},
    ],
)
def test_odd_usage_is_logged_once_and_passed_over(
    odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, logger="turnout"):
        assert usage_in(odd, odd) is None

    (record,) = caplog.records
    assert record.getMessage().startswith("Vendor sent usage that is not of the")


@pytest.mark.parametrize("nothing", [None, {}])
def test_an_answer_may_be_without_usage(
    nothing: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert usage_in(nothing) is None
    assert caplog.records == []


def test_one_odd_count_leaves_the_others() -> None:
    assert usage_in({**COUNTS, "thoughtsTokenCount": "7"}) == Usage(
        input_tokens=12, output_tokens=5, cached_tokens=3
    )


# Details.


def details_of(*chunks: dict[str, Any]) -> Any:
    return end_of(READING.decode(b"".join(map(event, chunks)))).details


def test_what_is_beside_the_counts_is_kept() -> None:
    more = {"trafficType": "ON_DEMAND", "promptTokensDetails": [{"modality": "TEXT"}]}

    details = details_of(response(None, "STOP", USAGE={**COUNTS, **more}))

    assert details["usage"] == {**COUNTS, **more}
    assert "usage" not in details_of(response(None, "STOP", USAGE=COUNTS))


@pytest.mark.parametrize(
    ("field", "tier"),
    [
        ({"serviceTier": "flex"}, "flex"),
        ({"trafficType": "ON_DEMAND"}, "on_demand"),
        ({"trafficType": "TRAFFIC_TYPE_UNSPECIFIED"}, None),
        ({"serviceTier": "unspecified"}, None),
        ({}, None),
    ],
)
def test_the_service_tier_is_a_detail(field: Any, tier: str | None) -> None:
    details = details_of(response(None, "STOP", USAGE={**COUNTS, **field}))

    assert details.get("service_tier") == tier


def test_what_a_response_says_of_itself_is_kept() -> None:
    first = {**response([{"text": "a"}]), "createTime": "t", "brandNew": 1}
    between = {"anotherNew": 2}
    last = {**response(None, "STOP", finishMessage="m", newField=3), "modelStatus": "s"}

    details = details_of(first, between, last)

    assert details == {
        "id": "resp-1",
        "model": "m-1",
        "create_time": "t",
        "brandNew": 1,
        "anotherNew": 2,
        "model_status": "s",
        "finish_reason": "STOP",
        "finish_message": "m",
        "newField": 3,
        "request_id": "req-1",
    }


def probabilities(*tokens: str) -> dict[str, Any]:
    return {"chosenCandidates": [{"token": token} for token in tokens], "logSum": -1}


@pytest.mark.parametrize(
    "parts",
    [
        [probabilities("a"), probabilities("a"), probabilities("b", "a")],
        [probabilities("a", "a", "b", "a")],
    ],
)
def test_probabilities_are_those_of_all_responses(parts: list[Any]) -> None:
    chunks = [response([{"text": "a"}], logprobsResult=p) for p in parts]

    details = details_of(*chunks, response(None, "STOP", avgLogprobs=-0.5))

    assert details["logprobs"] == probabilities("a", "a", "b", "a")
    assert details["average_logprobs"] == -0.5


def test_odd_probabilities_are_kept_as_they_are() -> None:
    first = response([{"text": "a"}], logprobsResult={"a": [1]})
    last = response(None, "STOP", logprobsResult="x")

    assert details_of(first, last)["logprobs"] == "x"


def test_usage_comes_with_an_answer_that_is_cut_off() -> None:
    _, events = READING.decoded(text("a"))

    assert usage_of(events) is not None
    assert not any(isinstance(each, Finish) for each in events)


def test_usage_comes_once() -> None:
    events = READING.decode(text("a") + finish())

    assert sum(isinstance(each, Usage) for each in events) == 1
