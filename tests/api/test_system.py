"""Workers, tokens, audit, logs, metrics, and how errors look."""

from __future__ import annotations

import re

from tests.files import chain
from tests.site import WORKER_URL, Site, refuse


async def test_a_worker_s_headers_are_never_shown(site: Site) -> None:
    added = await site.call(
        "POST",
        "/api/v1/workers",
        json={"name": "crm", "url": "http://crm.example/", "headers": {"Authorization": "Bearer hush"}},
    )
    assert added.status == 201
    assert added.json["url"] == "http://crm.example"
    assert added.json["header_names"] == ["authorization"]
    for path in ("/api/v1/workers", "/api/v1/workers/crm", "/api/v1/workers/w"):
        answer = await site.call("GET", path, token="read")
        assert answer.status == 200
        assert b"hush" not in answer.content
        assert b"very-secret" not in answer.content
    assert (await site.control.workers.get("crm")).headers == {"authorization": "Bearer hush"}


async def test_a_worker_is_changed_and_keeps_headers_that_are_not_given(site: Site) -> None:
    changed = await site.call("PUT", "/api/v1/workers/w", json={"url": "https://other.example"})
    assert (changed.json["url"], changed.json["header_names"]) == ("https://other.example", ["x-key"])
    changed = await site.call("PUT", "/api/v1/workers/w", json={"url": "https://other.example", "headers": {}})
    assert changed.json["header_names"] == []
    assert (await site.call("PUT", "/api/v1/workers/w", json={"url": WORKER_URL, "name": "z"})).code == "invalid"
    assert (await site.call("POST", "/api/v1/workers", json={"name": "w", "url": WORKER_URL})).code == "name-taken"


async def test_a_worker_that_cannot_be_is_refused(site: Site) -> None:
    for url in (
        "",
        "crm",
        "ftp://x",
        "http://",
        "http://u:p@x",
        "http://x?a=1",
        "http://x/#f",
        "http://x:99999",
        "http://x y",
        "http://\u00fc.example",
        "http://x:0",
    ):
        answer = await site.call("PUT", "/api/v1/workers/new", json={"url": url})
        assert (answer.status, answer.code) == (422, "invalid"), url
    for headers in ({"Host": "x"}, {"a b": "x"}, {"": "x"}, {"x": "a\r\nb"}, {"x": "\u00fc"}, {"X": "1", "x": "2"}):
        answer = await site.call("PUT", "/api/v1/workers/new", json={"url": WORKER_URL, "headers": headers})
        assert (answer.status, answer.code) == (422, "invalid"), headers
    assert [each["name"] for each in (await site.get("/api/v1/workers"))["items"]] == ["w"]


async def test_a_worker_is_asked_what_it_offers(site: Site) -> None:
    assert await site.get("/api/v1/workers/w/actions", token="read") == [
        {"name": "echo", "kind": "connector"},
        {"name": "pages", "kind": "batch", "application": "shop"},
    ]
    assert await site.get("/api/v1/workers/w/check") == {"ok": True, "problem": None}
    await site.call("PUT", "/api/v1/workers/gone", json={"url": "http://gone.example"})
    answer = await site.call("GET", "/api/v1/workers/gone/actions")
    assert (answer.status, answer.code) == (502, "worker-trouble")
    assert (await site.get("/api/v1/workers/gone/check"))["ok"] is False
    assert (await site.call("GET", "/api/v1/workers/none/actions")).code == "not-found"


async def test_a_worker_is_removed(site: Site) -> None:
    assert (await site.call("DELETE", "/api/v1/workers/w")).status == 204
    assert (await site.call("DELETE", "/api/v1/workers/w")).code == "not-found"
    assert (await site.get("/api/v1/workers"))["items"] == []


async def test_a_token_is_shown_once(site: Site) -> None:
    made = await site.call("POST", "/api/v1/tokens", json={"name": "shop", "scopes": ["start", "read"]})
    assert made.status == 201
    assert re.fullmatch(r"sgt_[0-9A-Za-z]{43}", made.json["token"])
    listed = await site.call("GET", "/api/v1/tokens")
    assert made.json["token"] not in listed.content.decode()
    assert "digest" not in listed.content.decode()
    shown = {each["name"]: each["scopes"] for each in listed.json["items"]}
    assert shown["shop"] == ["start", "read"]
    for wrong in ({"name": "x", "scopes": []}, {"name": "x", "scopes": ["root"]}, {"name": "a b", "scopes": ["read"]}):
        assert (await site.call("POST", "/api/v1/tokens", json=wrong)).code == "invalid"
    assert (await site.call("DELETE", "/api/v1/tokens/none")).code == "not-found"


async def test_the_audit_names_every_account(site: Site) -> None:
    await site.deploy("orders", chain("echo", "echo"))
    await site.start("orders", wait=30)
    site.serve("echo", refuse)
    await site.start("orders", wait=30)
    audit = await site.get("/api/v1/audit", token="read")
    assert audit["balanced"] is True
    assert audit["versions"] == [
        {
            "process": "orders",
            "version": 1,
            "accepted": 2,
            "produced": 1,
            "consumed": 2,
            "queued": 0,
            "delayed": 0,
            "waiting": 0,
            "trash": 1,
            "balanced": True,
        }
    ]


