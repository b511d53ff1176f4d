"""Figures over HTTP: independent arithmetic of what workers took, and bottlenecks that were planted."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from segue.model.workers import Fault, WorkerCall, WorkerReply
from segue.runtime.accept import StartRequest
from tests.files import chain
from tests.site import WORKER_URL, Site, reply
from tests.site import site as make_site

ACTIONS = ("fetch", "map", "send", "report")


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def known(times: list[int], remote: list[int], chance: Random) -> Callable[[WorkerCall], WorkerReply]:
    """A worker whose every call takes a known time (µs), part of it in calls of its own; both are noted."""

    def answer(call: WorkerCall) -> WorkerReply:
        took = round(chance.lognormvariate(9, 1.2))
        times.append(took)
        remote_ms = took // 2 / 1000
        remote.append(took // 2)
        envelope = {
            "headers": {"result-code": "0"},
            "body": json.loads(call.payload)["body"],
            "metrics": {"cpu_us": 7, "remote": [{"host": "crm.example", "ms": remote_ms, "status": 200}]},
        }
        return WorkerReply(status=200, body=json.dumps(envelope).encode(), elapsed_us=took)

    return answer


def rank(values: list[int], share: float) -> float:
    return sorted(values)[int(share * (len(values) - 1))] / 1000


def close(found: float, true: float, share: float) -> bool:
    return abs(found - true) <= share * true


async def test_figures_are_what_independent_arithmetic_says(site: Site) -> None:
    """Counts exact, means within 1 %, p95 and p99 within 2 % of the true values, at four nodes."""
    count, chance = 250, Random(7)
    times: dict[str, list[int]] = {name: [] for name in ACTIONS}
    remote: dict[str, list[int]] = {name: [] for name in ACTIONS}
    for name in ACTIONS:
        site.serve(name, known(times[name], remote[name], chance))
    await site.deploy("orders", chain(*ACTIONS))
    await asyncio.gather(*(site.start("orders", wait=60) for _ in range(count)))
    found = await site.get("/api/v1/metrics/summary?process=orders&span=day")
    nodes = {node["node"]: node for node in found["nodes"]}
    for number, name in enumerate(ACTIONS, 1):
        check(nodes[f"t{number}"], times[name], remote[name])
    [process] = found["processes"]
    assert (process["started"], process["finished"], process["failed"]) == (count, count, 0)
    assert process["duration"]["count"] == count
    minutes = await site.get("/api/v1/metrics/nodes?process=orders&node=t1")
    assert sum(point["handled"] for point in minutes) == count


def check(node: dict[str, Any], times: list[int], remote: list[int]) -> None:
    assert node["handled"] == node["counts"]["ok"] == len(times)
    for spread, values in ((node["response"], times), (node["remote"], remote), (node["hosts"][0]["took"], remote)):
        assert spread["count"] == len(values)
        assert close(spread["mean"], sum(values) / len(values) / 1000, 0.01)
        assert close(spread["p95"], rank(values, 0.95), 0.02)
        assert close(spread["p99"], rank(values, 0.99), 0.02)
        assert close(spread["max"], max(values) / 1000, 0.001)
    assert node["cpu"]["mean"] == 0.007
    assert node["hosts"][0]["statuses"] == {"200": len(times)}


async def test_outcomes_are_counted_as_they_are_stored(site: Site) -> None:
    calls = Counter[str]()

    def answer(call: WorkerCall) -> WorkerReply:
        body = json.loads(call.payload)["body"]
        calls[body] += 1
        if calls[body] == 1 and "again" in body:
            return reply({"result-code": "1001", "repeat-interval": "1", "repeat-max-hops": "3"}, body)
        return reply({"result-code": "1006" if "bad" in body else "0"}, body)

    site.serve("echo", answer)
    await site.deploy("orders", chain("echo"))
    bodies = ["good", "again", "bad", "again bad", "good"]
    await asyncio.gather(*(site.start("orders", body, wait=60) for body in bodies))
    found = await site.get("/api/v1/metrics/summary?span=hour")
    [node] = [node for node in found["nodes"] if node["node"] == "t1"]
    assert node["counts"] == {"ok": 3, "repeat": 2, "trash": 2}
    assert (node["handled"], node["failures"], node["repeats"]) == (7, 2, 2)
    steps = Counter[str]()
    for instance in (await site.get("/api/v1/instances"))["items"]:
        for step in (await site.get(f"/api/v1/instances/{instance['id']}"))["steps"]:
            steps[step["node"]] += 1
    assert steps["t1"] == node["counts"]["ok"]
    assert (await site.get("/api/v1/metrics/summary?process=none"))["nodes"] == []
    assert (await site.call("GET", "/api/v1/metrics/nodes?since=5&until=4")).code == "invalid"
    assert (await site.call("GET", "/api/v1/metrics/nodes?span=week")).code == "invalid"


async def test_figures_last_through_a_crash(tmp_path: Path) -> None:
    """What was settled is measured, also when nobody had the time to add it up."""
    folder = tmp_path / "data"
    async with make_site(folder) as first:
        await first.deploy("orders", chain("echo"))
        for _ in range(5):
            await first.start("orders", wait=30)
    async with make_site(folder) as second:
        await second.start("orders", wait=30)
        found = await second.get("/api/v1/metrics/summary?span=day")
        assert [node["handled"] for node in found["nodes"] if node["node"] == "t1"] == [6]
        assert found["processes"][0]["finished"] == 6


def slow(ms: float, *, remote: float = 0.0, cpu: float = 0.0) -> Callable[[WorkerCall], Any]:
    """An action that takes so long, this share of it in calls of its own or in computing."""

    async def answer(call: WorkerCall) -> WorkerReply:
        await asyncio.sleep(ms / 1000)  # not synchronisation: what a call takes
        envelope = {
            "headers": {"result-code": "0"},
            "body": "{}",
            "metrics": {"cpu_us": ms * 1000 * cpu, "remote": [{"host": "x", "ms": ms * remote, "status": 200}]},
        }
        return WorkerReply(status=200, body=json.dumps(envelope).encode(), elapsed_us=round(ms * 1000))

    return answer


LIMIT = '<segue:limit key="crm" calls="1" per="PT5S"/>'


def drawn(*settings: str) -> str:
    """A chain of three whose tasks have these settings."""
    source = chain(*ACTIONS[:3])
    for name, setting in zip(ACTIONS, settings, strict=False):
        limit = LIMIT if setting == "limit" else ""
        attribute = "" if limit else setting
        source = source.replace(f'worker="w" name="{name}"/>', f'worker="w" name="{name}" {attribute}/>{limit}')
    return source


QUICK = slow(1)
# So often in a row the answer has to be right: a person who looks at a standing bottleneck sees it, whenever it is.
LOOKS = 25
# What is planted at which task, how tasks are set, how many messages a second arrive (None: all at once, then none
# more), and what is to be said. The view knows none of these.
PLANTED: dict[str, tuple[tuple[Any, Any, Any], tuple[str, str, str], int | None, str, str]] = {
    "remote in the middle": ((QUICK, slow(150, remote=0.9), QUICK), ("", 'prefetch="2"', ""), 100, "t2", "remote-slow"),
    "remote at the start": ((slow(300, remote=0.7), QUICK, QUICK), ("", "", ""), 100, "t1", "remote-slow"),
    "remote slower than the worker": (
        (slow(60), slow(30), slow(400, remote=0.95)), ('prefetch="90"', 'prefetch="90"', ""), 100, "t3", "remote-slow",
    ),
    "worker at the end": ((QUICK, QUICK, slow(200)), ("", "", 'prefetch="3"'), 100, "t3", "worker-slow"),
    "worker that computes": ((slow(15, cpu=0.95), QUICK, QUICK), ('prefetch="1"', "", ""), 150, "t1", "worker-slow"),
    "worker before another": ((QUICK, slow(90, remote=0.2), QUICK), ("", 'prefetch="2"', ""), 80, "t2", "worker-slow"),
    "one place": ((slow(20), QUICK, QUICK), ('prefetch="1"', "", ""), 150, "t1", "prefetch-too-small"),
    "two places": ((QUICK, QUICK, slow(30)), ("", "", 'prefetch="2"'), 150, "t3", "prefetch-too-small"),
    "limit": ((QUICK, slow(2), QUICK), ("", "limit", ""), 60, "t2", "limit"),
    "limit before a slow worker": ((slow(2), QUICK, slow(200)), ("limit", "", ""), 60, "t1", "limit"),
    "a heap worked off": ((slow(20), QUICK, QUICK), ('prefetch="3"', "", ""), None, "t1", "queue-ahead"),
    "a heap behind it": ((QUICK, slow(25), QUICK), ('prefetch="90"', 'prefetch="3"', ""), None, "t2", "queue-ahead"),
    "nobody there": ((QUICK, QUICK, Fault.REFUSED), ("", "", ""), 60, "t3", "worker-gone"),
}  # fmt: skip


@pytest.fixture
async def mill() -> AsyncIterator[Site]:
    async with make_site(None) as made:
        yield made


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_planted_bottleneck_is_found(mill: Site, planted: str) -> None:
    actions, settings, rate, node, cause = PLANTED[planted]
    for name, action in zip(ACTIONS, actions, strict=False):
        if isinstance(action, Fault):
            mill.workers.fail(f"{WORKER_URL}/connector/{name}/action", action)
        else:
            mill.serve(name, action)
    await mill.deploy("orders", drawn(*settings))
    arriving = asyncio.create_task(arrive(mill, rate))
    try:
        worst = await until(mill, lambda found: found["node"] == node and found["cause"] == cause)
    finally:
        arriving.cancel()
    assert worst["sentence"].startswith(ACTIONS[int(node[1:]) - 1])
    assert worst["numbers"]["depth"] > 0


async def arrive(site: Site, rate: int | None) -> None:
    """Start instances at this rate, or 400 at once."""
    request = StartRequest(process="orders", body=b"{}", headers={})
    for _ in range(40 if rate is None else 10_000):
        for _ in range(10 if rate is None else max(1, rate // 20)):
            await site.engine.acceptor.start(request)
        if rate is not None:
            await asyncio.sleep(0.05)  # not synchronisation: the rate of arrivals


async def until(site: Site, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The node that limits the process: what is said so often in a row, once that is right."""
    said: list[tuple[str, str]] = []
    worst: dict[str, Any] = {}
    right = 0
    for _ in range(150):
        [found] = await site.get("/api/v1/metrics/bottleneck?process=orders")
        worst = found["nodes"][0]
        said.append((worst["node"], worst["cause"]))
        right = right + 1 if good(worst) else 0
        if right == LOOKS:
            return worst
        await asyncio.sleep(0.02)  # not synchronisation: the view is looked at as a person would
    raise AssertionError((Counter(said).most_common(4), worst))
