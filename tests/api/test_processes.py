"""Processes and versions over HTTP."""

from __future__ import annotations

import pytest

from tests.files import chain, user_task, without_action
from tests.site import Site

ORDERS = "/api/v1/processes/orders"

pytestmark = pytest.mark.parametrize("store", ["memory", "sqlite"])


async def put(site: Site, source: str | bytes, **query: str) -> dict[str, object]:
    data = source.encode() if isinstance(source, str) else source
    answer = await site.call("PUT", f"{ORDERS}/draft", token="edit", data=data, params=query)
    assert answer.status == 200, answer.content
    found: dict[str, object] = answer.json
    return found


async def states(site: Site) -> list[tuple[int, str]]:
    return [(each["version"], each["state"]) for each in (await site.get(ORDERS))["versions"]]


async def test_a_process_is_made_shown_and_listed(site: Site) -> None:
    made = await site.post("/api/v1/processes", {"name": "orders", "folder": "/shop/eu/"}, token="edit")
    assert made["name"] == "orders"
    assert made["folder"] == "shop/eu"
    assert made["versions"] == []
    assert await site.get(ORDERS, token="read") == made
    for name in ("b", "a", "c"):
        await site.post("/api/v1/processes", {"name": name})
    first = await site.get("/api/v1/processes?limit=3")
    assert [each["name"] for each in first["items"]] == ["a", "b", "c"]
    rest = await site.get("/api/v1/processes", params={"limit": "3", "cursor": first["next"]})
    assert [each["name"] for each in rest["items"]] == ["orders"]
    assert rest["next"] is None


