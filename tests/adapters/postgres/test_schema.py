"""The schema: the same migrations lead to the same tables; what is newer, or others', is refused."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from segue.adapters.postgres import schema
from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.schema import bring_up_to_date, newest
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.sql.tables import metadata
from segue.model.errors import StoreUnavailable
from segue.testing.contracts.store_world import ManualClock, PlainSecrets, Player, passed
from segue.testing.postgres import Cluster
from tests.postgres import AT_ONCE, PostgresWorld

OWN = {"holder", "queue_lease", "relay", "committed"}


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


STEP = """
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None
{more}

def upgrade() -> None:
    op.add_column("message", sa.Column("colour", sa.Text(), nullable=True))
    op.add_column("holder", sa.Column("colour", sa.Text(), nullable=True))
"""
NOW = newest()
NEXT = f"{int(NOW) + 1:04}"


@pytest.fixture
def next_release(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Has code from then on be that of a release with one more step; a call with None that of this one again."""
    copy = tmp_path / "migrations"
    shutil.copytree(schema.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    here = schema.FOLDER

    def become(more: str | None = "") -> None:
        if more is not None:
            (copy / "versions" / f"{NEXT}_step.py").write_text(STEP.format(number=NEXT, before=NOW, more=more))
        monkeypatch.setattr(schema, "FOLDER", here if more is None else copy)

    return become


async def opened(address: Address) -> PostgresStore:
    return await PostgresStore.open(address, clock=ManualClock(), secrets=PlainSecrets(), settings=AT_ONCE)


async def test_code_of_two_releases_works_side_by_side_and_the_older_may_start_again(
    fresh: Address, next_release: Callable[..., None], caplog: pytest.LogCaptureFixture
) -> None:
    old = await PostgresWorld(fresh).open()
    player = Player(old)
    version = await player.enable()
    await player.start()
    next_release()
    new = await opened(fresh)
    next_release(None)
    assert "colour" in (await columns(fresh))["message"]
    await player.start()
    [message] = await player.take(version, "a", 1)
    assert await player.settle(message, passed(message))
    again = await old.another()
    assert f"schema {NEXT} of a newer Segue, which lets this one ({NOW}) go on" in caplog.text
    assert (await again.audit(1)).balanced
    for store in (new, again):
        await store.close()
    await old.close()


async def test_a_step_that_old_code_cannot_follow_waits_until_none_of_it_works_there(
    fresh: Address, next_release: Callable[..., None]
) -> None:
    old = await opened(fresh)
    next_release(f'oldest = "{NEXT}"')
    with pytest.raises(StoreUnavailable, match=rf"work on .* with code from before schema {NEXT}, which cannot go on"):
        await bring_up_to_date(fresh, PostgresSettings())
    assert "colour" not in (await columns(fresh))["message"]
    await old.ping()
    await old.close()
    await bring_up_to_date(fresh, PostgresSettings())
    next_release(None)
    with pytest.raises(StoreUnavailable, match=rf"was written by a newer Segue \(schema {NEXT}, this one knows {NOW}"):
        await opened(fresh)


async def test_a_process_that_slept_through_such_a_step_is_told(
    fresh: Address, next_release: Callable[..., None], cluster: Cluster
) -> None:
    old = await opened(fresh)
    cluster.sql(f"DELETE FROM holder; UPDATE fact SET value = '{NEXT}' WHERE name = 'oldest'", "fresh")
    with pytest.raises(StoreUnavailable, match=f"needs code that knows schema {NEXT}, and this knows {NOW}"):
        await old._parts.heart.confirm()
    await old.close()


async def test_a_step_does_not_keep_others_waiting_behind_it(
    fresh: Address, next_release: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody reads a table for long: the step gives up for a moment, so that others get to it, and tries again."""
    await bring_up_to_date(fresh, PostgresSettings())
    monkeypatch.setattr(schema, "_LOCK_MS", 20)
    next_release()
    reader = await asyncpg.connect(fresh.url, password=fresh.password)
    pauses = 0

    async def pause(_seconds: float) -> None:
        nonlocal pauses
        pauses += 1
        await reader.execute("SELECT 1 FROM message")
        if pauses == 3:
            await transaction.rollback()

    monkeypatch.setattr(schema.asyncio, "sleep", pause)
    transaction = reader.transaction()
    await transaction.start()
    await reader.execute("SELECT count(*) FROM message")
    await bring_up_to_date(fresh, PostgresSettings())
    assert pauses == 3
    await reader.close()
    assert "colour" in (await columns(fresh))["message"]
