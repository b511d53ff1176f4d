"""Senders, rules and notices: configured over HTTP, sent for real."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from segue.adapters.senders import Senders
from segue.model.events import Event, EventKind
from tests.files import chain
from tests.site import Site, refuse
from tests.site import site as make_site


class Hook:
    """A receiver of notices."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue()
        self.status = 200
        self.runner = web.ServerRunner(web.Server(self._answer))

    async def _answer(self, request: web.BaseRequest) -> web.Response:
        body = json.loads(await request.read())
        if self.status == 200:
            self.came.put_nowait((request.headers["webhook-id"], body))
        return web.Response(status=self.status)

    @property
    def url(self) -> str:
        host, port = self.runner.addresses[0][:2]
        return f"http://{host}:{port}/hook"


@pytest.fixture
async def hook() -> AsyncIterator[Hook]:
    made = Hook()
    await made.runner.setup()
    await web.TCPSite(made.runner, "127.0.0.1", 0).start()
    yield made
    await made.runner.cleanup()


@pytest.fixture(params=["memory", "sqlite"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    senders = Senders()
    folder = None if request.param == "memory" else tmp_path / "data"
    async with make_site(folder, notifier=senders) as made:
        yield made
    await senders.close()


async def set_up(site: Site, hook: Hook, *events: str, **rule: Any) -> str:
    """A sender to the hook and a rule; the rule's id."""
    settings = {"kind": "url", "url": hook.url, "headers": {"Authorization": "Bearer hush"}}
    await site.post("/api/v1/senders", {"name": "hook", "settings": settings})
    made = await site.post("/api/v1/notice-rules", {"name": "tell", "events": list(events), "sender": "hook", **rule})
    return str(made["id"])


async def delivered(site: Site, count: int) -> list[Any]:
    """The delivery log, once so many are delivered."""
    while len(found := (await site.get("/api/v1/notices?state=delivered"))["items"]) < count:
        pass
    return list(found)


async def test_a_finished_instance_is_told_with_its_report(site: Site, hook: Hook) -> None:
    await site.deploy("orders", chain("echo"))
    await site.start("orders", wait=30)  # before there was a rule: nobody is told
    rule = await set_up(site, hook, "instance-finished", process="orders")
    accepted = await site.start("orders", wait=30)
    key, body = await hook.came.get()
    assert body["type"] == "instance-finished"
    [told] = body["data"]["events"]
    assert told["instance"] == accepted["instance"]
    assert told["report"]["state"] == "finished"
    assert told["report"]["ok"] == (await site.get(f"/api/v1/instances/{accepted['instance']}"))["ok"]
    [notice] = await delivered(site, 1)
    assert (notice["key"], notice["rule"], notice["attempts"]) == (key, rule, 1)
    shown = await site.get(f"/api/v1/notices/{key}")
    assert shown["data"]["events"][0]["instance"] == accepted["instance"]
    assert shown["rule_name"] == "tell"
    while (await site.get("/api/v1/senders"))["items"][0]["delivered_at"] is None:
        pass
    assert hook.came.empty()


async def test_messages_in_trash_are_told_together(site: Site, hook: Hook) -> None:
    await site.deploy("orders", chain("bad"))
    site.serve("bad", refuse)
    rule = await set_up(site, hook, "message-in-trash")
    assert (await site.get(f"/api/v1/notice-rules/{rule}"))["group_s"] == 60
    changed = {"name": "tell", "events": ["message-in-trash"], "sender": "hook", "group_s": 1}
    assert (await site.call("PUT", f"/api/v1/notice-rules/{rule}", json=changed)).status == 200
    await asyncio.gather(*(site.start("orders", wait=30) for _ in range(30)))
    _, body = await hook.came.get()
    assert body["data"]["count"] == 30
    assert len(body["data"]["events"]) == 20
    assert "no such customer" in body["data"]["detail"]
    assert hook.came.empty()


async def test_a_receiver_that_is_down_gets_it_later_under_the_same_key(site: Site, hook: Hook) -> None:
    await set_up(site, hook, "instance-finished")
    await site.deploy("orders", chain("echo"))
    hook.status = 503
    await site.start("orders", wait=30)
    while not (pending := (await site.get("/api/v1/notices?state=pending"))["items"]) or not pending[0]["error"]:
        pass
    assert pending[0]["error"] == "answered with status 503"
    while not (sender := await site.get("/api/v1/senders/hook"))["failures"]:
        pass
    assert "503" in sender["error"]
    hook.status = 200
    key, _ = await hook.came.get()
    assert key == pending[0]["key"]
    [notice] = await delivered(site, 1)
    assert notice["attempts"] >= 2
    assert (await site.post(f"/api/v1/notices/{key}/resend"))["state"] == "pending"
    assert (await hook.came.get())[0] == key
    while (await site.get("/api/v1/senders/hook"))["error"] is not None:
        pass


async def test_what_no_settle_caused_is_told_too(site: Site, hook: Hook) -> None:
    """An event of the engine, and a version that is switched."""
    await set_up(site, hook, "access-expiring", "version-switched", group_s=0)
    site.engine.tell(Event(kind=EventKind.ACCESS_EXPIRING, at=1_700_000_000_000, detail="crm of ann"))
    _, body = await hook.came.get()
    assert (body["type"], body["data"]["detail"]) == ("access-expiring", "crm of ann")
    await site.deploy("orders", chain("echo"))
    _, body = await hook.came.get()
    assert body["data"]["detail"] == "New messages go to version 1; before they went to no version"


async def test_a_test_is_sent_at_once(site: Site, hook: Hook) -> None:
    await set_up(site, hook, "worker-down")
    assert (await site.post("/api/v1/senders/hook/test"))["ok"] is True
    key, body = await hook.came.get()
    assert (body["type"], body["data"]["title"]) == ("test", "Test of Segue")
    assert key.startswith("test.")
    hook.status = 500
    answer = await site.post("/api/v1/senders/hook/test")
    assert (answer["ok"], answer["problem"]) == (False, "answered with status 500")
    assert (await site.get("/api/v1/notices"))["items"] == []


async def test_secrets_are_never_shown_and_never_follow_another_address(site: Site, hook: Hook) -> None:
    await set_up(site, hook, "worker-down")
    for path in ("/api/v1/senders", "/api/v1/senders/hook"):
        answer = await site.call("GET", path, token="read")
        assert b"hush" not in answer.content
        assert b"whsec_" not in answer.content
    shown = await site.get("/api/v1/senders/hook")
    assert shown["settings"]["secrets"] == {"headers": ["authorization"], "secret": True}

    async def change(url: str) -> dict[str, Any]:
        answer = await site.call("PUT", "/api/v1/senders/hook", json={"settings": {"kind": "url", "url": url}})
        assert answer.status == 200, answer.content
        secrets: dict[str, Any] = answer.json["settings"]["secrets"]
        return secrets

    assert await change(hook.url + "/other") == {"headers": ["authorization"], "secret": True}
    assert await change("http://elsewhere.example/hook") == {"headers": [], "secret": False}


async def test_what_cannot_be_is_refused_and_changes_nothing(site: Site, hook: Hook) -> None:
    rule = await set_up(site, hook, "worker-down")
    url = {"kind": "url", "url": hook.url}
    mail = {"kind": "email", "host": "mail.example", "sender": "a@example.org", "to": ["b@example.org"]}
    for settings in (
        {**url, "url": "ftp://x"},
        {**url, "url": "http://u:p@x"},
        {**url, "method": "GET"},
        {**url, "secret": "whsec_no"},
        {**url, "template": "{{ x }}"},
        {**url, "headers": {"Host": "x"}},
        {**url, "timeout_s": 0},
        {**url, "more": 1},
        {**mail, "to": []},
        {**mail, "to": ["a@b@c"]},
        {**mail, "sender": "nobody"},
        {**mail, "security": "none", "username": "a", "password": "b"},
        {"kind": "pigeon"},
        {"kind": "amqp", "host": "x", "port": 0},
        {"kind": "amqp", "host": "x", "routing_key": "{{ y }}"},
    ):
        answer = await site.call("POST", "/api/v1/senders", json={"name": "new", "settings": settings})
        assert (answer.status, answer.code) == (422, "invalid"), settings
    good = {"name": "new", "events": ["worker-down"], "sender": "hook"}
    for change in (
        {"events": []},
        {"events": ["nonsense"]},
        {"sender": "nobody"},
        {"process": "nothing"},
        {"process": "x", "folder": "y"},
        {"quiet": {"begins": "25:00", "ends": "6:00"}},
        {"quiet": {"begins": "22:00", "ends": "6:00", "zone": "No/Where"}},
        {"group_s": -1},
    ):
        answer = await site.call("POST", "/api/v1/notice-rules", json=good | change)
        assert (answer.status, answer.code) == (422, "invalid"), change
    assert [each["name"] for each in (await site.get("/api/v1/senders"))["items"]] == ["hook"]
    assert [each["id"] for each in (await site.get("/api/v1/notice-rules"))["items"]] == [rule]
    assert (await site.call("DELETE", "/api/v1/senders/hook")).code == "conflict"
    assert (await site.call("DELETE", f"/api/v1/notice-rules/{rule}")).status == 204
    assert (await site.call("DELETE", "/api/v1/senders/hook")).status == 204
    for path in ("senders/hook", f"notice-rules/{rule}", "notices/nothing"):
        assert (await site.call("GET", f"/api/v1/{path}")).code == "not-found"


async def test_quiet_hours_come_back_as_they_were_given(site: Site, hook: Hook) -> None:
    quiet = {"begins": "22:00", "ends": "06:30", "days": [0, 4], "zone": "Europe/Prague"}
    rule = await set_up(site, hook, "worker-down", quiet=quiet, folder="shop/", repeat_s=9, group_by="rule")
    shown = await site.get(f"/api/v1/notice-rules/{rule}")
    assert (shown["quiet"], shown["folder"], shown["repeat_s"], shown["group_by"]) == (quiet, "shop", 9, "rule")
