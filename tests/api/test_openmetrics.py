"""The scrape, read by Prometheus' own parser; and the dashboard, which asks for nothing that is not scraped."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from segue.model.workers import WorkerCall, WorkerReply
from tests.files import chain
from tests.site import Site

DASHBOARD = Path(__file__).resolve().parents[2] / "docs" / "grafana" / "segue.json"
NASTY = 'a "b" \\ c\nd'


@pytest.fixture
async def scraped(site: Site) -> dict[str, Any]:
    """The families of a scrape after three instances, one of which failed, by name."""

    def answer(call: WorkerCall) -> WorkerReply:
        said = json.loads(call.payload)
        remote = [{"host": NASTY, "ms": 20, "status": 200}, {"host": "crm.example", "ms": 70, "status": 503}]
        code = "1006" if "bad" in said["body"] else "0"
        envelope = {
            "headers": {"result-code": code},
            "body": "{}",
            "metrics": {"cpu_us": 1_500, "remote": remote},
        }
        return WorkerReply(status=200, body=json.dumps(envelope).encode(), elapsed_us=90_000)

    site.serve("echo", answer)
    await site.deploy("orders", chain("echo"))
    for body in ({"n": 1}, {"n": 2}, {"bad": 3}):
        await site.start("orders", body, wait=30)
    answered = await site.call("GET", "/metrics", token="read")
    assert answered.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    text = answered.content.decode()
    assert text.endswith("# EOF\n")
    return {family.name: family for family in text_string_to_metric_families(text)}


def value(family: Any, name: str, **labels: str) -> float:
    """The one sample of this name with these labels."""
    [found] = [
        sample.value for sample in family.samples if sample.name == name and labels.items() <= sample.labels.items()
    ]
    return float(found)


def test_the_scrape_says_what_happened(scraped: dict[str, Any]) -> None:
    handled = scraped["segue_messages_handled"]
    where = {"process": "orders", "version": "1", "node": "t1"}
    assert value(handled, "segue_messages_handled_total", outcome="ok", **where) == 2
    assert value(handled, "segue_messages_handled_total", outcome="trash", **where) == 1
    response = scraped["segue_worker_response_seconds"]
    assert response.type == "histogram"
    assert value(response, "segue_worker_response_seconds_count", **where) == 3
    assert value(response, "segue_worker_response_seconds_sum", **where) == 0.27
    assert value(response, "segue_worker_response_seconds_bucket", le="0.1", **where) == 3
    assert value(response, "segue_worker_response_seconds_bucket", le="0.05", **where) == 0
    remote = scraped["segue_remote_requests"]
    assert value(remote, "segue_remote_requests_total", host=NASTY, status="200") == 3
    assert value(remote, "segue_remote_requests_total", host="crm.example", status="503") == 3
    assert value(scraped["segue_worker_cpu_seconds"], "segue_worker_cpu_seconds_total", **where) == 0.0045
    instances = scraped["segue_instances_ended"]
    assert value(instances, "segue_instances_ended_total", state="finished") == 2
    assert value(scraped["segue_instances_started"], "segue_instances_started_total") == 3
    assert value(scraped["segue_instance_duration_seconds"], "segue_instance_duration_seconds_count") == 2


def test_the_dashboard_asks_for_what_is_scraped(scraped: dict[str, Any]) -> None:
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    assert len(asked) >= 12
    there = {sample.name for family in scraped.values() for sample in family.samples}
    declared = there | set(scraped)
    suffix = re.compile(r"_(total|bucket|count|sum)$")
    for expression in asked:
        for name in re.findall(r"segue_[a-z_]+", expression):
            assert name in declared or suffix.sub("", name) in declared, name
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
