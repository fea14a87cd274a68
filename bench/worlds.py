"""The worlds in which routes are compared with having no memory.

A world says how many callers ask, and which target fails when and how.
"""

from __future__ import annotations

from dataclasses import dataclass

from turnout.errors import (
    ConnectError,
    OverloadedError,
    ProviderError,
    RateLimitError,
    ServerError,
)

__all__ = ["WORLDS", "Behavior", "World"]

FOREVER = float("inf")


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
    """Callers, and what the targets do with their requests."""

    name: str
    usual: Behavior = GOOD
    """What each target does outside of its phases."""
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

    def behavior(self, target: int, now: float) -> Behavior:
        """Return what a target does at a time."""
        phases = self.phases[target]
        found = (does for since, until, does in phases if since <= now < until)
        return next(found, self.usual)


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
    World(name="85 % failures", usual=failing(0.85)),
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
