"""What the editor asks while somebody draws, and what comes of changing a version's state, over HTTP."""

from __future__ import annotations

import json

import pytest

from segue.model.versions import revision_of
from tests.files import chain, user_task, without_action
from tests.site import Answer, Site

ORDERS = "/api/v1/processes/orders"

pytestmark = pytest.mark.parametrize("store", ["memory", "sqlite"])


async def put(site: Site, source: str, headers: dict[str, str] | None = None, **query: str) -> Answer:
    path = f"{ORDERS}/draft"
    return await site.call("PUT", path, token="edit", data=source.encode(), params=query, headers=headers or {})


def timed(source: str, cycle: str) -> str:
    start = '<startEvent id="start" name="begin"/>'
    timer = f"<timerEventDefinition><timeCycle>{cycle}</timeCycle></timerEventDefinition>"
    return source.replace(start, f'<startEvent id="start" name="begin">{timer}</startEvent>')


async def test_a_draft_that_changed_meanwhile_is_not_overwritten(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    first = await put(site, chain("echo"), {"If-None-Match": "*"})
    assert first.status == 200
    seen = first.headers["etag"]
    assert (
        seen == f'"{first.json["revision"]}"' == (await site.call("GET", f"{ORDERS}/versions/1/edit")).headers["etag"]
    )
    second = await put(site, chain("echo", "echo"), {"If-Match": seen})
    assert second.status == 200
    for headers in ({"If-Match": seen}, {"If-None-Match": "*"}):
        refused = await put(site, chain("echo", "other"), headers)
        assert (refused.status, refused.code) == (409, "draft-changed")
        assert refused.json["revision"] == second.json["revision"]
        assert (refused.json["version"], refused.json["author"]) == (1, "edit")
    source = await site.call("GET", f"{ORDERS}/versions/1/bpmn")
    assert (source.content, source.headers["etag"]) == (chain("echo", "echo").encode(), second.headers["etag"])
    assert (await put(site, chain("echo"), {"If-Match": "*"})).status == 200
    assert (await put(site, chain("echo"))).status == 200


async def test_conditions_of_a_request_that_cannot_be_understood_are_refused(site: Site) -> None:
    await site.post("/api/v1/processes", {"name": "orders"})
    for headers in ({"If-Match": "abc"}, {"If-Match": '"a", "b"'}, {"If-None-Match": '"a"'}):
        assert (await put(site, chain("echo"), headers)).code == "invalid", headers
    assert (await site.get(ORDERS))["versions"] == []


async def test_a_drawing_that_changed_meanwhile_is_not_overwritten(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    seen = (await site.call("GET", f"{ORDERS}/versions/1/bpmn")).headers["etag"]
    moved = chain("echo").replace("\n", "\n\n")
    automatic = await put(site, moved, {"If-Match": seen}, auto="true")
    assert (automatic.json["published"], automatic.json["stored"]) == (True, False)
    assert automatic.headers["etag"] == seen
    saved = await put(site, moved, {"If-Match": seen})
    assert (saved.json["version"], saved.json["stored"]) == (1, True)
    again = await put(site, chain("echo").replace("\n", "\n "), {"If-Match": seen})
    assert again.code == "draft-changed"
    assert again.json["version"] == 1
    assert (await site.call("GET", f"{ORDERS}/versions/1/bpmn")).content == moved.encode()
    other = await put(site, chain("echo", "echo"), {"If-Match": seen}, auto="true")
    assert (other.json["version"], other.json["stored"]) == (2, True)


async def test_a_version_opens_for_an_editor_with_what_saving_changes(site: Site) -> None:
    source = chain("echo").replace("bpmn/20100524/MODEL", "BPMN/20100524/MODEL")
    await site.post("/api/v1/processes", {"name": "orders"})
    await put(site, source)
    opened = await site.get(f"{ORDERS}/versions/1/edit", token="read")
    assert "BPMNShape" in opened["xml"]
    assert any("no drawing" in text for text in opened["changes"])
    assert (opened["key"], opened["revision"]) == ("p", revision_of(source.encode()))
    assert opened["version"]["state"] == "draft"
    await put(site, source.replace("<endEvent", "<!-- why -->\n<!-- so --><endEvent"))
    assert "Comments in the XML are left out (2 times)." in (await site.get(f"{ORDERS}/versions/1/edit"))["changes"]
    await put(site, opened["xml"])
    assert (await site.get(f"{ORDERS}/versions/1/edit"))["changes"] == []


async def test_a_file_is_checked_without_being_kept(site: Site) -> None:
    answer = await site.call("POST", "/api/v1/files/check", token="edit", data=without_action().encode())
    assert answer.status == 200
    assert [(each["code"], each["node"]) for each in answer.json["findings"]] == [("no-action", "t1")]
    assert [node["id"] for node in answer.json["nodes"]] == ["start", "t1", "end"]
    good = await site.call("POST", "/api/v1/files/check", data=chain("echo").encode())
    moved = await site.call("POST", "/api/v1/files/check", data=chain("echo").replace("\n", "\n\n").encode())
    assert good.json["findings"] == []
    assert good.json["digest"] == moved.json["digest"] != answer.json["digest"]
    nothing = await site.call("POST", "/api/v1/files/check", data=b"PK\x03\x04")
    assert (nothing.json["nodes"], nothing.json.get("digest")) == ([], None)
    assert nothing.json["findings"][0]["code"] == "not-a-process-file"
    assert (await site.get("/api/v1/processes"))["items"] == []


async def test_a_file_is_opened_and_written_in_other_formats(site: Site) -> None:
    await site.deploy("orders", chain("echo"))
    tplg = await site.call("GET", f"{ORDERS}/versions/1/export?format=tplg", token="read")
    assert tplg.status == 200
    assert 'filename="orders-v1.tplg"' in tplg.headers["content-disposition"]
    opened = await site.call("POST", "/api/v1/files/open?file=orders.tplg", data=tplg.content)
    assert opened.status == 200
    assert "startEvent" in opened.json["xml"]
    assert opened.json["findings"] == []
    back = await site.call("POST", "/api/v1/files/export?format=tplg.json", data=opened.json["xml"].encode())
    assert {node["label"] for node in json.loads(back.json["content"])["nodes"]} == {"Event", "Connector"}
    form = await site.call("GET", f"{ORDERS}/versions/1/export")
    assert b"BPMNShape" in form.content
    gateway = chain("echo").replace("<endEvent", '<parallelGateway id="g"/><endEvent')
    refused = await site.call("POST", "/api/v1/files/export?format=tplg", data=gateway.encode())
    assert (refused.status, refused.code) == (422, "invalid")
    assert "parallelGateway" in refused.json["detail"]
    for data in (b"", b"<a/>"):
        assert (await site.call("POST", "/api/v1/files/open", data=data)).code == "invalid"
        assert (await site.call("POST", "/api/v1/files/export?format=tplg", data=data)).code == "invalid"


async def test_a_condition_is_checked_and_tried(site: Site) -> None:
    async def tried(source: str, body: str | None = None, language: str = "") -> dict[str, object]:
        wanted: dict[str, object] = {"source": source, "language": language}
        if body is not None:
            wanted["sample"] = {"body": body, "headers": {"content-type": "application/json"}}
        found: dict[str, object] = await site.post("/api/v1/conditions/check", wanted, token="edit")
        return found

    good = await tried("amount > 100 && headers['content-type'] == 'application/json'", '{"amount": 150}')
    assert (good["problem"], good["answer"], good["names"]) == (None, True, ["amount", "headers"])
    assert (await tried("amount > 100", '{"amount": 5}'))["answer"] is False
    assert (await tried("amount > 100"))["answer"] is None
    assert "no answer" in str((await tried("amount > 100", "{}"))["failure"])
    assert "not true or false" in str((await tried("amount + 1", '{"amount": 5}'))["failure"])
    assert (await tried("${amount gt 100 and vip}"))["cel"] == "amount > 100 && vip"
    wrong = await tried("amount >")
    assert wrong["cel"] is None
    assert "no CEL" in str(wrong["problem"])


async def test_what_a_step_would_do_is_told_before(site: Site) -> None:
    await site.deploy("orders", timed(chain("echo"), "R/PT1H"))
    await site.deploy("orders", timed(chain("echo", "echo"), "R/PT2H"), enable=False)
    path = f"{ORDERS}/versions/2/consequences"
    enabling = await site.get(f"{path}?step=enable", token="read")
    assert (enabling["possible"], enabling["takes_before"], enabling["takes_after"]) == (True, 1, 2)
    assert enabling["entries"] == [
        {
            "kind": "schedule",
            "node": "start",
            "label": "begin",
            "change": "changed",
            "before": "R/PT1H",
            "after": "R/PT2H",
        }
    ]
    switching = await site.get(f"{path}?step=switch")
    assert (switching["takes_after"], switching["disabled"]) == (2, [1])
    disabling = await site.get(f"{ORDERS}/versions/1/consequences?step=disable")
    assert (disabling["takes_after"], disabling["entries"][0]["change"]) == (None, "ends")
    impossible = await site.get(f"{path}?step=disable")
    assert (impossible["possible"], impossible["reason"]) == (True, None)
    await put(site, chain("other"))
    draft = await site.get(f"{ORDERS}/versions/3/consequences?step=enable")
    assert draft["possible"] is False
    assert "draft" in draft["reason"]
    assert (await site.call("GET", f"{path}?step=publish")).code == "invalid"
    assert (await site.call("GET", f"{ORDERS}/versions/9/consequences?step=retire")).code == "version-not-found"


async def test_switching_leaves_one_version_enabled(site: Site) -> None:
    for source in (user_task(), chain("echo"), chain("echo", "echo")):
        await site.deploy("orders", source)
    started = await site.start("orders", wait=30)
    assert started["version"] == 3
    assert (await site.post(f"{ORDERS}/versions/1/switch", token="edit"))["state"] == "enabled"
    assert [each["state"] for each in (await site.get(ORDERS))["versions"]] == ["enabled", "disabled", "disabled"]
    assert (await site.start("orders"))["version"] == 1
    await site.tasks(1)
    switched = await site.get(f"{ORDERS}/versions/3/consequences?step=switch")
    assert (switched["takes_before"], switched["takes_after"], switched["disabled"]) == (1, 3, [1])
    assert (await site.get(f"{ORDERS}/versions/1/consequences?step=retire"))["running"] == 1
    figures = {each["version"]: each for each in await site.get(f"{ORDERS}/versions", token="read")}
    assert [(figures[n]["running"], figures[n]["ended"], figures[n]["failed"]) for n in (1, 2, 3)] == [
        (1, 0, 0),
        (0, 0, 0),
        (0, 1, 0),
    ]
    assert (await site.call("POST", f"{ORDERS}/versions/4/switch")).code == "version-not-found"
