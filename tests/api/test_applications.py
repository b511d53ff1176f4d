"""Applications: installing them for users, their settings, their authorization, their events."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from segue.model.applications import Application, CustomAction
from tests.files import chain
from tests.site import Site

CALLBACK = "/api/applications/authorize/token"
SHOP = "/api/v1/installs/w/shop/ann"


@pytest.fixture
async def site(site: Site) -> Site:
    shop = Application(worker="w", key="shop", name="Shop", authorization="oauth2", kind="webhook", methods=("states",))
    site.applications.offered = {"w": [shop, Application(worker="w", key="old", name="Old", installable=False)]}
    site.applications.events = ("order-made",)
    return site


async def _installed(site: Site) -> Any:
    return await site.post("/api/v1/installs", {"worker": "w", "application": "shop", "user": "ann"})


async def test_applications_are_listed_and_shown(site: Site) -> None:
    listed = await site.get("/api/v1/applications")
    assert [(each["key"], each["installable"]) for each in listed["items"]] == [("old", False), ("shop", True)]
    assert listed["troubles"] == {}
    assert (await site.get("/api/v1/applications/w/shop"))["methods"] == ["states"]
    site.applications.refusing = {"applications"}
    assert (await site.get("/api/v1/applications"))["troubles"] == {"w": "applications is refused"}
    for path in ("/api/v1/applications/w/none", "/api/v1/applications/none/shop"):
        site.applications.refusing = set()
        assert (await site.call("GET", path)).code == "not-found"


async def test_an_application_is_installed_once_for_each_user(site: Site) -> None:
    made = await _installed(site)
    assert (made["user"], made["enabled"], made["authorized"]) == ("ann", False, False)
    again = {"worker": "w", "application": "shop", "user": "ann"}
    assert (await site.call("POST", "/api/v1/installs", json=again)).code == "conflict"
    nobody = await site.post("/api/v1/installs", {"worker": "w", "application": "shop"})
    assert nobody["user"] == "orchesty"
    listed = (await site.get("/api/v1/installs?worker=w"))["items"]
    assert [(each["application"], each["user"]) for each in listed] == [("shop", "ann"), ("shop", "orchesty")]
    assert (await site.get("/api/v1/installs?user=nobody"))["items"] == []
    for wanted, code in (
        ({"worker": "w", "application": "none"}, "not-found"),
        ({"worker": "none", "application": "shop"}, "not-found"),
        ({"worker": "w", "application": "old"}, "conflict"),
        ({"worker": "w", "application": "shop", "user": "a&b"}, "invalid"),
        ({"worker": "w", "application": "shop", "user": "a:b"}, "invalid"),
    ):
        assert (await site.call("POST", "/api/v1/installs", json=wanted)).code == code, wanted


async def test_it_is_enabled_disabled_and_taken_away(site: Site) -> None:
    await _installed(site)
    for enabled in (True, False, True):
        assert (await site.call("PUT", f"{SHOP}/state", json={"enabled": enabled})).status == 204
        assert (await site.get(SHOP))["enabled"] is enabled
    assert (await site.call("DELETE", SHOP)).status == 204
    assert [call[0] for call in site.applications.called[-2:]] == ["set_enabled", "uninstall"]
    for method, path in (("GET", SHOP), ("DELETE", SHOP), ("PUT", f"{SHOP}/state")):
        assert (await site.call(method, path, json={"enabled": True})).code == "not-found"
    await _installed(site)


async def test_settings_are_held_against_the_forms(site: Site) -> None:
    await _installed(site)
    good = {"client_id": "c", "retries": 3, "sandbox": True, "region": "eu", "tags": ["a"], "site": "https://x.example"}
    answer = await site.call("PUT", f"{SHOP}/settings", json={"settings": {"authorization_form": good}})
    fields = {each["key"]: each["value"] for each in answer.json["forms"][0]["fields"]}
    assert {key: fields[key] for key in good} == good
    before = len(site.applications.called)
    for form, key, value, why in (
        ("authorization_form", "client_id", "", "required"),
        ("authorization_form", "client_id", 5, "text"),
        ("authorization_form", "retries", "3", "number"),
        ("authorization_form", "sandbox", "yes", "true or false"),
        ("authorization_form", "region", "mars", "choices"),
        ("authorization_form", "tags", "a", "list"),
        ("authorization_form", "tags", ["b"], "choices"),
        ("authorization_form", "site", "javascript:alert(1)", "http"),
        ("authorization_form", "redirect_url", "x", "read only"),
        ("authorization_form", "client_secret", "x", "password"),
        ("authorization_form", "nothing", "x", "no such field"),
        ("nothing", "client_id", "x", "no such form"),
    ):
        settings = {"settings": {form: {"client_id": "ok"} | {key: value}}}
        refused = await site.call("PUT", f"{SHOP}/settings", json=settings)
        assert (refused.code, why in refused.json["detail"]) == ("invalid", True), refused.json
    assert len(site.applications.called) == before


async def test_a_password_is_set_and_never_shown(site: Site) -> None:
    await _installed(site)
    given = {"form": "authorization_form", "field": "client_secret", "password": "hunter2"}
    assert (await site.call("PUT", f"{SHOP}/password", json=given)).status == 204
    shown = await site.get(SHOP)
    assert "hunter2" not in json.dumps(shown)
    assert {each["key"]: each["value"] for each in shown["forms"][0]["fields"]}["client_secret"] is True
    for wrong in ({"field": "client_id"}, {"form": "nothing"}):
        assert (await site.call("PUT", f"{SHOP}/password", json=given | wrong)).code == "invalid"


async def _begin(site: Site, **options: Any) -> tuple[dict[str, list[str]], str]:
    answer = await site.call("POST", f"{SHOP}/authorize", json={"back": "/applications?x=1"}, **options)
    assert answer.status == 200, answer.content
    query = parse_qs(urlsplit(answer.json["url"]).query)
    return query, query["state"][0]


async def test_an_authorization_comes_back_once(site: Site) -> None:
    await _installed(site)
    query, state = await _begin(site)
    assert (query["client_id"], query["code_challenge"]) == (["x"], ["c"])
    assert state != "ann.shop"
    answer = await site.call("GET", f"{CALLBACK}?code=abc&state={state}", token=None, allow_redirects=False)
    assert (answer.status, answer.headers["location"]) == (303, "/applications?x=1&authorization=done")
    assert site.applications.called[-1] == ("authorized", "w", "shop", "ann", {"code": "abc", "state": "ann.shop"})
    for again in (state, "ann.shop", "", "guessed"):
        answer = await site.call("GET", f"{CALLBACK}?code=abc&state={again}", token=None, allow_redirects=False)
        assert (answer.status, answer.headers["content-type"]) == (422, "text/plain; charset=utf-8")
    assert (await _begin(site))[1] != state


async def test_an_authorization_that_is_refused_there_goes_back_without_the_worker(site: Site) -> None:
    await _installed(site)
    _, state = await _begin(site)
    path = f"{CALLBACK}?error=access_denied&state={state}"
    answer = await site.call("GET", path, token=None, allow_redirects=False)
    assert answer.headers["location"] == "/applications?x=1&authorization=refused"
    assert site.applications.called[-1][0] == "authorize"


@pytest.mark.parametrize("back", ["//evil.example", "/\\evil.example", "javascript:alert(1)", "ftp://x", "x", "/a\nb"])
async def test_a_browser_is_not_sent_anywhere(site: Site, back: str) -> None:
    await _installed(site)
    assert (await site.call("POST", f"{SHOP}/authorize", json={"back": back})).code == "invalid"


async def test_a_session_comes_back_in_its_own_browser(site: Site) -> None:
    await _installed(site)
    await site.control.users.create("ann@example.org", "a long password")
    person = {"email": "ann@example.org", "password": "a long password"}
    signed_in = await site.call("POST", "/api/v1/session", token=None, json=person)
    cookie = signed_in.headers["set-cookie"].partition(";")[0]
    headers = {"Cookie": cookie, "X-CSRF-Token": signed_in.json["csrf"]}
    for shown in (True, False):
        begun = await site.call(
            "POST", f"{SHOP}/authorize", token=None, json={"back": "/applications"}, headers=headers
        )
        flags = begun.headers["set-cookie"]
        assert ("HttpOnly" in flags, f"Path={CALLBACK}" in flags, "lax" in flags.lower()) == (True, True, True)
        assert "Secure" not in flags
        state = parse_qs(urlsplit(begun.json["url"]).query)["state"][0]
        sent = {"Cookie": flags.partition(";")[0]} if shown else {}
        path = f"{CALLBACK}?code=1&state={state}"
        answer = await site.call("GET", path, token=None, headers=sent, allow_redirects=False)
        assert answer.status == (303 if shown else 422)
    behind = headers | {"X-Forwarded-Proto": "https"}
    begun = await site.call("POST", f"{SHOP}/authorize", token=None, json={"back": "/applications"}, headers=behind)
    assert "Secure" in begun.headers["set-cookie"]
    elsewhere = await site.call(
        "POST", f"{SHOP}/authorize", token=None, json={"back": "https://x.example"}, headers=headers
    )
    assert elsewhere.code == "invalid"


async def test_methods_are_asked_by_their_names_alone(site: Site) -> None:
    await _installed(site)
    answer = await site.post(f"{SHOP}/methods/states", {"body": {"x": 1}})
    assert answer == {"status": 200, "media_type": "text/html", "value": None, "text": "<script>alert(1)</script>"}
    assert site.applications.called[-1] == ("call", "w", "shop", "states", {"x": 1})
    for method in ("other", "..%2F..%2Fx"):
        assert (await site.call("POST", f"{SHOP}/methods/{method}", json={})).code == "not-found"


async def test_a_custom_action_starts_its_process_for_the_user(site: Site) -> None:
    site.applications.actions = (
        CustomAction(name="Tell", action="call", process="orders", node="begin", body='{"n":1}'),
        CustomAction(name="Open", action="open", url="https://x.example"),
    )
    await _installed(site)
    await site.deploy("orders", chain("echo"))
    for given, body in (({}, '{"n":1}'), ({"body": "other"}, "other")):
        started = await site.post(f"{SHOP}/actions/Tell", given)
        await site.finished(started["instance"])
        envelope = json.loads(site.workers.calls[-1].payload)
        assert (envelope["headers"]["user"], envelope["body"]) == ("ann", body)
    assert (await site.call("POST", f"{SHOP}/actions/Open", json={})).code == "conflict"
    assert (await site.call("POST", f"{SHOP}/actions/None", json={})).code == "not-found"


async def test_events_are_subscribed_once_it_is_authorized(site: Site) -> None:
    await _installed(site)
    wanted = {"process": "orders", "node": "begin"}
    assert (await site.call("PUT", f"{SHOP}/events/order-made", json=wanted)).code == "process-not-found"
    await site.deploy("orders", chain("echo"))
    assert (await site.call("PUT", f"{SHOP}/events/order-made", json=wanted | {"node": "t1"})).code == "node-not-found"
    assert (await site.call("PUT", f"{SHOP}/events/order-made", json=wanted)).code == "conflict"
    _, state = await _begin(site)
    await site.call("GET", f"{CALLBACK}?code=abc&state={state}", token=None, allow_redirects=False)
    made = await site.call("PUT", f"{SHOP}/events/order-made", json=wanted)
    assert made.json["events"] == [{"name": "order-made", "enabled": True, "is_default": False, "process": "orders"}]
    assert (await site.call("PUT", f"{SHOP}/events/nothing", json=wanted)).code == "not-found"
    assert not (await site.call("DELETE", f"{SHOP}/events/order-made")).json["events"][0]["enabled"]


async def test_a_refusal_of_the_worker_has_its_words(site: Site) -> None:
    await _installed(site)
    site.applications.refusing = {"set_enabled"}
    answer = await site.call("PUT", f"{SHOP}/state", json={"enabled": True})
    assert (answer.status, answer.code, answer.json["detail"]) == (422, "worker-refused", "set_enabled is refused")