async def test_log_lines_are_listed_by_pages(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", refuse)
    started = [await site.start("orders", wait=30) for _ in range(3)]
    everything = (await site.get("/api/v1/logs", token="read"))["items"]
    assert {line["instance"] for line in everything} == {each["instance"] for each in started}
    assert all("no such customer" in line["text"] for line in everything)
    first = await site.get("/api/v1/logs?limit=1&process=orders")
    rest = await site.get(f"/api/v1/logs?cursor={first['next']}")
    assert first["items"] + rest["items"] == everything
    one = await site.get(f"/api/v1/logs?instance={started[1]['instance']}")
    assert [line["instance"] for line in one["items"]] == [started[1]["instance"]] * len(one["items"])
    assert one["items"]
    assert (await site.call("GET", "/api/v1/logs?process=none")).status in {200, 404}


async def test_metrics_are_openmetrics_with_real_numbers(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    site.serve("echo", refuse)
    await site.start("orders", wait=30)
    answer = await site.call("GET", "/metrics", token="read")
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    text = answer.content.decode()
    assert text.endswith("# EOF\n")
    assert 'segue_service_up{process="orders",version="1"} 1\n' in text
    assert 'segue_node_in_flight{process="orders",version="1",node="t1"} 0\n' in text


async def test_what_an_error_means_can_be_read_without_credentials(site: Site) -> None:
    answer = await site.call("GET", "/docs/errors/no-enabled-version", token=None)
    assert answer.status == 200
    assert answer.content.startswith(b"# no-enabled-version\n")
    assert (await site.call("GET", "/docs/errors/no-such", token=None)).code == "not-found"


async def test_an_unknown_field_is_named(site: Site) -> None:
    answer = await site.call("POST", "/api/v1/processes", json={"name": "x", "nmae": "y", "foldr": 1})
    assert (answer.status, answer.code) == (422, "invalid")
    assert answer.json["errors"] == [
        {"where": "body.nmae", "message": "unknown field"},
        {"where": "body.foldr", "message": "unknown field"},
    ]
    answer = await site.call("GET", "/api/v1/instances?sate=running")
    assert answer.json["errors"] == [{"where": "query.sate", "message": "unknown field"}]


async def test_bad_requests_are_problem_documents(site: Site) -> None:
    for method, path, options in (
        ("POST", "/api/v1/processes", {"data": b"{", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/api/v1/processes", {"data": b"\xff", "headers": {"Content-Type": "application/json"}}),
        ("POST", "/api/v1/processes", {"data": b"x", "headers": {"Content-Type": "text/plain"}}),
        ("POST", "/api/v1/processes", {"json": []}),
        ("POST", "/api/v1/processes", {}),
        ("GET", "/api/v1/instances?limit=0", {}),
        ("GET", "/api/v1/instances?limit=501", {}),
        ("GET", "/api/v1/instances?limit=x", {}),
        ("GET", "/api/v1/instances?state=odd", {}),
        ("GET", "/api/v1/instances?version=99999999999999999999", {}),
        ("GET", "/api/v1/processes/x/versions/0/bpmn", {}),
        ("GET", "/api/v1/processes/x/versions/99999999999999999999/bpmn", {}),
        ("GET", "/api/v1/processes/%00", {}),
    ):
        answer = await site.call(method, path, **options)
        assert (answer.status, answer.code) == (422, "invalid"), (path, options, answer.content)


async def test_a_method_that_is_not_there_names_those_that_are(site: Site) -> None:
    answer = await site.call("DELETE", "/api/v1/audit")
    assert (answer.status, answer.code, answer.headers["allow"]) == (405, "method-not-allowed", "GET")


async def test_a_body_over_the_limit_is_refused_everywhere(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    big = chain("echo", extra=f"<!-- {'x' * 70_000} -->").encode()
    answer = await site.call("PUT", "/api/v1/processes/orders/draft", data=big)
    assert (answer.status, answer.code) == (413, "too-large")
    answer = await site.call("POST", "/api/v1/processes", data=b" " * 70_000)
    assert (answer.status, answer.code) == (413, "too-large")


async def test_a_fault_of_ours_tells_callers_nothing(site: Site) -> None:
    async def broken(*_: object) -> object:
        raise RuntimeError("secret detail")

    site.parts.control.audit.audit = broken  # type: ignore[method-assign,assignment]
    answer = await site.call("GET", "/api/v1/audit")
    assert (answer.status, answer.code) == (500, "internal")
    assert b"secret" not in answer.content
    site.engine.acceptor.start = broken  # type: ignore[method-assign,assignment]
    answer = await site.call("POST", "/processes/orders/start")
    assert (answer.status, answer.code) == (500, "internal")
    assert b"secret" not in answer.content
