"""The embedded store does what the store in memory does: long random histories, with hardly any room in memory."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.message import Child, Consumed, Edited, Effect, Message, Outcome, Place, Returned
from segue.model.versions import Version
from segue.ports.views import InstanceFilter, PlacedFilter
from segue.testing.contracts.store_world import PROCESS, Player, child_of, failed, kept, returned
from tests.adapters.sqlite.world import SqliteWorld
from tests.contract.test_memory import MemoryWorld

TIGHT = SqliteSettings(front_messages=4, front_bytes=4_000, fronts_bytes=9_000, batch=9)
LINE = "b"  # the queue that is one line
NODES = ("a", "b", "c")


class Twins:
    """Does the same to both stores, and compares what they answer."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.sqlite = SqliteWorld(folder, TIGHT)
        self.memory = MemoryWorld()
        self.players = (Player(self.sqlite), Player(self.memory))
        self.held: list[tuple[Message, Message]] = []
        self.version: Version

    async def prepare(self) -> None:
        for player in self.players:
            self.version = await player.enable(nodes=NODES)

    async def start(self) -> None:
        entry, key = self.dice.choice(NODES), self.dice.choice([None, None, "k1", "k2"])
        body = self.dice.randbytes(self.dice.choice([3, 40, 3000]))
        one, two = [await player.start(entry=entry, key=key, body=body) for player in self.players]
        assert one == two

    async def start_many(self) -> None:
        count = self.dice.randrange(2, 30)
        one, two = [await asyncio.gather(*(player.start() for _ in range(count))) for player in self.players]
        assert one == two

    async def take(self) -> None:
        node = self.dice.choice(NODES)
        limit = self.dice.choice([1, 2, 5, 1000]) if node == LINE else 1000
        taken = [await player.take(self.version, node, limit, ordered=node == LINE) for player in self.players]
        if node != LINE:
            taken = [sorted(messages, key=lambda message: message.seq) for messages in taken]
        assert [plain(one) for one in taken[0]] == [plain(two) for two in taken[1]]
        self.held += zip(*taken, strict=True)

    async def release(self) -> None:
        for _ in range(min(len(self.held), self.dice.randrange(4))):
            pair = self.held.pop(self.dice.randrange(len(self.held)))
            for player, message in zip(self.players, pair, strict=True):
                player.store.release(message)

    async def settle(self) -> None:
        count = min(len(self.held), self.dice.choice([1, 3, 12, 40]))
        pairs = [self.held.pop(self.dice.randrange(len(self.held))) for _ in range(count)]
        seeds = [self.dice.random() for _ in pairs]
        transitions = [
            [
                player.transition(pair[n], effect(pair[n], player.now, seed))
                for pair, seed in zip(pairs, seeds, strict=True)
            ]
            for n, player in enumerate(self.players)
        ]
        one, two = [await player.store.settle(list_) for player, list_ in zip(self.players, transitions, strict=True)]
        assert one == two
        if self.dice.random() < 0.3:  # and once more: all of it is stale
            for player, list_ in zip(self.players, transitions, strict=True):
                assert not any(await player.store.settle(list_))

    async def person(self) -> None:
        place = self.dice.choice([Place.TRASH, Place.WAITING])
        found = [await player.store.placed(PlacedFilter(place=place, limit=50)) for player in self.players]
        assert [plain(one.message) for one in found[0]] == [plain(two.message) for two in found[1]]
        if not found[0]:
            return
        index, seed = self.dice.randrange(len(found[0])), self.dice.random()
        results = []
        for player, messages in zip(self.players, found, strict=True):
            message = messages[index].message
            what = decision(message, seed)
            # Nothing returns to a version that is retired.
            gone = isinstance(what, Returned) and message.version != self.version.id
            results.append(await player.settle(message, what) is not gone)
        assert results == [True, True]

    async def cancel(self) -> None:
        found = [await player.store.instances(InstanceFilter(limit=9)) for player in self.players]
        live = [instance.id for instance in found[0] if instance.live]
        if not live:
            return
        instance, terminate = self.dice.choice(live), self.dice.random() < 0.5
        results = []
        for player in self.players:
            message = (await player.store.instance_messages(instance))[0]
            results.append(await player.settle(message, Consumed(outcome=Outcome.CANCELLED, terminate=terminate)))
        assert results == [True, True]

    async def wait(self) -> None:
        by = self.dice.choice([1, 7, 30, 100])
        for player in self.players:
            player.world.clock.advance(by)

    async def crash(self) -> None:
        if self.dice.random() < 0.3:
            self.held.clear()
            for player in self.players:
                await player.world.crash()

    async def retire(self) -> None:
        """The version is retired with all that lives in it, and another one takes its place."""
        if self.dice.random() < 0.1:
            for player in self.players:
                await player.store.retire(PROCESS, self.version.number, discard=True, at=player.now)
            await self.prepare()

    async def look(self) -> None:
        pictures = [await picture(player) for player in self.players]
        assert pictures[0] == pictures[1]
        for player in self.players:
            await player.check_ledger()


