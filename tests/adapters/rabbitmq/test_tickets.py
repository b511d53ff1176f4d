"""What happens to tickets: lost, doubled, unknown, given out too often; and to queues and connections."""

from __future__ import annotations

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from msgspec.structs import replace
from pika import BlockingConnection, URLParameters
from pika.frame import Method
from pika.spec import Connection

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.asking import BrokerSettings
from segue.adapters.postgres.brokered import BrokeredStore
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.rabbitmq.address import read_address as read_broker
from segue.adapters.rabbitmq.broker import RabbitBroker
from segue.model.errors import BacklogFull, BrokerUnavailable
from segue.model.message import Message, Place
from segue.model.versions import Version
from segue.ports.broker import Ticket
from segue.testing.contracts.store_world import Player, passed
from segue.testing.rabbitmq import Rabbit
from tests.postgres import AT_ONCE
from tests.rabbit import RabbitWorld

_numbers = itertools.count()


@pytest.fixture
async def world(database: Address, rabbit: Rabbit) -> AsyncIterator[RabbitWorld]:
    world = await _world(database, rabbit).open()
    yield world
    await world.close()


def _world(database: Address, rabbit: Rabbit, settings: PostgresSettings = AT_ONCE) -> RabbitWorld:
    tickets = BrokerSettings(prefix=f"tickets{os.getpid()}-{next(_numbers)}", deliveries=4)
    return RabbitWorld(database, rabbit, settings, tickets=tickets)


@pytest.fixture
async def impatient(database: Address, rabbit: Rabbit) -> AsyncIterator[RabbitWorld]:
    """One that soon gives back what nobody asks for."""
    world = await _world(database, rabbit, replace(AT_ONCE, idle_s=0.2, poll_s=0.05)).open()
    yield world
    await world.close()


@pytest.fixture
def player(world: RabbitWorld) -> Player:
    return Player(world)


@pytest.fixture
async def hand(rabbit: Rabbit) -> AsyncIterator[RabbitBroker]:
    """Somebody who reaches into the broker."""
    broker = RabbitBroker(read_broker(rabbit.url()))

    class Deaf:
        def delivered(self, _deliveries: object) -> None: ...
        def interrupted(self, _queues: object) -> None: ...
        def connected(self) -> None: ...

    await broker.start(Deaf())
    yield broker
    await broker.close()


def queue(world: RabbitWorld, version: Version, node: str = "a") -> str:
    return f"{world.tickets.prefix}.v{version.id}.orders.{version.number}.{node}"


async def until(true: Callable[[], bool | Awaitable[bool]]) -> None:
    """Ask again and again: what happens in a broker is told to nobody here."""
    async with asyncio.timeout(30):
        while True:
            answer = true()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)  # not synchronisation: a broker tells nobody here what it did


async def all_of(player: Player, version: Version, count: int, limit: int = 1000) -> list[Message]:
    """Take, until so many came."""
    found: list[Message] = []

    async def came() -> bool:
        found.extend(await player.take(version, "a", limit))
        return len(found) >= count

    await until(came)
    return found


