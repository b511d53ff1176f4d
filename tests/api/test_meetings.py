"""Joins, sub-processes, boundary events, calls and message events, from the file to the interface."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segue.model.workers import WorkerCall, WorkerReply
from tests.files import chain, drawn
from tests.site import Site, ok, refuse, reply

pytestmark = pytest.mark.parametrize("store", ["memory", "sqlite"])

ENDS = '<startEvent id="start"/><endEvent id="end"/>'
SPLIT = drawn(
    ENDS + '<parallelGateway id="both"/>{task one}{task two}<parallelGateway id="join"/>{task last}'
    "{start > both}{both > one}{both > two}{one > join}{two > join}{join > last}{last > end}"
)
WAITS = drawn(
    ENDS + '<eventBasedGateway id="race"/><intermediateCatchEvent id="paid"><extensionElements>'
    '<segue:message key="order" into="payment"/></extensionElements><messageEventDefinition messageRef="M"/>'
    '</intermediateCatchEvent><intermediateCatchEvent id="late"><timerEventDefinition><timeDuration>PT1H</timeDuration>'
    "</timerEventDefinition></intermediateCatchEvent>{task last}"
    "{start > race}{race > paid}{race > late}{paid > last}{late > end}{last > end}",
    '<message id="M" name="order paid"/>',
)
CALLS = drawn(
    ENDS + '<callActivity id="call" calledElement="child"/>{task last}{start > call}{call > last}{last > end}'
)
CAUGHT = drawn(
    ENDS + '<subProcess id="part"><startEvent id="in"/>{task bad}<endEvent id="out"/>{in > bad}{bad > out}</subProcess>'
    '<boundaryEvent id="oops" attachedToRef="part"><errorEventDefinition/></boundaryEvent>{task last}'
    "{start > part}{part > end}{oops > last}{last > end}"
)


def adds(field: str) -> Any:
    """Answers with the body, and a field more."""

    def answer(call: WorkerCall) -> WorkerReply:
        body = json.loads(json.loads(call.payload)["body"])
        return reply({"result-code": "0"}, json.dumps(body | {field: 1}))

    return answer


def seen(site: Site) -> list[dict[str, Any]]:
    """What the action `last` was called with, from now on."""
    found: list[dict[str, Any]] = []

    def answer(call: WorkerCall) -> WorkerReply:
        found.append(json.loads(call.payload))
        return ok(call)

    site.serve("last", answer)
    return found


async def test_a_join_makes_one_of_the_branches(site: Site) -> None:
    for action in ("one", "two"):
        site.serve(action, adds(action))
    calls = seen(site)
    await site.deploy("orders", SPLIT)
    done = await site.start("orders", {"n": 7}, wait=30)
    assert done["state"] == "finished"
    [call] = calls
    assert json.loads(call["body"]) == {"n": 7, "one": 1, "two": 1}
    assert call["headers"]["process-id"] == done["instance"]


async def test_who_waits_at_a_join_is_seen(site: Site) -> None:
    site.serve("one", adds("one"))
    site.serve("two", refuse)
    calls = seen(site)
    await site.deploy("orders", SPLIT)
    done = await site.start("orders", {"n": 7}, wait=30)
    [queue] = await site.get("/api/v1/queues?process=orders")
    assert (queue["node"], queue["depth"], queue["waiting"]) == ("join", 0, 1)
    found = await site.get(f"/api/v1/instances/{done['instance']}")
    assert sorted(message["place"] for message in found["messages"]) == ["joining", "trash"]
    [line] = (await site.get("/api/v1/audit"))["versions"]
    assert (line["waiting"], line["trash"]) == (1, 1)
    site.serve("two", adds("two"))
    [message] = (await site.get("/api/v1/trash"))["items"]
    await site.post(f"/api/v1/trash/{message['id']}/resend")
    await site.finished(done["instance"])
    assert len(calls) == 1
    assert (await site.get("/api/v1/audit"))["balanced"]


async def test_a_message_reaches_who_listens(site: Site) -> None:
    calls = seen(site)
    await site.deploy("orders", WAITS)
    started = await site.start("orders", {"order": 42})
    path = "/api/v1/messages/order%20paid"
    assert (await site.call("POST", path, json={"key": "43"})).code == "nobody-listens"
    assert (await site.call("POST", path, json={"key": "42"}, token="read")).code == "scope-missing"
    for _ in range(200):
        answer = await site.call("POST", path, json={"key": "42", "body": {"sum": 1}, "headers": {"x": "y"}})
        if answer.status == 200:
            break
    [reached] = answer.json["delivered"]
    assert (reached["instance"], reached["node"], reached["process"]) == (started["instance"], "paid", "orders")
    assert (await site.call("POST", path, json={"key": "42"})).code == "nobody-listens"
    await site.finished(started["instance"])
    [call] = calls
    assert json.loads(call["body"]) == {"order": 42, "payment": {"sum": 1}}
    assert call["headers"]["x"] == "y"


async def test_a_delivery_to_all_or_to_one_instance(site: Site) -> None:
    seen(site)
    await site.deploy("orders", WAITS)
    started = [(await site.start("orders", {"order": 1}))["instance"] for _ in range(3)]
    waiting = 0
    while waiting < 3:
        queues = await site.get("/api/v1/queues?process=orders")
        waiting = sum(queue["waiting"] for queue in queues)
    path = "/api/v1/messages/order%20paid"
    one = await site.post(path, {"key": "1", "instance": started[1]})
    assert [each["instance"] for each in one["delivered"]] == [started[1]]
    rest = await site.post(path, {"key": "1", "all": True})
    assert [each["instance"] for each in rest["delivered"]] == [started[0], started[2]]


async def test_a_call_goes_on_with_the_result(site: Site) -> None:
    site.serve("echo", adds("called"))
    calls = seen(site)
    await site.deploy("child", chain("echo"))
    await site.deploy("orders", CALLS)
    done = await site.start("orders", {"n": 1}, wait=30)
    assert done["state"] == "finished"
    assert [json.loads(call["body"]) for call in calls] == [{"n": 1, "called": 1}]
    [child] = (await site.get("/api/v1/instances?process=child"))["items"]
    assert child["origin"] == done["instance"]


async def test_a_call_of_nobody_fails_and_can_be_made_again(site: Site) -> None:
    seen(site)
    site.serve("echo", ok)
    await site.deploy("orders", CALLS)
    done = await site.start("orders", {"n": 1}, wait=30)
    assert done["state"] == "failed"
    [message] = (await site.get("/api/v1/trash"))["items"]
    assert (message["node"], message["reason_code"]) == ("call", "not-callable")
    await site.deploy("child", chain("echo"))
    await site.post(f"/api/v1/trash/{message['id']}/resend")
    await site.finished(done["instance"])


async def test_a_cancelled_caller_takes_along_what_it_called(site: Site) -> None:
    await site.deploy("child", drawn(ENDS + '<userTask id="ask"/>{start > ask}{ask > end}'))
    await site.deploy("orders", CALLS)
    started = await site.start("orders", {"n": 1})
    await site.tasks(1)
    await site.post(f"/api/v1/instances/{started['instance']}/cancel")
    states = {each["process"]: each["state"] for each in (await site.get("/api/v1/instances"))["items"]}
    assert states == {"orders": "cancelled", "child": "cancelled"}
    assert (await site.get("/api/v1/tasks"))["items"] == []
    assert (await site.get("/api/v1/audit"))["balanced"]


async def test_what_fails_in_a_sub_process_goes_over_its_boundary(site: Site) -> None:
    site.serve("bad", refuse)
    calls = seen(site)
    await site.deploy("orders", CAUGHT)
    done = await site.start("orders", {"n": 1}, wait=30)
    assert done["state"] == "finished"
    [call] = calls
    assert (call["headers"]["error-code"], call["headers"]["error-node"]) == ("failed", "bad")
    assert json.loads(call["body"]) == {"n": 1}
    assert (await site.get("/api/v1/trash"))["items"] == []
