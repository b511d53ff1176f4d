"""Telemetry over OTLP/HTTP 1.x in its JSON encoding, to any collector.

Spans wait in memory, within a bound, and are sent in batches beside everything else; what does not fit is counted.
Sums and histograms are sent with them every now and then, as they have grown since this process began.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any

import aiohttp
import msgspec

from segue.core.figures import DURATION, WAIT, WORK, WORKER, Figures
from segue.core.sketch import Sketch
from segue.ports.telemetry import Span, Value
from segue.tasks import end

log = logging.getLogger(__name__)

Totals = Callable[[], tuple[int, Mapping[tuple[str, int, str], Figures]]]
"""When counting began (ms), and the figures by process, version and node; "" is all instances."""

_BOUND = 20_000
_BATCH = 500
_EVERY_S = 1.0
_METRICS_EVERY = 15
LAST_S = 2.0
"""How long the last sending may take when the exporter is closed."""
_WAITS_S = (1.0, 2.0, 5.0, 10.0, 30.0)
_TIMEOUT_S = 10.0
# What may be tried again (OTLP 1.x, "Failures").
_AGAIN = frozenset({408, 429, 502, 503, 504})
_CONSUMER, _INTERNAL = 5, 1
_ERROR = 2
_CUMULATIVE = 2
_SCOPE = {"name": "segue"}
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)


class OtlpExporter:
    """Implements `Telemetry`. `endpoint` is the collector's base address, such as http://127.0.0.1:4318."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], version: str, totals: Totals) -> None:
        self._endpoint = endpoint.rstrip("/")
        self._headers = {**headers, "Content-Type": "application/json"}
        self._resource = {"attributes": attributes_of({"service.name": "segue", "service.version": version})}
        self._totals = totals
        self._waiting: deque[Span] = deque()
        self._session: aiohttp.ClientSession | None = None
        self._task: asyncio.Task[None] | None = None
        self._gone = 0
        self.dropped = 0
        self.sent = 0

    def start(self) -> None:
        """Begin to send."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def span(self, span: Span) -> None:
        """See `Telemetry`."""
        if len(self._waiting) >= _BOUND:
            self._waiting.popleft()
            self._gone += 1
            self.dropped += 1
        self._waiting.append(span)

    async def close(self) -> None:
        """Send what waits, once, and stop."""
        await end(self._task)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_S):
                while self._waiting and await self._send_spans():
                    pass
                await self._send_metrics()
        if self._session is not None:
            await self._session.close()

    async def _run(self) -> None:
        fails, turn = 0, 0
        while True:
            await asyncio.sleep(_EVERY_S if not fails else _WAITS_S[min(fails - 1, len(_WAITS_S) - 1)])
            good = True
            while self._waiting and good:
                good = await self._send_spans()
            turn += 1
            if good and turn % _METRICS_EVERY == 0:
                good = await self._send_metrics()
            fails = 0 if good else fails + 1

    async def _send_spans(self) -> bool:
        """Send a batch; False when it is to be tried again. It waits where it is until it was taken."""
        batch = list(islice(self._waiting, _BATCH))
        body = {"resourceSpans": [{"resource": self._resource, "scopeSpans": [_scoped("spans", batch, span_json)]}]}
        before = self._gone
        if not await self._post("/v1/traces", body, len(batch)):
            return False
        early = min(self._gone - before, len(batch))  # made room meanwhile, and were sent all the same
        self.dropped -= early
        for _ in range(len(batch) - early):
            self._waiting.popleft()
        return True

    async def _send_metrics(self) -> bool:
        began, totals = self._totals()
        metrics = metrics_json(began, _now_ms(), totals)
        if not metrics:
            return True
        scoped = {"scope": _SCOPE, "metrics": metrics}
        body = {"resourceMetrics": [{"resource": self._resource, "scopeMetrics": [scoped]}]}
        return await self._post("/v1/metrics", body, 0)

    async def _post(self, path: str, body: object, spans: int) -> bool:
        """True when it was taken, or never will be."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S))
        try:
            async with self._session.post(
                self._endpoint + path, data=msgspec.json.encode(body), headers=self._headers
            ) as answer:
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            log.debug("The collector cannot be reached: %s", type(error).__name__)
            return False
        if status < 300:
            self.sent += spans
            return True
        if status in _AGAIN:
            return False
        log.warning("The collector refuses %s with status %d", path, status)
        self.dropped += spans
        return True


