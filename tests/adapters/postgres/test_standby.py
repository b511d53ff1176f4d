"""Who of several processes takes what comes: the oldest, as long as it does; else those that stand by."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection

import pytest
from msgspec.structs import replace

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.hints import CHANNEL, INSTANCES, READY
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.shelf import Shelf, Stock
from segue.adapters.postgres.standby import NOTHING, Lying, Share, Standby, host_processors, own_processor
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.sql.live import Held
from segue.model.errors import StoreUnavailable
from segue.model.events import EventKind
from segue.model.versions import Version
from segue.testing.contracts.store_world import Player, passed
from tests.adapters.postgres.test_sharing import Pair
from tests.postgres import AT_ONCE, PostgresWorld

VERSION = 7


def shelf_of(version: int = VERSION, node: str = "a") -> Shelf:
    return Shelf(version, node, 250, Stock())


def held(seq: int) -> Held:
    """A message that is ready."""
    return Held(
        seq=seq, id=str(seq), instance="i", version=VERSION, node="a", body=b"", headers={}, entered=0, queue=1, run=1
    )


def idle() -> Share:
    """Of a host on which nothing runs."""
    whole = itertools.count(1)
    return Share(lambda: (0.0, float(next(whole))))


class Others:
    """Stands in for what a process sees of queues: what is left lying. Each look finds one message more than the last,
    or the `newest` that is named."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.taking: list[Shelf] = []
        self.looks: list[tuple[set[int], int]] = []
        self.left: tuple[tuple[int, str], ...] = ()
        self.newest: int | None = None
        self.away = False

    async def left_lying(self, versions: Collection[int], mark: int) -> Lying:
        self.looks.append((set(versions), mark))
        if self.away:
            raise StoreUnavailable("the database is away")
        return Lying(len(self.looks) if self.newest is None else self.newest, self.left)

    def standby(self, mine: int = 2, own: Share | None = None, host: Share | None = None) -> Standby:
        """The process with this number."""
        return Standby(
            PostgresSettings(),
            mine=lambda: mine,
            say=self.said.append,
            left_lying=self.left_lying,
            take=self.taking.append,
            own=own,
            host=idle() if host is None else host,
        )


def test_a_process_stands_by_while_an_older_one_says_that_it_takes() -> None:
    standby, shelf = Others().standby(mine=2), shelf_of()
    assert not standby.stands_by(shelf, 0.0)
    standby.hear(1, f"{VERSION}:0", 10.0)
    assert standby.stands_by(shelf, 15.9)
    assert not standby.stands_by(shelf, 16.1)
    assert not standby.stands_by(shelf_of(version=8), 10.0)


def test_it_does_not_for_a_younger_one_or_one_that_may_have_died() -> None:
    standby, shelf = Others().standby(mine=2), shelf_of()
    standby.hear(3, f"{VERSION}:0", 10.0)
    assert not standby.stands_by(shelf, 10.0)
    standby.hear(1, f"{VERSION}:0", 10.0)
    standby.forget()
    assert not standby.stands_by(shelf, 10.0)


async def test_it_helps_while_something_is_left_lying_and_for_a_while_after() -> None:
    others, shelf, other = Others(), shelf_of(), shelf_of(node="b")
    standby = others.standby(mine=2)
    standby.hear(1, f"{VERSION}:0", 10.0)
    await standby.look([shelf, other], 10.0)
    assert others.taking == []
    assert standby.stands_by(shelf, 10.0)
    others.left = ((VERSION, "a"), (VERSION, "unknown"))
    for now in (10.2, 10.4):
        await standby.look([shelf, other], now)
    assert others.taking == [shelf, shelf]
    assert not standby.stands_by(shelf, 11.3)
    assert standby.stands_by(other, 11.3)
    assert standby.stands_by(shelf, 11.5)


async def test_a_look_is_for_what_was_there_at_the_one_before() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby(mine=2)
    standby.hear(1, f"{VERSION}:0", 10.0)
    for now in (10.0, 10.2):
        await standby.look([shelf, shelf_of(version=8)], now)
    assert others.looks == [({VERSION}, NOTHING), ({VERSION}, 1)]


