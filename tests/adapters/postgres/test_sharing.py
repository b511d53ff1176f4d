"""Several processes on the same queues: who gets what, and what happens when one of them dies or is cut off."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import asyncpg
import pytest
from msgspec.structs import replace

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.beside import PostgresBeside
from segue.adapters.postgres.connect import Connection, connect
from segue.adapters.postgres.locks import BEGIN
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.sql import audit as auditing
from segue.model.errors import StoreUnavailable
from segue.model.graph import LimitRule
from segue.model.message import LogLine, Message
from segue.model.versions import Version, VersionState
from segue.ports.limits import Ask
from segue.ports.log_book import LogFilter
from segue.tasks import end
from segue.testing.contracts.store_world import PROCESS, PlainSecrets, Player, passed
from segue.testing.postgres import abandon
from tests.postgres import AT_ONCE, PostgresWorld


class Pair:
    """Two processes on one database. Each acts through a player of its own."""

    def __init__(self, world: PostgresWorld, other: PostgresStore) -> None:
        self.world = world
        self.one = Player(world)
        self.theirs = PostgresWorld(world.address)
        self.theirs.clock = world.clock
        self.theirs.store = self.theirs.postgres = other
        self.two = Player(self.theirs)
        self.two._ids = 1_000_000

    async def known(self) -> None:
        """Have both hear of each other."""
        for store in (self.world.postgres, self.theirs.postgres):
            await store._parts.heart.beat()


@pytest.fixture
async def pair(database: Address) -> AsyncIterator[Pair]:
    world = await PostgresWorld(database).open()
    pair = Pair(world, await world.another())
    await pair.known()
    yield pair
    await pair.theirs.postgres.close()
    await world.close()


async def take_all(player: Player, version: Version, node: str, *, ordered: bool = False) -> list[Message]:
    """Take what there is, a few at a time."""
    taken: list[Message] = []
    while more := await player.store.take(version.id, node, 3, player.now, ordered):
        taken += more
    return taken


async def test_two_processes_take_disjoint_messages(pair: Pair) -> None:
    version = await pair.one.enable()
    for n in range(300):
        await (pair.one if n % 2 else pair.two).start(body=b"%d" % n)
    shares = await asyncio.gather(take_all(pair.one, version, "a"), take_all(pair.two, version, "a"))
    ids = [message.id for share in shares for message in share]
    assert len(ids) == len(set(ids)) == 300
    for player, share in zip((pair.one, pair.two), shares, strict=True):
        assert all([await player.settle(message, passed(message, "b")) for message in share])
    await pair.one.check_ledger()


@pytest.mark.timeout(20)
async def test_who_takes_does_not_wait_for_a_reading_that_is_over(pair: Pair) -> None:
    """One that is done while the queue was forgotten, as after a crash of the database: the loop must not stand still,
    or not even a signal to end would be heard."""
    version = await pair.one.enable()
    await pair.one.start(body=b"1")
    messages = pair.world.postgres
    shelf = messages.shelf(version.id, "a")
    shelf.ordered = False
    shelf.clear()
    over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    over.set_result(None)
    messages._loads[shelf] = over
    over.add_done_callback(lambda done: messages._loaded(shelf, done))
    [message] = await pair.one.store.take(version.id, "a", 1, pair.one.now, False)
    assert message.body == b"1"
    assert messages._loads == {}


async def test_an_ordered_queue_has_messages_in_one_process_only(pair: Pair) -> None:
    """P6 over all processes: whoever has the queue has all of it, in the order of arrival wherever it came from."""
    version = await pair.one.enable()
    for n in range(20):
        await (pair.one if n % 2 else pair.two).start(body=b"%d" % n)
    [first] = await pair.one.store.take(version.id, "a", 1, pair.one.now, True)
    assert await pair.two.store.take(version.id, "a", 1, pair.two.now, True) == []
    assert await pair.two.store.nodes_ready(version.id, pair.two.now) == []
    bodies = [first.body]
    assert await pair.one.settle(first, passed(first))
    while messages := await pair.one.store.take(version.id, "a", 1, pair.one.now, True):
        bodies.append(messages[0].body)
        assert await pair.one.settle(messages[0], passed(messages[0]))
    assert bodies == [b"%d" % n for n in range(20)]


@pytest.mark.parametrize("ordered", [False, True])
async def test_what_a_dead_process_held_is_free(pair: Pair, ordered: bool) -> None:
    """Its connection is gone; the other one finds out by the next beat, and the dead one's settle is stale then."""
    version = await pair.one.enable()
    for n in range(10):
        await pair.one.start(body=b"%d" % n)
    held = await pair.one.store.take(version.id, "a", 4, pair.one.now, ordered)
    assert len(held) == 4
    heart = pair.world.postgres._parts.heart
    await end(heart._task)  # or it would be back before the other one has looked
    heart._link.drop()
    await gone(pair.world.postgres)
    await pair.theirs.postgres._parts.heart.beat()
    taken = [message async for message in drained(pair.two, version, ordered)]
    assert [message.body for message in taken] == [b"%d" % n for n in range(10)]
    assert all([await pair.two.settle(message, passed(message, "b")) for message in taken])
    assert (
        await pair.one.store.settle([pair.one.transition(message, passed(message, "b")) for message in held])
        == [False] * 4
    )
    await pair.one.check_ledger()


