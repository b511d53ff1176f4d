"""Each planted bug is noticed by some world, and none of these worlds notices anything without it."""

from __future__ import annotations

import pytest

from segue.testing.simulation.settings import Settings
from segue.testing.simulation.world import World
from tests.simulation import plants_bulk, plants_meeting
from tests.simulation.plants import PLANTS

MOST_SEEDS = 400


def test_there_are_enough_of_them() -> None:
    assert len(PLANTS) >= 18
    for module in (plants_meeting, plants_bulk):
        assert sum(each.__module__ == module.__name__ for each in PLANTS.values()) >= 6


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTS[name](monkeypatch)
    for seed in range(MOST_SEEDS):
        breach = World(seed, Settings()).run().breach
        if breach is not None:
            print(f"{name}: seed {seed}: {breach}")  # noqa: T201 - which checker saw it, and when
            monkeypatch.undo()
            assert World(seed, Settings()).run().breach is None, "noticed without the bug as well"
            return
    pytest.fail(f"{MOST_SEEDS} worlds did not notice it")
