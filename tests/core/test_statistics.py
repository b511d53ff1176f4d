"""Statistics of recent steps."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from segue.core.statistics import Timing, spread, statistics_of


def step(node: str, entered: int, taken: int, ended: int, outcome: str = "ok") -> Timing:
    return Timing(
        node=node, outcome=outcome, entered=entered, taken=taken, ended=ended, worker_us=2_000, remote_us=0, cpu_us=10,
        repeats=1,
    )  # fmt: skip


def test_each_node_has_its_own_numbers() -> None:
    steps = [step("b", 0, 5, 10), step("a", 0, 1, 60_000), step("b", 0, 7, 120_010, "failed")]
    first, second = statistics_of(steps)
    assert (first.node, first.count, first.failed, first.per_minute) == ("a", 1, 0, 1.0)
    assert (second.node, second.count, second.failed, second.repeats, second.per_minute) == ("b", 2, 1, 2, 1.0)
    assert (second.waited.least, second.waited.most) == (5, 7)
    assert (second.worked.most, second.worker.median, second.cpu.median) == (120_003, 2.0, 0.01)


def test_no_step_no_node() -> None:
    assert statistics_of([]) == []


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=300))
def test_a_spread_is_in_order_and_of_values_that_were_there(values: list[int]) -> None:
    found = spread(values)
    assert found.least == min(values)
    assert found.most == max(values)
    assert found.least <= found.median <= found.p95 <= found.most
    assert {found.median, found.p95} <= set(values)
    assert sum(value <= found.p95 for value in values) >= 0.95 * len(values)
