"""A data file that is moved away under the running store: nothing is written to it, nothing takes its place."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from segue.adapters.sqlite.beside import Beside
from segue.adapters.sqlite.file import FILE, connect_reader, connect_writer
from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.errors import NotFound, StoreUnavailable
from segue.ports.views import InstanceFilter
from segue.testing.contracts.store_world import Player, passed
from tests.adapters.sqlite.world import SqliteWorld

# The store does not look by itself within a test.
SLOW = SqliteSettings(retry_first_ms=3_600_000, retry_longest_ms=3_600_000)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[SqliteWorld]:
    made = SqliteWorld(tmp_path / "stores", SLOW)
    yield made
    await made.close()


async def test_nothing_is_accepted_or_settled_however_often_it_is_tried(world: SqliteWorld, tmp_path: Path) -> None:
    player = Player(world)
    version = await player.enable()
    for _ in range(3):
        await player.start()
    held = await player.take(version, "a")
    (world.folder / FILE).rename(tmp_path / FILE)
    for _ in range(3):
        with pytest.raises(StoreUnavailable, match=r"was removed or replaced while the server ran.*put it back"):
            await player.store.settle([player.transition(held[0], passed(held[0]))])
        with pytest.raises(StoreUnavailable, match=r"was removed or replaced while the server ran.*put it back"):
            await player.start()
    (tmp_path / FILE).rename(world.folder / FILE)
    assert await player.store.settle([player.transition(held[0], passed(held[0]))]) == [True]
    await player.start()
    await player.check_ledger()


async def test_whoever_opens_the_file_meanwhile_makes_none_and_nothing_committed_is_lost(
    world: SqliteWorld, tmp_path: Path
) -> None:
    player = Player(world)
    await player.enable()
    for _ in range(3):
        await player.start()
    file = world.folder / FILE
    file.rename(tmp_path / FILE)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        connect_reader(file)
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        connect_writer(file, SLOW)
    with pytest.raises(NotFound):
        await Beside(world.folder).tokens()
    assert not file.exists()
    (tmp_path / FILE).rename(file)
    await world.crash()
    assert len(await world.store.instances(InstanceFilter(limit=10))) == 3
