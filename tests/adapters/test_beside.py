"""A data folder beside its server: short changes, and looks that disturb nobody."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from segue.adapters.clock import SystemClock
from segue.adapters.secrets_file import FileSecrets
from segue.adapters.sqlite.beside import Beside
from segue.adapters.sqlite.file import FILE, FolderLock
from segue.adapters.sqlite.store import SqliteStore
from segue.model.errors import NotFound, StoreUnavailable
from segue.ports.catalog import Token


def token(name: str) -> Token:
    return Token(id=name, name=name, digest=name.encode(), scopes=("read",), created=1)


def opened(folder: Path) -> SqliteStore:
    return SqliteStore.open(folder, clock=SystemClock(), secrets=FileSecrets(folder))


async def test_a_change_beside_a_running_server_is_seen_by_it(tmp_path: Path) -> None:
    store = opened(tmp_path)
    beside = Beside(tmp_path)
    beside.make()
    await beside.put_token(token("a"))
    assert [each.name for each in await store.tokens()] == ["a"]
    await store.put_token(token("b"))
    assert [each.name for each in await beside.tokens()] == ["a", "b"]
    found = await beside.token_by_digest(b"a")
    assert found is not None
    await beside.touch_tokens([("a", 7)])
    await beside.delete_token("b")
    assert [(each.name, each.last_used) for each in await store.tokens()] == [("a", 7)]
    await store.close()


async def test_changes_of_both_at_once_are_all_made(tmp_path: Path) -> None:
    store = opened(tmp_path)
    beside = Beside(tmp_path)

    def many() -> None:
        for number in range(30):
            asyncio.run(beside.put_token(token(f"beside {number}")))

    await asyncio.gather(asyncio.to_thread(many), *(store.put_token(token(f"server {number}")) for number in range(30)))
    assert len(await store.tokens()) == 60
    await store.close()


async def test_a_store_is_made_where_there_is_none(tmp_path: Path) -> None:
    beside = Beside(tmp_path)
    with pytest.raises(NotFound, match="no data folder"):
        await beside.tokens()
    assert not (tmp_path / FILE).exists()
    beside.make()
    await beside.put_token(token("a"))
    store = opened(tmp_path)
    assert [each.name for each in await store.tokens()] == ["a"]
    await store.close()


async def test_a_look_does_not_hold_the_folder(tmp_path: Path) -> None:
    await opened(tmp_path).close()
    lock = FolderLock(tmp_path)
    assert await Beside(tmp_path).tokens() == []
    Beside(tmp_path).make()
    lock.close()


async def test_a_store_of_another_revision_is_refused(tmp_path: Path) -> None:
    await opened(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE fact SET value = '9999' WHERE name IN ('revision', 'oldest')")
    with pytest.raises(StoreUnavailable, match="9999"):
        await Beside(tmp_path).tokens()
    with pytest.raises(StoreUnavailable, match="9999"):
        await Beside(tmp_path).put_token(token("a"))


async def test_a_damaged_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"this is no database" * 100)
    with pytest.raises(StoreUnavailable, match="backup"):
        await Beside(tmp_path).tokens()
    with pytest.raises(StoreUnavailable, match="backup"):
        Beside(tmp_path).make()
