"""The process system-events is told once of each end and of each failed message; limits of workers travel along."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from segue.model.errors import WorkerRefused
from segue.model.workers import WorkerCall, WorkerReply
from segue.runtime.system_events import SystemEvents
from tests.files import chain
from tests.site import Site, ok, refuse
from tests.site import site as make_site


@pytest.fixture(params=["memory", "sqlite"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    async with make_site(None if request.param == "memory" else tmp_path / "data") as made:
        yield made


class Notices:
    """What the process was told, in order."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.told: list[dict[str, Any]] = []
        site.serve("tell", self._hear)

    def _hear(self, call: WorkerCall) -> WorkerReply:
        envelope = json.loads(call.payload)
        assert envelope["headers"]["system-event"] == "true"
        self.told.append(json.loads(envelope["body"]))
        return ok(call)

    async def come(self, count: int) -> list[tuple[str, str]]:
        """Wait for so many; their types and instances."""
        while len(self.told) < count:
            await self.site.get("/api/v1/health")
        return [(each["type"], each["data"]["correlationId"]) for each in self.told]


async def _listening(site: Site) -> Notices:
    notices = Notices(site)
    await site.deploy("system-events", chain("tell").replace('name="begin"', 'name="start"'))
    return notices


async def test_an_end_is_told_once_with_what_it_is_about(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    await site.start("orders", wait=20)  # before anybody listens: nobody is told
    notices = await _listening(site)
    started = await site.start("orders", {"n": 1}, wait=20)
    assert await notices.come(1) == [("processSuccess", started["instance"])]
    data = notices.told[0]["data"]
    assert (data["topologyName"], data["topologyVersion"], data["user"]) == ("orders", 1, "orchesty")
    assert (data["processId"], data["applications"], data["topologyId"]) == (started["instance"], "", "1")
    assert data["timestampMs"] > 1_700_000_000_000
    assert notices.told[0]["contents"] is None


async def test_a_failure_is_told_with_its_message_and_its_end_once(site: Site) -> None:
    site.serve("refuse", refuse)
    await site.deploy("orders", chain("refuse"))
    notices = await _listening(site)
    started = await site.start("orders", {"n": 1}, wait=20)
    assert sorted(await notices.come(2)) == [
        ("messageInTrash", started["instance"]),
        ("processFailed", started["instance"]),
    ]
    [trashed] = [each for each in notices.told if each["type"] == "messageInTrash"]
    [message] = (await site.get("/api/v1/trash"))["items"]
    assert trashed["contents"] == [{"trashId": message["id"], "body": '{"n": 1}'}]
    assert "no such customer" in trashed["data"]["resultMessage"]
    site.serve("refuse", ok)
    await site.post(f"/api/v1/trash/{message['id']}/resend", {})
    await site.finished(started["instance"])
    other = await site.start("orders", wait=20)
    assert (await notices.come(3))[2] == ("processSuccess", other["instance"])


async def test_what_was_told_is_not_told_again_by_another_reader(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    notices = await _listening(site)
    started = [await site.start("orders", wait=20) for _ in range(3)]
    await notices.come(3)
    await site.store.put_mark("system-events", 1)  # as if it had crashed before it noted anything
    again = SystemEvents(site.store, site.engine.acceptor, site.parts.clock)
    while await again.step():
        pass
    last = await site.start("orders", wait=20)
    told = await notices.come(4)
    assert [instance for _, instance in told] == [each["instance"] for each in (*started, last)]


async def test_limits_of_workers_travel_with_an_instance(site: Site) -> None:
    with_application = 'name="echo" application="shop"/>'
    await site.deploy("orders", chain("echo").replace('name="echo"/>', with_application))
    await site.deploy("plain", chain("echo"))
    site.applications.limits_of = {"orchesty": ["orchesty|shop;60;100", "|shop;1;10"]}
    await asyncio.gather(*(site.start("orders", wait=20) for _ in range(5)))
    await site.start("plain", wait=20)
    headers = [json.loads(call.payload)["headers"] for call in site.workers.calls]
    assert {each.get("limiter-key") for each in headers[:5]} == {"orchesty|shop;60;100;|shop;1;10"}
    assert "limiter-key" not in headers[5]
    assert [call for call in site.applications.called if call[0] == "limits"] == [
        ("limits", "w", "orchesty", ("shop",))
    ]


async def test_a_worker_that_is_away_does_not_keep_instances_from_starting(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> list[str]:
        raise WorkerRefused("no")

    monkeypatch.setattr(site.applications, "limits", away)
    await site.deploy("orders", chain("echo").replace('name="echo"/>', 'name="echo" application="shop"/>'))
    assert (await site.start("orders", wait=20))["state"] == "finished"
