"""The contract of the views: V1 and V2, what each answer holds, and the audit."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from segue.model.ledger import LedgerLine
from segue.model.message import Consumed, Effect, LogLine, Outcome, Place
from segue.model.versions import InstanceState, VersionState
from segue.ports.views import InstanceFilter, PlacedFilter
from segue.testing.contracts.store_world import PROCESS, Player, StoreWorld, child_of, failed, kept, passed


class ViewsContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_V1_every_answer_is_one_state(self, player: Player) -> None:
        """While messages move the account balances in every audit, and every instance agrees with itself."""
        version = await player.enable()
        moving = True

        async def move() -> None:
            while moving:
                await asyncio.gather(*(player.start() for _ in range(10)))
                await player.forward(version, "a", "b", "b")
                await player.forward(version, "b")

        task = asyncio.create_task(move())
        for _ in range(10):
            await player.check_ledger()
            for instance in await player.store.instances(InstanceFilter(limit=20)):
                assert (instance.finished is None) == (instance.live > 0)
                assert instance.ok + instance.live <= 3
        moving = False
        await task

    async def test_V2_reading_does_not_stop_writing(self, player: Player) -> None:
        """Starts are answered while audits are asked for without end."""
        await player.enable()
        reading = True

        async def read() -> None:
            while reading:
                await player.store.audit(player.now)

        readers = [asyncio.create_task(read()) for _ in range(3)]
        for _ in range(50):
            await player.start()
        reading = False
        await asyncio.gather(*readers)

    async def test_instances_are_listed_newest_first_in_pages(self, player: Player) -> None:
        """The page goes on where the last one ended, whatever came meanwhile."""
        await player.enable()
        accepted = []
        for _ in range(7):
            player.world.clock.advance(10)
            accepted.append((await player.start()).instance)
        first = await player.store.instances(InstanceFilter(limit=3))
        assert [one.id for one in first] == accepted[:3:-1]
        await player.start()
        second = await player.store.instances(InstanceFilter(limit=3, before=first[-1].id))
        assert [one.id for one in second] == accepted[3:0:-1]
        last = await player.store.instances(InstanceFilter(limit=3, before=second[-1].id))
        assert [one.id for one in last] == accepted[:1]

    async def test_instances_are_found_by_what_is_asked(self, player: Player) -> None:
        """Process, version, state, time; alone and together."""
        first = await player.enable()
        begun = player.now
        done = await player.start()
        await player.forward(first, "a")
        player.world.clock.advance(1000)
        broken = await player.start()
        await player.settle(await player.take_one(first, "a"), failed())
        await player.enable()
        running = await player.start()
        await player.enable("returns")
        other = await player.start("returns")

        async def ids(**fields: object) -> set[str]:
            wanted = replace(InstanceFilter(), **fields)
            return {instance.id for instance in await player.store.instances(wanted)}

        everything = {done.instance, broken.instance, running.instance, other.instance}
        assert await ids() == everything
        assert await ids(process=PROCESS) == everything - {other.instance}
        assert await ids(process=PROCESS, version=1) == {done.instance, broken.instance}
        assert await ids(version=1) == {done.instance, broken.instance, other.instance}
        assert await ids(state=InstanceState.FINISHED) == {done.instance}
        assert await ids(state=InstanceState.FAILED) == {broken.instance}
        assert await ids(state=InstanceState.RUNNING, process=PROCESS) == {running.instance}
        assert await ids(state=InstanceState.CANCELLED) == set()
        assert await ids(since=begun + 1) == everything - {done.instance}
        assert await ids(until=begun + 1) == {done.instance}
        assert await ids(process="nobody") == set()
        assert await player.store.instance("nobody") is None
        assert await player.store.instance_messages("nobody") == []
        assert await player.store.instance_steps("nobody") == []

    async def test_queues_show_what_waits(self, player: Player) -> None:
        """Ready, taken, delayed, and the age of the oldest."""
        version = await player.enable()
        for _ in range(5):
            await player.start()
        player.world.clock.advance(250)
        await player.start()
        taken = await player.take(version, "a", 2)
        assert await player.settle(taken[0], passed(taken[0], "b", due=player.now + 100))
        states = {state.node: state for state in await player.store.queues(PROCESS, player.now)}
        a, b = states["a"], states["b"]
        assert (a.process, a.version, a.depth, a.in_flight, a.delayed, a.oldest_ms) == (PROCESS, 1, 4, 1, 0, 250)
        assert (b.depth, b.in_flight, b.delayed, b.oldest_ms) == (0, 0, 1, 0)
        assert await player.store.queues("nobody", player.now) == []
        assert len(await player.store.queues(None, player.now)) == 2

    async def test_what_is_aside_is_found_by_what_is_asked(self, player: Player) -> None:
        """Oldest first in pages; trash and user tasks apart."""
        version = await player.enable()
        trashed = [(await player.in_trash(version, "a")).id for _ in range(4)]
        await player.start()
        message = await player.take_one(version, "a")
        task = child_of(message, "b", place=Place.WAITING)
        assert await player.settle(message, Consumed(outcome=Outcome.OK, children=(task,)))
        await player.start(entry="c")
        last = await player.take_one(version, "c")
        assert await player.settle(last, failed("other", "http-500"))

        async def ids(**fields: object) -> list[str]:
            wanted = replace(PlacedFilter(place=Place.TRASH), **fields)
            return [found.message.id for found in await player.store.placed(wanted)]

        assert await ids() == [*trashed, last.id]
        page = await player.store.placed(PlacedFilter(place=Place.TRASH, limit=2))
        assert [found.message.id for found in page] == trashed[:2]
        assert await ids(after=page[-1].message.seq) == [*trashed[2:], last.id]
        assert await ids(place=Place.WAITING) == [task.id]
        assert await ids(node="c") == await ids(reason_code="http-500") == [last.id]
        assert await ids(instance=last.instance) == [last.id]
        assert await ids(process=PROCESS, version=1, node="a") == trashed
        assert await ids(version=2) == await ids(process="nobody") == []
        assert await player.store.placed_message(task.id, Place.TRASH) is None
        assert await player.store.placed_message("nobody", Place.TRASH) is None

    async def test_log_lines_are_listed_in_order(self, player: Player) -> None:
        """Of an instance, of a process, of all; in pages."""
        version = await player.enable()
        other = await player.enable("returns")
        for owner in (version, other, version):
            await player.start(owner.process)
            message = await player.take_one(owner, "a")
            lines = tuple(LogLine(level="info", text=f"{owner.process} {n}", at=player.now) for n in range(2))
            assert await player.settle(message, passed(message), logs=lines)
        everything = await player.store.logs(None, None, 0, 100)
        assert [line.text for line in everything] == [
            "orders 0", "orders 1", "returns 0", "returns 1", "orders 0", "orders 1",
        ]  # fmt: skip
        assert [line.seq for line in everything] == sorted(line.seq for line in everything)
        assert await player.store.logs(None, None, everything[1].seq, 2) == everything[2:4]
        assert await player.store.logs(None, "returns", 0, 100) == everything[2:4]
        assert await player.store.logs(everything[5].instance, None, 0, 100) == everything[4:]
        assert everything[2].process == "returns"

    async def test_the_audit_counts_every_place(self, player: Player) -> None:
        """Each term of the account, for each version."""
        version = await player.enable()
        for _ in range(6):
            await player.start()
        messages = await player.take(version, "a")
        task = child_of(messages[2], "b", place=Place.WAITING)
        effects: list[Effect] = [
            passed(messages[0], "b", "c"),
            passed(messages[1]),
            Consumed(outcome=Outcome.OK, children=(task,)),
            failed(),
            kept(player.now + 1000),
        ]
        for message, effect in zip(messages, effects, strict=False):
            assert await player.settle(message, effect)
        await player.draft()
        audit = await player.store.audit(player.now)
        assert audit.versions == (
            LedgerLine(
                process=PROCESS, version=1, accepted=6, produced=3, consumed=3, queued=3, delayed=1, waiting=1, trash=1
            ),
        )
        assert audit.balanced
        later = (await player.store.audit(player.now + 1000)).versions[0]
        assert (later.queued, later.delayed) == (4, 0)

    async def test_an_empty_store_answers(self, player: Player) -> None:
        """Every view of nothing is nothing."""
        store = player.store
        assert await store.instances(InstanceFilter()) == []
        assert await store.queues(None, player.now) == []
        assert await store.placed(PlacedFilter(place=Place.TRASH)) == []
        assert await store.logs(None, None, 0, 10) == []
        assert await store.events(0, 10) == []
        assert (await store.audit(player.now)).versions == ()
        await player.publish()
        [line] = (await store.audit(player.now)).versions
        assert (line.accepted, line.balanced) == (0, True)
        assert (await store.process(PROCESS)).versions[0].state is VersionState.DISABLED
