"""What goes over the wire about figures. All times are in milliseconds."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from segue.api.schemas import Asked, Instant, Name, Number, Out, Text
from segue.control.metrics import Bottleneck, Wanted
from segue.core.bottleneck import Cause
from segue.core.figures import (
    CPU,
    DEPTH,
    DURATION,
    ENGINE,
    LIMITED,
    OLDEST,
    REMOTE,
    WAIT,
    WORK,
    WORKER,
    Figures,
    Span,
)
from segue.core.sketch import Sketch
from segue.ports.metrics import MetricPoint

_SPANS = {"minute": Span.MINUTE, "hour": Span.HOUR, "day": Span.DAY}


class MetricQuery(Asked):
    """Which figures: of a minute, an hour or a day each, from `since` until before `until`; the last 60 by default."""

    span: Literal["minute", "hour", "day"] = "minute"
    process: Name | None = None
    version: Number | None = None
    node: Annotated[Text, Field(min_length=1, max_length=500)] | None = None
    since: Instant | None = None
    until: Instant | None = None


class BottleneckQuery(Asked):
    """Of which process; of all without one."""

    process: Name | None = None


class SpreadOut(Out):
    """How values were spread: count and mean are exact, least and most too; p50, p95 and p99 are right to 1 %."""

    count: int
    mean: float
    min: float
    p50: float
    p95: float
    p99: float
    max: float


class RemoteOut(Out):
    """Calls that actions made to one host. `statuses` counts answers by status; 0 is none at all."""

    host: str
    took: SpreadOut
    statuses: dict[str, int]


class NodePointOut(Out):
    """What a node did in the span that begins at `at`.

    `counts` are messages by outcome; `handled` how many times an action was executed, `failures` how many messages
    failed, `repeats` how many executions asked for another. `waiting` is from when a message was ready until it was
    taken, `processing` from then until it was settled, `response` the call of the worker, `remote` the worker's own
    calls, `cpu` its CPU time. `engine_cpu_ms` is this node's share of what the engine computed. `depth` and `oldest_ms`
    are samples of its queue, `limit_waits` how long it waited for limits.
    """

    process: str
    version: int
    node: str
    at: Instant
    counts: dict[str, int]
    handled: int
    failures: int
    repeats: int
    engine_cpu_ms: float
    waiting: SpreadOut | None
    processing: SpreadOut | None
    response: SpreadOut | None
    remote: SpreadOut | None
    cpu: SpreadOut | None
    limit_waits: SpreadOut | None
    depth: SpreadOut | None
    oldest: SpreadOut | None
    hosts: list[RemoteOut]


class ProcessPointOut(Out):
    """What happened to all instances of a version in the span that begins at `at`."""

    process: str
    version: int
    at: Instant
    started: int
    finished: int
    failed: int
    cancelled: int
    duration: SpreadOut | None


class SummaryOut(Out):
    """All of the time that was asked for in one, for each node and for the instances of each version."""

    nodes: list[NodePointOut]
    processes: list[ProcessPointOut]


class NumbersOut(Out):
    """What a node is judged by. `arrives` and `handled` are messages a second, `needed` calls at once."""

    depth: int
    in_flight: int
    prefetch: int
    arrives: float
    handled: float
    needed: float
    call_ms: float
    remote_ms: float
    cpu_ms: float
    usual_ms: float | None
    limited_ms: float
    waiting_s: float


class BottleneckNodeOut(Out):
    """What is the matter at one node, as a sentence and in numbers."""

    node: str
    name: str
    cause: Cause
    sentence: str
    weight: float
    numbers: NumbersOut


class BottleneckOut(Out):
    """What limits a version now. The first node limits it; `cause` none says that nothing waits."""

    process: str
    version: int
    at: Instant
    nodes: list[BottleneckNodeOut]


def wanted(query: MetricQuery) -> Wanted:
    """What is asked for."""
    return Wanted(
        span=_SPANS[query.span],
        process=query.process,
        version=query.version,
        node=query.node,
        since=query.since,
        until=query.until,
    )


def node_out(point: MetricPoint) -> NodePointOut:
    """The figures of a node."""
    figures = point.figures
    return NodePointOut(
        process=point.process,
        version=point.version,
        node=point.node,
        at=point.at,
        counts=figures.counts,
        handled=figures.executed(),
        failures=figures.failures(),
        repeats=figures.counts.get("repeat", 0),
        engine_cpu_ms=round(figures.sums.get(ENGINE, 0) / 1000, 3),
        waiting=_spread(figures, WAIT),
        processing=_spread(figures, WORK),
        response=_spread(figures, WORKER, 1000),
        remote=_spread(figures, REMOTE, 1000),
        cpu=_spread(figures, CPU, 1000),
        limit_waits=_spread(figures, LIMITED),
        depth=_spread(figures, DEPTH),
        oldest=_spread(figures, OLDEST),
        hosts=[
            RemoteOut(
                host=host,
                took=spread_out(remote.took_us, 1000),
                statuses={str(status): count for status, count in sorted(remote.statuses.items())},
            )
            for host, remote in sorted(figures.remote.items())
        ],
    )


def process_out(point: MetricPoint) -> ProcessPointOut:
    """The figures of all instances of a version."""
    counts = point.figures.counts
    return ProcessPointOut(
        process=point.process,
        version=point.version,
        at=point.at,
        started=counts.get("started", 0),
        finished=counts.get("finished", 0),
        failed=counts.get("failed", 0),
        cancelled=counts.get("cancelled", 0),
        duration=_spread(point.figures, DURATION),
    )


def bottleneck_out(found: Bottleneck) -> BottleneckOut:
    """What limits a version."""
    return BottleneckOut.model_validate(found)


def _spread(figures: Figures, name: str, per_ms: int = 1) -> SpreadOut | None:
    sketch = figures.sketches.get(name)
    return None if sketch is None or not sketch.count else spread_out(sketch, per_ms)


def spread_out(sketch: Sketch, per_ms: int = 1) -> SpreadOut:
    """The sketch in numbers; `per_ms` of its units are a millisecond."""

    def value(number: float) -> float:
        return round(number / per_ms, 3)

    return SpreadOut(
        count=sketch.count,
        mean=value(sketch.mean()),
        min=value(sketch.least),
        p50=value(sketch.quantile(0.5)),
        p95=value(sketch.quantile(0.95)),
        p99=value(sketch.quantile(0.99)),
        max=value(sketch.most),
    )
