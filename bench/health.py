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

Time is simulated. `--write` writes the plot of docs/failover.md.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random

import turnout
from turnout import Provider, ProviderInfo
from turnout.errors import (
    ConnectError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ServerError,
    StreamTruncatedError,
    TurnoutError,
)
from turnout.routes import Health, Route
from turnout.testing import run_simulated
from turnout.types import ChatRequest

FOREVER = float("inf")

Ask = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Behavior:
    """What a target does with a request; shares are of the requests, 0 to 1."""

    failing: float = 0.0
    """The share that it refuses."""
    error: type[ProviderError] = ServerError
    """What it refuses with."""
    after: float = 0.05
    """Seconds to the refusal."""
    retry_after: float | None = None
    """Seconds that a refusal names."""
    hanging: float = 0.0
    """The share that it accepts and never answers."""
    breaking: float = 0.0
    """The share of the answers that break in the middle."""
    first: tuple[float, float] = (0.05, 0.05)
    """Seconds to the first piece of an answer, from and to."""


GOOD = Behavior()
DEAD = Behavior(failing=1.0)
HANGING = Behavior(hanging=1.0)

Phase = tuple[float, float, Behavior]
"""From when to when, in seconds, a target behaves so."""


@dataclass(frozen=True, kw_only=True)
class World:
    """What happens to whom."""

    name: str
    usual: Behavior = GOOD
    """What each target does when nothing else is said."""
    phases: tuple[tuple[Phase, ...], ...] = ((), (), ())
    """For each target, when it behaves otherwise."""
    callers: int = 300
    length: float = 10.0
    """Seconds that an answer takes."""
    end: float = 160.0
    first_delta_timeout: float = 60.0
    outage: tuple[float, float] | None = None
    """When no target answers."""
    dead: int | None = None
    """The target that is dead in its first phase, and must not be asked much."""
    seed: int = 1


@dataclass
class Outcome:
    """What came of a world."""

    whole: list[float] = field(default_factory=list[float])
    """When each whole answer ended."""
    errors: list[float] = field(default_factory=list[float])
    asked: Counter[tuple[int, bool]] = field(default_factory=Counter[tuple[int, bool]])
    """Requests by target, and by whether it was in its first phase."""
    asked_at: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])


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
        now, phases = self.now, self.world.phases[target]
        found = (b for since, until, b in phases if since <= now < until)
        does = next(found, self.world.usual)
        special = bool(phases) and phases[0][0] <= now < phases[0][1]
        self.outcome.asked[target, special] += 1
        self.outcome.asked_at.append((now, target))
        fate, hangs, breaks = (self._random.random() for _ in range(3))
        if fate < does.failing:
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

    def provider(target: int) -> Provider:
        class Simulated(Provider):
            info = ProviderInfo(name=f"Target{target}", models=("m",))

            async def generate(self, request: ChatRequest) -> AsyncGenerator[str]:
                async for piece in services.answer(target):
                    yield piece

        return Simulated(max_concurrent=100_000, first_delta_timeout=timeout)

    targets = [
        provider(target).target() for target in range(len(services.world.phases))
    ]
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
        asked, usual = routed.asked[world.dead, True], plain.asked[world.dead, True]
        # A target that hangs slows callers without memory down: count what would
        # reach it at the pace of the route.
        since, until, _ = world.phases[world.dead][0]
        served = sum(since <= end < until for end in routed.whole)
        if asked > 0.05 * max(usual, served):
            found.append(f"the dead target was asked {asked} of {max(usual, served)}")
    if world.outage is not None:
        down, up = world.outage
        before = sum(down - 20 <= end < down for end in routed.whole)
        after = sum(up + 20 <= end < up + 40 for end in routed.whole)
        if after < 0.95 * before:
            found.append(f"after the outage: {after} in 20 s, {before} before it")
    return found


def failing(share: float, **more: float) -> Behavior:
    return Behavior(failing=share, **more)  # type: ignore[arg-type]


def all_three(since: float, until: float, does: Behavior) -> tuple[tuple[Phase], ...]:
    return tuple([((since, until, does),)] * 3)


def only_first(
    since: float, until: float, does: Behavior
) -> tuple[tuple[Phase, ...], ...]:
    return ((since, until, does),), (), ()


FAILS_5, FAILS_2 = failing(0.05), failing(0.02)

