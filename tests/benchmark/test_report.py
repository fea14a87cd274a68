"""Tables and plot of a run, from figures that are made up."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from bench import bars, tables
from bench.clients import BARE, TURNOUT
from bench.measure import Figures
from bench.processes import ClientError
from bench.rounds import Group, Measured, taken


def measured(rounds: list[dict[str, Figures]]) -> Measured:
    return Measured(
        case="full1",
        protocol="OpenAI",
        title="Full speed",
        unit="CPU us an event",
        units={BARE: 2.0, TURNOUT: 2.0, "openai": 1.0},
        rounds=rounds,
    )


ONE = {
    BARE: Figures(seconds=[10.0, 20.0]),
    TURNOUT: Figures(seconds=[5.0, 10.0]),
    "openai": Figures(seconds=[300.0]),
}


def test_a_ratio_is_taken_turn_by_turn_in_a_shared_process() -> None:
    assert measured([ONE]).ratios(TURNOUT) == [0.5, 0.5]


def test_a_ratio_of_another_process_is_to_the_median_of_the_round() -> None:
    assert measured([ONE]).ratios("openai") == [300.0 / (15.0 / 2.0)]


def test_a_table_tells_whether_a_budget_is_met() -> None:
    table = tables.of_case([measured([ONE])])

    assert f"| {TURNOUT} | 3.75 | 0.50 | 0.80 | yes |" in table


def test_the_plot_has_a_bar_for_each_client() -> None:
    drawn = bars.drawn([measured([ONE])])

    assert drawn is not None
    names = [element.get("class") for element in ElementTree.fromstring(drawn).iter()]
    assert names.count("ours") == 1
    assert names.count("other") == 2


def test_a_peer_that_fails_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[Group] = []

    def measure(group: Group) -> dict[str, Figures]:
        asked.append(group)
        if group == ("openai",):
            raise ClientError("gone")
        return {group[0]: Figures(seconds=[1.0])}

    rounds = taken([(BARE,), ("openai",)], measure, 3, {"openai": 3})

    assert [list(figures) for figures in rounds] == [[BARE]] * 3
    assert asked.count(("openai",)) == 1
    assert "openai failed" in capsys.readouterr().err
