"""How much of the queues is in memory."""

from __future__ import annotations

from pathlib import Path

from segue.adapters.sqlite.fronts import OVERHEAD
from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.message import Consumed, Outcome
from segue.testing.contracts.store_world import Player, child_of, passed
from tests.adapters.sqlite.world import SqliteWorld

BODY = b"." * 10_000
MESSAGE = len(BODY) + OVERHEAD


async def prepare(folder: Path, settings: SqliteSettings, count: int, due: int = 0) -> Player:
    """A store with so many large messages in a queue."""
    player = Player(SqliteWorld(folder, settings))
    version = await player.enable()
    await player.start()
    message = await player.take_one(version, "a")
    message.body = BODY
    children = tuple(child_of(message, "b", n, due and player.now + due + n) for n in range(count))
    assert await player.settle(message, Consumed(outcome=Outcome.OK, children=children))
    return player


async def test_large_messages_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    settings = SqliteSettings(front_bytes=10 * MESSAGE)
    player = await prepare(tmp_path, settings, 300)
    store = player.world.sqlite  # type: ignore[attr-defined]
    [version] = await store.published()
    taken = 0
    while messages := await store.take(version.id, "b", 3, player.now, ordered=False):
        taken += len(messages)
        assert store._budget.used <= 20 * MESSAGE
        assert all(await store.settle([player.transition(one, passed(one)) for one in messages]))
    assert taken == 300
    assert store._budget.used == 0
    await store.close()


async def test_all_fronts_together_have_a_bound(tmp_path: Path) -> None:
    settings = SqliteSettings(fronts_bytes=20 * MESSAGE, front_bytes=10 * MESSAGE)
    world = SqliteWorld(tmp_path, settings)
    player = Player(world)
    versions = [await player.enable(f"p{n}") for n in range(12)]
    for version in versions:
        for _ in range(15):
            await player.start(version.process, body=BODY)
    assert world.sqlite._budget.used <= 21 * MESSAGE
    for version in versions:  # each still gets what is its own, in order
        messages = await player.take(version, "a")
        assert [one.seq for one in messages] == sorted(one.seq for one in messages)
        assert len(messages) == 15
    await world.close()


async def test_delayed_messages_have_a_bound(tmp_path: Path) -> None:
    settings = SqliteSettings(front_bytes=10 * MESSAGE)
    player = await prepare(tmp_path, settings, 200, due=1)
    store = player.world.sqlite  # type: ignore[attr-defined]
    assert store._budget.used <= 20 * MESSAGE
    [version] = await store.published()
    seen = []
    for _ in range(201):
        seen += [message.due for message in await player.take(version, "b")]
        player.world.clock.advance(1)
    assert len(seen) == 200
    assert seen == sorted(seen)
    await store.close()
