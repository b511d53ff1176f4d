"""The systems as services: what they take, what they refuse."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any

import pytest


def call(url: str, body: object = None, key: str | None = None) -> tuple[int, Any]:
    data = None if body is None else json.dumps(body).encode()
    fields = {} if key is None else {"Idempotency-Key": key}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data, fields)) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


SHIPMENT = {"order": 7, "customer": "C-00001", "cds": 2, "weight_g": 210, "kind": "letter", "parcels": 1}


def test_the_shop_gives_out_a_day_page_by_page(systems: dict[str, str]) -> None:
    seen: list[int] = []
    begin: int | None = 0
    while begin is not None:
        _, page = call(f"{systems['shop']}/orders?day=1997-02-23&from={begin}")
        assert len(page["orders"]) <= 25
        seen += [order["number"] for order in page["orders"]]
        begin = page["next"]
    assert len(seen) == len(set(seen)) == 38


def test_a_day_without_orders_is_an_empty_page(systems: dict[str, str]) -> None:
    assert call(f"{systems['shop']}/orders?day=2001-01-01") == (200, {"orders": [], "next": None})


def test_a_repeated_call_is_told_from_a_second_shipment(systems: dict[str, str]) -> None:
    url = f"{systems['warehouse']}/shipments"
    assert call(url, SHIPMENT, "k1")[0] == 201
    assert call(url, SHIPMENT, "k1") == (200, {"number": 7, "repeated": True})
    assert call(url, SHIPMENT, "k2")[0] == 409
    _, book = call(url)
    assert (book["records"], book["repeated"], book["refused"]) == (1, 1, 1)
    assert book["items"] == [SHIPMENT]


def test_the_warehouse_refuses_what_is_too_heavy(systems: dict[str, str]) -> None:
    url = f"{systems['warehouse']}/shipments"
    heavy = SHIPMENT | {"order": 8, "cds": 40, "weight_g": 4200, "kind": "parcel"}
    status, answer = call(url, heavy, "k3")
    assert status == 422
    assert "more parcels" in answer["error"]
    assert call(url, heavy | {"parcels": 2}, "k3")[0] == 201


@pytest.mark.parametrize(
    ("body", "key", "status"),
    [({"order": 1}, "k", 400), (SHIPMENT | {"colour": "red"}, "k", 400), (SHIPMENT | {"order": 9}, None, 400)],
)
def test_a_bad_request_changes_nothing(systems: dict[str, str], body: object, key: str | None, status: int) -> None:
    url = f"{systems['warehouse']}/shipments"
    before = call(url)[1]["items"]
    assert call(url, body, key)[0] == status
    assert call(url)[1]["items"] == before


def test_the_crm_locks_every_fiftieth_contact_once(systems: dict[str, str]) -> None:
    url = f"{systems['crm']}/contacts"
    contact = {"order": 3, "customer": "C-00150", "day": "1997-02-01"}
    assert call(url, contact, "c1")[0] == 423
    assert call(url, contact, "c1")[0] == 201
    assert call(url, contact | {"order": 4, "customer": "C-00151"}, "c2")[0] == 201


def test_an_unknown_path_is_named(systems: dict[str, str]) -> None:
    status, answer = call(f"{systems['crm']}/nothing")
    assert (status, answer["error"]) == (404, "The CRM has no GET /nothing")
