"""Numbers of now as OpenMetrics text (OpenMetrics 1.0)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from segue.model.ledger import QueueState
from segue.model.services import ServiceState, ServiceStatus
from segue.runtime.remote_calls import RemoteTotal

MEDIA_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

Sample = tuple[Mapping[str, str], float]


def render(
    queues: Sequence[QueueState],
    services: Sequence[ServiceState],
    remote: Sequence[RemoteTotal] = (),
    more: Iterable[str] = (),
) -> str:
    """The text of one scrape; `more` are lines of other families."""
    lines = [
        *family("segue_queue_messages", "gauge", "Messages of a queue by state.", _messages(queues)),
        *family(
            "segue_queue_oldest_seconds",
            "gauge",
            "Age of the oldest ready message of a queue.",
            (({**_queue(queue)}, queue.oldest_ms / 1000) for queue in queues),
            unit="seconds",
        ),
        *family(
            "segue_service_up",
            "gauge",
            "Whether the control service of a version runs.",
            ((service_labels(service), float(service.status is ServiceStatus.RUNNING)) for service in services),
        ),
        *family(
            "segue_service_restarts",
            "counter",
            "Restarts of the control service of a version after a failure.",
            ((service_labels(service), float(service.restarts)) for service in services),
        ),
        *family("segue_node_in_flight", "gauge", "Messages a node is handling.", _in_flight(services)),
        *family("segue_node_held", "gauge", "1 while a node waits before its next try.", _held(services)),
        *_remote(remote),
        *more,
    ]
    return "\n".join([*lines, "# EOF", ""])


def _messages(queues: Sequence[QueueState]) -> Iterable[Sample]:
    for queue in queues:
        for state, count in (("ready", queue.depth), ("in_flight", queue.in_flight), ("delayed", queue.delayed)):
            yield {**_queue(queue), "state": state}, count


def _in_flight(services: Sequence[ServiceState]) -> Iterable[Sample]:
    for service in services:
        for lane in service.lanes:
            yield {**service_labels(service), "node": lane.node}, lane.in_flight


def _held(services: Sequence[ServiceState]) -> Iterable[Sample]:
    for service in services:
        for lane in service.lanes:
            yield {**service_labels(service), "node": lane.node}, float(lane.held is not None)


def _remote(totals: Sequence[RemoteTotal]) -> list[str]:
    """What workers told of their calls to other systems."""
    labels = [{"application": total.application, "node": total.node} for total in totals]
    calls = [float(total.calls) for total in totals]
    failures = [float(total.failures) for total in totals]
    seconds = [total.ms / 1000 for total in totals]
    return [
        *family("segue_remote_calls", "counter", "Calls that workers made.", zip(labels, calls, strict=True)),
        *family("segue_remote_failures", "counter", "Those of status 400 and up.", zip(labels, failures, strict=True)),
        *family(
            "segue_remote_seconds", "counter", "Time of these calls.", zip(labels, seconds, strict=True), unit="seconds"
        ),
    ]


def _queue(queue: QueueState) -> dict[str, str]:
    return {"process": queue.process, "version": str(queue.version), "node": queue.node}


def service_labels(service: ServiceState) -> dict[str, str]:
    """The labels of a version."""
    return {"process": service.process, "version": str(service.version)}


def family(name: str, kind: str, about: str, samples: Iterable[Sample], unit: str = "") -> list[str]:
    """The lines of one family."""
    lines = [f"# TYPE {name} {kind}"]
    if unit:
        lines.append(f"# UNIT {name} {unit}")
    lines.append(f"# HELP {name} {about}")
    suffix = "_total" if kind == "counter" else ""
    for labels, value in samples:
        shown = ",".join(f'{key}="{escaped(text)}"' for key, text in labels.items())
        lines.append(f"{name}{suffix}{{{shown}}} {number(value)}")
    return lines


def escaped(text: str) -> str:
    """A label's value between its quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value: float) -> str:
    """A value without loss."""
    return str(int(value)) if float(value).is_integer() else repr(float(value))
