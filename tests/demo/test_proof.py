"""The end of the demo says no when anything is missing, doubled or not accounted for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from copy import deepcopy
from typing import Any, cast

import pytest
from rich.console import Console

from demo.api import Api
from demo.data import between, read_orders
from demo.proof import BOOKS, Books, Proof, Result, Stream
from demo.show import Show
from demo.stage import Stage
from demo.verify import expected

ORDERS = between(read_orders(), "1997-02-23", "1997-02-23")
LINE = {
    "process": "order-import", "version": 1, "accepted": 1, "produced": 190, "consumed": 191,
    "queued": 0, "delayed": 0, "waiting": 0, "trash": 0,
}  # fmt: skip


class World:
    """Books, command and API of a demo that went well; a test spoils a part of it."""

    def __init__(self) -> None:
        records = expected(ORDERS, {4274: 2})
        self.books = {
            book: {"records": len(found), "repeated": 1, "refused": 0, "items": list(found.values())}
            for book, found in records.items()
        }
        self.figures = {"records": 1, "repeated": 0, "refused": 0}
        self.audit_of_rows: dict[str, Any] = {"balanced": True, "versions": [deepcopy(LINE)], "faults": []}
        self.audit_of_server = deepcopy(self.audit_of_rows)
        self.states = {"finished": 1}

    async def read(self, book: str) -> dict[str, Any]:
        return self.books[book]

    async def totals(self, system: str) -> dict[str, Any]:
        return {"figures": self.figures} if system == "shop" else {"locked": 0}

    async def audit(self) -> dict[str, Any]:
        return self.audit_of_rows

    async def get(self, path: str) -> dict[str, Any]:
        assert path == "/audit"
        return self.audit_of_server

    async def items(self, path: str, *, state: str, limit: int) -> AsyncIterator[Any]:
        for number in range(self.states.get(state, 0)):
            yield number


async def prove(world: World) -> Result:
    show = Show(Console(quiet=True))
    proof = Proof(cast("Stage", world), cast("Books", world), cast("Api", world), show)
    return await proof.prove(ORDERS, {4274: 2}, began=0.0, stream=Stream(messages=191, seconds=1.0))


async def test_a_demo_that_went_well_is_proven() -> None:
    result = await prove(World())
    assert result.ok
    assert (result.arrived, result.repeated_calls, result.doubled) == (len(ORDERS), len(BOOKS), 0)


@pytest.mark.parametrize("book", ["contacts", "purchases", "shipments", "shipped"])
async def test_a_record_that_is_missing_is_not_proven(book: str) -> None:
    world = World()
    lost = cast("list[dict[str, Any]]", world.books[book]["items"]).pop()
    result = await prove(world)
    assert not result.ok
    assert result.arrived == len(ORDERS) - 1
    assert result.problems == [f"{book}: order {lost['order']} is missing"]


async def test_an_account_that_does_not_balance_is_not_proven() -> None:
    world = World()
    world.audit_of_rows["balanced"] = world.audit_of_server["balanced"] = False
    result = await prove(world)
    assert (result.ok, result.balanced) == (False, False)
    assert "does not balance" in result.problems[0]


async def test_two_ways_to_ask_that_differ_are_not_proven() -> None:
    world = World()
    world.audit_of_server["versions"][0]["consumed"] += 1
    assert "differ" in (await prove(world)).problems[0]


async def test_an_instance_that_is_not_finished_is_not_proven() -> None:
    world = World()
    world.states = {"running": 1}
    result = await prove(world)
    assert not result.ok
    assert "'running': 1" in result.problems[0]


async def test_a_doubled_record_is_told() -> None:
    world = World()
    world.books["shipments"]["refused"] = 2
    result = await prove(world)
    assert result.doubled == 2
    assert not result.ok
