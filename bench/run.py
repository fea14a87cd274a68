"""Measure turnout beside a bare aiohttp loop and beside its peers; print the tables.

    python -m bench.run [--rounds N] [--case NAME] [--protocol NAME]
                        [--without-peers] [--write]

What is measured and how, and what it cannot tell, is in `docs/performance.md`, whose
tables and plot `--write` replaces. Needs the extra `dev`; the peers are those that
`python -m bench.environments` has installed.
"""

from __future__ import annotations

import argparse
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from bench import document, failover, names, tables
from bench.cases import (
    CASES,
    COLD,
    FAILOVER,
    FAILOVER_MS,
    IMPORT,
    NAMES,
    NAMES_OF_CASES,
    SIDE_BY_SIDE,
    VERSION,
    Case,
)
from bench.clients import BARE, RAW, ROUTE, TURNOUT
from bench.environments import PEERS, installed
from bench.measure import Figures
from bench.processes import measured, upstream
from bench.programs import DISTRIBUTIONS, asking, importing, version_told
from bench.rounds import Group, Measured, taken
from bench.wire import WIRES

BRIEF = 9
"""Rounds of a process that lives briefly: it is noisy, and cheap to measure."""


@dataclass
class Run:
    """A run of the benchmark."""

    rounds: int
    cases: list[str]
    protocols: list[str]
    peers: list[str]
    port: int
    measured: list[Measured] = field(default_factory=list)

    def wants(self, case: str) -> bool:
        return case in self.cases

    def take(self, case: Case, protocol: str) -> None:
        """Measure a case."""
        most = self.rounds if case.peer_rounds is None else case.peer_rounds
        beside = self.peers if protocol == SIDE_BY_SIDE and most else []
        limits = dict.fromkeys(beside, most)
        groups = [*case.groups(protocol), *((peer,) for peer in beside)]

        def measure(clients: Group) -> Mapping[str, Figures]:
            return measured(case.task(protocol, clients, self.port))

        rounds = taken(groups, measure, self.rounds, limits)
        units = {
            name: case.units(case.task(protocol, group, self.port))
            for group in groups
            for name in group
        }
        self.measured.append(
            Measured(
                case=case.name,
                protocol=protocol,
                title=case.title,
                unit=case.unit,
                units=units,
                rounds=rounds,
            )
        )
        told(f"{protocol}: {case.title}")

    def take_processes(self, case: str, title: str, clients: list[str]) -> None:
        """Measure whole processes."""
        each = importing if case == IMPORT else partial(asking, self.port)
        count = max(self.rounds, BRIEF)
        limits = dict.fromkeys(self.peers, self.rounds)
        groups: list[Group] = [(name,) for name in (*clients, *self.peers)]
        taken(groups, each, 1, limits)  # Writes the bytecode.
        self.measured.append(
            Measured(
                case=case,
                protocol=SIDE_BY_SIDE,
                title=title,
                unit="CPU ms",
                units={name: 1e-3 for (name,) in groups},
                rounds=taken(groups, each, count, limits),
            )
        )
        told(title)

    def all(self) -> None:
        """Measure whatever is wanted."""
        if self.wants(IMPORT):
            clients = [BARE, TURNOUT, VERSION, RAW]
            self.take_processes(IMPORT, "Import", clients)
        if self.wants(COLD):
            clients = [BARE, TURNOUT, ROUTE, RAW]
            self.take_processes(COLD, "Cold process to the answer", clients)
        for case in CASES:
            if self.wants(case.name):
                for protocol in case.protocols:
                    if protocol in self.protocols:
                        self.take(case, protocol)


def told(what: str) -> None:
    print(f"{datetime.now():%H:%M:%S} {what}", file=sys.stderr, flush=True)


def report(run: Run) -> list[str]:
    """Return the tables of what was measured."""
    versions = {name: version_told(name) for name in (*DISTRIBUTIONS, *run.peers)}
    parts: list[str] = []
    if any(each.protocol == SIDE_BY_SIDE for each in run.measured):
        parts.append(tables.side_by_side(run.measured, versions))
    cheaper = tables.times_cheaper(run.measured, "full1")
    if cheaper:
        parts.append(f"At full speed, times cheaper an event: {cheaper}.\n")
    for case in NAMES_OF_CASES:
        found = [each for each in run.measured if each.case == case]
        if found and found[0].rounds[0][BARE].first_deltas:
            parts += map(tables.of_open, found)
        elif found:
            parts.append(tables.of_case(found))
    served = [each for each in run.measured if each.rounds[0][BARE].upstream]
    if served:
        parts.append(tables.of_upstream(served))
    if run.wants(FAILOVER):
        parts.append(failover.table(failover.waits(200), FAILOVER_MS))
    if run.wants(NAMES):
        parts.append(names.table(100, 5_000))
    return parts


def heading(rounds: int) -> str:
    """Return when and where it was measured."""
    now = datetime.now(UTC)
    return (
        f"Measured on {now:%Y-%m-%d}, rounds: {rounds}, "
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, {document.cores()} cores.\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure turnout; print the tables.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--case", action="append", choices=NAMES_OF_CASES)
    parser.add_argument("--protocol", action="append", choices=list(WIRES))
    parser.add_argument("--without-peers", action="store_true")
    parser.add_argument("--write", action="store_true", help=document.PAGE.name)
    options = parser.parse_args()
    peers = [] if options.without_peers else installed()
    missing = [] if options.without_peers else [p for p in PEERS if p not in peers]
    if missing:
        told(f"not installed, see bench.environments: {', '.join(missing)}")
    with upstream() as port:
        run = Run(
            rounds=options.rounds,
            cases=options.case or list(NAMES_OF_CASES),
            protocols=options.protocol or list(WIRES),
            peers=peers,
            port=port,
        )
        run.all()
    text = "\n".join([heading(options.rounds), *report(run)])
    if missing:
        text += f"\nNot installed, and so left out: {', '.join(missing)}.\n"
    print(text)
    if options.write:
        document.write(text, run.measured)


if __name__ == "__main__":
    main()