def _scoped(name: str, batch: Sequence[Span], encode: Callable[[Span], dict[str, Any]]) -> dict[str, Any]:
    return {"scope": _SCOPE, name: [encode(span) for span in batch]}


def span_json(span: Span) -> dict[str, Any]:
    """A span as OTLP writes it: ids in hex, instants in ns as texts."""
    made: dict[str, Any] = {
        "traceId": span.trace,
        "spanId": span.span,
        "name": span.name,
        "kind": _CONSUMER if span.consumer else _INTERNAL,
        "startTimeUnixNano": _nanos(span.begins),
        "endTimeUnixNano": _nanos(span.ends),
        "attributes": attributes_of(span.attributes),
    }
    if span.parent:
        made["parentSpanId"] = span.parent
    if span.error is not None:
        made["status"] = {"code": _ERROR, "message": span.error}
    return made


def attributes_of(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Attributes as OTLP writes them."""
    return [{"key": key, "value": _any(value)} for key, value in values.items()]


def _any(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    return {"doubleValue": value} if isinstance(value, float) else {"stringValue": value}


def _nanos(at_ms: int) -> str:
    return str(at_ms * 1_000_000)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def metrics_json(began: int, now: int, totals: Mapping[tuple[str, int, str], Figures]) -> list[dict[str, Any]]:
    """All metrics with a point for each node, or for each version."""
    when = {"startTimeUnixNano": _nanos(began), "timeUnixNano": _nanos(now)}
    nodes = {key: figures for key, figures in totals.items() if key[2]}
    runs = {key: figures for key, figures in totals.items() if not key[2]}
    histograms = (
        ("messaging.process.duration", nodes, WORK, 1_000),
        ("segue.message.wait.duration", nodes, WAIT, 1_000),
        ("segue.worker.response.duration", nodes, WORKER, 1_000_000),
        ("segue.instance.duration", runs, DURATION, 1_000),
    )
    made = []
    for name, places, sketch, per_s in histograms:
        points = [
            {**when, **_buckets(figures.sketches[sketch], per_s), "attributes": attributes_of(_labels(key))}
            for key, figures in places.items()
            if sketch in figures.sketches
        ]
        if points:
            histogram = {"dataPoints": points, "aggregationTemporality": _CUMULATIVE}
            made.append({"name": name, "unit": "s", "histogram": histogram})
    for name, places, label in (
        ("messaging.client.consumed.messages", nodes, "segue.outcome"),
        ("segue.instances", runs, "segue.state"),
    ):
        counts = [
            {**when, "asInt": str(count), "attributes": attributes_of({**_labels(key), label: what})}
            for key, figures in places.items()
            for what, count in figures.counts.items()
        ]
        if counts:
            total = {"dataPoints": counts, "aggregationTemporality": _CUMULATIVE, "isMonotonic": True}
            made.append({"name": name, "unit": "{message}" if places is nodes else "{instance}", "sum": total})
    return made


def _labels(key: tuple[str, int, str]) -> dict[str, Value]:
    process, version, node = key
    labels: dict[str, Value] = {"messaging.system": "segue", "segue.process": process, "segue.version": version}
    if node:
        labels |= {
            "segue.node": node,
            "messaging.destination.name": f"{process}/{node}",
            "messaging.operation.name": "process",
        }
    return labels


def _buckets(sketch: Sketch, per_s: int) -> dict[str, Any]:
    below = sketch.below([bound * per_s for bound in _SECONDS])
    counts = [after - before for before, after in zip([0, *below], [*below, sketch.count], strict=True)]
    return {
        "count": str(sketch.count),
        "sum": sketch.total / per_s,
        "min": sketch.least / per_s,
        "max": sketch.most / per_s,
        "bucketCounts": [str(count) for count in counts],
        "explicitBounds": list(_SECONDS),
    }