async def drained(player: Player, version: Version, ordered: bool) -> AsyncIterator[Message]:
    """Look what is ready, as whoever is told that somebody died does, and take one message after the other."""
    await player.store.nodes_ready(version.id, player.now)
    while messages := await player.store.take(version.id, "a", 1, player.now, ordered):
        yield messages[0]


async def gone(store: PostgresStore) -> None:
    """Wait until the database has noticed that a process' lock is free."""
    address = store._parts.readers.address
    connection = await asyncpg.connect(address.url, password=address.password)
    try:
        text = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid::bigint = $1 AND classid > 1000000"
        while await connection.fetchval(text, store.holder):  # noqa: ASYNC110 - nobody tells us
            await asyncio.sleep(0)
    finally:
        await connection.close()


async def test_a_switch_of_versions_is_seen_by_the_other_process_at_once(pair: Pair) -> None:
    """P4: the version is chosen in the transaction that accepts, whoever enabled it."""
    await pair.one.enable()
    assert (await pair.two.start()).version == 1
    await pair.one.enable()
    assert (await pair.two.start()).version == 2
    await pair.one.store.set_state(PROCESS, 2, VersionState.DISABLED, pair.one.now)
    assert (await pair.two.start()).version == 1


@pytest.mark.timeout(20)
async def test_a_process_hears_at_once_that_another_one_stored_events(pair: Pair) -> None:
    """It is told of none itself, since only the stored ones are complete and in order; it looks, and finds them."""
    version = await pair.one.enable()
    told: asyncio.Queue[int] = asyncio.Queue()
    pair.two.store.on_events(lambda events: told.put_nowait(len(events)))
    await pair.theirs.postgres._parts.heart.listen()
    before = await pair.two.store.last_event()
    await pair.one.start()
    [message] = await pair.one.take(version, "a")
    assert await pair.one.settle(message, passed(message))
    assert await told.get() == 0
    [event] = await pair.two.store.events(before, 10)
    assert event.instance == message.instance


async def test_the_same_key_in_two_processes_makes_one_instance(pair: Pair) -> None:
    await pair.one.enable()
    for n in range(20):
        answers = await asyncio.gather(pair.one.start(key=str(n)), pair.two.start(key=str(n)))
        assert len({answer.instance for answer in answers}) == 1
        assert sorted(answer.repeated for answer in answers) == [False, True]
    await pair.one.check_ledger()


