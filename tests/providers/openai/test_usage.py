"""What services say that an answer cost, without any network.

The figures are those of answers recorded in pydantic-ai's and vercel/ai's repositories,
of the services' pages and of public reports.
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from turnout.types import Usage
from turnout_openai._protocol import Decoder

from ...support.openai_server import DONE, chunk, event, finish, text
from ..reading import Reading, end_of, usage_of

READING = Reading(Decoder)


class Apart(Decoder):
    """A decoder of a service whose output does not include the reasoning."""

    reasoning_in_output = False


def counted(*usages: object, decoder: type[Decoder] = Decoder) -> Usage | None:
    """Return what is read from chunks that have these usages."""
    sent = (event({"id": "c", "choices": [], "usage": usage}) for usage in usages)
    data = text("a") + finish() + b"".join(sent) + DONE
    return usage_of(Reading(decoder).decode(data))


PLAIN = {"prompt_tokens": 100, "completion_tokens": 5, "total_tokens": 105}


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"prompt_tokens_details": {"cached_tokens": 64}}, 64, id="OpenAI"),
        pytest.param(
            {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36},
            64,
            id="DeepSeek",
        ),
        pytest.param({"cached_tokens": 64}, 64, id="Moonshot"),
        pytest.param({"num_cached_tokens": 64}, 64, id="Mistral"),
        pytest.param({"cache_read_input_tokens": 64}, 64, id="LiteLLM"),
        pytest.param(
            {"prompt_tokens_details": {"cached_tokens": 0}, "cached_tokens": 64},
            64,
            id="under two names",
        ),
        pytest.param({"prompt_tokens_details": {"cached_tokens": 0}}, 0, id="zero"),
        pytest.param({"prompt_tokens_details": None}, None, id="missing"),
    ],
)
def test_what_was_read_from_a_cache_is_counted(
    fields: dict[str, object], expected: int | None
) -> None:
    assert counted({**PLAIN, **fields}) == Usage(
        input_tokens=100, output_tokens=5, cached_tokens=expected
    )


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"prompt_tokens_details": {"cache_write_tokens": 9}}, id="OpenAI"),
        pytest.param(
            {"prompt_tokens_details": {"cache_creation_tokens": 9}}, id="LiteLLM"
        ),
        pytest.param({"cache_creation_input_tokens": 9}, id="Anthropic's name"),
        pytest.param(
            {"prompt_tokens_details": {"cache_creation_input_tokens": 9}}, id="Qwen"
        ),
    ],
)
def test_what_was_written_to_a_cache_is_counted(fields: dict[str, object]) -> None:
    assert counted({**PLAIN, **fields}) == Usage(
        input_tokens=100, output_tokens=5, cache_write_tokens=9
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"completion_tokens_details": {"reasoning_tokens": 3}},
        {"reasoning_tokens": 3},
    ],
)
def test_reasoning_is_part_of_the_output(fields: dict[str, object]) -> None:
    assert counted({**PLAIN, **fields}) == Usage(
        input_tokens=100, output_tokens=5, reasoning_tokens=3
    )


@pytest.mark.parametrize(
    ("usage", "output", "reasoning"),
    [
        pytest.param(
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "total_tokens": 135,
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            103,
            94,
            id="xAI",
        ),
        pytest.param(
            {"prompt_tokens": 35, "completion_tokens": 12, "total_tokens": 109},
            74,
            None,
            id="Google",
        ),
        pytest.param(
            {
                "prompt_tokens": 32,
                "completion_tokens": 9,
                "completion_tokens_details": {"reasoning_tokens": 94},
            },
            103,
            94,
            id="no total",
        ),
        pytest.param(
            {"prompt_tokens": 32, "completion_tokens": 9, "total_tokens": 7},
            9,
            None,
            id="an odd total",
        ),
        pytest.param({"prompt_tokens": 32}, None, None, id="no output"),
    ],
)
def test_reasoning_that_is_counted_apart_is_output(
    usage: dict[str, object], output: int | None, reasoning: int | None
) -> None:
    found = counted(usage, decoder=Apart)

    assert found is not None
    assert (found.output_tokens, found.reasoning_tokens) == (output, reasoning)


@pytest.mark.parametrize(
    ("fields", "cost"),
    [
        pytest.param({"cost": 0.0012}, "0.0012", id="OpenRouter"),
        pytest.param({"cost": 4e-05}, "0.00004", id="exponent"),
        pytest.param({"cost": 0}, "0", id="free"),
        pytest.param({"cost": {"total_cost": 0.006}}, "0.006", id="Perplexity"),
        pytest.param({"cost_in_usd_ticks": 37756000}, "0.0037756", id="xAI"),
        pytest.param({"cost": True}, None, id="bool"),
        pytest.param({"cost": -1}, None, id="negative"),
        pytest.param({"cost": "1"}, None, id="text"),
        pytest.param({"cost": 1e300}, None, id="huge"),
        pytest.param({}, None, id="missing"),
    ],
)
def test_the_services_own_cost_is_told(
    fields: dict[str, object], cost: str | None
) -> None:
    found = counted({**PLAIN, **fields})

    assert found is not None
    assert found.cost == (None if cost is None else Decimal(cost))


def test_a_zero_or_nothing_replaces_no_count() -> None:
    first = {**PLAIN, "prompt_tokens_details": {"cached_tokens": 64}, "cost": 0.5}
    later = {"prompt_tokens": 0, "completion_tokens": 9, "cost": 0}

    assert counted(first, later) == Usage(
        input_tokens=100, output_tokens=9, cached_tokens=64, cost=Decimal("0.5")
    )


@pytest.mark.parametrize("odd", [7, "9", [1], [{"prompt_tokens": 1}], True])
def test_usage_that_is_not_an_object_is_passed_over(
    odd: object, caplog: pytest.LogCaptureFixture
) -> None:
    assert counted(odd) is None
    assert counted(PLAIN, odd) == Usage(input_tokens=100, output_tokens=5)
    assert [record.name for record in caplog.records] == ["turnout", "turnout"]
    assert "ignored usage" in caplog.text


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (9.0, 9),
        (9.5, None),
        (True, None),
        (-1, None),
        ("9", None),
        ([9], None),
        (10**30, None),
        (None, None),
    ],
)
def test_a_count_that_is_odd_is_none(count: object, expected: int | None) -> None:
    assert counted({"prompt_tokens": count, "completion_tokens": 4}) == Usage(
        input_tokens=expected, output_tokens=4
    )


def test_infinity_is_not_a_count() -> None:
    data = text("a") + b'data: {"choices": [], "usage": {"prompt_tokens": 1e999}}\n\n'

    assert usage_of(READING.decode(data + finish() + DONE)) == Usage()


def test_usage_in_a_choice_counts() -> None:
    # Moonshot's place for it.
    choice = {"index": 0, "delta": {}, "finish_reason": "stop", "usage": PLAIN}

    assert usage_of(READING.decode(text("a") + event({"choices": [choice]}))) == Usage(
        input_tokens=100, output_tokens=5
    )


@pytest.mark.parametrize(
    "more",
    [
        {"cost_details": {"upstream_inference_cost": 0.1}},
        {"num_search_queries": 2},
        {"prompt_tokens_details": {"audio_tokens": 4, "cached_tokens": 1}},
    ],
)
def test_usage_that_says_more_is_kept(more: dict[str, object]) -> None:
    sent = {**PLAIN, **more}
    data = text("a") + event({**chunk({}, "stop"), "usage": sent}) + DONE

    assert end_of(READING.decode(data)).details["usage"] == sent


def test_usage_that_says_no_more_is_not_kept() -> None:
    nothing = {"cost_details": None, "completion_tokens_details": {"audio_tokens": 0}}
    data = text("a") + event({**chunk({}, "stop"), "usage": {**PLAIN, **nothing}})

    assert "usage" not in end_of(READING.decode(data + DONE)).details


def test_counts_by_the_names_of_responses_are_read() -> None:
    usage = counted({"input_tokens": 3, "output_tokens": 4})
    assert usage == Usage(input_tokens=3, output_tokens=4)
