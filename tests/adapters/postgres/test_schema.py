"""The schema: the same migrations lead to the same tables; what is newer, or others', is refused."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.schema import bring_up_to_date, newest
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.sql.tables import metadata
from segue.model.errors import StoreUnavailable
from segue.testing.postgres import Cluster

OWN = {"holder", "queue_lease"}


@pytest.fixture
def fresh(cluster: Cluster) -> Iterator[Address]:
    """A database that nobody has used."""
    cluster.sql("CREATE DATABASE fresh")
    yield read_address(cluster.url("fresh"))
    cluster.sql("DROP DATABASE fresh WITH (FORCE)")


async def columns(address: Address) -> dict[str, set[str]]:
    """The columns of all tables."""
    connection = await asyncpg.connect(address.url, password=address.password)
    try:
        text = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"
        found: dict[str, set[str]] = {}
        for table, column in await connection.fetch(text):
            found.setdefault(table, set()).add(column)
        return found
    finally:
        await connection.close()


async def test_the_migrations_lead_to_what_the_tables_say(fresh: Address) -> None:
    await bring_up_to_date(fresh, PostgresSettings())
    found = await columns(fresh)
    wanted = {table.name: {column.name for column in table.columns} for table in metadata.tables.values()}
    wanted["message"] |= {"holder"}
    sequences = {name for name in found if name.endswith(("_number", "_revision"))}
    assert {name: names for name, names in found.items() if name not in OWN | sequences} == wanted


async def test_many_that_start_together_make_it_once(fresh: Address) -> None:
    await asyncio.gather(*(bring_up_to_date(fresh, PostgresSettings()) for _ in range(3)))
    assert set(await columns(fresh)) >= OWN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("CREATE TABLE fact (name text, value text); INSERT INTO fact VALUES ('revision', '9999')", "a newer Segue"),
        ("CREATE TABLE customers (id int)", "none of Segue's"),
    ],
)
async def test_what_is_newer_or_others_is_refused_and_left_alone(
    fresh: Address, cluster: Cluster, text: str, said: str
) -> None:
    cluster.sql(text, "fresh")
    before = await columns(fresh)
    with pytest.raises(StoreUnavailable, match=said):
        await bring_up_to_date(fresh, PostgresSettings())
    assert await columns(fresh) == before
    assert newest() < "9999"
