"""Instances, queues, trash and user tasks over HTTP."""

from __future__ import annotations

import asyncio
import base64

import pytest

from segue.model.workers import Fault, WorkerReply
from tests.files import chain, user_task
from tests.site import WORKER_URL, Site, ok, refuse

pytestmark = pytest.mark.parametrize("store", ["memory", "sqlite"])


async def failed(site: Site, count: int = 1) -> list[str]:
    """Let `count` messages of `orders` fail; the ids of the messages in trash, oldest first."""
    site.serve("echo", refuse)
    for number in range(count):
        await site.start("orders", {"number": number}, wait=30)
    return [each["id"] for each in (await site.get("/api/v1/trash?limit=500"))["items"]]


async def test_instances_are_listed_newest_first_by_pages_and_conditions(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    await site.deploy("tasks", user_task())
    ids = [(await site.start("orders", wait=30))["instance"] for _ in range(3)]
    waiting = (await site.start("tasks"))["instance"]
    assert [each["id"] for each in (await site.get("/api/v1/instances"))["items"]] == [waiting, *reversed(ids)]
    first = await site.get("/api/v1/instances?limit=3")
    assert [each["id"] for each in first["items"]] == [waiting, ids[2], ids[1]]
    rest = await site.get("/api/v1/instances", params={"limit": "3", "cursor": first["next"]})
    assert ([each["id"] for each in rest["items"]], rest["next"]) == ([ids[0]], None)
    for query, expected in {
        "state=running": [waiting],
        "process=orders": list(reversed(ids)),
        "process=orders&version=2": [],
        "state=finished&limit=1": [ids[2]],
        "since=99999999999999": [],
        "until=1": [],
    }.items():
        found = await site.get(f"/api/v1/instances?{query}", token="read")
        assert [each["id"] for each in found["items"]] == expected, query


async def test_an_instance_shows_its_messages_and_steps(site: Site) -> None:
    await site.deploy("orders", chain("echo", "echo"))
    done = await site.start("orders", {"a": 1}, wait=30)
    found = await site.get(f"/api/v1/instances/{done['instance']}")
    assert {key: found[key] for key in ("process", "version", "state", "live", "trash", "failed", "start_node")} == {
        "process": "orders",
        "version": 1,
        "state": "finished",
        "live": 0,
        "trash": 0,
        "failed": 0,
        "start_node": found["start_node"],
    }
    assert found["messages"] == []
    assert [(step["node"], step["outcome"]) for step in found["steps"]] == [("t1", "ok"), ("t2", "ok")]
    assert found["steps"][0]["message"] == done["message"]
    assert found["steps"][1]["parent"] == done["message"]
    assert (await site.call("GET", "/api/v1/instances/none")).code == "not-found"


async def test_cancelling_consumes_every_live_message(site: Site) -> None:
    await site.deploy("orders", user_task())
    started = await site.start("orders")
    path = f"/api/v1/instances/{started['instance']}"
    cancelled = await site.post(f"{path}/cancel", token="operate")
    assert (cancelled["state"], cancelled["live"]) == ("cancelled", 0)
    found = await site.get(path)
    assert [step["outcome"] for step in found["steps"]] == ["cancelled"]
    assert (await site.call("POST", f"{path}/cancel")).code == "conflict"
    assert (await site.call("POST", "/api/v1/instances/none/cancel")).code == "not-found"
    assert (await site.call("POST", f"/api/v1/tasks/{started['message']}/accept")).code == "not-found"
    logs = (await site.get(f"/api/v1/logs?instance={started['instance']}"))["items"]
    assert any("operate" in line["text"] for line in logs)


async def test_cancelling_meets_messages_that_move(site: Site) -> None:
    """Messages that hop from node to node all the time are caught in the end, and the account is true."""
    await site.deploy("orders", chain(*["echo"] * 40))
    started = [(await site.start("orders"))["instance"] for _ in range(5)]
    answers = await asyncio.gather(*(site.call("POST", f"/api/v1/instances/{key}/cancel") for key in started))
    for key, answer in zip(started, answers, strict=True):
        assert answer.status in {200, 409}
        await site.finished(key)
        state = (await site.get(f"/api/v1/instances/{key}"))["state"]
        assert state == ("cancelled" if answer.status == 200 else "finished")
    audit = await site.get("/api/v1/audit")
    assert (audit["balanced"], audit["faults"]) == (True, [])


async def test_queues_say_what_waits_and_why(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    assert await site.get("/api/v1/queues") == []
    site.workers.fail(WORKER_URL, Fault.REFUSED)
    for _ in range(3):
        await site.start("orders")
    await site.workers_down("orders", "t1")
    [queue] = await site.get("/api/v1/queues?process=orders", token="read")
    assert (queue["process"], queue["version"], queue["node"]) == ("orders", 1, "t1")
    assert queue["depth"] + queue["delayed"] + queue["in_flight"] >= 3
    assert "w" in queue["held"]
    assert (await site.call("GET", "/api/v1/queues?process=none")).code == "process-not-found"


async def test_a_message_in_trash_is_shown_corrected_and_sent_back(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [key] = await failed(site)
    found = await site.get(f"/api/v1/trash/{key}", token="read")
    assert (found["process"], found["version"], found["node"], found["place"]) == ("orders", 1, "t1", "trash")
    assert (found["body"], found["encoding"]) == ('{"number": 0}', "utf-8")
    assert "no such customer" in found["reason"]
    correction = {"body": '{"number": 7}', "headers": {"segue-checked": "yes", "message-id": "forged"}}
    edited = await site.call("PUT", f"/api/v1/trash/{key}", token="operate", json=correction)
    assert edited.status == 200
    assert edited.json["body"] == '{"number": 7}'
    assert edited.json["headers"]["segue-checked"] == "yes"
    assert "message-id" not in edited.json["headers"]
    assert edited.json["place"] == "trash"
    site.serve("echo", ok)
    assert await site.post(f"/api/v1/trash/{key}/resend", token="operate") == {"done": 1, "gone": 0, "more": False}
    await site.finished(found["instance"])
    assert (await site.get(f"/api/v1/instances/{found['instance']}"))["state"] == "finished"
    assert b'"number\\": 7' in site.workers.calls[-1].payload
    assert (await site.call("POST", f"/api/v1/trash/{key}/resend")).code == "not-found"


async def test_a_body_that_is_not_text_travels_in_base64(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [key] = await failed(site)
    raw = b"\xff\x00\x01"
    given = {"body": base64.b64encode(raw).decode(), "encoding": "base64"}
    edited = (await site.call("PUT", f"/api/v1/trash/{key}", json=given)).json
    assert {key: edited[key] for key in ("body", "encoding", "size")} == given | {"size": 3}
    for wrong in ({"body": "***", "encoding": "base64"}, {"body": "x", "encoding": "latin"}, {"text": "x"}):
        assert (await site.call("PUT", f"/api/v1/trash/{key}", json=wrong)).code == "invalid"


async def test_discarding_ends_the_instance_as_failed(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [key] = await failed(site)
    instance = (await site.get(f"/api/v1/trash/{key}"))["instance"]
    assert (await site.post(f"/api/v1/trash/{key}/discard", token="operate"))["done"] == 1
    found = await site.get(f"/api/v1/instances/{instance}")
    assert (found["state"], found["live"], found["finished"] is not None) == ("failed", 0, True)
    assert (await site.call("POST", f"/api/v1/trash/{key}/discard")).code == "not-found"


async def test_many_are_found_by_conditions_and_by_pages(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    ids = await failed(site, 5)
    first = await site.get("/api/v1/trash?limit=2&process=orders&node=t1")
    second = await site.get(f"/api/v1/trash?limit=2&cursor={first['next']}")
    third = await site.get(f"/api/v1/trash?limit=2&cursor={second['next']}")
    assert [each["id"] for page in (first, second, third) for each in page["items"]] == ids
    assert third["next"] is None
    assert (await site.get("/api/v1/trash?process=other"))["items"] == []
    assert (await site.get("/api/v1/trash?version=2"))["items"] == []
    assert (await site.call("GET", "/api/v1/trash?cursor=x")).code == "invalid"


async def test_many_are_discarded_and_resent_by_conditions(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    await failed(site, 7)
    for path in ("resend", "discard"):
        for nothing in ({}, {"at_most": 5}):
            assert (await site.call("POST", f"/api/v1/trash/{path}", json=nothing)).code == "invalid"
    assert await site.post("/api/v1/trash/discard", {"process": "other"}) == {"done": 0, "gone": 0, "more": False}
    some = await site.post("/api/v1/trash/discard", {"process": "orders", "at_most": 3}, token="operate")
    assert some == {"done": 3, "gone": 0, "more": True}
    site.serve("echo", ok)
    assert (await site.post("/api/v1/trash/resend", {"node": "t1"}))["done"] == 4
    for instance in (await site.get("/api/v1/instances"))["items"]:
        await site.finished(instance["id"])
    found = (await site.get("/api/v1/instances"))["items"]
    assert sorted(each["state"] for each in found) == ["failed"] * 3 + ["finished"] * 4
    assert (await site.get("/api/v1/audit"))["balanced"]


async def test_resending_to_another_version_makes_an_instance_there(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [key] = await failed(site)
    origin = (await site.get(f"/api/v1/trash/{key}"))["instance"]
    await site.deploy("orders", chain("better"))
    site.serve("better", ok)
    await site.deploy("orders", chain("echo").replace("t1", "elsewhere"), enable=False)
    path = f"/api/v1/trash/{key}/resend"
    assert (await site.call("POST", path, json={"version": 3})).code == "node-not-found"
    assert (await site.call("POST", path, json={"version": 9})).code == "version-not-found"
    assert (await site.call("POST", path, json={"version": 0})).code == "invalid"
    assert (await site.post(path, {"version": 2}))["done"] == 1
    [moved] = (await site.get("/api/v1/instances?version=2"))["items"]
    await site.finished(moved["id"])
    assert (await site.get(f"/api/v1/instances/{moved['id']}"))["state"] == "finished"
    assert moved["origin"] == origin
    old = await site.get(f"/api/v1/instances/{origin}")
    assert [step["outcome"] for step in old["steps"]] == ["moved"]
    assert (await site.get("/api/v1/audit"))["balanced"]


async def test_a_second_click_changes_nothing(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [key] = await failed(site)
    site.serve("echo", ok)
    answers = await asyncio.gather(*(site.call("POST", f"/api/v1/trash/{key}/resend") for _ in range(10)))
    codes = sorted(answer.status for answer in answers)
    assert codes.count(200) == 1
    assert {answer.code for answer in answers if answer.status != 200} <= {"message-gone", "not-found"}
    [instance] = (await site.get("/api/v1/instances"))["items"]
    await site.finished(instance["id"])
    found = await site.get(f"/api/v1/instances/{instance['id']}")
    assert [step["outcome"] for step in found["steps"]] == ["ok"]


async def test_a_user_task_is_accepted_perhaps_with_another_body(site: Site) -> None:
    await site.deploy("orders", user_task())
    started = [await site.start("orders", {"a": number}) for number in range(2)]
    listed = await site.tasks(2)
    assert (await site.get("/api/v1/tasks", token="read"))["items"] == listed
    assert [each["id"] for each in listed] == [each["message"] for each in started]
    assert (listed[0]["place"], listed[0]["node"]) == ("waiting", "ask")
    task = f"/api/v1/tasks/{started[0]['message']}"
    assert (await site.get(task))["body"] == '{"a": 0}'
    assert (await site.post(f"{task}/accept", {"body": '{"a": 9}'}, token="operate"))["done"] == 1
    await site.finished(started[0]["instance"])
    assert b'"a\\": 9' in site.workers.calls[-1].payload
    assert (await site.call("POST", f"{task}/accept")).code == "not-found"
    other = f"/api/v1/tasks/{started[1]['message']}"
    await site.post(f"{other}/reject", token="operate")
    found = await site.get(f"/api/v1/instances/{started[1]['instance']}")
    assert [step["outcome"] for step in found["steps"]] == ["rejected"]
    assert found["live"] == 0
    assert (await site.get("/api/v1/tasks"))["items"] == []
    assert len(site.workers.calls) == 1


async def test_where_automatic_runs_pass_those_by_hand_wait(site: Site) -> None:
    await site.deploy("orders", user_task("automatic"))
    automatic = await site.start("orders", {"a": 1})
    await site.finished(automatic["instance"])
    by_hand = {"Prefer": "by-hand, wait=1"}
    answer = await site.call("POST", "/processes/orders/start", json={"a": 2}, headers=by_hand)
    assert (answer.status, answer.headers["preference-applied"]) == (202, "wait=1")
    [task] = await site.tasks(1)
    assert task["id"] == answer.json["message"]
    assert [b'"source":"auto"' in call.payload for call in site.workers.calls] == [True]
    await site.post(f"/api/v1/tasks/{task['id']}/accept", token="operate")
    await site.finished(answer.json["instance"])
    assert b'"source":"ui"' in site.workers.calls[-1].payload
    again = f"/api/v1/instances/{automatic['instance']}/resend"
    resent = await site.post(again, {"message": automatic["message"]}, token="operate")
    assert [each["instance"] for each in await site.tasks(1)] == [resent["instance"]]


async def test_failures_are_grouped_and_a_group_is_changed_and_sent_back(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    ids = await failed(site, 3)
    [group] = (await site.get("/api/v1/trash/causes?process=orders", token="read"))["items"]
    assert (group["count"], group["node"], group["reason_code"], group["versions"]) == (3, "t1", "failed", [1])
    listed = (await site.get(f"/api/v1/trash?cause={group['cause']}"))["items"]
    assert [each["id"] for each in listed] == ids
    assert {(each["cause"], each["attempts"]) for each in listed} == {(group["cause"], 1)}
    assert group["oldest"] == listed[0]["since"]
    site.serve("echo", ok)
    wanted = {"kind": "resend", "filter": {"cause": group["cause"]}, "change": {"merge": {"number": 9}}}
    assert (await site.call("POST", "/api/v1/operations", token="read", json=wanted)).code == "scope-missing"
    begun = await site.post("/api/v1/operations", wanted, token="operate")
    assert (begun["state"], begun["total"], begun["filter"]) == ("running", 3, {"cause": group["cause"]})
    while await site.control.operations.step():
        pass
    now = await site.get(f"/api/v1/operations/{begun['id']}")
    assert (now["state"], now["done"], now["by"]) == ("done", 3, "operate")
    assert (await site.get("/api/v1/operations?state=done"))["items"] == [now]
    for instance in (await site.get("/api/v1/instances"))["items"]:
        await site.finished(instance["id"])
    assert sum(b'number\\":9' in call.payload for call in site.workers.calls) == 3
    assert (await site.call("POST", f"/api/v1/operations/{begun['id']}/cancel")).code == "conflict"
    assert (await site.call("GET", "/api/v1/operations/none")).code == "not-found"


async def test_what_waits_for_people_is_counted_by_node_with_its_name(site: Site) -> None:
    named = chain("echo").replace('"echo">', '"Tell the shop">')
    assert named != chain("echo")
    await site.deploy("orders", named)
    await site.deploy("tasks", user_task())
    await failed(site, 3)
    for _ in range(2):
        await site.start("tasks")
    tasks = await site.tasks(2)
    [counted] = (await site.get("/api/v1/trash/nodes", token="read"))["items"]
    listed = (await site.get("/api/v1/trash"))["items"]
    assert counted.pop("oldest") == listed[0]["since"]
    named_so = {"process": "orders", "version": 1, "node": "t1", "node_name": "Tell the shop"}
    assert counted == {**named_so, "count": 3}
    assert named_so.items() <= listed[0].items()
    assert named_so.items() <= (await site.get(f"/api/v1/trash/{listed[0]['id']}")).items()
    [cause] = (await site.get("/api/v1/trash/causes"))["items"]
    assert (cause["node"], cause["node_name"]) == ("t1", "Tell the shop")
    [waiting] = (await site.get("/api/v1/tasks/nodes?process=tasks&version=1", token="read"))["items"]
    assert (waiting["count"], waiting["node"]) == (2, tasks[0]["node"])
    for nothing in ("tasks/nodes?process=orders", "tasks/nodes?process=tasks&version=2", "trash/nodes?process=tasks"):
        assert (await site.get(f"/api/v1/{nothing}"))["items"] == []
    assert (await site.call("GET", "/api/v1/trash/nodes?limit=0")).code == "invalid"


async def test_queues_name_their_nodes(site: Site) -> None:
    await site.deploy("orders", chain("echo").replace('"echo">', '"Tell the shop">'))
    site.serve("echo", lambda _call: WorkerReply(fault=Fault.REFUSED, detail="down"))
    await site.start("orders")
    [queue] = await site.get("/api/v1/queues")
    assert (queue["node"], queue["node_name"]) == ("t1", "Tell the shop")


async def test_an_operation_rests_and_goes_on(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    await failed(site, 1)
    begun = await site.post("/api/v1/operations", {"kind": "discard", "filter": {"process": "orders"}})
    path = f"/api/v1/operations/{begun['id']}"
    assert (await site.post(f"{path}/pause", token="operate"))["state"] == "paused"
    assert not await site.control.operations.step()
    assert (await site.post(f"{path}/resume"))["state"] == "running"
    assert (await site.post(f"{path}/cancel"))["state"] == "cancelled"
    assert len((await site.get("/api/v1/trash"))["items"]) == 1


async def test_an_operation_that_is_not_meant_is_refused(site: Site) -> None:
    for wrong in (
        {"kind": "resend", "filter": {}},
        {"kind": "resend", "filter": {"ids": []}},
        {"kind": "burn", "filter": {"process": "p"}},
        {"kind": "resend", "filter": {"process": "p"}, "change": {"merge": {}, "body": ""}},
        {"kind": "resend", "filter": {"process": "p"}, "change": {"body": "*", "encoding": "base64"}},
        {"kind": "discard", "filter": {"process": "p"}, "change": {"body": "x"}},
    ):
        assert (await site.call("POST", "/api/v1/operations", json=wrong)).code == "invalid"
    assert (await site.get("/api/v1/operations"))["items"] == []


async def test_who_did_what_to_a_message_is_told(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [key] = await failed(site)
    await site.call("PUT", f"/api/v1/trash/{key}", token="operate", json={"body": "{}"})
    await site.post(f"/api/v1/trash/{key}/resend", token="admin")
    await site.finished((await site.get("/api/v1/instances"))["items"][0]["id"])
    acts = (await site.get(f"/api/v1/trash/{key}"))["acts"]
    assert [(act["by"], act["kind"], act["operation"]) for act in acts] == [
        ("operate", "edited", None),
        ("admin", "resent", None),
    ]
