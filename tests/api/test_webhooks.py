"""Webhooks: made by people and by workers, delivered, signed, refused, and written down."""

from __future__ import annotations

import json
from typing import Any

import pytest

from segue.core.signatures import read_secret, sign
from segue.model.documents import Document, DocumentKind
from tests.files import chain
from tests.site import Site

ORDERS = chain("echo")


async def _made(site: Site, **wanted: Any) -> Any:
    await site.deploy("orders", ORDERS)
    return await site.post("/api/v1/webhooks", {"name": "shop", "process": "orders", **wanted})


def _signed(site: Site, secret: str, id_: str, body: bytes, shift_s: int = 0) -> dict[str, str]:
    seconds = str(site.parts.clock.now() // 1000 + shift_s)
    return {
        "webhook-id": id_,
        "webhook-timestamp": seconds,
        "webhook-signature": f"v1,AAAA {sign(read_secret(secret), id_, seconds, body)}",
    }


async def _outcomes(site: Site, id_: str) -> list[tuple[str, int]]:
    listed = await site.get(f"/api/v1/webhooks/{id_}/deliveries")
    return [(each["outcome"], each["status"]) for each in listed["items"]]


async def test_a_delivery_starts_the_process_for_the_user(site: Site) -> None:
    made = await _made(site, user="ann")
    answer = await site.call("POST", made["path"], token=None, json={"n": 1})
    assert answer.status == 202, answer.content
    await site.finished(answer.json["instance"])
    [call] = site.workers.calls
    envelope = json.loads(call.payload)
    assert (envelope["headers"]["user"], envelope["body"]) == ("ann", '{"n": 1}')
    [delivery] = (await site.get(f"/api/v1/webhooks/{made['webhook']['id']}/deliveries"))["items"]
    facts = (delivery["outcome"], delivery["status"], delivery["size"], delivery["instance"], delivery["sender"])
    assert facts == ("accepted", 202, 8, answer.json["instance"], "127.0.0.1")


async def test_the_secret_is_shown_once_and_is_needed(site: Site) -> None:
    made = await _made(site)
    secret = made["path"].rpartition("/")[2]
    everything = json.dumps(
        [await site.get("/api/v1/webhooks"), await site.get(f"/api/v1/webhooks/{made['webhook']['id']}")]
    )
    assert secret not in everything
    wrong = made["path"][:-1] + ("0" if made["path"][-1] != "0" else "1")
    for path in (wrong, "/hooks/nobody/x", "/hooks/x", f"{made['path']}/more"):
        answer = await site.call("POST", path, token=None, json={})
        assert (answer.status, answer.code) == (404, "not-found"), path
    assert await _outcomes(site, made["webhook"]["id"]) == []


async def test_signatures_are_checked(site: Site) -> None:
    made = await _made(site, signed=True)
    secret, id_, body = made["signing_secret"], made["webhook"]["id"], b'{"n":1}'
    good = _signed(site, secret, "m-1", body)
    first = await site.call("POST", made["path"], token=None, data=body, headers=good)
    again = await site.call("POST", made["path"], token=None, data=body, headers=good)
    assert (first.status, again.status) == (202, 202)
    assert first.json["instance"] == again.json["instance"]
    for headers, why in (
        ({}, "missing"),
        (good | {"webhook-id": "m-2"}, "right"),
        (_signed(site, secret, "m-3", b"other"), "right"),
        (_signed(site, secret, "m-4", body, shift_s=-400), "five minutes"),
        (good | {"webhook-timestamp": "soon"}, "no number"),
    ):
        answer = await site.call("POST", made["path"], token=None, data=body, headers=headers)
        assert (answer.status, answer.code) == (401, "unauthenticated"), why
        assert why in answer.json["detail"]
    assert await _outcomes(site, id_) == [("refused", 401)] * 5 + [("repeated", 202), ("accepted", 202)]


async def test_the_key_of_signatures_can_be_changed(site: Site) -> None:
    made = await _made(site)
    path = f"/api/v1/webhooks/{made['webhook']['id']}"
    assert made["signing_secret"] is None
    changed = (await site.call("PUT", path, json={"signed": True})).json
    assert changed["webhook"]["signed"]
    assert changed["signing_secret"].startswith("whsec_")
    theirs = "whsec_" + "QUJD" * 10
    assert (await site.call("PUT", path, json={"secret": theirs})).json["signing_secret"] is None
    headers = _signed(site, theirs, "m", b"x")
    assert (await site.call("POST", made["path"], token=None, data=b"x", headers=headers)).status == 202
    for bad in ({"secret": "whsec_short"}, {"signed": False, "secret": theirs}):
        assert (await site.call("PUT", path, json=bad)).code == "invalid"
    assert not (await site.call("PUT", path, json={"signed": False})).json["webhook"]["signed"]
    assert (await site.call("POST", made["path"], token=None, data=b"x")).status == 202


async def test_a_webhook_that_is_off_or_gone_takes_nothing(site: Site) -> None:
    made = await _made(site)
    path = f"/api/v1/webhooks/{made['webhook']['id']}"
    assert (await site.call("PUT", path, json={"enabled": False})).status == 200
    assert (await site.call("POST", made["path"], token=None)).status == 404
    assert await _outcomes(site, made["webhook"]["id"]) == [("refused", 404)]
    await site.call("PUT", path, json={"enabled": True})
    assert (await site.call("POST", made["path"], token=None)).status == 202
    assert (await site.call("DELETE", path)).status == 204
    assert (await site.call("POST", made["path"], token=None)).status == 404
    for method in ("GET", "PUT", "DELETE"):
        assert (await site.call(method, path, json={})).code == "not-found"


async def test_a_secret_is_renewed(site: Site) -> None:
    made = await _made(site)
    path = f"/api/v1/webhooks/{made['webhook']['id']}/renew"
    renewed = await site.post(path)
    assert (await site.call("POST", made["path"], token=None)).status == 404
    assert (await site.call("POST", renewed["path"], token=None)).status == 202
    assert (await site.call("POST", "/api/v1/webhooks/nobody/renew")).code == "not-found"
    fields = json.dumps({"token": "t", "topology": "orders", "node": "begin"}).encode()
    theirs = Document(id="theirs", kind=DocumentKind.WEBHOOK, fields=fields, created=1, updated=1)
    await site.store.put_document(theirs)
    assert (await site.call("POST", "/api/v1/webhooks/theirs/renew")).code == "conflict"


async def test_what_cannot_start_is_refused_and_written_down(site: Site) -> None:
    made = await _made(site)
    id_ = made["webhook"]["id"]
    headers = {"Content-Type": "application/json"}
    assert (await site.call("POST", made["path"], token=None, data=b"{", headers=headers)).code == "invalid"
    await site.post("/api/v1/processes/orders/versions/1/disable")
    assert (await site.call("POST", made["path"], token=None, data=b"{}")).code == "no-enabled-version"
    assert (await site.call("DELETE", made["path"], token=None)).code == "method-not-allowed"
    assert await _outcomes(site, id_) == [("refused", 409), ("refused", 422)]


@pytest.mark.parametrize("question", ["hub.challenge", "challenge", "validationToken"])
async def test_a_sender_that_asks_first_is_answered(site: Site, question: str) -> None:
    made = await _made(site)
    answer = await site.call("GET", f"{made['path']}?{question}=%3Cb%3E7", token=None)
    assert (answer.status, answer.content) == (200, b"<b>7")
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert await _outcomes(site, made["webhook"]["id"]) == [("answered", 200)]


async def test_bad_webhooks_are_not_made(site: Site) -> None:
    await site.deploy("orders", ORDERS)
    for wanted, code in (
        ({"name": "x", "process": "nobody"}, "process-not-found"),
        ({"name": "x", "process": "orders", "node": "t1"}, "node-not-found"),
        ({"name": "", "process": "orders"}, "invalid"),
        ({"process": "orders"}, "invalid"),
    ):
        assert (await site.call("POST", "/api/v1/webhooks", json=wanted)).code == code
    assert (await site.get("/api/v1/webhooks"))["items"] == []
