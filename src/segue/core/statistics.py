"""What recent steps say about each node: how many, how fast, how many failed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct


class Timing(Struct, frozen=True, kw_only=True):
    """A step as statistics see it. Instants in ms, durations in microseconds where the name ends in `_us`."""

    node: str
    outcome: str
    entered: int
    taken: int
    ended: int
    worker_us: int
    remote_us: int
    cpu_us: int
    repeats: int


class Spread(Struct, frozen=True, kw_only=True):
    """How a duration (ms) is spread."""

    least: float
    median: float
    p95: float
    most: float


class NodeStatistics(Struct, frozen=True, kw_only=True):
    """One node over the steps looked at. `per_minute` is over the time from the first of them to the last."""

    node: str
    count: int
    failed: int
    repeats: int
    per_minute: float
    waited: Spread
    worked: Spread
    worker: Spread
    remote: Spread
    cpu: Spread


_BAD = {"failed", "discarded", "rejected"}


def statistics_of(steps: Iterable[Timing]) -> list[NodeStatistics]:
    """The statistics of each node that has steps, by the node's id."""
    found: dict[str, list[Timing]] = {}
    for step in steps:
        found.setdefault(step.node, []).append(step)
    return [_of(node, group) for node, group in sorted(found.items())]


def _of(node: str, steps: Sequence[Timing]) -> NodeStatistics:
    ends = [step.ended for step in steps]
    minutes = max((max(ends) - min(ends)) / 60_000, 1.0)
    return NodeStatistics(
        node=node,
        count=len(steps),
        failed=sum(step.outcome in _BAD for step in steps),
        repeats=sum(step.repeats for step in steps),
        per_minute=round(len(steps) / minutes, 2),
        waited=spread([max(0, step.taken - step.entered) for step in steps]),
        worked=spread([max(0, step.ended - step.taken) for step in steps]),
        worker=spread([step.worker_us / 1000 for step in steps]),
        remote=spread([step.remote_us / 1000 for step in steps]),
        cpu=spread([step.cpu_us / 1000 for step in steps]),
    )


def spread(values: Sequence[float]) -> Spread:
    """Least, median, the value that 95 of 100 do not exceed, and most; of at least one value."""
    ordered = sorted(values)
    last = len(ordered) - 1
    return Spread(
        least=ordered[0],
        median=ordered[last // 2],
        p95=ordered[-(-last * 95 // 100)],
        most=ordered[last],
    )
