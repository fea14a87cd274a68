"""Rounds: each client of a case has its turn in every one, in a shuffled order.

A ratio is taken within one round, as the machine is another one from minute to minute:
turn by turn for clients that share a process, by the round's medians for the others.
"""

from __future__ import annotations

import random
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.clients import BARE
from bench.measure import Figures
from bench.processes import ClientError

Group = tuple[str, ...]
"""Clients that are measured together."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured in a case, of one protocol."""

    case: str
    protocol: str
    title: str
    unit: str
    units: Mapping[str, float]
    """By client: by what the seconds of a turn are divided."""
    rounds: Sequence[Mapping[str, Figures]]

    @property
    def clients(self) -> list[str]:
        """The clients that were measured, in the order that they were given in."""
        return [
            name for name in self.units if any(name in each for each in self.rounds)
        ]

    def values(self, client: str) -> list[float]:
        """Return a client's CPU for each turn."""
        each = self.units[client]
        turns = [t.seconds for t in self._figures(client)]
        return [seconds / each for turn in turns for seconds in turn]

    def upstream(self, client: str) -> list[float]:
        """Return the upstream's CPU in a client's turns."""
        each = self.units[client]
        return [s / each for turn in self._figures(client) for s in turn.upstream]

    def elapsed(self, client: str) -> list[float]:
        """Return the time of a client's turns by the clock."""
        each = self.units[client]
        return [s / each for turn in self._figures(client) for s in turn.elapsed]

    def ratios(self, client: str) -> list[float]:
        """Return a client's CPU in that of bare aiohttp, of the same round each."""
        found: list[float] = []
        factor = self.units[BARE] / self.units[client]
        for each in self.rounds:
            if client not in each or BARE not in each:
                continue
            mine, base = each[client].seconds, each[BARE].seconds
            if len(mine) != len(base):
                mine, base = [statistics.median(mine)], [statistics.median(base)]
            found += [a / b * factor for a, b in zip(mine, base, strict=True)]
        return found

    def first_delta(self, client: str, percent: int) -> float:
        """Return the seconds to the first delta, of the median round."""
        rounds = [figures.first_deltas for figures in self._figures(client)]
        return statistics.median(
            deltas[len(deltas) * percent // 100] for deltas in rounds
        )

    def bytes_each(self, client: str) -> float | None:
        """Return the memory of an open stream; None where they were not all open."""
        sizes = [figures.bytes_each for figures in self._figures(client)]
        known = [each for each in sizes if each is not None]
        return statistics.median(known) if known else None

    def _figures(self, client: str) -> list[Figures]:
        return [each[client] for each in self.rounds if client in each]


def taken(
    groups: Sequence[Group],
    measure: Callable[[Group], Mapping[str, Figures]],
    count: int,
    most: Mapping[str, int],
) -> list[dict[str, Figures]]:
    """Let all have their turns.

    A peer that fails is reported and then left out.

    Args:
        groups: Who is measured.
        measure: Measures a group.
        count: How many rounds.
        most: By client: the most rounds that it takes part in. Those with an entry are
            the peers.

    Raises:
        ClientError: One that is no peer failed.
    """
    rounds: list[dict[str, Figures]] = []
    failed: set[Group] = set()
    for number in range(count):
        figures: dict[str, Figures] = {}
        for group in random.sample(groups, len(groups)):
            peer = group[0] in most
            if group in failed or (peer and number >= most[group[0]]):
                continue
            try:
                figures.update(measure(group))
            except ClientError as error:
                if not peer:
                    raise
                failed.add(group)
                print(f"{group[0]} failed and is left out: {error}", file=sys.stderr)
        rounds.append(figures)
    return rounds