def plain(message: Message) -> tuple[object, ...]:
    """What both stores say about a message."""
    return tuple(getattr(message, name) for name in Message.__struct_fields__)


def effect(message: Message, now: int, seed: float) -> Effect:
    """What handling does, the same for the same seed."""
    dice = random.Random(seed)
    kind = dice.randrange(10)
    if kind == 0:
        return failed()
    if kind == 1:
        return kept(now + dice.randrange(60), outages=message.outages + 1)
    if kind == 2:
        return Consumed(outcome=Outcome.OK, terminate=True)
    children: list[Child] = []
    for index in range(dice.choice([0, 0, 1, 1, 1, 2, 6])):
        due = now + dice.randrange(1, 90) if dice.random() < 0.3 else 0
        place = dice.choice([Place.QUEUED] * 8 + [Place.WAITING, Place.TRASH])
        children.append(child_of(message, dice.choice(NODES), index, due, place))
    return Consumed(outcome=dice.choice([Outcome.OK, Outcome.STOPPED, Outcome.FAILED]), children=tuple(children))


def decision(message: Message, seed: float) -> Effect:
    """What a person does with a message that is aside, the same for the same seed."""
    kind = int(seed * 5)
    if kind == 0:
        return Edited(body=b"edited", headers={"e": "1"})
    if kind == 1:
        return Consumed(outcome=Outcome.DISCARDED)
    if kind == 2:
        return Consumed(outcome=Outcome.ACCEPTED, children=(child_of(message, "c"),))
    return returned(message, b"corrected")


async def picture(player: Player) -> object:
    """Everything that can be seen."""
    store = player.store
    instances = await store.instances(InstanceFilter(limit=1000))
    messages = [await store.instance_messages(instance.id) for instance in instances]
    return (
        instances,
        [[plain(message) for message in some] for some in messages],
        [await store.instance_steps(instance.id) for instance in instances],
        # In which order the events of one transaction are numbered is a store's own business.
        sorted(repr(replace(event, seq=0)) for event in await store.events(0, 100_000)),
        await store.queues(None, player.now),
        await store.audit(player.now),
        await store.published(),
    )


@pytest.mark.parametrize("seed", range(8))
async def test_random_histories_end_alike(tmp_path: Path, seed: int) -> None:
    twins = Twins(tmp_path, seed)
    await twins.prepare()
    steps: list[Callable[[], object]] = [
        twins.start, twins.start_many, twins.take, twins.take, twins.take, twins.release, twins.settle, twins.settle,
        twins.settle, twins.person, twins.cancel, twins.wait, twins.crash, twins.retire,
    ]  # fmt: skip
    try:
        for turn in range(120):
            await twins.dice.choice(steps)()  # type: ignore[misc]
            if turn % 20 == 19:
                await twins.look()
        await twins.look()
    finally:
        await twins.sqlite.close()
