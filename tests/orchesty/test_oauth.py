"""OAuth 2 with an unmodified worker, tokens kept fresh by Orchesty's own nodes, and a published connector."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

from tests.orchesty.drawing import Drawing
from tests.orchesty.stage import Stage, ask, plain_of

CRM = "/api/v1/installs/worker/crm/ann"


def _authorize(stage: Stage) -> str:
    """Install the CRM and begin an authorization; the state in the address for the browser."""
    if stage.ask("GET", CRM).status == 404:
        stage.do("POST", "/api/v1/installs", {"worker": "worker", "application": "crm", "user": "ann"})
        stage.do("PUT", f"{CRM}/settings", {"settings": {"authorization_form": {"client_id": "the-client"}}})
        secret = {"form": "authorization_form", "field": "client_secret", "password": "the-secret"}
        stage.do("PUT", f"{CRM}/password", secret)
        stage.do("PUT", f"{CRM}/state", {"enabled": True})
    url = stage.do("POST", f"{CRM}/authorize", {"back": "/applications"})["url"]
    assert url.startswith(f"{stage.other.url}/authorize?")
    query = parse_qs(urlsplit(url).query)
    assert query["redirect_uri"] == [f"{stage.server.url}/api/applications/authorize/token"]
    assert (query["client_id"], query["scope"]) == (["the-client"], ["contacts"])
    return query["state"][0]


def test_an_authorization_and_the_refresh_of_its_token(stage: Stage) -> None:
    state = _authorize(stage)
    assert b"ann" not in plain_of(state)
    stage.other.lasting_s = 120
    back = ask(stage.server.url, "GET", f"/api/applications/authorize/token?code=the-code&state={state}")
    assert (back.status, back.headers["location"]) == (303, "/applications?authorization=done")
    asked = stage.other.tokens[-1]
    assert (asked["grant_type"], asked["code"], asked["client_secret"]) == (
        "authorization_code",
        "the-code",
        "the-secret",
    )
    again = ask(stage.server.url, "GET", f"/api/applications/authorize/token?code=the-code&state={state}")
    assert again.status == 422
    [install] = stage.get("/api/v1/installs?application=crm")["items"]
    before = install["expires"]
    shown = json.dumps(stage.get(CRM))
    assert stage.get(CRM)["authorized"] is True
    assert "the-secret" not in shown
    assert "access-" not in shown
    stage.other.lasting_s = 7200
    drawing = Drawing().then("get-application-for-refresh", "batch").then("refresh-oauth2-token", "connector")
    stage.deploy("oauth2-refresh-tokens", drawing)
    assert stage.run("oauth2-refresh-tokens")["state"] == "finished"
    refreshed = stage.other.tokens[-1]
    assert (refreshed["grant_type"], refreshed["refresh_token"][:8]) == ("refresh_token", "refresh-")
    [install] = stage.get("/api/v1/installs?application=crm")["items"]
    assert install["expires"] > before + 3_600_000
    count = len(stage.other.tokens)
    assert stage.run("oauth2-refresh-tokens")["state"] == "finished"
    assert len(stage.other.tokens) == count  # nothing expires soon now


def test_a_published_connector(stage: Stage) -> None:
    path = "/api/v1/installs/worker/woocommerce/orchesty"
    stage.do("POST", "/api/v1/installs", {"worker": "worker", "application": "woocommerce"})
    form = {"user": "key", "password": "secret", "woocommerceUrl": stage.other.url}
    stage.do("PUT", f"{path}/settings", {"settings": {"authorization_form": form}})
    stage.do("PUT", f"{path}/state", {"enabled": True})
    drawing = Drawing().then("woocommerce-get-products", "batch", app="woocommerce")
    drawing.then("woocommerce-get-product", "connector", app="woocommerce").then("cus-5")
    stage.deploy("products", drawing)
    ended = stage.run("products")
    assert (ended["state"], ended["failed"]) == ("finished", 0)
    bodies = sorted(call["body"] for call in stage.seen("cus-5"))
    assert bodies == [json.dumps({"id": n, "name": "a product"}, separators=(",", ":")) for n in (10, 11, 20, 21)]
    pages = [path for _, path in stage.other.asked if path.startswith("/wp-json/wc/v3/products?")]
    assert ["page=1" in pages[0], "page=2" in pages[1], len(pages)] == [True, True, 2]
