"""The options of a request, as the command line takes them."""

from __future__ import annotations

import click
import pytest

from turnout.cli._options import NAMES, request_options


@pytest.mark.parametrize(
    ("pair", "name", "value"),
    [
        pytest.param("temperature=0.5", "temperature", 0.5, id="number"),
        pytest.param("seed=7", "seed", 7, id="integer"),
        pytest.param(" seed = 7 ", "seed", 7, id="blanks"),
        pytest.param("stop=END", "stop", "END", id="text without quotes"),
        pytest.param('stop="END"', "stop", "END", id="text"),
        pytest.param("stop=a=b", "stop", "a=b", id="text with a sign"),
        pytest.param("stop=a\nb", "stop", "a\nb", id="text of two lines"),
        pytest.param("stop=1\nseed=2", "stop", "1\nseed=2", id="lines like options"),
        pytest.param("stop=['a', 'b']", "stop", ["a", "b"], id="list"),
        pytest.param("extra={n=1}", "extra", {"n": 1}, id="table"),
    ],
)
def test_a_value_is_tomls(pair: str, name: str, value: object) -> None:
    assert request_options([pair]) == {name: value}


def test_there_may_be_several_and_none() -> None:
    assert request_options(["seed=1", "top_p=1"]) == {"seed": 1, "top_p": 1}
    assert request_options([]) == {}


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        pytest.param(
            ["temperature"],
            "-o: 'temperature' is not KEY=VALUE, as in temperature=0.5",
            id="no value",
        ),
        pytest.param(
            ["max-tokens=1"],
            "-o: unknown option 'max-tokens'; did you mean 'max_tokens'?",
            id="mistyped",
        ),
        pytest.param(
            ["model=gpt-4"],
            f"-o: unknown option 'model'; known: {', '.join(NAMES)}",
            id="model",
        ),
        pytest.param(["seed=1", "seed=2"], "-o: seed is given twice", id="twice"),
        pytest.param(
            ["temperature=hot"],
            "-o: temperature='hot' is a str, not a number",
            id="kind",
        ),
        pytest.param(
            ["temperature=-1"],
            "-o: temperature=-1 is out of range; set 0 or more",
            id="range",
        ),
        pytest.param(
            ["stop=['a'"],
            "-o: stop: \"['a'\" is not a TOML value: Unclosed array (at end of "
            "document)",
            id="half a list",
        ),
        pytest.param(
            ["stop=" + "[" * 50_000],
            "-o: stop: its value is nested too deeply",
            id="a deep list",
        ),
        pytest.param(
            ["temperature=true"],
            "-o: temperature=True is a bool, not a number",
            id="a flag",
        ),
        pytest.param(
            ["temperature=nan"],
            "-o: temperature=nan is out of range; set 0 or more",
            id="not a number",
        ),
    ],
)
def test_what_cannot_be_used_is_wrong_usage(pairs: list[str], message: str) -> None:
    with pytest.raises(click.UsageError) as caught:
        request_options(pairs)

    assert str(caught.value) == message
