"""How much of a message that has left stays, as the setting of each store says."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.sqlite.settings import SqliteSettings
from segue.testing.contracts.store_world import Player, passed
from tests.adapters.sqlite.world import SqliteWorld
from tests.postgres import PostgresWorld

NONE, THREE = -1, 3


async def check(player: Player, most: int) -> None:
    """See that bodies up to this size stay, and no larger ones."""
    version = await player.enable()
    for body in (b"", b"123", b"1234"):
        begun = await player.start(body=body)
        message = await player.take_one(version, "a")
        assert await player.settle(message, passed(message))
        kept = await player.store.message_content(begun.instance, begun.message)
        assert kept is not None
        assert kept.body == (body if len(body) <= most else None)


@pytest.mark.parametrize("most", [NONE, THREE])
async def test_in_the_embedded_store(tmp_path: Path, most: int) -> None:
    world = SqliteWorld(tmp_path, SqliteSettings(history_bytes=most))
    await check(Player(world), most)
    await world.close()


@pytest.mark.parametrize("most", [NONE, THREE])
async def test_on_postgresql(database: Address, most: int) -> None:
    world = await PostgresWorld(database, PostgresSettings(history_bytes=most)).open()
    await check(Player(world), most)
    await world.close()
