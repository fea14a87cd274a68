"""The benchmark measures what it says, and talks to this machine alone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from bench.cases import Case
from bench.load import Load
from bench.processes import ClientError, measured, python_for, run, upstream
from bench.wire import WIRES

pytestmark = pytest.mark.ci


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with upstream() as number:
        yield number


@pytest.mark.parametrize("protocol", WIRES)
def test_every_client_reads_the_text_of_a_protocol(port: int, protocol: str) -> None:
    load = Load(events=5, batch=2)
    case = Case(name="few", title="Few", load=load, per="event", batches=2)
    (group,) = case.groups(protocol)

    figures = measured(case.task(protocol, group, port))

    assert [len(figures[name].seconds) for name in group] == [2] * len(group)


def test_streams_are_open_together(port: int) -> None:
    load = Load(events=3, ms=5, hold=4)
    case = Case(name="few", title="Few", load=load, per="run", streams=4, together=True)
    group = case.groups("OpenAI")[0]

    (figures,) = measured(case.task("OpenAI", group, port)).values()

    # Their memory is told only where this machine was not too busy to have all open.
    assert len(figures.first_deltas) == 4


def test_a_measured_process_reaches_nothing_else() -> None:
    code = (
        "import bench.loopback, socket; bench.loopback.enforce(); "
        "socket.create_connection(('192.0.2.1', 80))"
    )

    with pytest.raises(ClientError, match="PermissionError: socket"):
        run(python_for("turnout"), "-c", code)
