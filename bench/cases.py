"""What is measured, and what it may cost beside a bare aiohttp loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bench.clients import BARE, RAW, ROUTE, TURNOUT
from bench.load import Load
from bench.measure import Task
from bench.wire import WIRES

VERSION = "turnout --version"

SIDE_BY_SIDE = "OpenAI"
"""The protocol in which the peers are measured."""

OURS = (BARE, TURNOUT, ROUTE)


@dataclass(frozen=True, kw_only=True)
class Case:
    """Streams that a client asks for."""

    name: str
    title: str
    load: Load
    per: Literal["stream", "event", "run"]
    """The unit of the CPU time; a run is in seconds, the others in microseconds."""
    streams: int = 1
    batches: int = 1
    """How often each of the clients that share a process has its turn."""
    peer_events: int | None = None
    """For the peers, where they would take too long; None means as many."""
    peer_streams: int | None = None
    peer_rounds: int | None = None
    """At most; 0 means that they are left out."""
    together: bool = False
    apart: float = 0.0
    protocols: tuple[str, ...] = (SIDE_BY_SIDE,)

    def groups(self, protocol: str) -> list[tuple[str, ...]]:
        """Return the clients of ours, those that share a process together."""
        ours = (*OURS, RAW) if protocol == SIDE_BY_SIDE else OURS
        return [(name,) for name in ours] if self.together else [ours]

    def task(self, protocol: str, clients: tuple[str, ...], port: int) -> Task:
        """Return what a process is to measure."""
        own = clients[0] in {*OURS, RAW}
        load = self.load
        return Task(
            protocol=protocol,
            clients=list(clients),
            port=port,
            events=load.events if own else self.peer_events or load.events,
            batch=load.batch,
            ms=load.ms,
            # Some of the others never have so many open, and would wait for them.
            hold=load.hold if own else 0,
            streams=self.streams if own else self.peer_streams or self.streams,
            batches=self.batches if own else 1,
            together=self.together,
            apart=self.apart,
        )

    def units(self, task: Task) -> float:
        """Return by what the seconds of a turn are divided."""
        if self.per == "run":
            return 1.0
        streams = task.streams / 1e6
        return streams * task.events if self.per == "event" else streams

    @property
    def unit(self) -> str:
        return {
            "run": "CPU s",
            "stream": "CPU us a stream",
            "event": "CPU us an event",
        }[self.per]


IMPORT, COLD, FAILOVER, NAMES = "import", "cold", "failover", "names"
"""The cases that are no streams of a client."""

_ALL = tuple(WIRES)

CASES = [
    Case(
        name="one",
        title="One-event streams",
        load=Load(events=1),
        per="stream",
        streams=100,
        batches=20,
        peer_streams=40,
        protocols=_ALL,
    ),
    Case(
        name="full1",
        title="Full speed, 1 event a write",
        load=Load(events=20_000),
        per="event",
        batches=5,
        peer_events=4_000,
        protocols=_ALL,
    ),
    Case(
        name="full50",
        title="Full speed, 50 events a write",
        load=Load(events=20_000, batch=50),
        per="event",
        batches=5,
        peer_events=4_000,
        protocols=_ALL,
    ),
    Case(
        name="paced",
        title="Paced, an event every 5 ms",
        load=Load(events=200, ms=5),
        per="event",
        batches=2,
    ),
    Case(
        name="open500",
        title="500 streams at once, of 100 events 20 ms apart",
        load=Load(events=100, ms=20, hold=500),
        per="run",
        streams=500,
        together=True,
        apart=0.002,
        peer_rounds=1,
    ),
    Case(
        name="open2000",
        title="2,000 streams at once, of 30 events 500 ms apart",
        load=Load(events=30, ms=500, hold=2_000),
        per="run",
        streams=2_000,
        together=True,
        apart=0.002,
        peer_rounds=0,
    ),
]

NAMES_OF_CASES = (IMPORT, COLD, *(case.name for case in CASES), FAILOVER, NAMES)

BUDGETS = {
    (IMPORT, TURNOUT): 0.35,
    (IMPORT, VERSION): 0.35,
    (COLD, TURNOUT): 1.25,
    ("one", TURNOUT): 1.25,
    ("one", ROUTE): 1.4,
    ("full1", TURNOUT): 0.8,
    ("full1", ROUTE): 0.8,
    ("full50", TURNOUT): 0.5,
    ("full50", ROUTE): 0.5,
    ("open2000", TURNOUT): 1.2,
    ("open2000", ROUTE): 1.2,
}
"""At most so many times the CPU of bare aiohttp, by case and client."""

FLOWGPT_BUDGET = 0.8
"""The same of FlowGPT's lines at full speed, however many a write: they are short."""

FIRST_DELTA_MS = 50.0
"""At most so much later than bare aiohttp's, the p99 of 2,000 streams."""

STREAM_KIB = 26.0
"""Memory of one of 2,000 open streams, at most."""

FAILOVER_MS = 2.0
"""From a broken read to the next request on the wire, at most."""


def budget_of(case: str, protocol: str, client: str) -> float | None:
    """Return the greatest ratio that a client may have; None where there is none."""
    budget = BUDGETS.get((case, client))
    if budget is not None and protocol == "FlowGPT" and case in {"full1", "full50"}:
        return FLOWGPT_BUDGET
    return budget
