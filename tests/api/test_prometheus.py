"""Prometheus itself reads the scrape, and each panel of the dashboard shows something of a process that is at work."""

from __future__ import annotations

import asyncio
import json
import math
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from segue.model.workers import WorkerCall, WorkerReply
from tests.files import chain
from tests.log_sinks.programs import Program, free_port, running
from tests.site import Site
from tests.skipping import needs_command

DASHBOARD = Path(__file__).resolve().parents[2] / "docs" / "grafana" / "segue.json"
LIMITED = '<segue:limit key="crm" calls="2" per="PT1S"/></extensionElements>'
CONFIG = """
scrape_configs:
  - job_name: segue
    scrape_interval: 300ms
    scrape_timeout: 300ms
    authorization: {{credentials: "{token}"}}
    static_configs: [{{targets: ["{target}"]}}]
"""


def prometheus(folder: Path, port: int, site: Site) -> Program:
    """A Prometheus that scrapes the site with the right to read."""
    config = folder / "prometheus.yml"
    target = site.url.removeprefix("http://")
    config.write_text(CONFIG.format(token=site.tokens["read"], target=target), encoding="utf-8")
    command: list[str | Path] = [needs_command("prometheus", "prometheus"), f"--config.file={config}"]
    command += [f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address=127.0.0.1:{port}"]
    return Program(command, port, folder / "prometheus.log")


async def evaluate(session: aiohttp.ClientSession, port: int, expression: str) -> list[dict[str, Any]]:
    """The series of an expression now."""
    url = f"http://127.0.0.1:{port}/api/v1/query"
    async with session.get(url, params={"query": expression}) as answer:
        said = await answer.json()
    assert said["status"] == "success", (expression, said)
    return list(said["data"]["result"])


def answers(call: WorkerCall) -> WorkerReply:
    """One in three fails; all of them call another host."""
    said = json.loads(call.payload)
    headers = {"result-code": "1006" if json.loads(said["body"])["n"] % 3 == 0 else "0"}
    measured = {"cpu_us": 1_500, "remote": [{"host": "crm.example", "ms": 20, "status": 200}]}
    envelope = {"headers": headers, "body": "{}", "metrics": measured}
    return WorkerReply(status=200, body=json.dumps(envelope).encode(), elapsed_us=90_000)


def away(_call: WorkerCall) -> WorkerReply:
    """Nobody answers here, so the node is held."""
    return WorkerReply(status=503, body=b"", elapsed_us=1_000)


async def work(site: Site) -> None:
    """Something happens, until cancelled."""
    for n in range(1_000_000):
        await site.start("orders", {"n": n}, wait=30)
        await site.start("stuck", {"n": n})
        await site.start("limited", {"n": n})
        await asyncio.sleep(0.02)  # not synchronisation: so much is started and no more


@pytest.fixture
async def at_work(site: Site) -> Site:
    site.serve("echo", answers)
    site.serve("away", away)
    await site.deploy("orders", chain("echo"))
    await site.deploy("stuck", chain("away"))
    await site.deploy("limited", chain("echo").replace("</extensionElements>", LIMITED))
    return site


async def test_every_panel_shows_something(at_work: Site, tmp_path: Path) -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    asked = [(panel["title"], target["expr"]) for panel in panels for target in panel.get("targets", [])]
    assert asked
    port = free_port()
    busy = asyncio.create_task(work(at_work))
    try:
        with running(prometheus(tmp_path, port, at_work)):
            async with aiohttp.ClientSession() as session, asyncio.timeout(60):
                empty = asked
                while empty:
                    assert not busy.done(), busy.result()
                    empty = [each for each in empty if not await shows(session, port, each[1])]
                up = await evaluate(session, port, "scrape_samples_scraped")
    except TimeoutError:
        pytest.fail(f"nothing is shown by {empty}")
    finally:
        busy.cancel()
    assert [int(series["value"][1]) > 50 for series in up] == [True]


async def shows(session: aiohttp.ClientSession, port: int, expression: str) -> bool:
    """Whether an expression has numbers, each with the labels that its panel names the lines by."""
    plain = expression.replace("$process", ".*").replace("$__rate_interval", "1m")
    found = await evaluate(session, port, plain)
    by = re.search(r"by \(([^)]*)\)", expression)
    labels = {label.strip() for label in by[1].split(",")} - {"le"} if by else set()
    numbers = [series for series in found if not math.isnan(float(series["value"][1]))]
    return bool(numbers) and all(labels <= series["metric"].keys() for series in numbers)
