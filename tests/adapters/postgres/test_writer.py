"""The writer: several groups under way at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest
from msgspec.structs import replace

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.lane import SharedReport
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.writer import Writer
from segue.adapters.sql.live import Held
from segue.adapters.sql.operations import CallOperation, Operation, SettleOperation
from segue.adapters.sql.work import looked_into
from segue.model.message import Message
from segue.testing.contracts.store_world import Player, passed
from tests.postgres import AT_ONCE, PostgresWorld


@pytest.fixture
async def world(database: Address) -> AsyncIterator[PostgresWorld]:
    world = await PostgresWorld(database, replace(AT_ONCE, writers=2)).open()
    yield world
    await world.close()


@pytest.mark.timeout(20)
async def test_while_one_group_waits_another_is_committed(world: PostgresWorld, database: Address) -> None:
    player = Player(world)
    version = await player.enable()
    await player.start()
    [message] = await player.take(version, "a")
    blocker = await asyncpg.connect(database.url, password=database.password)
    async with blocker.transaction():
        await blocker.execute("SELECT 1 FROM instance FOR UPDATE")
        settling = asyncio.create_task(player.settle(message, passed(message)))
        while not await blocker.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            pass
        await player.start()
        assert not settling.done()
    assert await settling
    await blocker.close()
    await player.check_ledger()


class GatedLane:
    """Stands in for a lane: a group is committed when its turn is given."""

    def __init__(self) -> None:
        self.inside: list[list[Operation]] = []
        self._gates: list[asyncio.Future[None]] = []

    async def commit(self, group: list[Operation]) -> None:
        self.inside.append(group)
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gates.append(gate)
        await gate
        self.inside.remove(group)
        for operation in group:
            operation.answer()

    def let_through(self) -> None:
        for gate in self._gates:
            gate.set_result(None)
        self._gates.clear()

    def fail(self, group: Sequence[Operation], error: BaseException) -> None:
        raise AssertionError(f"{group} failed with {error}")

    async def close(self) -> None:
        """Nothing is open."""


def gated(count: int, *, sparing: bool = False) -> tuple[Writer, list[GatedLane]]:
    """A writer whose lanes commit when they are told to."""
    lanes = [GatedLane() for _ in range(count)]
    writer = Writer(
        [],
        PostgresSettings(),
        keeper=lambda _: False,
        let_go=lambda _: None,
        holder=lambda: 1,
        evicted=lambda: None,
        doubt=lambda: None,
        sparing=lambda: sparing,
    )
    writer._lanes = lanes  # type: ignore[assignment]
    writer._turns = [asyncio.Lock() for _ in lanes]
    writer.start()
    return writer, lanes


def call(*, alone: bool = False) -> CallOperation:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    return CallOperation(lambda *_: None, future, versions=False, alone=alone)


async def settled() -> None:
    """Let everything that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def finished(writer: Writer, lanes: Sequence[GatedLane]) -> None:
    """Let through all that there is, and what comes of it, until the writer has ended."""
    ending = asyncio.create_task(writer.finish())
    while not ending.done():
        await settled()
        for lane in lanes:
            lane.let_through()


async def test_what_must_be_alone_waits_for_all_lanes_and_they_for_it() -> None:
    """What a process frees of its own messages depends on what it knows, and it knows of a commit when its answer has
    come: a lock in the database is free before that."""
    writer, lanes = gated(2)
    before, alone, after = call(), call(alone=True), call()
    for operation in (before, alone, after):
        writer.submit(operation)
        await settled()
    assert [group for lane in lanes for group in lane.inside] == [[before]]
    for lane in lanes:
        lane.let_through()
    await settled()
    assert [group for lane in lanes for group in lane.inside] == [[alone]]
    for lane in lanes:
        lane.let_through()
    await settled()
    assert [group for lane in lanes for group in lane.inside] == [[after]]
    for lane in lanes:
        lane.let_through()
    await after.future
    await writer.finish()


@pytest.mark.parametrize(("sparing", "sizes"), [(False, [1, 3]), (True, [1])])
async def test_where_processors_are_short_one_lane_commits_at_a_time(sparing: bool, sizes: list[int]) -> None:
    """What comes meanwhile shares the next commit; otherwise the other lane takes it."""
    writer, lanes = gated(2, sparing=sparing)
    operations = [call() for _ in range(4)]
    writer.submit(operations[0])
    await settled()
    for operation in operations[1:]:
        writer.submit(operation)
    await settled()
    assert sorted(len(group) for lane in lanes for group in lane.inside) == sizes
    await finished(writer, lanes)
    assert all(operation.future.done() for operation in operations)


async def test_at_the_end_everything_submitted_is_done() -> None:
    writer, lanes = gated(2)
    operations = [call() for _ in range(5)]
    for operation in operations:
        writer.submit(operation)
    assert writer.waiting == 5
    await finished(writer, lanes)
    assert all(operation.future.done() for operation in operations)
    assert writer.waiting == 0


async def test_who_comes_after_the_end_is_told() -> None:
    writer, _ = gated(2)
    told: list[SharedReport] = []
    writer.on_report(told.append)
    await writer.finish()
    late = call()
    writer.submit(late)
    await settled()
    assert [report.operations for report in told] == [[late]]
    assert late.error is not None


async def test_all_instances_are_locked_in_order_before_one_is_looked_into(world: PostgresWorld) -> None:
    """Two groups that each locked one instance first and looked into the other's next would wait for each other."""
    player = Player(world)
    version = await player.enable()
    for _ in range(3):
        await player.start()
    plain, inside, other = await player.take(version, "a")
    inside.scope = "p1:2"

    def settle(message: Message) -> SettleOperation:
        future: asyncio.Future[list[bool]] = asyncio.get_running_loop().create_future()
        return SettleOperation([player.transition(message, passed(message, "b"))], [True], future)

    assert looked_into([settle(plain), settle(other)]) == set()
    runs = [message.run for message in (plain, inside) if isinstance(message, Held)]
    assert looked_into([settle(plain), settle(inside)]) == set(runs)
    assert len(runs) == 2
