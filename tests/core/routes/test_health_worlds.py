"""Routes answer at least as much as without memory; `bench.health` has more."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace

import pytest
from bench.health import WORLDS, compared, shortfalls

# The number of callers, and the end.
SHORT = {
    "5 % failures": (100, 40),
    "5 % failures, first pieces late": (100, 60),
    "half of the answers break": (100, 60),
    "20 % stray 429": (100, 40),
    "a lone target, 30 % failures": (100, 60),
    "a lone target, outage": (100, 95),
    "outage of all, 300 callers": (100, 90),
    "outage of all, which hang": (100, 100),
    "the first is dead": (100, 90),
    "the first hangs, 5 s timeout": (150, 90),
    "the first is up and down": (50, 80),
}


@pytest.mark.parametrize("name", SHORT)
def test_a_route_is_no_worse_than_asking_each_target_once(name: str) -> None:
    (world,) = [world for world in WORLDS if world.name == name]
    callers, end = SHORT[name]
    world = replace(world, callers=callers, end=end)
    random.seed(1)  # For the waits of the routes.

    plain, routed = compared(world)

    assert shortfalls(world, plain, routed) == []


def test_each_world_has_a_name_of_its_own() -> None:
    names = Counter(world.name for world in WORLDS)

    assert [name for name, count in names.items() if count > 1] == []