async def test_a_reader_of_events_does_not_pass_one_that_is_not_stored_yet(pair: Pair, database: Address) -> None:
    """A transaction that was given a number, and is not over, ends the list; then all of them come."""
    version = await pair.one.enable()
    before = (await pair.one.store.events(0, 1000))[-1].seq
    slow = await asyncpg.connect(database.url, password=database.password)
    try:
        await slow.execute(BEGIN)
        number = await slow.fetchval("SELECT nextval('event_number')")
        await pair.one.start()
        await pair.one.forward(version, "a")
        assert await pair.two.store.events(before, 1000) == []
        text = "INSERT INTO event (seq, kind, at, version, instance) VALUES ($1, 'instance-failed', 1, $2, 'x')"
        await slow.execute(text, number, version.id)
        await slow.execute("COMMIT")
    finally:
        await slow.close()
    seqs = [event.seq for event in await pair.two.store.events(before, 1000)]
    assert seqs[0] == number
    assert seqs == sorted(seqs)
    assert len(seqs) == 2


async def test_a_reader_of_log_lines_does_not_pass_one_that_is_not_stored_yet(pair: Pair, database: Address) -> None:
    """Whoever sends lines on goes on after the last one: what is stored later under a lower number is not left out."""
    version = await pair.one.enable()
    await pair.one.start()
    [first] = await pair.one.take(version, "a")
    slow = await asyncpg.connect(database.url, password=database.password)
    wanted = LogFilter(complete=True)
    try:
        await slow.execute(BEGIN)
        number = await slow.fetchval("SELECT nextval('log_number')")
        line = LogLine(level="info", text="later", at=pair.one.now)
        await pair.one.settle(first, passed(first, "b"), logs=(line,))
        assert await pair.two.store.find_logs(wanted) == []
        assert await pair.two.store.last_log() < number
        [shown] = await pair.two.store.find_logs(LogFilter(newest=True))
        text = (
            "INSERT INTO log (seq, at, level, text, queue, instance, message)"
            " SELECT $1, at, level, 'earlier', queue, instance, message FROM log WHERE seq = $2"
        )
        await slow.execute(text, number, shown.seq)
        await slow.execute("COMMIT")
    finally:
        await slow.close()
    lines = await pair.two.store.find_logs(wanted)
    assert [line.text for line in lines] == ["earlier", "later"]
    assert [line.seq for line in lines] == [number, await pair.two.store.last_log()]


async def test_a_database_that_is_away_is_said_and_comes_back(database: Address) -> None:
    """No connection can be made: clear words, no password, nothing done."""
    nowhere = replace(database, url=database.url.replace(str(database.url.rpartition(":")[2].split("/")[0]), "1"))
    with pytest.raises(StoreUnavailable) as refused:
        await PostgresStore.open(nowhere, clock=PostgresWorld(database).clock, secrets=PlainSecrets())
    assert "cannot be used now" in refused.value.detail
    assert str(database.password) not in refused.value.detail


async def test_an_abandoned_store_is_found_as_after_a_crash(database: Address) -> None:
    world = await PostgresWorld(database).open()
    player = Player(world)
    version = await player.enable()
    await player.start()
    await player.take(version, "a")
    await abandon(world.postgres, database)
    await world.open()
    assert len(await player.take(version, "a")) == 1
    await world.close()


async def test_an_audit_takes_as_long_as_it_takes(database: Address) -> None:
    """Both limits that a statement can have, the client's and the server's, are not for it."""
    world = await PostgresWorld(database, replace(AT_ONCE, statement_s=0.2)).open()
    await Player(world).enable()
    hasty = Address(url=f"{database.url}?statement_timeout=200", shown="", password=database.password)
    blocker = await asyncpg.connect(database.url, password=database.password)
    beside = PostgresBeside(hasty, world.clock, PlainSecrets())
    async with blocker.transaction():
        await blocker.execute("LOCK TABLE step IN ACCESS EXCLUSIVE MODE")
        audits = [asyncio.create_task(world.store.audit(1)), asyncio.create_task(beside.audit(1))]
        while await blocker.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted") < 2:
            pass
        # What anybody else asks is given up meanwhile; so would both audits have been.
        with pytest.raises(StoreUnavailable):
            await world.store.instance_steps("nobody")
        with pytest.raises(StoreUnavailable, match="statement timeout"):
            await beside.read(lambda: auditing.audit(1))
        assert not any(audit.done() for audit in audits)
    assert all(found.balanced for found in await asyncio.gather(*audits))
    await blocker.close()
    await world.close()


