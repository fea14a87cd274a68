"""Five hundred streams under random faults; `python -m bench.soak` runs more."""

from __future__ import annotations

import pytest

from turnout.testing import run_simulated

from .soaking import FAULTS, Soak


@pytest.mark.ci
@pytest.mark.parametrize("seed", [20261122])
def test_every_answer_is_complete_under_random_faults(seed: int) -> None:
    soak = Soak(streams=500, seed=seed)
    run_simulated(soak.run())

    assert soak.wrong == [], f"seed {seed}"
    assert soak.outcomes["whole"] + soak.outcomes["given up"] == 500
    assert set(FAULTS) <= set(soak.faults)
    assert soak.failovers >= 10
