"""The routes of the original platform: starts, what workers keep with us, and what strangers get."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from segue.core.headers import USER
from tests.files import chain, user_task
from tests.site import Site
from tests.site import site as make_site

RUN = "/topologies/orders/nodes/begin/run-by-name"


async def _raw(site: Site, request: str) -> tuple[int, Any]:
    """Send a request line as it is written; clients of Python would encode it."""
    where = urlsplit(site.url)
    reader, writer = await asyncio.open_connection(where.hostname, where.port)
    key = f"orchesty-api-key: {site.tokens['worker']}"
    writer.write(f"{request} HTTP/1.1\r\nHost: x\r\n{key}\r\nConnection: close\r\n\r\n".encode())
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    return int(head.split(b" ")[1]), json.loads(body)


async def _key(site: Site, method: str, path: str, scope: str = "start", **options: Any) -> Any:
    headers = {"orchesty-api-key": site.tokens[scope], **options.pop("headers", {})}
    return await site.call(method, path, token=None, headers=headers, **options)


async def _sent(site: Site, answer: Any) -> tuple[dict[str, str], str]:
    """What the worker was sent of the instance that an answer is about."""
    await site.finished(answer.json["correlation_id"])
    for call in site.workers.calls:
        envelope = json.loads(call.payload)
        if envelope["headers"]["correlation-id"] == answer.json["correlation_id"]:
            return envelope["headers"], envelope["body"]
    raise AssertionError("no call")


async def test_a_start_by_name_and_by_id(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    by_name = await _key(site, "POST", RUN, json={"a": 1})
    assert (by_name.status, by_name.json["state"], by_name.json["started"]) == (200, "ok", 1)
    headers, body = await _sent(site, by_name)
    assert (body, headers[USER], headers["content-type"]) == ('{"a": 1}', "orchesty", "application/json")
    by_id = await _key(site, "POST", f"/topologies/{headers['topology-id']}/nodes/start/run", data=b"text")
    assert (await _sent(site, by_id))[1] == "text"


@pytest.mark.parametrize(
    ("path", "body", "field", "user"),
    [
        ("/topologies/orders/nodes/begin/user/ann/run-by-name", {"user": "bob"}, "cid", "ann"),
        (RUN, {"user": "bob"}, "cid", "bob"),
        (RUN, {"x": 1}, "cid", "cid"),
        (RUN, [1], None, "orchesty"),
    ],
)
async def test_for_whom_a_start_is(site: Site, path: str, body: Any, field: str | None, user: str) -> None:
    await site.deploy("orders", chain("echo"))
    headers = {"previous-correlation-id": "before"} | ({"user": field} if field else {})
    sent, _ = await _sent(site, await _key(site, "POST", path, json=body, headers=headers))
    assert (sent[USER], sent["previous-correlation-id"]) == (user, "before")


async def test_what_cannot_be_started(site: Site) -> None:
    version = await site.deploy("orders", chain("echo"))
    json_type = {"Content-Type": "application/json"}
    for path, data, status, text in (
        ("/topologies/nobody/nodes/begin/run-by-name", b"{}", 404, "Topology with name 'nobody' and node with name"),
        ("/topologies/orders/nodes/nobody/run-by-name", b"{}", 404, "node with name 'nobody' not found!"),
        ("/topologies/abc/nodes/start/run", b"{}", 404, "Topology with key 'abc' not found!"),
        ("/topologies/1/nodes/nobody/run", b"{}", 404, "Node with key 'nobody' not found!"),
        (RUN, b"", 400, "Content is not valid!"),
        (RUN, b"7", 400, "Content is not valid!"),
        ("/topologies/orders", b"{}", 404, "Nothing is here"),
    ):
        answer = await _key(site, "POST", path, data=data, headers=json_type)
        assert (answer.status, text in answer.json["message"]) == (status, True), (path, answer.json)
    assert (await _key(site, "GET", RUN)).status == 404
    await site.post(f"/api/v1/processes/orders/versions/{version}/disable")
    assert (await _key(site, "POST", RUN, json={})).status == 404
    assert (await _key(site, "POST", "/topologies/1/nodes/start/run", json={})).status == 404
    ui = "/topologies/1/nodes/start/run?uiRun=true"
    assert (await _key(site, "POST", ui, json={})).status == 403
    assert (await _key(site, "POST", ui, "operate", json={})).status == 200
    assert site.workers.calls == [] or len(site.workers.calls) == 1


async def test_a_run_from_the_screen_waits_where_automatic_runs_pass(site: Site) -> None:
    await site.deploy("orders", user_task("automatic"))
    for path in (RUN.replace("begin", "start"), "/topologies/1/nodes/start/run"):
        await site.finished((await _key(site, "POST", path, json={})).json["correlation_id"])
    ui = "/topologies/1/nodes/start/run?uiRun=true"
    started = (await _key(site, "POST", ui, "operate", json={})).json["correlation_id"]
    assert [task["instance"] for task in await site.tasks(1)] == [started]


async def test_a_token_is_needed_in_either_header(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    token = site.tokens["start"]
    for headers, status in (
        ({"orchesty-api-key": token}, 200),
        ({"Authorization": token}, 200),
        ({"Authorization": f"Bearer {token}"}, 200),
        ({}, 401),
        ({"orchesty-api-key": "wrong"}, 401),
        ({"orchesty-api-key": site.tokens["worker"]}, 403),
        ({"Cookie": "segue_session=x"}, 401),
    ):
        assert (await site.call("POST", RUN, token=None, headers=headers, json={})).status == status, headers
    for path in ("/logger/logs", "/metrics/connectors", "/document/Webhook", "/topologies/x/invalidate-cache"):
        assert (await site.call("POST", path, token=None, json={})).status == 401, path
    for path in ("/logger/logs", "/metrics/connectors", "/document/Webhook"):
        assert (await _key(site, "POST", path, "start", json={})).status == 403, path
    assert (await _key(site, "POST", "/topologies/x/invalidate-cache")).json == {"cache": 0}


async def test_they_can_be_turned_off() -> None:
    async with make_site(compat="none") as site:
        await site.deploy("orders", chain("echo"))
        for method, path in (("POST", RUN), ("GET", "/document/Webhook"), ("GET", "/api/applications/authorize/token")):
            answer = await _key(
                site, method, path, "worker", headers={"Authorization": f"Bearer {site.tokens['admin']}"}
            )
            assert (answer.status, answer.code) == (404, "not-found"), path
        assert (await site.call("POST", RUN, token=None)).code == "unauthenticated"
        made = await site.post("/api/v1/webhooks", {"name": "x", "process": "orders"})
        assert (await site.call("POST", made["path"], token=None)).status == 202


async def test_what_needs_no_token(site: Site) -> None:
    assert (await site.call("GET", "/status", token=None)).json["database"] is True
    answer = await site.call("OPTIONS", RUN, token=None)
    assert (answer.status, answer.headers["access-control-allow-origin"]) == (204, "*")
    assert "access-control-allow-origin" not in (await site.call("GET", "/document/Node", token=None)).headers


async def _installs(site: Site, **filter: Any) -> list[Any]:
    status, found = await _raw(
        site, f"GET /document/ApplicationInstall?filter={json.dumps(filter, separators=(',', ':'))}"
    )
    assert status == 200, found
    return list(found)


async def test_documents_are_kept_as_they_were_written(site: Site) -> None:
    document = {
        "_id": "",
        "user": "ann",
        "key": "shop",
        "enabled": True,
        "encryptedSettings": "002_x",
        "odd": [1, None],
    }
    answer = await _key(site, "POST", "/document/ApplicationInstall", "worker", json=[document])
    assert answer.json == {"message": {"status": "OK", "data": ""}}
    [found] = await _installs(site, users=["ann"], names=["shop"])
    key = found.pop("_id")
    assert (len(key), found.pop("id")) == (24, key)
    assert found == {name: value for name, value in document.items() if name != "_id"}
    change = {"_id": key, "enabled": False}
    await _key(site, "POST", "/document/ApplicationInstall", "worker", json=change)
    assert await _installs(site, users=["ann"]) == []
    [found] = await _installs(site, users=["ann"], enabled=None)
    assert (found["enabled"], found["odd"]) == (False, [1, None])
    path = f'/document/ApplicationInstall?filter={{"ids":["{key}"],"enabled":null}}'
    assert (await _raw(site, f"DELETE {path}"))[1] == {"message": {"status": "OK", "data": {"deleted": 1}}}
    assert await _installs(site, enabled=None) == []
    assert [each["_id"] for each in await _installs(site, enabled=None, deleted=True)] == [key]


async def test_filters_in_all_their_forms(site: Site) -> None:
    for user, key, expires, plain in (
        ("a&b", "shop", "2026-01-01T00:00:00.000Z", {"x": 1}),
        ("bob", "crm", None, {"x": 2}),
    ):
        fields = {"user": user, "key": key, "enabled": True, "expires": expires, "nonEncryptedSettings": plain}
        await _key(site, "POST", "/document/ApplicationInstall", "worker", json=fields)
    for asked, users in (
        ({"users": ["a&b"]}, ["a&b"]),
        ({"names": {"nin": ["shop"]}}, ["bob"]),
        ({"names": None}, ["a&b", "bob"]),
        ({"ids": ["nonsense", 7]}, []),
        ({"expires": 1767225600000}, ["a&b"]),
        ({"expires": 1767225600}, ["a&b"]),
        ({"expires": 1767225599}, []),
        ({"nonEncrypted": {"x": 2}}, ["bob"]),
        ({"non_encrypted": {"x": {"in": [1, 5]}}}, ["a&b"]),
        ({"user_uds": ["bob"]}, ["bob"]),
        ({"sdks": ["w"]}, []),
    ):
        assert [each["user"] for each in await _installs(site, **asked)] == users, asked
    for query in ("filter=undefined", "", "filter=[]", 'filter={}&sorter={"created":"asc"}&paging={"limit":9}'):
        assert len((await _raw(site, f"GET /document/ApplicationInstall?{query}"))[1]) == 2, query
    path = '/document/ApplicationInstall?filter={}&sorter={"created":"desc"}&paging={"limit":1,"offset":1}'
    assert len((await _raw(site, f"GET {path}"))[1]) == 1
    assert (await _raw(site, "GET //document//ApplicationInstall"))[0] == 200
    for query in ('filter={"colour":1}', "filter={", 'filter={"expires":"soon"}', 'filter={"ids":7}'):
        status, said = await _raw(site, f"GET /document/ApplicationInstall?{query}")
        assert (status, list(said["message"])) == (400, ["error"]), query


async def test_documents_that_are_none(site: Site) -> None:
    for method, path, body in (
        ("GET", "/document/Other", None),
        ("DELETE", "/document/Webhook", None),
        ("POST", "/document/Node", {}),
        ("POST", "/document/Webhook", [7]),
        ("POST", "/document/Webhook", {"user": 7}),
        ("POST", "/document/Webhook", {"_id": "gone", "name": "x"}),
    ):
        answer = await _key(site, method, path, "worker", json=body)
        assert answer.status in {400, 404}, (method, path)
        assert answer.json["message"]["error"]
    assert (await _key(site, "GET", "/document/Webhook", "worker")).json == []


async def test_a_node_is_known_by_its_id(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    path = '/document/Node?filter={"ids":["t1"],"deleted":null}'
    [node] = (await _raw(site, f"GET {path}"))[1]
    assert (node["_id"], node["id"]) == ("t1", "t1")
    settings = json.loads(node["systemConfigs"])
    assert settings["repeater"] == {"enabled": False, "hops": 0, "interval": 0}
    php = await _key(site, "GET", "/document/Node", "worker", headers={"User-Agent": "GuzzleHttp/7"})
    assert all("systemConfigs" not in each for each in php.json)
    assert (await _raw(site, 'GET /document/Node?filter={"ids":["nobody"]}'))[1] == []


async def test_lines_of_workers_are_shown(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    started = await _key(site, "POST", RUN, json={})
    await site.finished(started.json["correlation_id"])
    where = {"correlationId": started.json["correlation_id"], "nodeId": "t1", "parentId": "", "applications": ""}
    trace = {"message": "broken", "trace": "at line 7"}
    node = {"message": "one", "service": "sdk", "timestamp": 1767225600000, "levelName": "warn", "isForUi": True}
    php = {
        "message": "two",
        "channel": "app",
        "level_name": "CRITICAL",
        "datetime": "2026-01-01T00:00:00+00:00",
        "context": {"is_for_ui": True, "correlation_id": where["correlationId"], "node_id": "t1"},
    }
    for said in (
        node | where | {"stacktrace": trace},
        php,
        node | where | {"isForUi": False},
        node | {"isForUi": True},
    ):
        assert (await _key(site, "POST", "/logger/logs", "worker", json=said)).status == 200
    lines = (await site.get(f"/api/v1/logs?instance={where['correlationId']}"))["items"]
    shown = [(line["level"], line["text"], line["at"]) for line in lines if line["at"] == 1767225600000]
    assert shown == [("warning", "one\nbroken\nat line 7", 1767225600000), ("error", "two", 1767225600000)]
    assert (await _key(site, "POST", "/logger/logs", "worker", json={"x": 1})).status == 400


async def test_metrics_of_workers_are_summed(site: Site) -> None:
    call = {
        "fields": {"created": 1, "sent_request_total_duration": 250, "response_code": 503},
        "tags": {"user_id": "0"},
    }
    php = {"fields": {"application_id": "shop", "sent_request_total_duration": 750}}
    for said in (call, call | {"tags": {"application_id": "shop", "node_id": "t1"}}, php):
        assert (await _key(site, "POST", "/metrics/connectors", "worker", json=said)).status == 200
    assert (await _key(site, "POST", "/metrics/monolith", "worker", json={"fields": {}, "tags": {}})).status == 200
    assert (await _key(site, "POST", "/metrics/other", "worker", json={})).status == 404
    assert (await _key(site, "POST", "/metrics/connectors", "worker", json={"tags": {}})).status == 400
    text = (await site.call("GET", "/metrics")).content.decode()
    assert 'segue_remote_calls_total{application="shop",node="t1"} 1\n' in text
    assert 'segue_remote_failures_total{application="shop",node="t1"} 1\n' in text
    assert 'segue_remote_seconds_total{application="shop",node=""} 0.75\n' in text
    await site.deploy("orders", chain("echo"))
    [version] = [service["version_id"] for service in await site.get("/api/v1/services")]
    where = {"topology_id": str(version), "node_id": "t1", "url": "https://shop.example/orders?key=secret"}
    said = {"fields": {"sent_request_total_duration": 40, "response_code": 503}, "tags": where}
    assert (await _key(site, "POST", "/metrics/connectors", "worker", json=said)).status == 200
    [node] = (await site.get("/api/v1/metrics/summary"))["nodes"]
    assert (node["node"], node["hosts"][0]["host"], node["hosts"][0]["statuses"]) == ("t1", "shop.example", {"503": 1})
    assert node["remote"]["mean"] == 40


async def test_a_webhook_of_a_worker_is_delivered(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    token = "ab" * 25
    fields = {
        "name": "made",
        "user": "ann",
        "token": token,
        "node": "begin",
        "topology": "orders",
        "application": "shop",
    }
    await _key(site, "POST", "/document/Webhook", "worker", json=[{"_id": "", "webhookId": "9", **fields}])
    for path in (
        f"/webhook/topologies/orders/nodes/begin/token/{token}",
        f"/topologies/orders/nodes/begin/token/{token}/run",
    ):
        answer = await site.call("POST", path, token=None, json={"n": 1})
        assert answer.status == 200, answer.content
        headers, body = await _sent(site, answer)
        assert (headers[USER], body) == ("ann", '{"n": 1}')
    for path in (
        "/webhook/topologies/orders/nodes/begin/token/wrong",
        f"/webhook/topologies/orders/nodes/other/token/{token}",
        f"/webhook/topologies/other/nodes/begin/token/{token}",
    ):
        assert (await site.call("POST", path, token=None, json={})).status == 404
    [webhook] = (await site.get("/api/v1/webhooks?application=shop"))["items"]
    assert (webhook["origin"], webhook["name"], webhook["user"]) == ("worker", "made", "ann")
    assert token not in json.dumps(webhook)
    deliveries = (await site.get(f"/api/v1/webhooks/{webhook['id']}/deliveries"))["items"]
    assert [each["outcome"] for each in deliveries] == ["accepted", "accepted"]
    await _key(site, "POST", "/document/Webhook", "worker", json=[{"_id": webhook["id"], "unsubscribeFailed": True}])
    assert (await site.call("POST", f"/webhook/topologies/orders/nodes/begin/token/{token}", token=None)).status == 404
