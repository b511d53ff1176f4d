"""The 17 points by which an unmodified Orchesty worker could tell that it runs against something else: it cannot.

Each test talks to a worker of unmodified packages (see `worker/`), most by a process of their own.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from tests.orchesty.drawing import Drawing
from tests.orchesty.stage import Stage, ask

_HEADERS = {
    "correlation-id",
    "process-id",
    "parent-id",
    "process-started",
    "topology-id",
    "node-id",
    "node-name",
    "worker-followers",
    "previous-node-id",
    "user",
    "source",
    "applications",
    "content-type",
    "sdk",
}
_PLUMBING = {"repeat-hops", "repeat-interval", "repeat-max-hops", "force-target-queue", "result-code", "result-message"}


def _bodies(stage: Stage, name: str) -> list[Any]:
    return [call["body"] for call in stage.seen(name)]


def test_01_the_paths_and_the_envelope(stage: Stage) -> None:
    stage.tell(bat_1=[{"items": [{"body": {"n": 1}}]}])
    stage.deploy("point-01", Drawing().then("con-1").then("bat-1").then("cus-1"))
    assert stage.run("point-01", {"first": "ř"})["state"] == "finished"
    assert _bodies(stage, "con-1") == ['{"first": "\\u0159"}']
    assert _bodies(stage, "bat-1") == ['{"first": "\\u0159"}']
    assert _bodies(stage, "cus-1") == ['{"n":1}']
    offered = {(each["kind"], each["name"]): each for each in stage.get("/api/v1/workers/worker/actions")}
    assert {("connector", "con-1"), ("batch", "bat-1"), ("custom", "cus-1")} <= set(offered)
    assert offered["batch", "woocommerce-get-products"]["application"] == "woocommerce"
    assert stage.get("/api/v1/workers/worker/check") == {"ok": True, "problem": None}
    for path in ("/connector/con-1/action/test", "/batch/bat-1/action/test", "/custom-node/cus-1/process/test"):
        assert ask(stage.worker, "GET", path).json == []


def test_02_the_headers_of_a_call(stage: Stage) -> None:
    stage.deploy("point-02", Drawing().then("con-2").then("cus-2").then("cus-3", after=["con-2"]))
    ended = stage.run("point-02")
    [first], [leaf] = stage.seen("con-2"), stage.seen("cus-2")
    for call in (first, leaf):
        assert set(call["headers"]) >= _HEADERS
        assert all(isinstance(value, str) for value in call["headers"].values())
    followers = json.loads(first["headers"]["worker-followers"])
    assert followers == [{"id": "_cus-2", "name": "cus-2"}, {"id": "_cus-3", "name": "cus-3"}]
    headers = leaf["headers"]
    assert headers["worker-followers"] == "[]"
    assert (headers["correlation-id"], headers["node-id"], headers["node-name"]) == (ended["id"], "_cus-2", "cus-2")
    assert (headers["previous-node-id"], headers["parent-id"]) == ("_con-2", first["headers"]["process-id"])
    assert headers["process-id"] != first["headers"]["process-id"]
    assert (headers["user"], headers["source"], headers["sdk"], first["headers"]["parent-id"]) == (
        "orchesty",
        "auto",
        "worker",
        "",
    )


def test_03_unknown_headers_survive_and_plumbing_ends(stage: Stage) -> None:
    stage.tell(con_3=[{"add": {"x-mine": "kept", "topology-id": "999", "correlation-id": "mine", "repeat-hops": "7"}}])
    stage.deploy("point-03", Drawing().then("con-3").then("con-4").then("con-5"))
    ended = stage.run("point-03")
    for name in ("con-4", "con-5"):
        [call] = stage.seen(name)
        assert call["headers"]["x-mine"] == "kept"
        assert call["headers"]["correlation-id"] == ended["id"]
        assert call["headers"]["topology-id"] == stage.seen("con-3")[0]["headers"]["topology-id"]
        assert not _PLUMBING & set(call["headers"])


def test_04_answers_of_every_shape(stage: Stage) -> None:
    stage.tell(con_6=[{"add": {"whole": 5, "nothing": None, "text": "x"}, "raw": 0}])
    stage.deploy("point-04", Drawing().then("con-6").then("con-7"))
    assert stage.run("point-04")["state"] == "finished"
    headers = stage.seen("con-7")[0]["headers"]
    assert (headers["whole"], headers["text"], "nothing" in headers) == ("5", "x", False)
    envelope = json.dumps({"headers": {}, "body": "x"})
    for number, (act, code) in enumerate(
        (
            ({"raw-1": [{"text": envelope}]}, "no-result-code"),
            ({"raw-1": [{"status": 500, "text": "<h1>Error</h1>"}]}, "status"),
            ({"raw-1": [{"status": 301, "text": envelope}]}, "status"),
            ({"raw-1": [{"status": 400, "text": "{}"}]}, "status"),
        )
    ):
        stage.tell(**act)
        stage.deploy(f"point-04-{number}", Drawing().then("raw-1"))
        ended = stage.run(f"point-04-{number}")
        assert (ended["state"], stage.trash(ended["id"])["reason_code"]) == ("failed", code)
    good = {"http": {"result-code": "0"}}
    stage.tell(raw_2=[{"hangUp": True}, {"status": 503, "text": "busy"}, {"status": 502}, good])
    stage.deploy("point-04-away", Drawing().then("raw-2").then("con-8"))
    assert stage.run("point-04-away", {"n": 4})["state"] == "finished"
    assert len(stage.seen("raw-2")) == 4
    assert _bodies(stage, "con-8") == ['{"n": 4}']


def test_04_what_the_sdk_answers_for_errors(stage: Stage) -> None:
    for number, act in enumerate(({"fail": "broken\nhere"}, {"nothing": True}, {"stopException": "no use"})):
        stage.tell(con_9=[act])
        stage.deploy(f"point-04-error-{number}", Drawing().then("con-9"))
        ended = stage.run(f"point-04-error-{number}", {"n": number})
        message = stage.trash(ended["id"])
        assert (ended["state"], message["body"]) == ("failed", json.dumps({"n": number}))
        assert act.get("stopException", "status") in message["reason"]


def test_05_each_result_code(stage: Stage) -> None:
    stage.deploy("point-05", Drawing().then("con-10").then("con-11"))
    expected = [
        ({"data": '{"ok":1}'}, "finished", 1, 0),
        ({"code": 1003, "reason": "enough"}, "finished", 0, 0),
        ({"code": 1006, "reason": "never"}, "failed", 0, 1),
        ({"force": ["con-11"]}, "finished", 1, 0),
        ({"raw": "1010"}, "finished", 1, 0),
        ({"raw": "2001"}, "finished", 1, 0),
        ({"raw": "9999"}, "finished", 1, 0),
        ({"raw": "words"}, "finished", 1, 0),
    ]
    for act, state, following, trash in expected:
        before = len(stage.seen("con-11"))
        stage.tell(con_10=[act])
        ended = stage.run("point-05")
        got = (ended["state"], len(stage.seen("con-11")) - before, ended["trash"])
        assert got == (state, following, trash), act
        warned = [
            line for line in stage.get(f"/api/v1/logs?instance={ended['id']}")["items"] if line["level"] == "warning"
        ]
        assert bool(warned) == (act.get("raw") is not None), act
    stage.tell(
        con_10=[{"repeat": [1, 3, "later"]}, {}], con_12=[{"limited": "slow down", "add": {"retry-after": "1"}}, {}]
    )
    stage.deploy("point-05-limit", Drawing().then("con-12"))
    assert (stage.run("point-05")["state"], stage.run("point-05-limit")["state"]) == ("finished", "finished")
    assert len(stage.seen("con-12")) == 2


def test_06_repeats_count_executions(stage: Stage) -> None:
    stage.tell(con_13=[{"repeatException": [1, 3, "not yet"]}])
    stage.deploy("point-06", Drawing().then("con-13"))
    ended = stage.run("point-06", {"n": 1})
    calls = stage.seen("con-13")
    assert [call["headers"].get("repeat-hops") for call in calls] == [None, "2", "3"]
    assert {call["body"] for call in calls} == {'{"n": 1}'}
    message = stage.trash(ended["id"])
    assert (message["reason_code"], "not yet" in message["reason"]) == ("repeats-used-up", True)
    own = {"repeaterEnabled": "true", "repeaterHops": "2", "repeaterInterval": "1"}
    stage.tell(con_14=[{"repeatException": [60, 10, "the node knows better"]}])
    stage.deploy("point-06-node", Drawing().then("con-14", **own))
    assert stage.run("point-06-node")["state"] == "failed"
    assert len(stage.seen("con-14")) == 2


def test_07_a_repeat_as_the_php_sdk_asks_for_it(stage: Stage) -> None:
    stage.tell(
        raw_3=[
            {"http": {"result-code": "1001", "repeat-interval": "1", "repeat-max-hops": "5"}, "text": "PHP's own"},
            {"text": json.dumps({"headers": {"result-code": 0}, "body": "done"})},
        ]
    )
    stage.deploy("point-07", Drawing().then("raw-3").then("con-15"))
    assert stage.run("point-07", {"n": 7})["state"] == "finished"
    assert _bodies(stage, "raw-3") == ['{"n": 7}', '{"n": 7}']
    assert _bodies(stage, "con-15") == ["done"]
    node = ask(
        stage.server.url,
        "GET",
        '/document/Node?filter={"ids":["_raw-3"],"deleted":null}',
        headers={"orchesty-api-key": stage.server.token, "User-Agent": "GuzzleHttp/7"},
    ).json
    assert [(each["id"], "systemConfigs" in each) for each in node] == [("_raw-3", False)]


def test_08_batches(stage: Stage) -> None:
    items = [{"body": {"n": n}, "headers": {"x-item": str(n), "gone": None}} for n in range(3)]
    stage.tell(
        bat_2=[
            {"items": items[:2], "cursor": "page-2", "add": {"x-all": "1"}},
            {"items": [{"body": "dropped"}], "cursor": "page-3", "only": True},
            {"items": [items[2]]},
        ],
        bat_3=[{"items": []}],
    )
    stage.deploy("point-08", Drawing().then("bat-2").then("con-16"))
    assert stage.run("point-08", {"from": 1})["state"] == "finished"
    assert [call["headers"].get("cursor") for call in stage.seen("bat-2")] == [None, "page-2", "page-3"]
    assert _bodies(stage, "bat-2") == ['{"from": 1}'] * 3
    calls = stage.seen("con-16")
    assert [call["body"] for call in calls] == ['{"n":0}', '{"n":1}', '{"n":2}']
    assert [call["headers"]["x-item"] for call in calls] == ["0", "1", "2"]
    assert all(not {"cursor", "gone"} & set(call["headers"]) for call in calls)
    assert [call["headers"].get("x-all") for call in calls] == ["1", "1", "1"]
    assert len({call["headers"]["process-id"] for call in calls}) == 3
    stage.deploy("point-08-empty", Drawing().then("bat-3").then("con-17"))
    assert (stage.run("point-08-empty")["state"], stage.seen("con-17")) == ("finished", [])


def test_09_forced_followers(stage: Stage) -> None:
    drawing = Drawing().then("con-18")
    for name in ("con-19", "con-20", "con-21"):
        drawing.then(name, after=["con-18"])
    stage.deploy("point-09", drawing)
    for forced in (["con-20"], ["con-19", "con-21"]):
        stage.tell(con_18=[{"force": [*forced, "nobody"]}])
        assert stage.run("point-09")["state"] == "finished"
    assert [len(stage.seen(name)) for name in ("con-19", "con-20", "con-21")] == [1, 1, 1]
    stage.tell(con_18=[{"raw": "1002", "add": {"force-target-queue": "_nobody"}}])
    ended = stage.run("point-09")
    assert stage.trash(ended["id"])["reason_code"] == "unknown-follower"


def test_10_limits_come_from_the_worker(stage: Stage) -> None:
    _install_shop(stage, "lara")
    stage.tell(bat_4=[{"items": [{"body": "a", "limit": "mine|shop;5;2"}, {"body": "b"}]}])
    stage.deploy("point-10", Drawing().then("shop-con-1", app="shop").then("bat-4").then("con-22"))
    path = "/topologies/point-10/nodes/start/user/lara/run-by-name"
    started = ask(stage.server.url, "POST", path, {}, {"orchesty-api-key": stage.server.token}).json
    stage.ended(started["correlation_id"])
    assert stage.seen("shop-con-1")[0]["headers"]["limiter-key"] == "lara|shop;1;50"
    keys = [call["headers"]["limiter-key"] for call in stage.seen("con-22")]
    assert keys == ["lara|shop;1;50;mine|shop;5;2", "lara|shop;1;50"]
    settings = {"limiter_form": {"useLimit": True, "value": 7, "time": 3}}
    stage.do("PUT", "/api/v1/installs/worker/shop/lara/settings", {"settings": settings})
    assert ask(stage.worker, "POST", "/applications/limits", {"user": "lara", "applications": ["shop"]}).status == 200
    stage.run("point-10")  # nobody installed it for the user orchesty
    assert "limiter-key" not in stage.seen("shop-con-1")[1]["headers"]


def test_11_everything_is_counted_and_one_end_is_told(stage: Stage) -> None:
    _listen(stage)
    drawing = Drawing().then("con-23")
    for name in ("con-24", "con-25"):
        drawing.then(name, after=["con-23"])
    stage.tell(bat_5=[{"items": [{"body": str(n)} for n in range(5)]}], con_25=[{"code": 1003}])
    stage.deploy("point-11", drawing.then("bat-5", after=["con-24"]).then("con-26", after=["bat-5"]))
    ended = stage.run("point-11")
    assert (ended["state"], ended["live"], ended["failed"]) == ("finished", 0, 0)
    assert ended["ok"] == 1 + 2 + 1 + 5
    told = _told(stage, ended["id"], 1)
    assert [each["type"] for each in told] == ["processSuccess"]
    assert stage.get("/api/v1/audit")["balanced"] is True


def test_12_trash_and_user_tasks(stage: Stage) -> None:
    stage.tell(con_27=[{"fail": "broken"}, {}])
    stage.deploy("point-12", Drawing().then("con-27").then("ask", "user").then("con-28"))
    ended = stage.run("point-12", {"n": 1})
    message = stage.trash(ended["id"])
    headers = message["headers"] | {"x-corrected": "yes"}
    stage.do("PUT", f"/api/v1/trash/{message['id']}", {"body": '{"n":2}', "headers": headers})
    stage.do("POST", f"/api/v1/trash/{message['id']}/resend", {})
    task = _task(stage, ended["id"])
    first, second = stage.seen("con-27")
    assert (first["body"], second["body"]) == ('{"n": 1}', '{"n":2}')
    assert second["headers"]["x-corrected"] == "yes"
    assert second["headers"]["node-id"] == first["headers"]["node-id"]
    assert "user-task-state" not in second["headers"]
    stage.do("POST", f"/api/v1/tasks/{task}/accept", {"body": '{"n":3}'})
    assert stage.ended(ended["id"])["state"] == "finished"
    assert _bodies(stage, "con-28") == ['{"n":3}']
    stage.tell(con_27=[{}])
    started = stage.do("POST", "/processes/point-12/start", {})["instance"]
    stage.do("POST", f"/api/v1/tasks/{_task(stage, started)}/reject")
    assert stage.ended(started)["state"] == "finished"
    assert len(stage.seen("con-28")) == 1


def test_13_starts_by_the_originals_routes(stage: Stage) -> None:
    stage.deploy("point-13", Drawing().then("con-29"))
    key = {"orchesty-api-key": stage.server.token}
    first = ask(stage.server.url, "POST", "/topologies/point-13/nodes/start/run-by-name", {"n": 1}, key)
    assert (first.status, first.json["state"], first.json["started"]) == (200, "ok", 1)
    stage.ended(first.json["correlation_id"])
    version = stage.seen("con-29")[0]["headers"]["topology-id"]
    by_id = ask(stage.server.url, "POST", f"/topologies/{version}/nodes/_start/user/ann/run", {"n": 2}, key)
    stage.ended(by_id.json["correlation_id"])
    assert stage.seen("con-29")[1]["headers"]["user"] == "ann"
    stage.tell(con_30=[{"run": [{"n": 3}, "point-13", "start", "bob"]}])
    stage.deploy("point-13-runner", Drawing().then("con-30"))
    runner = stage.run("point-13-runner")
    assert runner["state"] == "finished"
    while len(calls := stage.seen("con-29")) < 3:
        pass
    assert (calls[2]["body"], calls[2]["headers"]["user"]) == ('{"n":3}', "bob")
    assert calls[2]["headers"]["previous-correlation-id"] == runner["id"]
    for headers in ({}, {"orchesty-api-key": "wrong"}):
        assert ask(stage.server.url, "POST", "/topologies/point-13/nodes/start/run-by-name", {}, headers).status == 401


def test_13_a_webhook_that_the_worker_registered(stage: Stage) -> None:
    _install_shop(stage, "wendy")
    stage.deploy("point-13-hook", Drawing(kind="webhook").then("con-31"))
    path = "/api/v1/installs/worker/shop/wendy/events/order-made"
    installed = stage.do("PUT", path, {"process": "point-13-hook"})
    assert [(event["name"], event["enabled"]) for event in installed["events"]] == [("order-made", True)]
    [url] = [url for url in stage.other.subscribed.values() if "point-13-hook" in url]
    where = url.removeprefix(stage.server.url)
    assert where.startswith("/webhook/topologies/point-13-hook/nodes/start/token/")
    answer = ask(stage.server.url, "POST", where, {"order": 1})
    assert answer.status == 200
    stage.ended(answer.json["correlation_id"])
    [call] = stage.seen("con-31")
    assert (call["body"], call["headers"]["user"]) == ('{"order": 1}', "wendy")
    assert ask(stage.server.url, "POST", where + "0", {"order": 1}).status == 404
    stage.do("DELETE", path)
    assert ask(stage.server.url, "POST", where, {"order": 1}).status == 404
    assert url not in stage.other.subscribed.values()


def test_14_what_the_worker_keeps_and_reports(stage: Stage) -> None:
    stage.tell(con_32=[{"log": "look at this", "call": f"{stage.other.url}/wp-json/wc/v3/products/7"}])
    stage.deploy("point-14", Drawing().then("con-32"))
    ended = stage.run("point-14")
    assert ended["state"] == "finished"
    while not (lines := [line for line in _lines(stage, ended["id"]) if line["text"].startswith("look at this")]):
        pass
    assert (lines[0]["level"], lines[0]["node"]) == ("error", "_con-32")
    assert "a fault of the test" in lines[0]["text"]
    metrics = stage.ask("GET", "/metrics").body.decode()
    counted = [line for line in metrics.splitlines() if line.startswith("segue_remote") and '"_con-32"' in line]
    assert [line.rpartition(" ")[2] for line in counted[:2]] == ["1", "0"]
    _install_shop(stage, "dora")
    key = {"orchesty-api-key": stage.server.token}
    [kept] = ask(stage.server.url, "GET", '/document/ApplicationInstall?filter={"users":["dora"]}', None, key).json
    assert (kept["key"], kept["_id"], kept["encryptedSettings"][:4]) == ("shop", kept["id"], "002_")
    every = ask(stage.server.url, "GET", "/document/ApplicationInstall?filter=undefined", None, key).json
    assert kept in every
    assert ask(stage.worker, "GET", "/applications/users/dora").json["items"][0]["authorized"] is True


def test_15_applications_of_the_worker(stage: Stage) -> None:
    listed = {each["key"]: each for each in stage.get("/api/v1/applications")["items"]}
    assert set(listed) == {"shop", "crm", "woocommerce"}
    assert (listed["crm"]["authorization"], listed["shop"]["kind"]) == ("oauth2", "webhook")
    assert {"listStates", "echo"} <= set(stage.get("/api/v1/applications/worker/shop")["methods"])
    _install_shop(stage, "erin")
    path = "/api/v1/installs/worker/shop/erin"
    shown = stage.get(path)
    fields = {field["key"]: field["value"] for form in shown["forms"] for field in form["fields"]}
    assert (fields["user"], fields["password"], shown["authorized"], shown["enabled"]) == ("me", True, True, True)
    assert [(each["name"], each["process"], each["node"]) for each in shown["actions"]] == [
        ("Tell", "shop-process", "start")
    ]
    assert {"user": "erin", "name": "shop"} in ask(stage.worker, "GET", "/seen").json["callback"]
    assert stage.do("POST", f"{path}/methods/listStates", {})["value"] == ["open", "closed"]
    assert stage.do("POST", f"{path}/methods/echo", {"body": {"x": 1}})["value"] == {"got": {"x": 1}}
    assert (
        stage.ask("POST", "/api/v1/installs", {"worker": "worker", "application": "shop", "user": "erin"}).status == 409
    )
    stage.do("DELETE", path)
    assert stage.ask("GET", path).status == 404
    _install_shop(stage, "erin")


def test_16_files_and_versions(stage: Stage) -> None:
    drawing = Drawing().then("con-33", rabbitPrefetch="1")
    assert stage.deploy("point-16", drawing) == 1
    assert stage.deploy("point-16", drawing.then("con-34"), enable=False) == 2
    assert stage.run("point-16")["state"] == "finished"
    assert (len(stage.seen("con-33")), stage.seen("con-34")) == (1, [])
    states = {each["version"]: each["state"] for each in stage.get("/api/v1/processes/point-16")["versions"]}
    assert states == {1: "enabled", 2: "disabled"}
    nodes = [
        {"id": "n1", "shape": "circle", "label": "Event", "name": "start", "action": None},
        {"id": "n2", "shape": "square", "action": {"name": "con-35", "worker": "worker", "type": "connector"}},
        {"id": "n3", "shape": "square", "action": {"name": "cus-4", "worker": "worker", "type": "custom"}},
    ]
    flows = [{"from": "n1", "to": "n2"}, {"from": "n2", "to": "n3"}]
    plain = [{"type": "flow", "position": {"x": 0, "y": 0}, **node} for node in nodes]
    stage.deploy("point-16-json", json.dumps({"nodes": plain, "connections": flows}))
    assert stage.run("point-16-json", {"n": 16})["state"] == "finished"
    assert (_bodies(stage, "con-35"), _bodies(stage, "cus-4")) == (['{"n": 16}'], ['{"n": 16}'])


def test_17_system_events_of_ends_and_trash(stage: Stage) -> None:
    _listen(stage)
    stage.tell(con_36=[{"fail": "as told"}])
    stage.deploy("point-17", Drawing().then("con-36"))
    ended = stage.run("point-17", {"n": 17})
    told = {each["type"]: each for each in _told(stage, ended["id"], 2)}
    assert set(told) == {"messageInTrash", "processFailed"}
    data = told["processFailed"]["data"]
    assert (data["topologyName"], data["topologyVersion"], data["processId"]) == ("point-17", 1, ended["id"])
    assert set(data) == {
        "topologyId", "topologyName", "topologyVersion", "applications", "resultMessage", "correlationId",
        "processId", "user", "timestampMs",
    }  # fmt: skip
    assert told["processFailed"]["contents"] == [{"trashId": None, "body": ""}]
    trash = stage.trash(ended["id"])
    assert told["messageInTrash"]["contents"] == [{"trashId": trash["id"], "body": '{"n": 17}'}]
    filtered = Counter(call["headers"]["system-event"] for call in stage.seen("con-40"))
    assert set(filtered) == {"true"}


def test_a_killed_server_goes_on_where_it_was(stage: Stage) -> None:
    _listen(stage)
    stage.tell(bat_6=[{"items": [{"body": str(n)} for n in range(10)]}])
    stage.deploy("killed", Drawing().then("bat-6").then("cus-6").then("cus-7"))
    key = {"orchesty-api-key": stage.server.token}
    path = "/topologies/killed/nodes/start/run-by-name"
    started = [ask(stage.server.url, "POST", path, {}, key).json["correlation_id"] for _ in range(5)]
    while not stage.seen("cus-7"):
        pass
    stage.kill_and_restart()
    assert [stage.ended(instance)["state"] for instance in started] == ["finished"] * 5
    calls = stage.seen("cus-7")
    assert len({call["headers"]["message-id"] for call in calls}) == 50
    handled = Counter((call["headers"]["correlation-id"], call["body"]) for call in calls)
    assert set(handled) == {(instance, str(n)) for instance in started for n in range(10)}
    for instance in started:
        assert [each["type"] for each in _told(stage, instance, 1)] == ["processSuccess"]
    assert stage.get("/api/v1/audit")["balanced"] is True


# -- what several tests need ------------------------------------------------------------------------------------------


def _install_shop(stage: Stage, user: str) -> None:
    """Install the shop for the user, with settings, and enable it."""
    path = f"/api/v1/installs/worker/shop/{user}"
    stage.do("POST", "/api/v1/installs", {"worker": "worker", "application": "shop", "user": user})
    stage.do("PUT", f"{path}/settings", {"settings": {"authorization_form": {"user": "me"}}})
    stage.do("PUT", f"{path}/password", {"form": "authorization_form", "field": "password", "password": "hunter2"})
    stage.do("PUT", f"{path}/state", {"enabled": True})


def _listen(stage: Stage) -> None:
    """Have the process system-events, as the original ships it: a filter of the connectors' package for each type."""
    if stage.ask("GET", "/api/v1/processes/system-events").status == 200:
        return
    drawing = Drawing().then("con-40")
    for number, kind in enumerate(("processSuccess", "processFailed", "messageInTrash"), 37):
        drawing.then(f"event-status-filter-{kind}", "custom", after=["con-40"]).then(f"con-{number}")
    stage.deploy("system-events", drawing)


def _told(stage: Stage, instance: str, count: int) -> list[Any]:
    """What system-events was told of an instance, each by the filter of its own type."""
    while True:
        told = [json.loads(call["body"]) for n in (37, 38, 39) for call in stage.seen(f"con-{n}")]
        mine = [each for each in told if each["data"]["correlationId"] == instance]
        if len(mine) >= count:
            return mine


def _task(stage: Stage, instance: str) -> str:
    """The user task of an instance, once it is there."""
    while not (found := [each for each in stage.get("/api/v1/tasks")["items"] if each["instance"] == instance]):
        pass
    return str(found[0]["id"])


def _lines(stage: Stage, instance: str) -> list[Any]:
    return list(stage.get(f"/api/v1/logs?instance={instance}&limit=500")["items"])
