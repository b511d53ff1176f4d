"""Limits over HTTP: what holds, what people give, who waits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import quote

import pytest

from segue.runtime.accept import StartRequest
from tests.files import chain
from tests.site import Site, ok
from tests.site import site as make_site

LIMITED = '<segue:limit key="erp" calls="100" per="PT1M"/></extensionElements>'
PER_USER = quote("ann|crm", safe="")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with make_site(tmp_path) as made:
        file = chain("echo").replace('name="echo"/>', 'name="echo" application="crm"/>', 1)
        await made.deploy("orders", file.replace("</extensionElements>", LIMITED))
        made.serve("echo", ok)
        yield made


async def test_rules_are_told_with_their_origin_and_what_they_leave(site: Site) -> None:
    for _ in range(3):
        await site.start("orders", wait=30)
    [limit] = (await site.get("/api/v1/limits", token="read"))["items"]
    assert (limit["key"], limit["waiting"], limit["expected_end"]) == ("erp", 0, None)
    assert limit["running"] <= 1  # that the last one has ended is written with the next one
    [rule] = limit["rules"]
    assert (rule["origin"], rule["process"], rule["version"], rule["node"]) == ("file", "orders", 1, "t1")
    assert (rule["calls"], rule["per_ms"], rule["used"]) == (100, 60_000, 3)
    assert await site.get("/api/v1/limits/erp") == limit


async def test_what_a_person_gives_holds_at_once_for_one_user_alone(site: Site) -> None:
    rules = {"rules": [{"calls": 1, "per_ms": 3_600_000}], "note": "slow account"}
    assert (await site.call("PUT", f"/api/v1/limits/{PER_USER}", token="read", json=rules)).code == "scope-missing"
    given = await site.call("PUT", f"/api/v1/limits/{PER_USER}", token="operate", json=rules)
    assert (given.status, given.json["key"], given.json["note"]) == (200, "ann|crm", "slow account")
    assert [(rule["origin"], rule["by"]) for rule in given.json["rules"]] == [("person", "operate")]
    for _ in range(3):
        await site.engine.acceptor.start(StartRequest(process="orders", body=b"{}", headers={"user": "ann"}))
    for _ in range(5):
        await site.start("orders", wait=30)  # others are not held up
    while (limit := await site.get(f"/api/v1/limits/{PER_USER}"))["waiting"] < 2:
        pass
    assert limit["rules"][0]["used"] == 1
    assert limit["expected_end"] > 7_000_000
    assert (await site.call("DELETE", f"/api/v1/limits/{PER_USER}", token="operate")).status == 204
    assert (await site.call("DELETE", f"/api/v1/limits/{PER_USER}")).code == "not-found"
    assert (await site.call("GET", f"/api/v1/limits/{PER_USER}")).code == "not-found"


async def test_a_limit_that_is_none_is_refused(site: Site) -> None:
    for wrong in (
        {},
        {"rules": []},
        {"rules": [{"calls": 0, "per_ms": 1}]},
        {"rules": [{"calls": 1, "per_ms": 0}]},
        {"rules": [{"calls": 1, "per_ms": 31 * 86_400_000 + 1}]},
        {"rules": [{"calls": 1, "per_ms": 1}] * 21},
    ):
        assert (await site.call("PUT", "/api/v1/limits/k", json=wrong)).code == "invalid"
    assert len((await site.get("/api/v1/limits"))["items"]) == 1