async def test_who_leaves_nothing_to_others_does_not_look_and_begins_anew_when_it_does() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby(mine=2)
    await standby.look([shelf], 9.0)
    assert others.looks == []
    standby.hear(1, f"{VERSION}:0", 10.0)
    await standby.look([shelf], 10.0)
    await standby.look([shelf], 17.0)  # the older one says nothing any more
    standby.hear(1, f"{VERSION}:0", 18.0)
    await standby.look([shelf], 18.0)
    assert [mark for _, mark in others.looks] == [NOTHING, NOTHING]


async def test_on_a_full_host_it_looks_more_seldom() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby(host=shares([0.9] * 5))
    for now in (0.0, 0.1, 0.4, 0.5):  # full is known after half a second
        standby.hear(1, f"{VERSION}:0", now)
        await standby.look([shelf], now)
    assert len(others.looks) == 3
    for now in (0.6, 0.9, 1.3, 1.5, 2.4):
        await standby.look([shelf], now)
    assert len(others.looks) == 4


async def test_where_nothing_comes_it_looks_more_seldom() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby()
    standby.hear(1, f"{VERSION}:0", 10.0)
    others.newest = 5
    for eighths in range(12):
        await standby.look([shelf], 10.0 + eighths / 8)
    assert len(others.looks) == 4  # at 0, 1/8, 5/8, 9/8
    others.newest = 6
    for eighths in range(12, 20):
        await standby.look([shelf], 10.0 + eighths / 8)
    assert len(others.looks) == 7  # at 13/8, 14/8, 18/8


async def test_a_database_that_is_away_ends_a_look_and_no_later_one() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby(mine=2)
    standby.hear(1, f"{VERSION}:0", 10.0)
    others.away = True
    with pytest.raises(StoreUnavailable):
        await standby.look([shelf], 10.0)
    others.away, others.left = False, ((VERSION, "a"),)
    await standby.look([shelf], 10.2)
    assert others.taking == [shelf]


def shares(values: list[float]) -> Share:
    """One that has these values, look by look; the first look has none."""
    used = itertools.accumulate([0.0, *values])
    whole = itertools.count()
    return Share(lambda: (next(used), float(next(whole))))


def test_what_is_more_than_one_does_with_ease_is_shared() -> None:
    """Whoever does it: the shares of all are added up, so it is not left to one and shared in turns."""
    together = {(0.1, 0.1): True, (0.2, 0.2): False, (0.19, 0.01): False, (0.05, 0.05): True, (0.1, 0.15): True}
    own_shares = shares([own for own, _ in together])
    standby, shelf = Others().standby(own=own_shares, host=shares([0.0] * 9)), shelf_of()
    standby.tell([shelf_of()], 0.0)
    found = {}
    for look, (own, theirs) in enumerate(together, 1):
        standby.hear(1, f"{VERSION}:{theirs}", 2.0 * look)
        standby.tell([shelf_of()], 2.0 * look)
        found[own, theirs] = standby.stands_by(shelf, 2.0 * look)
    assert found == together


async def test_on_a_full_host_it_stands_by_all_the_same() -> None:
    standby, shelf = Others().standby(own=shares([0.5] * 5), host=shares([0.5, 0.8, 0.6, 0.5])), shelf_of()
    found = []
    for look in range(5):
        standby.hear(1, f"{VERSION}:0.6", 2.0 * look)
        standby.tell([shelf_of()], 2.0 * look)
        await standby.look([], 2.0 * look)
        found.append(standby.stands_by(shelf, 2.0 * look))
    assert found == [False, False, True, True, False]


