"""Telemetry over OTLP: what is posted is read with OpenTelemetry's own definitions, and a trace holds together."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from google.protobuf.json_format import Parse
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from segue.adapters import otlp
from segue.adapters.otlp import OtlpExporter
from segue.core.figures import WORK, Figures
from segue.core.tracing import Trace, read
from segue.model.workers import WorkerCall, WorkerReply
from segue.ports.telemetry import Span
from tests.files import chain
from tests.site import Site, ok, refuse
from tests.site import site as make_site

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """Takes what is posted, or refuses it with a status."""

    def __init__(self) -> None:
        self.spans: asyncio.Queue[Any] = asyncio.Queue()
        self.metrics: asyncio.Queue[Any] = asyncio.Queue()
        self.status = 200
        self.tried = asyncio.Event()
        self.runner = web.ServerRunner(web.Server(self._answer))

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = (await request.read()).decode()
        self.tried.set()
        assert request.headers["x-key"] == "hush"
        if self.status != 200:
            return web.Response(status=self.status)
        if request.path == "/v1/traces":
            # In OTLP's JSON ids are hex, where protobuf's own JSON has base64; everything else is checked.
            plain = json.loads(body)
            for span in plain["resourceSpans"][0]["scopeSpans"][0]["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    bytes.fromhex(span.pop(name, ""))
            Parse(json.dumps(plain), ExportTraceServiceRequest())
            for span in json.loads(body)["resourceSpans"][0]["scopeSpans"][0]["spans"]:
                self.spans.put_nowait(span)
        else:
            self.metrics.put_nowait(Parse(body, ExportMetricsServiceRequest()))
        return web.Response(text="{}", content_type="application/json")

    @property
    def url(self) -> str:
        host, port = self.runner.addresses[0][:2]
        return f"http://{host}:{port}"


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    made = Collector()
    await made.runner.setup()
    await web.TCPSite(made.runner, "127.0.0.1", 0).start()
    yield made
    await made.runner.cleanup()


def figures() -> dict[tuple[str, int, str], Figures]:
    made = Figures(counts={"ok": 3})
    made.sketch(WORK).add([10, 20, 90_000])
    return {("orders", 1, "t1"): made, ("orders", 1, ""): Figures(counts={"started": 3})}


@pytest.fixture
async def traced(collector: Collector) -> AsyncIterator[Site]:
    exporter = OtlpExporter(collector.url, {"x-key": "hush"}, "1.2.3", lambda: (1, figures()))
    exporter.start()
    async with make_site(None, telemetry=exporter) as made:
        yield made
        await exporter.close()


async def test_one_trace_from_the_start_through_three_workers_to_the_end(traced: Site, collector: Collector) -> None:
    heard: dict[str, WorkerCall] = {}

    def remember(name: str) -> None:
        def answer(call: WorkerCall) -> WorkerReply:
            heard[name] = call
            return ok(call)

        traced.serve(name, answer)

    for name in ("one", "two", "three"):
        remember(name)
    await traced.deploy("orders", chain("one", "two", "three"))
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "tracestate": "vendor=x", "Prefer": "wait=30"}
    await traced.post("/processes/orders/start", {"n": 1}, headers=headers)
    spans = {span["name"].rpartition("/")[2]: span for span in [await collector.spans.get() for _ in range(3)]}
    assert {span["traceId"] for span in spans.values()} == {TRACE}
    parent = CALLER
    for name in ("one", "two", "three"):
        assert spans[name]["parentSpanId"] == parent, name
        parent = spans[name]["spanId"]
    for name, call in heard.items():
        assert call.headers["traceparent"] == f"00-{TRACE}-{spans[name]['spanId']}-01"
        assert call.headers["tracestate"] == "vendor=x"
        assert json.loads(call.payload)["headers"]["traceparent"] == call.headers["traceparent"]
        assert spans[name]["kind"] == 5
    told = {each["key"]: next(iter(each["value"].values())) for each in spans["two"]["attributes"]}
    assert told["messaging.system"] == "segue"
    assert told["messaging.operation.type"] == "process"
    assert told["messaging.destination.name"] == "orders/two"
    assert int(spans["two"]["endTimeUnixNano"]) >= int(spans["two"]["startTimeUnixNano"]) > 10**18


async def test_a_trace_of_its_own_and_a_failure(traced: Site, collector: Collector) -> None:
    traced.serve("bad", refuse)
    await traced.deploy("orders", chain("bad"))
    accepted = await traced.start("orders", wait=30)
    span = await collector.spans.get()
    assert span["traceId"] == accepted["instance"].replace("-", "")
    assert "parentSpanId" not in span
    assert span["status"] == {"code": 2, "message": "no such customer"}


async def test_what_is_not_sampled_goes_on_and_is_not_told(traced: Site, collector: Collector) -> None:
    await traced.deploy("orders", chain("echo"))
    headers = {"traceparent": f"00-{TRACE}-{CALLER}-00", "Prefer": "wait=30"}
    await traced.post("/processes/orders/start", {}, headers=headers)
    assert traced.workers.calls[-1].headers["traceparent"].endswith("-00")
    assert traced.workers.calls[-1].headers["traceparent"].startswith(f"00-{TRACE}-")
    await traced.start("orders", wait=30)
    assert (await collector.spans.get())["traceId"] != TRACE


async def test_metrics_are_sent_and_what_waits_is_sent_at_the_end(collector: Collector) -> None:
    exporter = OtlpExporter(collector.url, {"x-key": "hush"}, "1.2.3", lambda: (1, figures()))
    exporter.span(span(1))
    await exporter.close()
    assert (await collector.spans.get())["name"] == "s1"
    sent = (await collector.metrics.get()).resource_metrics[0].scope_metrics[0].metrics
    by_name = {metric.name: metric for metric in sent}
    [point] = by_name["messaging.process.duration"].histogram.data_points
    assert (point.count, point.sum, point.max) == (3, 90.03, 90.0)
    assert sum(point.bucket_counts) == 3
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert point.bucket_counts[-1] == 1
    [consumed] = by_name["messaging.client.consumed.messages"].sum.data_points
    assert consumed.as_int == 3


async def test_a_collector_that_is_down_gets_it_later_and_what_does_not_fit_is_counted(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(otlp, "LAST_S", 60.0)  # how fast it is decides nothing here
    collector.status = 503
    exporter = OtlpExporter(collector.url, {"x-key": "hush"}, "1", lambda: (1, {}))
    for number in range(20_005):
        exporter.span(span(number))
    assert exporter.dropped == 5
    exporter.start()
    await collector.tried.wait()
    collector.status = 200
    await exporter.close()
    names = [collector.spans.get_nowait()["name"] for _ in range(collector.spans.qsize())]
    assert names == [f"s{number}" for number in range(5, 20_005)]
    assert (exporter.sent, exporter.dropped) == (20_000, 5)


def span(number: int) -> Span:
    return Span(
        trace=TRACE,
        span=f"{number + 1:016x}",
        parent="",
        name=f"s{number}",
        begins=1,
        ends=2,
        attributes={},
        consumer=True,
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"00-{TRACE}-{CALLER}-01", Trace(TRACE, CALLER)),
        (f"00-{TRACE}-{CALLER}-00", Trace(TRACE, CALLER, sampled=False)),
        (f"cc-{TRACE}-{CALLER}-01-what-comes-later", Trace(TRACE, CALLER)),
        (f"00-{TRACE}-{CALLER}-01-more", None),
        (f"ff-{TRACE}-{CALLER}-01", None),
        (f"00-{'0' * 32}-{CALLER}-01", None),
        (f"00-{TRACE}-{'0' * 16}-01", None),
        (f"00-{TRACE.upper()}-{CALLER}-01", None),
        ("", None),
    ],
)
def test_what_a_trace_context_is(text: str, found: Trace | None) -> None:
    assert read({"traceparent": text}) == found