WORLDS = (
    World(name="1 % failures", usual=failing(0.01)),
    World(name="5 % failures", usual=FAILS_5),
    World(name="15 % failures", usual=failing(0.15)),
    World(name="30 % failures", usual=failing(0.3)),
    World(name="60 % failures", usual=failing(0.6)),
    World(name="15 % failures, 10 callers", usual=failing(0.15), callers=10, end=400),
    World(name="15 % failures, answers of 1 s", usual=failing(0.15), length=1, end=60),
    World(
        name="15 % failures, answers of 0.2 s", usual=failing(0.15), length=0.2, end=30
    ),
    World(
        name="15 % failures, answers of 40 s", usual=failing(0.15), length=40, end=300
    ),
    World(name="10 % failures, slow to fail", usual=Behavior(failing=0.1, after=5.0)),
    World(
        name="5 % connection failures", usual=Behavior(failing=0.05, error=ConnectError)
    ),
    World(name="10 % of the answers break", usual=Behavior(breaking=0.1)),
    World(name="half of the answers break", usual=Behavior(breaking=0.5)),
    World(
        name="5 % failures, first pieces late",
        usual=Behavior(failing=0.05, first=(1, 6)),
    ),
    World(
        name="first pieces after 0.1 to 20 s",
        usual=Behavior(failing=0.05, first=(0.1, 20)),
    ),
    World(name="2 % hang", usual=Behavior(hanging=0.02), first_delta_timeout=5),
    World(name="2 % stray 429", usual=Behavior(failing=0.02, error=RateLimitError)),
    World(name="20 % stray 429", usual=Behavior(failing=0.2, error=RateLimitError)),
    World(
        name="2 % stray 429 that name 1 s",
        usual=Behavior(failing=0.02, error=RateLimitError, retry_after=1.0),
    ),
    World(name="5 % stray 503", usual=Behavior(failing=0.05, error=OverloadedError)),
    World(name="a lone target, 5 % failures", usual=FAILS_5, phases=((),)),
    World(name="a lone target, 30 % failures", usual=failing(0.3), phases=((),)),
    World(
        name="a lone target, outage",
        usual=FAILS_2,
        phases=(((40, 50, DEAD),),),
        outage=(40, 50),
    ),
    World(
        name="outage of all, 300 callers",
        usual=FAILS_5,
        phases=all_three(40, 46, DEAD),
        outage=(40, 46),
    ),
    World(
        name="outage of all, 20 callers",
        usual=FAILS_5,
        callers=20,
        phases=all_three(60, 75, DEAD),
        outage=(60, 75),
        end=300,
    ),
    World(
        name="outage of all for a minute",
        usual=FAILS_2,
        phases=all_three(40, 100, DEAD),
        outage=(40, 100),
        end=220,
    ),
    World(
        name="outage of all, which hang",
        usual=FAILS_2,
        phases=all_three(40, 50, HANGING),
        outage=(40, 50),
        first_delta_timeout=4,
        end=220,
    ),
    World(
        name="outage of all, overloaded",
        usual=FAILS_2,
        phases=all_three(40, 50, Behavior(failing=1.0, error=OverloadedError)),
        outage=(40, 50),
        end=200,
    ),
    World(name="the first is dead", phases=only_first(25, 85, DEAD), dead=0),
    World(
        name="the first is dead, 100 callers",
        usual=FAILS_2,
        callers=100,
        phases=only_first(25, 145, DEAD),
        dead=0,
        end=220,
    ),
    World(
        name="the first is dead, slow to fail",
        phases=only_first(25, 145, Behavior(failing=1.0, after=3.0)),
        dead=0,
        end=220,
    ),
    World(
        name="the first hangs, 5 s timeout",
        phases=only_first(25, 85, HANGING),
        dead=0,
        first_delta_timeout=5,
    ),
    World(name="the first hangs", phases=only_first(25, 145, HANGING), dead=0, end=260),
    World(
        name="the first hangs from the start",
        phases=only_first(0, 300, HANGING),
        dead=0,
        first_delta_timeout=10,
        end=300,
    ),
    World(
        name="the first two are dead",
        usual=FAILS_2,
        phases=(((25, 145, DEAD),), ((25, 145, DEAD),), ()),
        dead=0,
        end=220,
    ),
    World(
        name="the first fails 60 %",
        phases=only_first(25, 145, failing(0.6)),
        end=220,
    ),
    World(
        name="the first is up and down",
        usual=FAILS_2,
        phases=(
            tuple((float(at), at + 5.0, DEAD) for at in range(20, 150, 10)),
            (),
            (),
        ),
    ),
    World(
        name="the first is slow to begin",
        usual=FAILS_2,
        phases=only_first(0, FOREVER, Behavior(failing=0.02, first=(6, 6))),
    ),
    World(
        name="the last is dead",
        usual=FAILS_5,
        phases=((), (), ((25, 85, DEAD),)),
    ),
)


def compared(world: World) -> tuple[Outcome, Outcome]:
    """Play a world without memory, and with a route."""
    plain = run_simulated(play(world, without_memory))
    return plain, run_simulated(play(world, with_route))


def line(world: World, plain: Outcome, routed: Outcome) -> str:
    dead = ""
    if world.dead is not None:
        asked, usual = routed.asked[world.dead, True], plain.asked[world.dead, True]
        dead = f"  dead target asked {asked} (without memory {usual})"
    return (
        f"{world.name:34} whole {len(routed.whole):5} of {len(plain.whole):5}"
        f"  errors {len(routed.errors):4} of {len(plain.errors):4}{dead}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare routes with no memory.")
    parser.add_argument("words", nargs="*")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    begun, missed = time.monotonic(), 0
    chosen = [
        replace(world, seed=arguments.seed)
        for world in WORLDS
        if not arguments.words or any(word in world.name for word in arguments.words)
    ]
    for world in chosen:
        plain, routed = compared(world)
        found = shortfalls(world, plain, routed)
        missed += bool(found)
        print(line(world, plain, routed), "; ".join(found) and f"MISSED {found}")
    print(f"{missed} of {len(chosen)} missed, {time.monotonic() - begun:.0f} s")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
