"""What an instance's messages held, searching for it, running again from a node, testing a version, schedules."""

from __future__ import annotations

from typing import Any

import pytest

from tests.files import chain
from tests.site import Site, ok, refuse

pytestmark = pytest.mark.parametrize("store", ["memory", "sqlite"])

TIMED = """<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:segue="https://segue.dev/bpmn/1" targetNamespace="t">
  <bpmn:process id="p" isExecutable="true">
    <bpmn:startEvent id="s" name="nightly"><bpmn:outgoing>f</bpmn:outgoing>
      <bpmn:timerEventDefinition><bpmn:timeCycle>0 3 * * *</bpmn:timeCycle></bpmn:timerEventDefinition>
    </bpmn:startEvent>
    <bpmn:serviceTask id="t" name="Go"><bpmn:extensionElements>
      <segue:action kind="connector" worker="w" name="echo"/></bpmn:extensionElements></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f" sourceRef="s" targetRef="t"/>
  </bpmn:process>
</bpmn:definitions>"""


async def content(site: Site, instance: str, message: str) -> Any:
    return await site.get(f"/api/v1/instances/{instance}/messages/{message}", token="read")


async def test_each_hop_shows_what_came_in(site: Site) -> None:
    await site.deploy("orders", chain("echo", "echo"))
    done = await site.start("orders", {"a": "größe"}, wait=30)
    steps = (await site.get(f"/api/v1/instances/{done['instance']}"))["steps"]
    found = [await content(site, done["instance"], step["message"]) for step in steps]
    assert [each["node"] for each in found] == [step["node"] for step in steps]
    assert {each["body"] for each in found} == {'{"a": "gr\\u00f6\\u00dfe"}'}
    assert all(each["encoding"] == "utf-8" and each["headers"] is not None for each in found)
    missing = await site.call("GET", f"/api/v1/instances/{done['instance']}/messages/nothing")
    assert missing.code == "not-found"


