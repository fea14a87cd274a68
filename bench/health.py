"""Compare routes with asking each target once, in order, without any memory.

    python -m bench.health [WORDS ...] [--seed N] [--write]

In each *world* callers ask three targets (or one) again and again, and wait one second
after an error. The targets fail as the world says. The same callers then ask the same
targets without a route: each target once, in order. What a route remembers of its
targets must never cost answers:

1. whole answers: at least 0.97 of those without memory;
2. errors: at most 1.5 times as many, and one in a hundred requests more;
3. a target that is dead gets at most 5 % of the requests that it would get;
4. from 20 s after an outage on, at least 95 % of the rate before it.

Time is simulated. `--write` writes the table and the plot of docs/health.md.
"""

from __future__ import annotations

import argparse
import asyncio
import random as chance
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random

from bench import document
from bench.endurance.plot import Line, Panel, svg
from bench.worlds import WORLDS, World
from turnout import Provider, ProviderInfo
from turnout.errors import ServerError, StreamTruncatedError, TurnoutError
from turnout.routes import Health, Route
from turnout.testing import run_simulated
from turnout.types import ChatRequest

__all__ = ["WORLDS", "Outcome", "World", "compared", "shortfalls"]

Ask = Callable[[], Awaitable[None]]

PAGE, PLOT = document.DOCS / "health.md", document.DOCS / "health.svg"

DRAWN = {
    "outage of all, 300 callers",
    "the first is dead",
    "the first hangs, 5 s timeout",
}
"""The worlds in the plot."""

STEP = 1.0
AVERAGED = 10.0
"""Seconds between two points of the plot, and those that a point is the average of: as
long as an answer, since callers that began together end together."""


@dataclass
class Outcome:
    """How the requests of a world ended, and what its targets got."""

    whole: list[float] = field(default_factory=list[float])
    """When each whole answer ended."""
    errors: list[float] = field(default_factory=list[float])
    asked: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    """When which target was asked."""

    def times(self, target: int) -> list[float]:
        """Return when a target was asked."""
        return [at for at, asked in self.asked if asked == target]


class Services:
    """The targets of a world; they know nothing of who asks them."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.outcome = Outcome()
        self._random = Random(world.seed)
        self._begun = asyncio.get_running_loop().time()

    @property
    def now(self) -> float:
        """Seconds since the world's beginning."""
        return asyncio.get_running_loop().time() - self._begun

    async def answer(self, target: int) -> AsyncGenerator[str]:
        """Answer one request as the target does now.

        Raises:
            ProviderError: As the behavior says.
        """
        does = self.world.behavior(target, self.now)
        self.outcome.asked.append((self.now, target))
        fails, hangs, breaks = (self._random.random() for _ in range(3))
        if fails < does.failing:
            await asyncio.sleep(does.after)
            raise does.error("refused", retry_after=does.retry_after)
        if hangs < does.hanging:
            await asyncio.sleep(3600)
        await asyncio.sleep(self._random.uniform(*does.first))
        yield "x"
        await asyncio.sleep(self.world.length / 2)
        if breaks < does.breaking:
            raise StreamTruncatedError("cut")
        yield "y"
        await asyncio.sleep(self.world.length / 2)


def without_memory(services: Services) -> Ask:
    """Return what asks each target once, in order."""
    timeout = services.world.first_delta_timeout

    async def first(pieces: AsyncIterator[str]) -> None:
        async with asyncio.timeout(timeout):
            await anext(pieces)

    async def ask() -> None:
        for target in range(len(services.world.phases)):
            pieces = services.answer(target)
            try:
                await first(pieces)
                async for _ in pieces:
                    pass
            except (TurnoutError, TimeoutError):
                await pieces.aclose()
            else:
                return
        raise ServerError("every target failed")

    return ask


def with_route(services: Services) -> Ask:
    """Return what asks through a route with default options."""
    timeout = services.world.first_delta_timeout
    chance.seed(services.world.seed)  # A route's own, for its waits.

    def provider(target: int) -> Provider:
        class Simulated(Provider):
            info = ProviderInfo(name=f"Target{target}", models=("m",))

            async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
                async for piece in services.answer(target):
                    yield piece

        return Simulated(max_concurrent=100_000, first_delta_timeout=timeout)

    targets = [provider(n).target() for n in range(len(services.world.phases))]
    route = Route(targets, health=Health(random=Random(services.world.seed).random))

    async def ask() -> None:
        await route.complete("q")

    return ask


async def play(world: World, way: Callable[[Services], Ask]) -> Outcome:
    """Let the callers of a world ask until its end."""
    services = Services(world)
    ask, random, outcome = way(services), Random(world.seed + 1), services.outcome

    async def caller() -> None:
        await asyncio.sleep(random.random() * world.length)
        while services.now < world.end:
            try:
                await ask()
                outcome.whole.append(services.now)
            except TurnoutError:
                outcome.errors.append(services.now)
                await asyncio.sleep(1)

    tasks = [asyncio.ensure_future(caller()) for _ in range(world.callers)]
    await asyncio.sleep(world.end)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    return outcome


