"""How the database finds the rows that statements touch: by indexes, also when a plan was made for empty tables."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.connect import Connection
from segue.testing.contracts.store_world import Player, passed
from tests.postgres import PostgresWorld

LARGE = {"message", "instance", "step", "event", "idempotency", "measure", "log"}


@pytest.fixture
async def world(database: Address) -> AsyncIterator[PostgresWorld]:
    world = await PostgresWorld(database).open()
    yield world
    await world.close()


async def test_rows_are_found_by_an_index_from_the_first_one_on(world: PostgresWorld) -> None:
    """A plan is made once, when tables are empty, and kept while they grow: none may read one of them whole."""
    player = Player(world)
    version = await player.enable()
    await player.start(key="k")
    for node, then in (("a", "b"), ("b", None)):
        [message] = await player.take(version, node)
        assert await player.settle(message, passed(message, *([then] if then else [])))
    parts = world.postgres._parts
    links = [*(lane._link for lane in parts.writer._lanes), *parts.takers._links]
    seen: set[str] = set()
    for link in links:
        connection = await link.get()
        await connection.execute("SET plan_cache_mode = force_generic_plan")
        for text in connection._kept:
            plan = await explained(connection, text)
            assert not set(re.findall(r"Seq Scan on (\w+)", plan)) & LARGE, f"{text}\n{plan}"
            seen.add(text)
    assert len(seen) > 10


async def explained(connection: Connection, text: str) -> str:
    """The plan that is kept for a statement, whatever its values."""
    count = max((int(number) for number in re.findall(r"\$(\d+)", text)), default=0)
    await connection.execute(f"PREPARE planned AS {text}")
    values = f"({', '.join(['NULL'] * count)})" if count else ""
    rows = await connection.fetch(f"EXPLAIN EXECUTE planned{values}")
    await connection.execute("DEALLOCATE planned")
    return "\n".join(row[0] for row in rows)
