"""Log lines by HTTP: found, followed, with context; levels of processes; nothing secret in any of it."""

from __future__ import annotations

import json
from typing import Any

import aiohttp

from segue.model.workers import WorkerCall, WorkerReply
from tests.api.test_events import Stream
from tests.files import chain
from tests.site import Site


def talkative(call: WorkerCall) -> WorkerReply:
    """Answer with a line of each level about the order."""
    sent = json.loads(call.payload)
    order = json.loads(sent["body"])
    said = [
        {"level": "debug", "message": f"order {order['n']}: begun"},
        {"level": "info", "message": f"order {order['n']}: filed, password=hunter2, Authorization: Bearer abc.def.ghi"},
        {"level": "error", "message": f"Order {order['n']}: odd"},
    ]
    answer = {"headers": {**sent["headers"], "result-code": "0"}, "body": sent["body"], "logs": said}
    return WorkerReply(status=200, body=json.dumps(answer).encode())


async def _start(site: Site, n: int) -> str:
    answer = await site.start("orders", {"n": n}, wait=30)
    return str(answer["instance"])


async def _texts(site: Site, query: str = "") -> list[str]:
    return [line["text"] for line in (await site.get(f"/api/v1/logs?{query}", token="read"))["items"]]


async def test_lines_are_found_and_hold_no_secrets(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", talkative)
    first = await _start(site, 1)
    await _start(site, 2)
    every = await _texts(site)
    assert [text.split(":")[0] for text in every] == ["order 1", "Order 1", "order 2", "Order 2"]
    assert every[0] == "order 1: filed, password=***, Authorization: Bearer ***"
    assert await _texts(site, "order=newest") == every[::-1]
    assert await _texts(site, "text=ORDER+1") == every[:2]
    assert await _texts(site, "text=odd&level=warning") == [every[1], every[3]]
    assert await _texts(site, f"instance={first}&node=t1&version=1&process=orders") == every[:2]
    page = await site.get("/api/v1/logs?order=newest&limit=3")
    rest = await site.get(f"/api/v1/logs?order=newest&limit=3&cursor={page['next']}")
    assert [line["text"] for line in page["items"] + rest["items"]] == every[::-1]
    assert rest["next"] is None
    assert (await site.call("GET", "/api/v1/logs?level=loud")).code == "invalid"


async def test_a_line_in_its_context(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", talkative)
    for n in (1, 2, 3):
        await _start(site, n)
    lines = (await site.get("/api/v1/logs"))["items"]
    middle = lines[2]
    alone = await site.get(f"/api/v1/logs/{middle['seq']}/context")
    assert (alone["before"], alone["line"], alone["after"]) == ([], middle, [lines[3]])
    around = await site.get(f"/api/v1/logs/{middle['seq']}/context?same_instance=false&count=2")
    assert (around["before"], around["after"]) == (lines[:2], lines[3:5])
    assert (await site.call("GET", "/api/v1/logs/999/context")).code == "not-found"


async def test_the_level_of_a_process_holds_at_once_and_until_it_is_taken_away(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", talkative)
    path = "/api/v1/processes/orders/log-level"
    assert await site.get(path, token="read") == {"level": None}
    counts = []
    for level in ("debug", "error", None):
        assert (await site.call("PUT", path, json={"level": level})).status == 200
        assert await site.get(path) == {"level": level}
        instance = await _start(site, 7)
        counts.append(len(await _texts(site, f"instance={instance}")))
    assert counts == [3, 1, 2]
    assert (await site.call("PUT", path, json={"level": "loud"})).code == "invalid"
    assert (await site.call("PUT", path, json={})).code == "invalid"
    assert (await site.call("PUT", path, json={"level": "debug"}, token="read")).code == "scope-missing"
    assert (await site.call("GET", "/api/v1/processes/none/log-level")).code == "process-not-found"
    assert await site.get("/api/v1/log-sinks") == []


async def test_lines_are_followed_and_a_reader_resumes(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", talkative)
    await _start(site, 1)
    async with _tail(site, "level=error") as response:
        stream = Stream(response.content)
        assert await stream.block() == {"comment": "open"}
        await _start(site, 2)
        told = await stream.event()
        assert (told["event"], told["data"]["text"]) == ("line", "Order 2: odd")
    await _start(site, 3)
    async with _tail(site, "", last=told["id"]) as response:
        stream = Stream(response.content)
        found = [(await stream.event())["data"]["text"] for _ in range(2)]
    assert [text.split(":")[0] for text in found] == ["order 3", "Order 3"]
    async with _tail(site, "", last="x") as response:
        assert response.status == 422


def _tail(site: Site, query: str, last: str | None = None) -> Any:
    headers = {"Authorization": f"Bearer {site.tokens['read']}"} | ({} if last is None else {"Last-Event-ID": last})
    session: aiohttp.ClientSession = site.session
    return session.get(f"{site.url}/api/v1/logs/tail?{query}", headers=headers)
