"""What was added up since this process began, as OpenMetrics text: sums and histograms of nodes and instances."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from segue.api.openmetrics import Sample, escaped, family, number, service_labels
from segue.core.figures import (
    CPU,
    DURATION,
    ENGINE,
    LIMITED,
    STARTED,
    WAIT,
    WORK,
    WORKER,
    Figures,
)
from segue.core.sketch import Sketch
from segue.model.services import ServiceState

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_ENDS = ("finished", "failed", "cancelled")

Place = tuple[dict[str, str], Figures]
"""The labels of a node, or of a version, and its figures."""


def figure_lines(totals: Mapping[tuple[str, int, str], Figures], services: Sequence[ServiceState]) -> Iterator[str]:
    """The lines of all families, from sums by process, version and node. Versions that are not here any more are left
    out."""
    names = {(service.process, service.version): service_labels(service) for service in services}
    nodes: list[Place] = []
    versions: list[Place] = []
    for process, version, node in sorted(totals):
        labels = names.get((process, version))
        if labels is None:
            continue
        figures = totals[process, version, node]
        if node:
            nodes.append(({**labels, "node": node}, figures))
        else:
            versions.append((labels, figures))
    yield from _of_nodes(nodes)
    yield from _of_instances(versions)


def _of_nodes(nodes: Sequence[Place]) -> Iterator[str]:
    yield from family(
        "segue_messages_handled", "counter", "Messages handled by a node, by outcome.", _by_outcome(nodes)
    )
    for name, about, sketch, per_s in (
        ("segue_message_wait", "From when a message was ready until it was taken.", WAIT, 1_000),
        ("segue_message_process", "From when a message was taken until it was settled.", WORK, 1_000),
        ("segue_worker_response", "Calls of workers.", WORKER, 1_000_000),
        ("segue_limit_wait", "Waits of a node for limits.", LIMITED, 1_000),
    ):
        yield from _histogram(f"{name}_seconds", about, nodes, sketch, per_s)
    for name, about, seconds in (
        ("segue_worker_cpu", "What actions computed.", _sketched(CPU)),
        ("segue_engine_cpu", "A node's share of what the engine computed.", _summed(ENGINE)),
    ):
        samples = ((labels, seconds(figures)) for labels, figures in nodes)
        yield from family(f"{name}_seconds", "counter", about, samples, unit="seconds")
    yield from family("segue_remote_requests", "counter", "Calls that actions made, by host and status.", _hosts(nodes))
    times = (
        ({**labels, "host": host}, remote.took_us.total / 1e6)
        for labels, figures in nodes
        for host, remote in sorted(figures.remote.items())
    )
    yield from family("segue_remote_request_seconds", "counter", "Time of these calls.", times, unit="seconds")


def _of_instances(versions: Sequence[Place]) -> Iterator[str]:
    started = ((labels, float(figures.counts.get(STARTED, 0))) for labels, figures in versions)
    yield from family("segue_instances_started", "counter", "Instances that were started.", started)
    ended = (
        ({**labels, "state": state}, float(figures.counts.get(state, 0)))
        for labels, figures in versions
        for state in _ENDS
    )
    yield from family("segue_instances_ended", "counter", "Instances that ended, by state.", ended)
    yield from _histogram("segue_instance_duration_seconds", "From start to end.", versions, DURATION, 1_000)


def _by_outcome(nodes: Sequence[Place]) -> Iterable[Sample]:
    for labels, figures in nodes:
        for outcome, count in sorted(figures.counts.items()):
            yield {**labels, "outcome": outcome}, float(count)


def _hosts(nodes: Sequence[Place]) -> Iterable[Sample]:
    for labels, figures in nodes:
        for host, remote in sorted(figures.remote.items()):
            for status, count in sorted(remote.statuses.items()):
                yield {**labels, "host": host, "status": str(status)}, float(count)


def _sketched(name: str) -> Callable[[Figures], float]:
    return lambda figures: figures.sketches.get(name, Sketch()).total / 1e6


def _summed(name: str) -> Callable[[Figures], float]:
    return lambda figures: figures.sums.get(name, 0) / 1e6


def _histogram(name: str, about: str, places: Sequence[Place], sketch: str, per_s: int) -> Iterator[str]:
    yield f"# TYPE {name} histogram"
    yield f"# UNIT {name} seconds"
    yield f"# HELP {name} {about}"
    for labels, figures in places:
        values = figures.sketches.get(sketch)
        if values is None or not values.count:
            continue
        shown = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
        counts = values.below([bound * per_s for bound in _SECONDS])
        for bound, count in zip(_SECONDS, counts, strict=True):
            yield f'{name}_bucket{{{shown},le="{bound}"}} {count}'
        yield f'{name}_bucket{{{shown},le="+Inf"}} {values.count}'
        yield f"{name}_count{{{shown}}} {values.count}"
        yield f"{name}_sum{{{shown}}} {number(values.total / per_s)}"
