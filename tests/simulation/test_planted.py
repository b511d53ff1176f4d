"""Each planted bug is noticed by some world, and none of these worlds notices anything without it."""

from __future__ import annotations

import pytest

from segue.testing.simulation.settings import Settings
from segue.testing.simulation.world import World
from tests.simulation import plants_bulk, plants_meeting
from tests.simulation.plants import PLANTS

MOST_SEEDS = 400
# Where to look first for what few worlds notice. It saves time and proves nothing: all seeds follow.
LIKELY = {
    "a_tick_is_fired_without_being_noted": 245,
    "a_limit_is_written_down_after_the_call": 88,
    "what_was_called_outlives_who_called_it": 138,
    "a_wake_up_is_lost_while_the_lane_is_being_filled": 288,
    "an_operation_forgets_after_a_crash_what_it_did_last": 283,
    "a_priority_counts_for_nothing": 179,
}


def test_there_are_enough_of_them() -> None:
    assert len(PLANTS) >= 18
    for module in (plants_meeting, plants_bulk):
        assert sum(each.__module__ == module.__name__ for each in PLANTS.values()) >= 6


@pytest.mark.parametrize("name", PLANTS)
def test_a_planted_bug_is_noticed(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    PLANTS[name](monkeypatch)
    for seed in (LIKELY.get(name, 0), *range(MOST_SEEDS)):
        breach = World(seed, Settings()).run().breach
        if breach is not None:
            print(f"{name}: seed {seed}: {breach}")  # noqa: T201 - which checker saw it, and when
            monkeypatch.undo()
            assert World(seed, Settings()).run().breach is None, "noticed without the bug as well"
            return
    pytest.fail(f"{MOST_SEEDS} worlds did not notice it")
