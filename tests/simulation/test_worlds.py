"""Two hundred and fifty worlds, each with its own faults: every promise is kept in all of them.

SEGUE_SEEDS asks for more; the build machine lives two thousand.
"""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from segue.testing.simulation.settings import Settings
from segue.testing.simulation.world import World

SEEDS = int(os.environ.get("SEGUE_SEEDS", "150"))
PART = 125


@pytest.mark.timeout(600)
@pytest.mark.parametrize("first", range(0, SEEDS, PART))
def test_every_promise_is_kept(first: int) -> None:
    broken = []
    for seed in range(first, min(first + PART, SEEDS)):
        breach = World(seed, Settings()).run().breach
        if breach is not None:
            broken.append(f"seed {seed}: {breach}")
    assert broken == []


_DIGESTS = """
from segue.testing.simulation.settings import Settings
from segue.testing.simulation.world import World
for seed in range(5): print(World(seed, Settings()).run().digest)
"""


def test_the_same_seed_gives_the_same_run_in_any_process() -> None:
    digests = {
        subprocess.run(
            [sys.executable, "-c", _DIGESTS],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(digests) == 1
