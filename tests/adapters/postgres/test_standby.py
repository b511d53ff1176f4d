"""Who of several processes takes what comes: the oldest, as long as it does; else those that stand by."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.shelf import Shelf, Stock
from segue.adapters.postgres.standby import Share, Standby, host_processors, own_processor
from segue.adapters.postgres.store import PostgresStore
from segue.model.errors import StoreUnavailable
from segue.model.versions import Version
from segue.testing.contracts.store_world import Player, passed
from tests.adapters.postgres.test_sharing import Pair
from tests.postgres import AT_ONCE, PostgresWorld

VERSION = 7


def shelf_of(version: int = VERSION, node: str = "a") -> Shelf:
    return Shelf(version, node, 250, Stock())


class Others:
    """Stands in for what a process sees of queues: what is left lying, and when each look ends."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.taking: list[Shelf] = []
        self.looks = 0
        self.left = False
        self.away = False

    async def left_lying(self, _shelf: Shelf, _seconds: float) -> bool:
        self.looks += 1
        await asyncio.sleep(0)
        if self.away:
            raise StoreUnavailable("the database is away")
        return self.left

    def standby(self, mine: int = 2, own: Share | None = None, host: Share | None = None) -> Standby:
        """The process with this number."""
        return Standby(
            PostgresSettings(),
            mine=lambda: mine,
            say=self.said.append,
            left_lying=self.left_lying,
            take=self.taking.append,
            own=own,
            host=host,
        )


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


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


async def test_it_helps_for_a_while_when_something_is_left_lying() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby(mine=2)
    now = asyncio.get_running_loop().time()
    standby.hear(1, f"{VERSION}:0", now)
    standby.look_later(shelf)
    await settled()
    assert others.taking == []
    assert standby.stands_by(shelf, now)
    others.left = True
    standby.look_later(shelf)
    await settled()
    assert others.taking == [shelf]
    assert not standby.stands_by(shelf, now)
    assert standby.stands_by(shelf, now + 2.0)


async def test_what_comes_while_it_looks_is_looked_for_as_well_and_many_hints_are_one_look() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby()
    standby.look_later(shelf)
    await asyncio.sleep(0)
    for _ in range(5):
        standby.look_later(shelf)
    await settled()
    assert others.looks == 2


async def test_a_database_that_is_away_ends_a_look_and_no_later_one() -> None:
    others, shelf = Others(), shelf_of()
    standby = others.standby()
    others.away = True
    standby.look_later(shelf)
    await settled()
    others.away, others.left = False, True
    standby.look_later(shelf)
    await settled()
    assert others.taking == [shelf]
    await standby.close()


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
    standby.tell([VERSION], 0.0)
    found = {}
    for look, (own, theirs) in enumerate(together, 1):
        standby.hear(1, f"{VERSION}:{theirs}", 2.0 * look)
        standby.tell([VERSION], 2.0 * look)
        found[own, theirs] = standby.stands_by(shelf, 2.0 * look)
    assert found == together


def test_on_a_full_host_it_stands_by_all_the_same() -> None:
    standby, shelf = Others().standby(own=shares([0.5] * 5), host=shares([0.5, 0.8, 0.6, 0.5])), shelf_of()
    found = []
    for look in range(5):
        standby.hear(1, f"{VERSION}:0.6", 2.0 * look)
        standby.tell([VERSION], 2.0 * look)
        found.append(standby.stands_by(shelf, 2.0 * look))
    assert found == [False, False, True, True, False]


def test_a_process_says_what_it_uses_and_not_too_often() -> None:
    others = Others()
    standby = others.standby(own=shares([0.25, 0.5]))
    for look in range(3):
        standby.tell([VERSION], 2.0 * look)
        standby.tell([VERSION], 2.0 * look + 1.0)  # too soon to be said again
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
    world = await PostgresWorld(database, replace(AT_ONCE, lying_s=0.01)).open()
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
    looked = asyncio.Event()
    standby = pair.theirs.postgres._standby
    left_lying = standby._left_lying

    async def noting(shelf: Shelf, seconds: float) -> bool:
        found = await left_lying(shelf, seconds)
        looked.set()
        return found

    standby._left_lying = noting
    told = asyncio.Event()
    pair.one.store.on_ready(lambda *_: told.set())
    await pair.api.start()
    await told.wait()
    [message] = await pair.one.take(version, "a")
    await looked.wait()
    assert not pair.theirs.postgres.shelf(version.id, "a").more
    assert await pair.two.store.take(version.id, "a", 1, pair.two.now, False) == []
    assert await pair.one.settle(message, passed(message))
    await pair.one.check_ledger()


@pytest.mark.timeout(20)
async def test_the_younger_one_takes_what_the_older_one_leaves_lying(pair: Three) -> None:
    """It is told, without anybody looking into all queues."""
    version = await both_took(pair)
    told = asyncio.Event()
    pair.two.store.on_ready(lambda *_: told.set())
    await pair.api.start()
    await told.wait()
    [message] = await pair.two.take(version, "a")
    assert await pair.two.settle(message, passed(message))
    await pair.one.check_ledger()