async def test_a_name_that_is_taken_or_cannot_be_is_refused(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    answer = await site.call("POST", "/api/v1/processes", json={"name": "orders"})
    assert answer.status == 409
    for name in ("", "a/b", "-a", "a b", "x" * 101, "\u00fc", "a\0b", "\ud800"):
        answer = await site.call("POST", "/api/v1/processes", json={"name": name})
        assert (answer.status, answer.code) == (422, "invalid"), name
    assert [each["name"] for each in (await site.get("/api/v1/processes"))["items"]] == ["orders"]


async def test_a_process_is_moved_to_another_folder(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    answer = await site.call("PUT", ORDERS, token="edit", json={"folder": "/a/b"})
    assert (answer.status, answer.json["folder"]) == (200, "a/b")
    assert await site.get(ORDERS) == answer.json
    for wrong in ({"folder": "a//b"}, {"folder": 1}, {}, {"folder": "a", "name": "x"}):
        assert (await site.call("PUT", ORDERS, json=wrong)).code == "invalid"
    assert (await site.call("PUT", "/api/v1/processes/none", json={"folder": ""})).code == "process-not-found"


async def test_the_life_of_a_version(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    draft = await put(site, chain("echo"), note="first")
    assert (draft["version"], draft["state"], draft["published"]) == (1, "draft", False)
    version = f"{ORDERS}/versions/1"
    published = await site.post(f"{version}/publish", token="edit")
    assert (published["version"], published["state"], published["author"], published["note"]) == (
        1,
        "disabled",
        "edit",
        "first",
    )
    assert (await site.post(f"{version}/enable"))["state"] == "enabled"
    assert (await site.post(f"{version}/enable"))["state"] == "enabled"
    assert (await site.post(f"{version}/disable"))["state"] == "disabled"
    assert (await site.post(f"{version}/retire"))["state"] == "retired"
    answer = await site.call("POST", f"{version}/enable")
    assert (answer.status, answer.code) == (409, "conflict")
    assert (await site.call("POST", f"{ORDERS}/versions/2/enable")).code == "version-not-found"


async def test_publishing_runs_a_control_service_and_retiring_ends_it(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    [service] = await site.get("/api/v1/services")
    assert (service["process"], service["version"], service["status"]) == ("orders", 1, "running")
    await site.post(f"{ORDERS}/versions/1/retire")
    assert await site.get("/api/v1/services") == []


async def test_a_file_with_errors_stays_a_draft(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    draft = await put(site, without_action())
    findings = draft["findings"]
    assert isinstance(findings, list)
    assert any(found["severity"] == "error" and found["node"] == "t1" for found in findings)
    answer = await site.call("POST", f"{ORDERS}/versions/1/publish")
    assert (answer.status, answer.code) == (409, "version-has-errors")
    assert [found["code"] for found in answer.json["findings"]] == [
        found["code"] for found in findings if found["severity"] == "error"
    ]
    assert await states(site) == [(1, "draft")]
    assert await site.get(f"{ORDERS}/versions/1/findings") == findings


async def test_a_draft_is_replaced_and_keeps_its_number(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    await put(site, without_action())
    assert (await put(site, chain("echo")))["version"] == 1
    await site.post(f"{ORDERS}/versions/1/publish")
    assert await states(site) == [(1, "disabled")]


async def test_a_file_that_cannot_be_read_changes_nothing(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    for source in (b"", b"PK\x03\x04", b"<a/>", b"\xff\xfe", b"<!DOCTYPE x []><definitions/>"):
        answer = await site.call("PUT", f"{ORDERS}/draft", data=source)
        assert (answer.status, answer.code) == (422, "unreadable-file"), source
        assert answer.json["findings"]
    assert await states(site) == []
    answer = await site.call("PUT", "/api/v1/processes/none/draft", data=chain("echo").encode())
    assert answer.code == "process-not-found"


async def test_the_file_comes_back_byte_for_byte(site: Site) -> None:
    source = chain("echo", extra="<!-- \u00fc -->").replace('encoding="UTF-8"', 'encoding="ISO-8859-1"')
    raw = source.replace("\n", "\r\n").encode("latin-1")
    await site.post("/api/v1/processes", {"name": "orders"})
    await put(site, raw)
    answer = await site.call("GET", f"{ORDERS}/versions/1/bpmn", token="read")
    assert answer.content == raw
    assert answer.headers["content-type"].startswith("application/xml")


async def test_another_layout_of_a_published_version_keeps_its_number(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    other = chain("echo").replace("\n", "\n\n").replace("<startEvent", "<!-- moved --><startEvent")
    put_again = await put(site, other)
    assert (put_again["version"], put_again["state"], put_again["published"]) == (1, "enabled", True)
    assert await states(site) == [(1, "enabled")]
    assert (await site.call("GET", f"{ORDERS}/versions/1/bpmn")).content == other.encode()
    changed = await put(site, chain("echo", "echo"))
    assert (changed["version"], changed["state"]) == (2, "draft")
    # Now there is a draft, and it is what changes.
    again = await put(site, chain("echo"))
    assert (again["version"], again["published"]) == (2, False)
    assert (await site.call("GET", f"{ORDERS}/versions/1/bpmn")).content == other.encode()


async def test_what_differs_between_two_versions(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    await site.deploy("orders", chain("echo", "other"))
    found = await site.get(f"{ORDERS}/diff?from=1&to=2", token="read")
    assert [item["id"] for item in found["nodes"]["added"]] == ["t2"]
    same = await site.get(f"{ORDERS}/diff?from=2&to=2")
    assert same["nodes"] == {"added": [], "removed": [], "changed": []}
    assert (await site.call("GET", f"{ORDERS}/diff?from=1&to=9")).code == "version-not-found"
    assert (await site.call("GET", f"{ORDERS}/diff?from=1")).code == "invalid"


async def test_new_messages_go_to_the_highest_enabled_version(site: Site) -> None:
    for source in (chain("echo"), chain("echo", "echo"), user_task()):
        await site.deploy("orders", source)
    assert (await site.start("orders"))["version"] == 3
    await site.post(f"{ORDERS}/versions/3/disable")
    assert (await site.start("orders"))["version"] == 2
    await site.post(f"{ORDERS}/versions/3/enable")
    assert (await site.start("orders"))["version"] == 3


async def test_retiring_with_live_messages(site: Site) -> None:
    await site.deploy("orders", user_task())
    started = await site.start("orders")
    answer = await site.call("POST", f"{ORDERS}/versions/1/retire")
    assert (answer.status, answer.code) == (409, "messages-live")
    assert (await site.call("POST", f"{ORDERS}/versions/1/retire", json={"discard": 1})).code == "invalid"
    assert (await site.post(f"{ORDERS}/versions/1/retire", {"discard": True}))["state"] == "retired"
    [message] = (await site.get("/api/v1/trash"))["items"]
    assert message["id"] == started["message"]
    assert (await site.get("/api/v1/audit"))["balanced"]
    # Nothing runs that would take it from a queue of the retired version.
    answer = await site.call("POST", f"/api/v1/trash/{message['id']}/resend")
    assert (answer.status, answer.code) == (409, "conflict")


async def test_one_of_several_processes_of_a_file_is_chosen_by_its_id(site: Site) -> None:
    one = chain("echo")
    second = chain("echo", "echo").replace('id="p"', 'id="q"').replace('id="', 'id="q_')
    second = second.replace('Ref="', 'Ref="q_').replace('id="q_q"', 'id="q"')
    body = second[second.index("<process") : second.index("</definitions>")]
    both = one.replace("</definitions>", body + "</definitions>")
    await site.post("/api/v1/processes", {"name": "orders"})
    unclear = await put(site, both)
    assert "several-processes" in {found["code"] for found in unclear["findings"]}  # type: ignore[attr-defined]
    assert (await site.call("POST", f"{ORDERS}/versions/1/publish")).code == "version-has-errors"
    chosen = await put(site, both, key="q")
    assert "several-processes" not in {found["code"] for found in chosen["findings"]}  # type: ignore[attr-defined]
    await site.post(f"{ORDERS}/versions/1/publish")
    answer = await site.call("PUT", f"{ORDERS}/draft", data=both.encode(), params={"key": "z"})
    assert answer.code == "invalid"
    assert "p, q" in answer.json["detail"]


UNDRAWN = """<definitions xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><process id="drawn" isExecutable="true">
<startEvent id="s"/><sequenceFlow id="f" sourceRef="s" targetRef="t"/><serviceTask id="t"><extensionElements>
<a:action xmlns:a="https://segue.dev/bpmn/1" kind="connector" worker="w" name="echo"/></extensionElements></serviceTask>
<sequenceFlow id="g" sourceRef="t" targetRef="e"/><endEvent id="e"/></process></definitions>"""


async def test_a_version_is_shown_with_a_drawing_and_its_nodes(site: Site) -> None:
    number = await site.deploy("drawn", UNDRAWN)
    path = f"/api/v1/processes/drawn/versions/{number}"
    assert b"BPMNShape" not in (await site.call("GET", f"{path}/bpmn")).content
    drawing = await site.call("GET", f"{path}/drawing")
    assert drawing.headers["content-type"] == "application/xml"
    assert drawing.content.count(b"BPMNShape ") == 3
    nodes = await site.get(f"{path}/nodes")
    assert {node["id"]: node["kind"] for node in nodes} == {"s": "start", "t": "action", "e": "end"}
    (task,) = [node for node in nodes if node["id"] == "t"]
    assert task["action"] == {"kind": "connector", "worker": "w", "name": "echo", "application": None}
    (service,) = await site.get("/api/v1/services")
    assert service["status"] == "running"
    assert "t" in {lane["node"] for lane in service["lanes"]}
