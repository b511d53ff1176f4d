"""Control services by API: what they do, restarting one, choosing how they are run; and whether the server is ready."""

from __future__ import annotations

from segue.adapters.memory.store import MemoryStore
from tests.files import chain
from tests.site import Site


async def test_shows_each_control_service_with_its_load(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    await site.start("orders", wait=30)
    site.engine.sample()
    [found] = (await site.get("/api/v1/control-services"))["items"]
    assert (found["process"], found["version"], found["status"], found["deployer"]) == (
        "orders",
        1,
        "running",
        "inline",
    )
    assert found["handled"] >= 1
    assert found["memory"] > 1_000_000
    assert found["shared"] is True
    [here] = (await site.get("/api/v1/members"))["items"]
    assert sorted(here["roles"]) == ["api", "control", "status", "timers"]
    assert (await site.call("GET", "/api/v1/control-services?process=other")).status == 404


async def test_restarts_a_control_service(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [before] = (await site.get("/api/v1/control-services"))["items"]
    asked = await site.call("POST", f"/api/v1/control-services/{before['id']}/restart")
    assert (asked.status, asked.json["restarts"]) == (202, 0)
    while (await site.get("/api/v1/control-services"))["items"][0]["restarts"] == 0:
        pass
    assert (await site.start("orders", wait=30))["state"] == "finished"
    refused = await site.call("POST", "/api/v1/control-services/nobody.7/restart")
    assert (refused.status, refused.code) == (404, "not-found")


async def test_a_process_of_its_own_needs_a_store_that_processes_share(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    path = "/api/v1/processes/orders/deployer"
    refused = await site.call("PUT", path, json={"deployer": "process"})
    assert (refused.status, refused.code) == (409, "conflict")
    assert "PostgreSQL" in refused.json["detail"]
    chosen = await site.call("PUT", path, json={"deployer": "inline"})
    assert chosen.json["deployer"] == "inline"
    assert (await site.get("/api/v1/processes/orders"))["deployer"] == "inline"


async def test_says_whether_it_is_ready_without_credentials(site: Site) -> None:
    answer = await site.call("GET", "/api/v1/ready", token=None)
    assert (answer.status, answer.json) == (200, {"status": "ready", "detail": None})
    assert isinstance(site.store, MemoryStore)
    site.store.break_writes("the disk is full")
    answer = await site.call("GET", "/api/v1/ready", token=None)
    assert (answer.status, answer.json) == (503, {"status": "unavailable", "detail": "the disk is full"})
    site.store.mend_writes()
    site.parts.intake.closed.set()
    assert (await site.call("GET", "/api/v1/ready", token=None)).json["status"] == "stopping"
