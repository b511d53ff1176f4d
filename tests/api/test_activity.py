"""Who did what: every change that was granted leaves a line, nothing else does; and invitations."""

from __future__ import annotations

from typing import Any

from segue.api.app import routes
from tests.api.test_access import operations
from tests.api.test_sessions import Browser
from tests.site import Site

ANN, PASSWORD = "ann@example.org", "correct horse"


async def lines(site: Site, query: str = "") -> list[Any]:
    return list((await site.get(f"/api/v1/activity{query}"))["items"])


async def test_a_change_is_noted_with_who_what_and_where_from(site: Site) -> None:
    await site.control.users.create(ANN, PASSWORD)
    browser = Browser(site)
    await browser.sign_in(ANN, PASSWORD)
    await browser.call("POST", "/api/v1/processes", json={"name": "orders"})
    await browser.call("PUT", "/api/v1/processes/orders", json={"folder": "shop"})
    assert (await browser.call("PUT", "/api/v1/processes/nothing", json={"folder": "shop"})).status == 404
    await browser.call("GET", "/api/v1/processes")
    moved, made, signed_in = (await lines(site))[:3]
    assert (moved["by"], moved["kind"], moved["action"]) == (ANN, "user", "move-process")
    assert (moved["about"], moved["detail"], moved["address"]) == ("orders", {"folder": "shop"}, "127.0.0.1")
    assert (made["action"], made["about"]) == ("create-process", "orders")
    assert (signed_in["action"], signed_in["by"]) == ("sign-in", ANN)


async def test_what_is_refused_or_only_read_leaves_no_line(site: Site) -> None:
    before = await lines(site)
    for method, path, _ in await operations(site):
        if method != "GET":
            await site.call(method, path, token="read")
    await site.get("/api/v1/processes", token="read")
    assert (await site.call("POST", "/api/v1/processes", json={"name": "p"}, token="operate")).status == 403
    assert await lines(site) == before


async def test_a_secret_is_in_no_line(site: Site) -> None:
    token = await site.post("/api/v1/tokens", {"name": "ci", "scopes": ["start"]})
    worker = {"name": "x", "url": "http://x.example", "headers": {"authorization": "Bearer hidden"}}
    await site.post("/api/v1/workers", worker)
    await site.post("/api/v1/users", {"email": "bob@example.org", "password": PASSWORD, "role": "viewer"})
    invited = await site.post("/api/v1/invitations", {"email": "cat@example.org", "role": "viewer"})
    text = (await site.call("GET", "/api/v1/activity?limit=500")).content.decode()
    assert '"ci"' in text
    assert "http://x.example" in text
    for secret in (token["token"], "hidden", PASSWORD, invited["secret"]):
        assert secret not in text


async def test_they_are_found_by_person_action_and_words(site: Site) -> None:
    for name in ("orders", "stock"):
        await site.post("/api/v1/processes", {"name": name})
    assert [line["about"] for line in await lines(site, "?action=create-process&about=ORD")] == ["orders"]
    assert await lines(site, "?by=nobody") == []
    page = await site.get("/api/v1/activity?limit=1")
    assert [line["about"] for line in page["items"]] == ["stock"]
    following = await site.get(f"/api/v1/activity?limit=1&cursor={page['next']}")
    assert [line["about"] for line in following["items"]] == ["orders"]


def test_nothing_can_change_or_remove_a_line() -> None:
    assert {(method, route.path) for route in routes() for method in route.methods if "/activity" in route.path} == {
        ("GET", "/api/v1/activity")
    }


async def test_an_invitation_makes_a_user_once(site: Site) -> None:
    invited = await site.post("/api/v1/invitations", {"email": " Bob@Example.org ", "role": "operator"})
    browser = Browser(site)
    found = await browser.call("POST", "/api/v1/invitations/look", json={"secret": invited["secret"]})
    assert found.json == {"email": "bob@example.org", "role": "operator"}
    wanted = {"secret": invited["secret"], "password": PASSWORD}
    short = await browser.call("POST", "/api/v1/invitations/accept", json={**wanted, "password": "short"})
    assert short.code == "invalid"
    entered = await browser.call("POST", "/api/v1/invitations/accept", json=wanted)
    browser.take(entered)
    assert entered.json["role"] == "operator"
    assert (await browser.call("GET", "/api/v1/session")).json["name"] == "bob@example.org"
    assert (await browser.call("POST", "/api/v1/invitations/accept", json=wanted)).code == "sign-in-failed"
    assert (await lines(site))[0]["action"] == "accept-invitation"
    assert await site.get("/api/v1/invitations") == []
    again = await site.call("POST", "/api/v1/invitations", json={"email": "bob@example.org", "role": "viewer"})
    assert again.code == "name-taken"


async def test_a_withdrawn_or_guessed_invitation_opens_nothing(site: Site) -> None:
    invited = await site.post("/api/v1/invitations", {"email": "bob@example.org", "role": "admin"})
    assert "secret" not in (await site.get("/api/v1/invitations"))[0]
    assert (await site.call("DELETE", f"/api/v1/invitations/{invited['id']}")).status == 204
    for secret in (invited["secret"], "", "x" * 43):
        answer = await site.call(
            "POST", "/api/v1/invitations/accept", json={"secret": secret or "y", "password": PASSWORD}, token=None
        )
        assert answer.code == "sign-in-failed"
    foreign = {"Sec-Fetch-Site": "cross-site"}
    answer = await site.call("POST", "/api/v1/invitations/look", json={"secret": "x"}, token=None, headers=foreign)
    assert answer.code == "cross-site"