async def test_what_was_recorded_and_not_published_is_published_by_the_next(
    world: RabbitWorld, player: Player, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process died between the commit and the broker's confirmation."""
    version = await player.enable()

    async def never(_tickets: Sequence[Ticket]) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(world.broker, "publish", never)
    for n in range(3):
        await player.start(body=b"%d" % n)
    await world.crash()
    assert [message.body for message in await all_of(player, version, 3)] == [b"0", b"1", b"2"]
    await player.check_ledger()


async def test_what_is_with_the_broker_is_not_published_again_at_a_restart(world: RabbitWorld, player: Player) -> None:
    """Else each start would publish the whole backlog."""
    version = await player.enable()
    await player.take(version, "a")
    for n in range(5):
        await player.start(body=b"%d" % n)
    assert len(await all_of(player, version, 5)) == 5
    await world.close()
    await world.open()
    assert len(await all_of(player, version, 5)) == 5
    await player.start(body=b"last")
    assert len(await all_of(player, version, 1)) == 1
    assert world.store.dropped.doubled == 0


async def test_a_ticket_of_what_is_finished_or_unknown_is_dropped(
    world: RabbitWorld, player: Player, hand: RabbitBroker
) -> None:
    """And counted."""
    version = await player.enable()
    await player.start()
    message = await player.take_one(version, "a")
    assert await player.settle(message, passed(message, "b"))
    finished, unknown = (
        Ticket(queue(world, version), message.seq, message.id),
        Ticket(queue(world, version), 1 << 40, "nobody"),
    )
    await hand.publish([finished, unknown])
    await until(lambda: world.store.dropped.finished >= 2)
    assert await player.take(version, "a") == []
    await player.check_ledger()


async def test_a_second_ticket_of_a_message_in_hand_is_dropped(
    world: RabbitWorld, player: Player, hand: RabbitBroker
) -> None:
    """Nobody is called twice."""
    version = await player.enable()
    await player.start()
    message = await player.take_one(version, "a")
    await hand.publish([Ticket(queue(world, version), message.seq, message.id)] * 2)
    await player.start(body=b"next")
    assert [one.body for one in await all_of(player, version, 1)] == [b"next"]
    assert await player.settle(message, passed(message))


async def test_a_queue_removed_by_hand_is_filled_from_the_rows(
    world: RabbitWorld, player: Player, hand: RabbitBroker
) -> None:
    """What is in flight is not given out again by its own process."""
    version = await player.enable()
    for n in range(6):
        await player.start(body=b"%d" % n)
    first = await player.take(version, "a", 2)
    await hand.remove([queue(world, version)])
    rest = await all_of(player, version, 4)
    assert sorted(one.body for one in first + rest) == [b"%d" % n for n in range(6)]
    for one in first + rest:
        assert await player.settle(one, passed(one))
    assert await player.take(version, "a") == []
    await player.check_ledger()


async def test_a_cut_connection_gives_nothing_out_twice_and_loses_nothing(world: RabbitWorld, player: Player) -> None:
    """What was taken is settled meanwhile; what comes meanwhile waits."""
    version = await player.enable()
    for n in range(6):
        await player.start(body=b"%d" % n)
    first = await player.take(version, "a", 2)
    world.broker.drop()
    assert await player.settle(first[0], passed(first[0]))
    await player.start(body=b"6")
    rest = await all_of(player, version, 5)
    assert sorted(one.body for one in first + rest) == [b"%d" % n for n in range(7)]
    for one in [first[1], *rest]:
        assert await player.settle(one, passed(one))
    await player.check_ledger()


async def test_a_message_that_was_given_out_too_often_goes_to_trash(world: RabbitWorld, player: Player) -> None:
    """With the reason; a person may send it back, and it is given out as a new one is."""
    version = await player.enable()
    accepted = await player.start()
    for _ in range(20):
        await player.take(version, "a")
        if await player.store.placed_message(accepted.message, Place.TRASH):
            break
        await world.crash()
    placed = await player.placed(accepted.message)
    assert placed.reason_code == "given-out-too-often"
    await until(lambda: world.store.dropped.poison == 1)
    await player.check_ledger()


async def test_retiring_a_version_removes_its_queues_and_no_others(
    world: RabbitWorld, player: Player, hand: RabbitBroker
) -> None:
    """They are asked for with other eyes."""
    old = await player.enable()
    await player.start()
    [message] = await all_of(player, old, 1)
    assert await player.settle(message, passed(message))
    new = await player.enable(nodes=("a", "b"))
    await player.start(body=b"new")
    await hand.publish([Ticket(queue(world, new), 1 << 40, "keeps it from being empty")])
    await player.store.retire("orders", old.number, discard=True, at=player.now)

    await until(lambda: not world.store.queues_to_remove)
    found = await hand.consume(queue(world, old), 1, 1, single=False)
    assert (found.tickets, found.consumers) == (0, 0)
    await hand.remove([queue(world, old)])
    assert [one.body for one in await all_of(player, new, 1)] == [b"new"]


async def test_a_broker_that_takes_nothing_has_starts_refused(world: RabbitWorld, player: Player) -> None:
    """With the reason, and until it takes something again."""
    await player.enable()
    publisher = world.broker.publisher
    assert publisher is not None
    publisher.on_blocked(None, Method(0, Connection.Blocked("low on memory")))
    with pytest.raises(BacklogFull, match="low on memory"):
        await player.start()
    publisher.on_unblocked(None, Method(0, Connection.Unblocked()))
    await player.start()


async def test_two_processes_share_a_queue_and_one_has_an_ordered_one(world: RabbitWorld, player: Player) -> None:
    """Each message is given to one of them."""
    version = await player.enable()
    other = await world.another()
    try:
        await until(lambda: world.store.holder != other.holder)
        for n in range(20):
            await player.start(body=b"%d" % n)
        found: list[bytes] = []

        async def came() -> bool:
            for store in (world.store, other):
                for message in await store.take(version.id, "a", 3, player.now, False):
                    found.append(message.body)
                    assert await store.settle([player.transition(message, passed(message, "b"))]) == [True]
            return len(found) >= 20

        await until(came)
        assert sorted(found) == sorted(b"%d" % n for n in range(20))
    finally:
        await other.close()
    await player.check_ledger()


async def test_a_purged_queue_is_filled_again_though_other_processes_may_have_its_tickets(
    world: RabbitWorld, player: Player, rabbit: Rabbit
) -> None:
    """They are asked; what they have in hand is given to nobody else."""
    world.tickets = replace(world.tickets, suspect_s=0.1, answer_s=0.3)
    await world.close()
    await world.open()
    version = await player.enable()
    other = await world.another()
    try:
        for n in range(6):
            await player.start(body=b"%d" % n)
        taken: list[tuple[BrokeredStore, Message]] = []

        async def take(*stores: BrokeredStore) -> bool:
            for store in stores:
                taken.extend((store, one) for one in await store.take(version.id, "a", 2, player.now, False))
            return len(taken) >= (6 if len(stores) > 1 else 2)

        await until(lambda: take(other))
        connection = BlockingConnection(URLParameters(rabbit.url()))
        assert connection.channel().queue_purge(queue(world, version)).method.message_count
        connection.close()
        await until(lambda: take(world.store, other))
        assert sorted(message.body for _, message in taken) == [b"%d" % n for n in range(6)]
        for store, message in taken:
            assert await store.settle([player.transition(message, passed(message))]) == [True]
        assert await player.take(version, "a") == []
    finally:
        await other.close()
    await player.check_ledger()


async def test_what_nobody_asks_for_is_given_back_though_the_broker_does_not_answer(
    impatient: RabbitWorld, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A lost connection has given back its tickets already; what this process knows of them has to go all the same."""
    player = Player(impatient)
    version = await player.enable()
    idle = impatient.broker
    cancel = idle.cancel
    for n in range(6):
        await player.start(body=b"%d" % n)
    [first] = await all_of(player, version, 1, limit=1)
    assert await player.settle(first, passed(first))
    asked = asyncio.Event()

    async def no_answer(name: str) -> None:
        asked.set()
        await cancel(name)
        raise BrokerUnavailable("connection lost")

    monkeypatch.setattr(idle, "cancel", no_answer)
    other = await impatient.another()
    try:
        await asyncio.wait_for(asked.wait(), 30)
        found: list[Message] = []

        async def came() -> bool:
            found.extend(await other.take(version.id, "a", 6, player.now, False))
            return len(found) >= 5

        await until(came)
        for message in found:
            assert await other.settle([player.transition(message, passed(message))]) == [True]
        assert sorted(message.body for message in [first, *found]) == [b"%d" % n for n in range(6)]
    finally:
        await other.close()
    await player.check_ledger()
    assert "failed" not in caplog.text
