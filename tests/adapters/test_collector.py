"""A trace as OpenTelemetry's own Collector has received it."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from segue.adapters.otlp import OtlpExporter
from segue.model.workers import WorkerCall, WorkerReply
from tests.files import chain
from tests.log_sinks.programs import CACHE, Program, free_port, running
from tests.site import ok
from tests.site import site as make_site

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NAMES = ("one", "two", "three")
COLLECTOR = CACHE / "otel-collector-0.109.0" / "collector"
CONFIG = """
receivers: {{otlp: {{protocols: {{http: {{endpoint: "127.0.0.1:{port}"}}}}}}}}
exporters: {{debug: {{verbosity: detailed}}}}
service:
  telemetry: {{metrics: {{level: none}}}}
  pipelines:
    traces: {{receivers: [otlp], exporters: [debug]}}
    metrics: {{receivers: [otlp], exporters: [debug]}}
"""
FIELD = re.compile(r"^\s+(Trace ID|Parent ID|ID|Name|Kind)\s*: (.*)$", re.MULTILINE)


def collector(folder: Path, port: int) -> Program:
    if not COLLECTOR.is_file():
        pytest.skip("OpenTelemetry's Collector is missing: tools/test-services builds it")
    config = folder / "collector.yaml"
    config.write_text(CONFIG.format(port=port), encoding="utf-8")
    return Program([COLLECTOR, f"--config=file:{config}"], port, folder / "collector.log")


def spans_in(printed: str) -> dict[str, dict[str, str]]:
    """The spans that were received, by the node in their name."""
    found = {}
    for part in re.split(r"^Span #\d+$", printed, flags=re.MULTILINE)[1:]:
        fields = dict(FIELD.findall(part))
        found[fields["Name"].rpartition("/")[2]] = fields
    return found


def printed_by(log: Path, *words: str) -> str:
    """All that was printed, once these words are in it."""
    deadline, text = time.monotonic() + 60, ""
    while time.monotonic() < deadline:
        text = log.read_text(encoding="utf-8")
        if all(word in text for word in words):
            return text
        time.sleep(0.05)  # not synchronisation: between two looks at a program that only prints
    pytest.fail(f"the collector did not print {words}: {text[-2000:]}")


async def test_one_trace_from_the_start_through_three_workers_in_the_collectors_output(tmp_path: Path) -> None:
    heard: dict[str, str] = {}

    def answer(call: WorkerCall) -> WorkerReply:
        heard[call.url.split("/")[-2]] = call.headers["traceparent"]
        return ok(call)

    port = free_port()
    with running(collector(tmp_path, port)):
        exporter = OtlpExporter(f"http://127.0.0.1:{port}", {}, "1.2.3", lambda: (1, {}))
        exporter.start()
        async with make_site(None, telemetry=exporter) as site:
            for name in NAMES:
                site.serve(name, answer)
            await site.deploy("orders", chain(*NAMES))
            headers = {"traceparent": f"00-{TRACE}-{CALLER}-01", "Prefer": "wait=30"}
            await site.post("/processes/orders/start", {"n": 1}, headers=headers)
            await exporter.close()
        wanted = [f"process orders/{name}" for name in NAMES]
        spans = spans_in(await asyncio.to_thread(printed_by, tmp_path / "collector.log", *wanted))
    assert exporter.dropped == 0
    parent = CALLER
    for name in NAMES:
        assert (spans[name]["Trace ID"], spans[name]["Parent ID"]) == (TRACE, parent), name
        parent = spans[name]["ID"]
        assert heard[name] == f"00-{TRACE}-{parent}-01"
        assert spans[name]["Kind"] == "Consumer"