RULE = LimitRule(key="crm", calls=2, per_ms=1_000)


class SlowAnswers(Connection):
    """A connection over which answers to commits come only when they may, as over a network that was cut meanwhile."""

    hold = False
    may = asyncio.Event()
    waits = asyncio.Event()

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
        said = await super().execute(query, *args, timeout=timeout)
        if query == "COMMIT" and SlowAnswers.hold:
            SlowAnswers.waits.set()
            await SlowAnswers.may.wait()
        return said


async def test_what_was_granted_to_one_believed_dead_is_no_grant(database: Address) -> None:
    """Its slots have gone to others since; calls under them would be more than the limit allows (P7)."""
    SlowAnswers.hold, SlowAnswers.may, SlowAnswers.waits = False, asyncio.Event(), asyncio.Event()
    silent = PostgresSettings(beat_s=3_600.0, fence_s=0.0, own_clock=False)
    world = PostgresWorld(database, PostgresSettings(beat_s=3_600.0, silent_s=0.0, own_clock=False))
    cut = await PostgresStore.open(
        database, clock=world.clock, secrets=PlainSecrets(), settings=silent, connection_class=SlowAnswers
    )
    await world.open()
    await cut.declare_rules(0, [RULE])
    asks = [Ask(holder=f"cut-{n}", keys=("crm",), rules=(RULE,)) for n in range(2)]
    assert await cut.settle_slots([], asks[:0]) == []
    SlowAnswers.hold = True
    asking = asyncio.create_task(cut.settle_slots([], asks))
    await SlowAnswers.waits.wait()
    others = world.postgres
    assert await others.settle_slots([], [Ask(holder="other-0", keys=("crm",), rules=(RULE,))]) != [None]
    await others._parts.heart.beat()  # who was silent is dead by now
    assert await others.tidy_slots() == 2
    world.clock.advance(RULE.per_ms + 1)
    granted = await others.settle_slots([], [Ask(holder=f"other-{n}", keys=("crm",), rules=(RULE,)) for n in range(2)])
    assert granted == [None, None]
    SlowAnswers.hold = False
    SlowAnswers.may.set()
    with pytest.raises(StoreUnavailable, match="gave away"):
        await asking
    await cut.close()
    await world.close()


async def test_a_process_that_is_heard_is_granted_what_it_asks_for(database: Address) -> None:
    """Also when it has to be asked whether the others heard it."""
    world = PostgresWorld(database, PostgresSettings(fence_s=0.0, own_clock=False))
    await world.open()
    await world.postgres.declare_rules(0, [RULE])
    assert await world.postgres.settle_slots([], [Ask(holder="one", keys=("crm",), rules=(RULE,))]) == [None]
    await world.close()


async def test_what_a_vanished_process_left_open_is_ended_with_it(pair: Pair) -> None:
    """Its host is gone, and the database does not know it yet: a transaction of it is open and holds locks, and its
    heart's lock is held, too. Who buries it does not wait for them, and nobody with it."""
    gone = pair.world.postgres
    await end(gone._parts.heart._task)
    lane = gone._parts.writer._lanes[0]
    left = await lane._link.get()
    await left.execute(BEGIN)
    theirs = pair.theirs.postgres
    heart = theirs._parts.heart
    heart._settings = replace(heart._settings, silent_s=0.0)
    async with asyncio.timeout(5):
        await heart.beat()
    version = await pair.two.enable()
    await pair.two.start(body=b"1")
    assert heart.others == 0
    assert len(await take_all(pair.two, version, "a")) == 1
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await left.execute("COMMIT")


async def test_a_connection_notices_that_nothing_comes_back(database: Address) -> None:
    connection = await connect(database, PostgresSettings(), Connection)
    held = connection._transport.get_extra_info("socket")
    try:
        assert held.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert held.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 8_000
        assert await connection.fetchval("SHOW tcp_user_timeout") == "10000"
    finally:
        await connection.close()
