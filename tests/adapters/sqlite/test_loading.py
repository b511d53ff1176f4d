"""What happens to a queue while rows of it are being read: the rows may be older than what is known by then."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from segue.adapters.sqlite.file import FILE, connect_reader
from segue.adapters.sqlite.fronts import Load, Rows
from segue.adapters.sqlite.queries import Queries
from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.errors import StoreUnavailable
from segue.model.message import Consumed, Edited, Message, Outcome
from segue.model.versions import Version
from segue.testing.contracts.store_world import Player, child_of, failed, kept, passed
from tests.adapters.sqlite.world import SqliteWorld


class Gate:
    """Holds a load where its rows were read and not yet handed over."""

    def __init__(self, load: Callable[[sqlite3.Connection, Load], tuple[Rows | None, Rows | None]]) -> None:
        self._load = load
        self.read = threading.Event()
        self.open = threading.Event()
        self.open.set()

    def __call__(self, connection: sqlite3.Connection, load: Load) -> tuple[Rows | None, Rows | None]:
        rows = self._load(connection, load)
        self.read.set()
        assert self.open.wait(60)
        return rows


class Scene:
    """A store that keeps hardly anything in memory, and a gate in its way."""

    def __init__(self, folder: Path, front_messages: int = 4) -> None:
        self.world = SqliteWorld(folder, SqliteSettings(front_messages=front_messages))
        self.player = Player(self.world)
        self.gate = Gate(self.world.sqlite._parts.queries.load)
        self.world.sqlite._parts.queries.load = self.gate  # type: ignore[method-assign]
        self.version: Version

    async def prepare(self, count: int, due_ms: int = 0, first: int = 4) -> list[Message]:
        """Fill queue b and take the first messages from memory. The next ones were read, and the gate holds them.

        With `due_ms` those wait for their time, and nothing is read.
        """
        player = self.player
        self.version = await player.enable()
        await player.start(body=b"")
        message = await player.take_one(self.version, "a")
        children = []
        for n in range(count):
            message.body = b"%d" % n
            children.append(child_of(message, "b", n, player.now + due_ms if due_ms and n >= 4 else 0))
        assert await player.settle(message, Consumed(outcome=Outcome.OK, children=tuple(children)))
        self.gate.open.clear()
        taken = await self.player.store.take(self.version.id, "b", first, player.now, ordered=False)
        if not due_ms:
            await self.until_read()
        return taken

    async def until_read(self) -> None:
        """Wait until rows have been read, and are held."""
        assert await asyncio.to_thread(self.gate.read.wait, 60)

    def take_more(self, *, ordered: bool = False) -> asyncio.Future[list[Message]]:
        """Ask for what has been read by now, and not yet handed over."""
        return asyncio.ensure_future(self.player.store.take(self.version.id, "b", 1000, self.player.now, ordered))

    async def go_on(self, wait: asyncio.Future[list[Message]]) -> list[bytes]:
        """Let the rows come, and take everything."""
        self.gate.open.set()
        taken = await wait
        taken += await self.player.take(self.version, "b")
        assert len({message.id for message in taken}) == len(taken)
        return [message.body for message in taken]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.gate.open.set()
    await made.player.check_ledger()
    await made.world.close()


def numbers(*spans: range) -> list[bytes]:
    return [b"%d" % n for span in spans for n in span]


@pytest.mark.parametrize("count", [10, 50])
async def test_new_messages_follow_on_those_being_read(scene: Scene, count: int) -> None:
    """Also when not all that is in the file was read."""
    await scene.prepare(count)
    wait = scene.take_more()
    for n in range(count, count + 8):
        await scene.player.start(entry="b", body=b"%d" % n)
    assert await scene.go_on(wait) == numbers(range(4, count + 8))


async def test_new_messages_do_not_overtake_those_that_are_not_read_yet(tmp_path: Path) -> None:
    """There is room in memory for them, and much between."""
    scene = Scene(tmp_path, front_messages=20)
    await scene.prepare(200, first=16)
    for n in range(200, 208):
        await scene.player.start(entry="b", body=b"%d" % n)
    assert await scene.go_on(scene.take_more()) == numbers(range(16, 208))
    await scene.world.close()


async def test_messages_that_leave_meanwhile_do_not_come_back(scene: Scene) -> None:
    """One that a person ends, one in trash; neither was taken."""
    taken = await scene.prepare(10)
    wait = scene.take_more()
    live = await scene.player.store.instance_messages(taken[0].instance)
    assert await scene.player.settle(live[5], Consumed(outcome=Outcome.CANCELLED))
    assert await scene.player.settle(live[7], failed())
    assert await scene.go_on(wait) == numbers(range(4, 5), range(6, 7), range(8, 10))


async def test_an_instance_that_ends_meanwhile_leaves_nothing(scene: Scene) -> None:
    taken = await scene.prepare(10)
    wait = scene.take_more()
    assert await scene.player.settle(taken[0], Consumed(outcome=Outcome.OK, terminate=True))
    await scene.player.start(entry="b", body=b"other")
    assert await scene.go_on(wait) == [b"other"]


async def test_a_message_edited_meanwhile_comes_as_it_is_now(scene: Scene) -> None:
    taken = await scene.prepare(10)
    wait = scene.take_more()
    live = await scene.player.store.instance_messages(taken[0].instance)
    assert await scene.player.settle(live[6], Edited(body=b"new", headers={}))
    assert await scene.go_on(wait) == [*numbers(range(4, 6)), b"new", *numbers(range(7, 10))]


async def test_messages_given_back_meanwhile_come_first(scene: Scene) -> None:
    taken = await scene.prepare(10)
    wait = scene.take_more()
    for message in taken[2:]:
        scene.player.store.release(message)
    assert await scene.go_on(wait) == numbers(range(2, 10))


async def test_messages_kept_meanwhile_come_when_they_are_due(scene: Scene) -> None:
    taken = await scene.prepare(10)
    wait = scene.take_more()
    assert await scene.player.settle(taken[1], kept(scene.player.now + 100))
    assert await scene.go_on(wait) == numbers(range(4, 10))
    scene.player.world.clock.advance(100)
    assert [message.body for message in await scene.player.take(scene.version, "b")] == [b"1"]


async def test_a_version_retired_meanwhile_has_nothing_to_give(scene: Scene) -> None:
    await scene.prepare(10)
    wait = scene.take_more()
    await scene.player.store.retire("orders", 1, discard=True, at=scene.player.now)
    assert await scene.go_on(wait) == []


@pytest.mark.parametrize("count", [24, 44])
async def test_delayed_messages_meanwhile(scene: Scene, count: int) -> None:
    """Those being read have fallen due; others come, earlier and later, and are kept until then.

    Whether all that is in the file was read or not.
    """
    taken = await scene.prepare(count, due_ms=10)
    scene.player.world.clock.advance(10)
    now = scene.player.now
    early = await scene.take_more()
    assert 0 < len(early) < count - 4
    await scene.until_read()
    wait = scene.take_more()
    await asyncio.sleep(0)
    assert await scene.player.settle(taken[0], passed(taken[0], "b", due=now + 5))
    assert await scene.player.settle(taken[1], kept(now + 3))
    assert await scene.player.settle(taken[2], kept(now + 50_000))
    assert [*(message.body for message in early), *await scene.go_on(wait)] == numbers(range(4, count))
    assert await scene.player.store.next_due(scene.version.id, now) == now + 3
    scene.player.world.clock.advance(5)
    assert [message.body for message in await scene.player.take(scene.version, "b")] == [b"1", b"0"]
    assert await scene.player.store.next_due(scene.version.id, scene.player.now) == now + 50_000


async def test_a_message_settled_and_not_yet_reported_is_not_read_again(scene: Scene) -> None:
    """Its change is in the file before memory has heard of it, and all is read anew from the beginning."""
    taken = await scene.prepare(10)
    await scene.go_on(scene.take_more())
    store, clock = scene.world.sqlite, scene.player.world.clock
    front = store._front(scene.version.id, "b")
    connection = connect_reader(scene.world.folder / FILE)
    settle = asyncio.ensure_future(scene.player.settle(taken[0], kept(clock.now() - 1)))
    for _ in range(2):  # it is submitted, and its statements are executed
        await asyncio.sleep(0)
    while connection.execute("SELECT outages FROM message WHERE seq = ?", (taken[0].seq,)).fetchone() == (0,):
        pass  # the loop must not run, or it hears of the commit
    front.set_ordered(True)
    front.edge = 0
    load = front.begin_load()
    ready, due = Queries(clock).load(connection, load)
    assert ready is not None
    assert taken[0].seq in [message.seq for message in ready.messages]
    front.end_load(load, ready, due, store._is_held)
    assert not front.has_ready(clock.now())
    connection.close()
    assert await settle
    assert [message.body for message in await scene.player.take(scene.version, "b", ordered=True)] == [b"0"]


async def test_more_is_read_in_the_very_turn_in_which_a_read_ends(scene: Scene) -> None:
    """The loop has not heard of its end yet; waiting for it once more would be no waiting at all, and never end."""
    await scene.prepare(50)
    loading = scene.world.sqlite._loads[scene.world.sqlite._front(scene.version.id, "b")]
    scene.gate.open.set()
    while not loading.done():  # noqa: ASYNC110 - it is about the turn itself
        await asyncio.sleep(0)
    taken = await scene.player.take(scene.version, "b")
    assert [message.body for message in taken] == numbers(range(4, 50))


async def test_a_read_that_fails_can_be_made_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    await scene.prepare(50)

    def fail(_connection: sqlite3.Connection, _load: Load) -> tuple[Rows | None, Rows | None]:
        raise sqlite3.OperationalError("disk I/O error")

    with monkeypatch.context() as patch:
        patch.setattr(scene.world.sqlite._parts.queries, "load", fail)
        scene.gate.open.set()
        first = await scene.take_more()
        with pytest.raises(StoreUnavailable, match="disk I/O error"):
            await scene.take_more()
    rest = await scene.player.take(scene.version, "b")
    assert [message.body for message in first + rest] == numbers(range(4, 50))
