"""The schema: migrations lead to what the tables say; older files come forward whole, newer ones are refused."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from segue.adapters.clock import SystemClock
from segue.adapters.sqlite import beside, migrate, schema
from segue.adapters.sqlite.file import FILE
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.store import SqliteStore
from segue.model.errors import StoreUnavailable
from segue.testing.contracts.store_world import PlainSecrets, Player
from tests.adapters.sqlite.world import SqliteWorld
from tools.migration import existing, missing

# The tests add two steps to those that there are.
NOW, NEXT, LAST = (f"{int(schema.REVISION) + more:04}" for more in range(3))

STEP = """
import sqlalchemy as sa
from alembic import op

revision = "{number}"
down_revision = "{before}"
branch_labels = None
depends_on = None


def upgrade() -> None:
    {work}
"""


@pytest.fixture
async def folder(tmp_path: Path) -> Path:
    """A data folder of the current schema with something in it."""
    world = SqliteWorld(tmp_path)
    player = Player(world)
    await player.enable()
    for n in range(5):
        await player.start(body=b"%d" % n)
    await world.close()
    return world.folder


@pytest.fixture
def steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of migrations to which a test can add."""
    copy = tmp_path / "migrations"
    shutil.copytree(migrate.FOLDER, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(migrate, "FOLDER", copy)
    return copy / "versions"


def add_step(steps: Path, monkeypatch: pytest.MonkeyPatch, number: str, work: str) -> None:
    text = STEP.format(number=number, before=f"{int(number) - 1:04}", work=work)
    (steps / f"{number}_step.py").write_text(text)
    monkeypatch.setattr(schema, "REVISION", number)


def open_store(folder: Path) -> SqliteStore:
    return SqliteStore.open(folder, clock=SystemClock(), secrets=PlainSecrets())


def test_the_migrations_lead_to_what_the_tables_say() -> None:
    """If not: `python tools/migration.py NAME` writes what is missing (`--again` before the first release)."""
    with create_engine("sqlite://").connect() as connection:
        assert missing(connection, existing()) == []


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    assert existing()[-1].revision == schema.REVISION


def test_a_new_file_is_what_the_migrations_make(tmp_path: Path) -> None:
    schema.bring_up_to_date(tmp_path / FILE, SqliteSettings())
    engine = create_engine(f"sqlite:///{tmp_path / 'migrated.db'}")
    with engine.begin() as through:
        assert missing(through, existing()) == []
    assert _described(tmp_path / FILE) == _described(tmp_path / "migrated.db")


async def test_an_older_file_comes_forward_and_a_copy_of_it_is_kept(
    folder: Path, steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_step(steps, monkeypatch, NEXT, 'op.add_column("worker", sa.Column("colour", sa.Text(), server_default="red"))')
    add_step(steps, monkeypatch, LAST, 'op.create_table("extra", sa.Column("x", sa.Integer()))')
    store = open_store(folder)
    [version] = await store.published()
    assert len(await store.take(version.id, "a", 10, SystemClock().now(), ordered=False)) == 5
    await store.close()
    with sqlite3.connect(folder / FILE) as connection:
        assert connection.execute("SELECT value FROM fact WHERE name = 'revision'").fetchone() == (LAST,)
        connection.execute("SELECT colour FROM worker")
        connection.execute("SELECT x FROM extra")
    with sqlite3.connect(folder / f"{FILE}.before-{NOW}-{LAST}") as copy:
        assert copy.execute("SELECT value FROM fact WHERE name = 'revision'").fetchone() == (NOW,)
        assert copy.execute("SELECT count(*) FROM message").fetchone() == (5,)


async def test_a_migration_that_fails_leaves_the_file_as_it_was(
    folder: Path, steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_step(steps, monkeypatch, NEXT, 'op.create_table("extra", sa.Column("x", sa.Integer()))')
    add_step(steps, monkeypatch, LAST, 'op.execute("UPDATE nothing SET x = 1")')
    before = _described(folder / FILE)
    for _ in range(2):
        with pytest.raises(
            StoreUnavailable, match=f"could not be brought from schema {NOW} to {LAST} and is as it was"
        ):
            open_store(folder)
        assert _described(folder / FILE) == before
    monkeypatch.setattr(schema, "REVISION", NOW)
    await open_store(folder).close()


async def test_no_copy_no_migration(folder: Path, steps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add_step(steps, monkeypatch, NEXT, 'op.create_table("extra", sa.Column("x", sa.Integer()))')
    (folder / f".{FILE}.before-{NOW}-{NEXT}").mkdir()
    before = _described(folder / FILE)
    with pytest.raises(StoreUnavailable, match="the copy before that cannot be made"):
        open_store(folder)
    assert _described(folder / FILE) == before


async def test_a_file_of_a_newer_segue_that_lets_this_one_go_on_is_opened(
    folder: Path, steps: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So whoever was brought to a newer release, and does not like it, goes back to the one before."""
    work = 'op.add_column("message", sa.Column("colour", sa.Text(), nullable=True))'
    add_step(steps, monkeypatch, NEXT, work)
    await open_store(folder).close()
    for module in (schema, beside):
        monkeypatch.setattr(module, "REVISION", NOW)
    store = open_store(folder)
    [version] = await store.published()
    assert len(await store.take(version.id, "a", 10, SystemClock().now(), ordered=False)) == 5
    await store.close()
    assert (await beside.Beside(folder).audit(1)).balanced
    monkeypatch.setattr(migrate, "oldest_of", lambda _steps: LAST)
    add_step(steps, monkeypatch, LAST, 'op.drop_column("worker", "headers")')
    await open_store(folder).close()
    monkeypatch.setattr(schema, "REVISION", NOW)
    with pytest.raises(StoreUnavailable, match=rf"written by a newer Segue \(schema {LAST}, this one knows {NOW}\)"):
        open_store(folder)


async def test_a_file_of_a_newer_segue_is_refused(folder: Path) -> None:
    with sqlite3.connect(folder / FILE) as connection:
        connection.execute("UPDATE fact SET value = '9999' WHERE name IN ('revision', 'oldest')")
    connection.close()
    with pytest.raises(StoreUnavailable, match=r"written by a newer Segue \(schema 9999, this one knows"):
        open_store(folder)


def test_a_current_file_opens_without_the_migration_tool(folder: Path) -> None:
    text = (
        "import asyncio, sys; from pathlib import Path; from segue.adapters.clock import SystemClock;"
        "from segue.adapters.sqlite.store import SqliteStore;"
        "store = SqliteStore.open(Path(sys.argv[1]), clock=SystemClock(), secrets=None);"
        "asyncio.run(store.close()); print('alembic' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", text, folder], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def _described(file: Path) -> list[tuple[str, ...]]:
    """What tables, columns and indexes a file has."""
    connection = sqlite3.connect(file)
    found: list[tuple[str, ...]] = []
    for kind, name in connection.execute("SELECT type, name FROM sqlite_master").fetchall():
        pragma = "table_info" if kind == "table" else "index_xinfo"
        rows = connection.execute(f"PRAGMA {pragma}('{name}')").fetchall()
        found += [(kind, name, *(str(value) for value in row)) for row in rows]
    partial = connection.execute("SELECT name, sql LIKE '%WHERE%' FROM sqlite_master WHERE type = 'index'").fetchall()
    found += [("partial", name, str(where)) for name, where in partial]
    connection.close()
    return sorted(found)
