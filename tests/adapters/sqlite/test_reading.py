"""Reading beside the data path: long questions, cancelled waits, a closed store."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.errors import StoreUnavailable
from segue.testing.contracts.store_world import Player, passed
from tests.adapters.sqlite.world import SqliteWorld

TIGHT = SqliteSettings(front_messages=4, readers=2)


async def test_long_questions_of_people_do_not_stop_messages(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path, TIGHT)
    player = Player(world)
    version = await player.enable()
    for _ in range(40):
        await player.start()
    answer = threading.Event()

    def long_question(_connection: sqlite3.Connection) -> bool:
        return answer.wait(60)

    questions = [asyncio.ensure_future(world.sqlite._parts.readers.run(long_question)) for _ in range(5)]
    messages = await player.take(version, "a")
    assert len(messages) == 40
    assert all(await player.store.settle([player.transition(one, passed(one)) for one in messages]))
    assert not any(question.done() for question in questions)
    answer.set()
    assert all(await asyncio.gather(*questions))
    await world.close()


async def test_a_cancelled_wait_takes_nothing_from_the_others(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path, TIGHT)
    player = Player(world)
    version = await player.enable()
    for _ in range(30):
        await player.start()
    taken = await player.take(version, "a", 4)
    waits = [
        asyncio.ensure_future(player.store.take(version.id, "a", 100, player.now, ordered=False)) for _ in range(3)
    ]
    await asyncio.sleep(0)
    waits[0].cancel()
    rest = [message for messages in await asyncio.gather(*waits[1:]) for message in messages]
    rest += await player.take(version, "a")
    assert waits[0].cancelled()
    assert len({message.id for message in (*taken, *rest)}) == len(taken) + len(rest) == 30
    await world.close()


async def test_a_closed_store_says_so(tmp_path: Path) -> None:
    world = SqliteWorld(tmp_path, TIGHT)
    player = Player(world)
    await player.enable()
    await world.close()
    for question in (player.store.published(), player.store.audit(0), player.start()):
        with pytest.raises(StoreUnavailable, match="the store is closed"):
            await question