def test_where_messages_wait_for_room_work_is_shared_for_a_while() -> None:
    """Also where next to no processor is used: a process calls workers no more often at a time than it may."""
    others, shelf = Others(), shelf_of()
    standby = others.standby(own=shares([0.01] * 20))
    standby.hear(1, f"{VERSION}:1.00", 0.0)
    standby.tell([shelf_of()], 0.0)
    found = {}
    for now in (2.0, 10.0, 18.0, 22.0):
        standby.hear(1, f"{VERSION}:0.01", now)
        standby.tell([shelf_of()], now)
        found[now] = standby.stands_by(shelf, now)
    assert found == {2.0: False, 10.0: False, 18.0: False, 22.0: True}
    shelf.put(held(1))
    for now in (24.0, 26.0):
        shelf.measure(1, now - 1.0, 0.05, 250)
        assert others.said[-1] == f"{VERSION}:0.01"
        standby.tell([shelf], now)
    assert others.said[-1] == f"{VERSION}:1.00"


@pytest.mark.parametrize(("left", "crowded"), [(0, False), (7, False), (8, True), (10, True)])
def test_a_queue_is_crowded_where_most_takes_leave_something(left: int, crowded: bool) -> None:
    shelf = shelf_of()
    shelf.put(held(1))
    for take in range(10):
        if take == left:
            shelf.remove(1)
        shelf.measure(1, 10.0 + take, 0.05, 250)
    assert shelf.was_crowded() is crowded
    assert not shelf.was_crowded()


def test_a_process_says_what_it_uses_and_not_too_often() -> None:
    others = Others()
    standby = others.standby(own=shares([0.25, 0.5]))
    for look in range(3):
        standby.tell([shelf_of()], 2.0 * look)
        standby.tell([shelf_of()], 2.0 * look + 1.0)  # too soon to be said again
    assert others.said == [f"{VERSION}:0.00", f"{VERSION}:0.25", f"{VERSION}:0.50"]


def test_shares_of_this_process_and_of_its_host_are_shares() -> None:
    spent, whole = host_processors()
    assert 0 < spent < whole
    before = own_processor()
    sum(n * n for n in range(200_000))
    after = own_processor()
    assert after > before


def test_what_is_claimed_at_once_follows_what_is_handled() -> None:
    """A quarter of a second's work; what would wait longer than that here is for others."""
    shelf = shelf_of()
    shelf.measure(1, 10.0, 0.25, 250)
    assert shelf.claim == 250
    shelf.measure(100, 11.0, 0.25, 250)
    assert shelf.claim == 25
    shelf.measure(1, 13.0, 0.25, 250)
    assert shelf.claim == 4
    shelf.measure(4_000, 14.0, 0.25, 250)
    assert shelf.claim == 250


class Three(Pair):
    """An older and a younger process that take, and one that only accepts."""

    def __init__(self, world: PostgresWorld, other: PostgresStore, api: PostgresStore) -> None:
        super().__init__(world, other)
        self.accepting = PostgresWorld(world.address)
        self.accepting.clock = world.clock
        self.accepting.store = self.accepting.postgres = api
        self.api = Player(self.accepting)

    async def known(self) -> None:
        """Have all hear of each other."""
        await super().known()
        await self.accepting.postgres._parts.heart.beat()


@pytest.fixture
async def pair(database: Address) -> AsyncIterator[Three]:
    """Whoever stands by helps after a moment."""
    world = await PostgresWorld(database, replace(AT_ONCE, look_s=0.01)).open()
    pair = Three(world, await world.another(), await world.another())
    await pair.known()
    yield pair
    await pair.accepting.postgres.close()
    await pair.theirs.postgres.close()
    await world.close()


async def both_took(pair: Three) -> Version:
    """Both have taken from a queue, and the older one has said so."""
    version = await pair.one.enable()
    for player in (pair.one, pair.two):
        assert await player.store.take(version.id, "a", 1, player.now, False) == []
    heard = asyncio.Event()
    standby = pair.theirs.postgres._standby
    hear = standby.hear

    def noting(process: int, text: str, now: float) -> None:
        hear(process, text, now)
        heard.set()

    standby.hear = noting  # type: ignore[method-assign]
    pair.world.postgres._standby._said = float("-inf")
    pair.world.postgres._say_what_is_taken()
    await heard.wait()
    return version