def compared(world: World) -> tuple[Outcome, Outcome]:
    """Play a world without memory, and with a route."""
    plain = run_simulated(play(world, without_memory))
    return plain, run_simulated(play(world, with_route))


def shortfalls(world: World, plain: Outcome, routed: Outcome) -> list[str]:
    """Return which of the rules do not hold."""
    found: list[str] = []
    share = len(routed.whole) / max(1, len(plain.whole))
    if share < 0.97:
        found.append(f"whole answers: {share:.3f} of those without memory")
    requests = len(plain.whole) + len(plain.errors)
    if len(routed.errors) > 1.5 * len(plain.errors) + 0.01 * requests:
        found.append(
            f"errors: {len(routed.errors)}, without memory {len(plain.errors)}"
        )
    if world.dead is not None:
        since, until, _ = world.phases[world.dead][0]
        asked = asked_while_dead(world, routed)
        # A target that hangs makes callers without memory slow: count what would
        # reach it at the pace of the route.
        served = count(routed.whole, since, until)
        usual = max(asked_while_dead(world, plain), served)
        if asked > 0.05 * usual:
            found.append(f"the dead target was asked {asked} of {usual}")
    if world.outage is not None:
        down, up = world.outage
        before = count(routed.whole, down - 20, down)
        after = count(routed.whole, up + 20, up + 40)
        if after < 0.95 * before:
            found.append(f"after the outage: {after} in 20 s, {before} before it")
    return found


def count(times: Iterable[float], since: float, until: float) -> int:
    return sum(since <= at < until for at in times)


def asked_while_dead(world: World, outcome: Outcome) -> int:
    """Return how many requests the dead target got in its first phase."""
    assert world.dead is not None
    since, until, _ = world.phases[world.dead][0]
    return count(outcome.times(world.dead), since, until)


def row(world: World, plain: Outcome, routed: Outcome) -> tuple[str, ...]:
    """Return a world's row of the table, with a route first in each pair."""
    pairs = [(len(o.whole), len(o.errors)) for o in (routed, plain)]
    numbers = [number for pair in zip(*pairs, strict=True) for number in pair]
    if world.dead is not None:
        numbers += [asked_while_dead(world, outcome) for outcome in (routed, plain)]
    cells = [f"{number:,}" for number in numbers]
    return (world.name, *cells, *[""] * (6 - len(cells)))


def table(rows: Iterable[tuple[str, ...]]) -> str:
    kinds = ("whole answers", "errors", "requests to the dead target")
    heads = [head for kind in kinds for head in (kind, "without memory")]
    lines = [("world", *heads), ("---", *["---:"] * 6), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def plot(drawn: Iterable[tuple[World, Outcome, Outcome]]) -> str:
    """Return the plot of some worlds, over the time that all of them last."""
    worlds = [*drawn]
    end = min(world.end for world, *_ in worlds)
    times = [STEP * n for n in range(int((end - AVERAGED / 2) / STEP) + 1)]
    panels: list[Panel] = []

    def add(title: str, world: World, plain: list[float], routed: list[float]) -> None:
        lines = [
            Line("with a route", _rates(routed, times)),
            Line("without memory", _rates(plain, times), width=4),
        ]
        since, until, _ = world.phases[0][0]
        panels.append(Panel(f"{world.name}: {title}", lines, shaded=(since, until)))

    for world, plain, routed in worlds:
        add("whole answers a second", world, plain.whole, routed.whole)
        if world.dead is None:
            add("errors a second", world, plain.errors, routed.errors)
        else:
            title = "requests a second to the first"
            add(title, world, plain.times(world.dead), routed.times(world.dead))
    title = f"{worlds[0][0].callers} callers and three targets, averaged over 10 s"
    return svg(title, "seconds", times, panels)


def _rates(happened: Iterable[float], times: Iterable[float]) -> list[float]:
    known, half = [*happened], AVERAGED / 2
    return [count(known, at - half, at + half) / AVERAGED for at in times]


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare routes with no memory.")
    parser.add_argument("words", nargs="*", help="play the worlds with these in names")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="docs/health.md")
    arguments = parser.parse_args()
    if arguments.write and arguments.words:
        parser.error("--write writes all worlds; leave the words out")
    begun, missed = time.monotonic(), 0
    rows: list[tuple[str, ...]] = []
    drawn: list[tuple[World, Outcome, Outcome]] = []
    for world in WORLDS:
        if arguments.words and not any(word in world.name for word in arguments.words):
            continue
        world = replace(world, seed=arguments.seed)
        plain, routed = compared(world)
        found = shortfalls(world, plain, routed)
        missed += bool(found)
        rows.append(row(world, plain, routed))
        if world.name in DRAWN:
            drawn.append((world, plain, routed))
        print(*rows[-1], *found, sep=" | ", flush=True)
    print(f"{missed} of {len(rows)} missed, {time.monotonic() - begun:.0f} s")
    if arguments.write:
        document.fill(PAGE, table(rows))
        PLOT.write_text(plot(drawn), encoding="utf-8")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