async def test_instances_are_searched_by_what_they_hold(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    ids = [(await site.start("orders", {"order": {"id": number}}, wait=30))["instance"] for number in (1, 2, 1)]
    found = await site.get("/api/v1/instance-search", params={"match": "body.order.id=1", "process": "orders"})
    assert [each["id"] for each in found["items"]] == [ids[2], ids[0]]
    assert (found["next"], found["reached"]) == (None, None)
    page = await site.get("/api/v1/instance-search", params={"match": "body.order.id=1", "limit": "1"})
    assert [each["id"] for each in page["items"]] == [ids[2]]
    rest = await site.get("/api/v1/instance-search", params={"match": "body.order.id=1", "cursor": page["next"]})
    assert [each["id"] for each in rest["items"]] == [ids[0]]
    assert (await site.call("GET", "/api/v1/instance-search?match=%20")).code == "invalid"
    assert (await site.call("GET", "/api/v1/instance-search")).code == "invalid"


async def test_an_instance_runs_again_from_a_node_also_on_a_newer_version(site: Site) -> None:
    await site.deploy("orders", chain("echo", "echo"))
    done = await site.start("orders", {"a": 1}, wait=30)
    second = (await site.get(f"/api/v1/instances/{done['instance']}"))["steps"][-1]
    path = f"/api/v1/instances/{done['instance']}/resend"
    again = await site.post(path, {"message": second["message"]})
    await site.finished(again["instance"])
    found = await site.get(f"/api/v1/instances/{again['instance']}")
    assert (found["origin"], found["state"], found["version"]) == (done["instance"], "finished", 1)
    assert [step["node"] for step in found["steps"]] == [second["node"]]
    await site.deploy("orders", chain("echo", "echo", "echo"))
    other = {"message": second["message"], "version": 2, "body": '{"a": 2}', "headers": {"x": "y"}}
    newer = await site.post(path, other)
    await site.finished(newer["instance"])
    found = await site.get(f"/api/v1/instances/{newer['instance']}")
    assert (found["version"], found["state"]) == (2, "finished")
    held = await content(site, newer["instance"], newer["message"])
    assert (held["body"], held["headers"]) == ('{"a": 2}', {"x": "y", "source": "ui"})
    for wanted, code in (
        ({"message": "nothing"}, "not-found"),
        ({"message": second["message"], "version": 9}, "version-not-found"),
        ({"message": second["message"], "body": "x", "encoding": "base64"}, "invalid"),
    ):
        assert (await site.call("POST", path, json=wanted)).code == code
    assert (await site.get("/api/v1/audit"))["balanced"]
    (line,) = (await site.get("/api/v1/activity?action=resend-instance&limit=1"))["items"]
    assert line["about"] == done["instance"]


async def test_a_message_that_was_too_large_needs_a_body_to_run_again(site: Site, store: str) -> None:
    await site.deploy("orders", chain("echo"))
    done = await site.start("orders", {"a": "x" * 30_000}, wait=30)
    first = (await site.get(f"/api/v1/instances/{done['instance']}"))["steps"][0]["message"]
    held = await content(site, done["instance"], first)
    answer = await site.call("POST", f"/api/v1/instances/{done['instance']}/resend", json={"message": first})
    if store == "sqlite":
        assert (held["body"], held["headers"]) == (None, None)
        assert answer.code == "conflict"
    else:
        assert answer.status == 202


async def test_testing_a_version_asks_each_worker_and_action(site: Site) -> None:
    await site.deploy("orders", chain("echo").replace('worker="w"', 'worker="gone"'))
    (found,) = await site.get("/api/v1/processes/orders/versions/1/test", token="read")
    assert found["problem"] == "No worker is registered as gone"
    await site.post("/api/v1/workers", {"name": "gone", "url": "http://elsewhere.example"})
    assert (await site.get("/api/v1/processes/orders/versions/1/test"))[0]["problem"] == "gone is away"
    await site.deploy("orders", chain("echo"))
    (found,) = await site.get("/api/v1/processes/orders/versions/2/test")
    assert (found["problem"], found["worker"], found["action"]) == (None, "w", "echo")
    assert (await site.call("GET", "/api/v1/processes/orders/versions/9/test")).code == "version-not-found"


async def test_schedules_are_listed_and_started_now(site: Site) -> None:
    site.serve("echo", ok)
    await site.deploy("nightly", TIMED, enable=False)
    (found,) = (await site.get("/api/v1/schedules"))["items"]
    assert (found["process"], found["active"], found["next"]) == ("nightly", False, [])
    assert (await site.call("POST", "/api/v1/schedules/nightly/s/run")).code == "not-found"
    await site.post("/api/v1/processes/nightly/versions/1/enable")
    (found,) = (await site.get("/api/v1/schedules?process=nightly", token="read"))["items"]
    assert (found["active"], found["value"], found["zone"], len(found["next"])) == (True, "0 3 * * *", "UTC", 5)
    assert found["next"] == sorted(found["next"])
    assert not found["late"]
    begun = await site.post("/api/v1/schedules/nightly/s/run")
    await site.finished(begun["instance"])
    assert (await site.get(f"/api/v1/instances/{begun['instance']}"))["start_node"] == "s"
    assert (await site.get("/api/v1/schedules?process=other"))["items"] == []


async def test_the_server_says_how_it_is(site: Site) -> None:
    site.serve("echo", refuse)
    found = await site.get("/api/v1/system", token="read")
    assert found["version"] == "0.0.test"
    assert found["now"] >= found["started"]
    assert await site.get("/api/v1/settings") == []


async def test_recent_steps_and_minutes_are_counted(site: Site) -> None:
    await site.deploy("orders", chain("echo", "echo"))
    for number in range(3):
        await site.start("orders", {"n": number}, wait=30)
    site.serve("echo", refuse)
    await site.start("orders", {}, wait=30)
    (trash,) = (await site.get("/api/v1/trash"))["items"]
    await site.post(f"/api/v1/trash/{trash['id']}/discard")
    found = await site.get("/api/v1/processes/orders/versions/1/statistics", token="read")
    assert found["steps"] == sum(node["count"] for node in found["nodes"])
    (bad,) = [node for node in found["nodes"] if node["node"] == trash["node"]]
    assert (bad["count"], bad["failed"]) == (4, 1)
    passed = await site.get(f"/api/v1/processes/orders/versions/1/nodes/{trash['node']}/messages")
    assert [each["outcome"] for each in passed] == ["discarded", "ok", "ok", "ok"]
    assert (passed[0]["message"], passed[0]["instance"]) == (trash["id"], trash["instance"])
    assert all(node["waited"]["least"] <= node["waited"]["p95"] <= node["waited"]["most"] for node in found["nodes"])
    minutes = await site.get("/api/v1/traffic?process=orders")
    assert (len(minutes), sum(each["started"] for each in minutes), sum(each["failed"] for each in minutes)) == (
        60,
        4,
        1,
    )
    assert sum(each["started"] for each in await site.get("/api/v1/traffic?process=other")) == 0
    await site.deploy("empty", chain("echo"))
    nothing = await site.get("/api/v1/processes/empty/versions/1/statistics")
    assert (nothing["steps"], nothing["since"], nothing["nodes"]) == (0, None, [])