@pytest.mark.timeout(20)
async def test_the_younger_one_leaves_alone_what_the_older_one_takes(pair: Three) -> None:
    version = await both_took(pair)
    standby = pair.theirs.postgres._standby
    left_lying = standby._left_lying
    taken, looks = asyncio.Event(), asyncio.Semaphore(0)

    async def noting(versions: Collection[int], mark: int) -> Lying:
        await taken.wait()
        found = await left_lying(versions, mark)
        looks.release()
        return found

    standby._left_lying = noting
    told = asyncio.Event()
    pair.one.store.on_ready(lambda *_: told.set())
    await pair.api.start()
    await told.wait()
    [message] = await pair.one.take(version, "a")
    taken.set()
    for _ in range(3):  # one that was under way, one that found the message's number, one that used it
        await looks.acquire()
    assert not pair.theirs.postgres.shelf(version.id, "a").more
    assert await pair.two.store.take(version.id, "a", 1, pair.two.now, False) == []
    assert await pair.one.settle(message, passed(message))
    await pair.one.check_ledger()


@pytest.mark.timeout(20)
async def test_who_stands_by_looks_into_its_queues_and_finds_nothing_for_itself(pair: Three) -> None:
    """A control service looks every second; what is there is the older one's all the same."""
    version = await both_took(pair)

    async def never(_versions: Collection[int], _mark: int) -> Lying:
        await asyncio.Event().wait()
        raise AssertionError

    pair.theirs.postgres._standby._left_lying = never
    await pair.api.start()
    assert await pair.one.store.nodes_ready(version.id, pair.one.now) == ["a"]
    assert await pair.two.store.nodes_ready(version.id, pair.two.now) == []
    assert await pair.two.store.take(version.id, "a", 1, pair.two.now, False) == []


@pytest.mark.timeout(20)
async def test_the_younger_one_takes_what_the_older_one_leaves_lying(pair: Three) -> None:
    """Nobody tells it: it has looked twice."""
    version = await both_took(pair)
    told = asyncio.Event()
    pair.two.store.on_ready(lambda *_: told.set())
    await pair.api.start()
    await told.wait()
    [message] = await pair.two.take(version, "a")
    assert await pair.two.settle(message, passed(message))
    await pair.one.check_ledger()


async def channels(store: PostgresStore) -> set[str]:
    """What a process listens to, as the database knows it; looked after anew just now."""
    await store._look_around(asyncio.get_running_loop().time())
    connection = await store._parts.heart._link.get()
    return {row[0] for row in await connection.fetch("SELECT pg_listening_channels()")}


@pytest.mark.timeout(20)
async def test_what_is_ready_is_told_to_those_alone_that_take(pair: Three) -> None:
    """Each that hears it has work with it; so it is neither for who only accepts nor for who stands by."""
    await both_took(pair)
    found = {
        name: await channels(player.postgres)
        for name, player in (("older", pair.world), ("younger", pair.theirs), ("api", pair.accepting))
    }
    assert found == {"older": {CHANNEL, READY}, "younger": {CHANNEL}, "api": {CHANNEL}}
    pair.theirs.postgres._standby.forget()
    assert await channels(pair.theirs.postgres) == {CHANNEL, READY}


@pytest.mark.timeout(20)
async def test_a_new_connection_listens_to_the_same(pair: Three) -> None:
    await both_took(pair)
    assert await channels(pair.world.postgres) == {CHANNEL, READY}
    heart = pair.world.postgres._parts.heart
    heart._link.drop()
    await heart.beat()
    assert await channels(pair.world.postgres) == {CHANNEL, READY}


@pytest.mark.timeout(20)
async def test_who_wants_a_few_kinds_of_events_is_not_told_of_every_instance(pair: Three) -> None:
    pair.one.store.on_events(lambda _: None, [EventKind.VERSION_ENABLED])
    pair.two.store.on_events(lambda _: None)
    pair.api.store.on_events(lambda _: None, [EventKind.VERSION_ENABLED, EventKind.INSTANCE_FAILED])
    found = [await channels(world.postgres) for world in (pair.world, pair.theirs, pair.accepting)]
    assert found == [{CHANNEL}, {CHANNEL, INSTANCES}, {CHANNEL, INSTANCES}]
