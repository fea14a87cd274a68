"""Run many streams over targets that fail at random, and tell what went wrong.

    python -m bench.soak [--streams N] [--seed N]

Time is simulated: hours take minutes. The run fails if an answer was not whole, if
anything was left behind, or if memory grew.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
import tracemalloc

from tests.core.routes.soaking import Soak

from turnout.testing import run_simulated

GROWTH = 64
"""Bytes for each stream by which what is in use may grow: a few counts and no more."""


async def measured(soak: Soak) -> tuple[int, int]:
    """Run the streams; return the bytes in use after a tenth of them and after all."""
    first = Soak(streams=max(1, soak.streams // 10), seed=soak.seed + 1)
    await first.run()
    soak.wrong += first.wrong
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    await soak.run()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    return before, after


def main() -> int:
    parser = argparse.ArgumentParser(description="Soak turnout in random faults.")
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=20261122)
    arguments = parser.parse_args()
    soak = Soak(streams=arguments.streams, seed=arguments.seed)
    tracemalloc.start()
    begun = time.perf_counter()
    before, after = run_simulated(measured(soak))
    seconds = time.perf_counter() - begun
    print(f"seed {soak.seed}: {soak.streams} streams, {soak.seconds:.0f} s simulated")
    print(f"{seconds:.0f} s, {soak.attempts} attempts, {soak.failovers} failovers")
    print(f"outcomes: {dict(soak.outcomes)}")
    print(f"faults: {dict(sorted(soak.faults.items()))}")
    print(f"memory: {before / 1e6:.2f} MB before, {after / 1e6:.2f} MB after")
    for wrong in soak.wrong[:20]:
        print(f"wrong: {wrong}")
    return 1 if soak.wrong or after - before > soak.streams * GROWTH else 0


if __name__ == "__main__":
    sys.exit(main())
