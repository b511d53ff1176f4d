"""The contracts of `Retention`, R1 and R2, of `LimitCatalog`, L1 and L2, and of `GivenLimitCatalog`, G1."""

from __future__ import annotations

import pytest

from segue.core.limit_rules import REASON
from segue.core.limits import Slot
from segue.model.errors import StoreUnavailable
from segue.model.graph import LimitRule
from segue.model.ledger import LedgerLine
from segue.model.limits import GivenLimit
from segue.model.message import Kept, LogLine, Outcome
from segue.model.start import Accepted
from segue.model.versions import InstanceState, Version
from segue.testing.contracts.store_world import Player, StoreWorld, failed, kept, passed


class RetentionContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_R1_what_is_pruned_is_gone_and_the_account_balances(self, player: Player) -> None:
        """With steps, lines, keys and events, in bites; the sums of it stay."""
        version = await player.enable()
        old = await _ended(player, version, 5)
        before = await _line(player)
        player.world.clock.advance(1001)
        new = await _ended(player, version, 2)
        events = [event.seq for event in await player.events()]
        assert [await player.store.prune(player.now, 3) for _ in range(3)] == [3, 2, 0]
        await player.world.crash()
        for gone in old:
            assert await player.store.instance(gone.instance) is None
            assert await player.store.instance_steps(gone.instance) == []
            assert await player.store.logs(gone.instance, None, 0, 10) == []
        for one in new:
            assert len(await player.store.instance_steps(one.instance)) == 2
            assert len(await player.store.logs(one.instance, None, 0, 10)) == 1
        assert [event.instance for event in await player.events()] == [one.instance for one in new]
        after = await _line(player)
        assert (after.accepted, after.produced, after.consumed) == (
            before.accepted + 2,
            before.produced + 2,
            before.consumed + 4,
        )
        await player.check_ledger()
        assert not (await player.start(key="0-0")).repeated
        await player.forward(version, "a")
        assert (await player.events())[-1].seq > max(events)
        await player.check_ledger()

    async def test_R1_everything_may_be_pruned(self, player: Player) -> None:
        """Numbers of events go on where they were, also after a crash."""
        version = await player.enable()
        await _ended(player, version, 4)
        last = (await player.events())[-1].seq
        player.world.clock.advance(1)
        assert await player.store.prune(player.now, 100) == 4
        assert await player.store.prune(player.now, 100) == 0
        await player.world.crash()
        line = await _line(player)
        assert (line.accepted, line.consumed) == (4, 8)
        [again] = await _ended(player, version, 1)
        event = (await player.events())[-1]
        assert (event.instance, event.seq > last) == (again.instance, True)
        await player.check_ledger()

    async def test_R2_what_has_not_ended_stays(self, player: Player) -> None:
        """However old: running, delayed, in trash."""
        version = await player.enable()
        stay = [await player.start() for _ in range(3)]
        _, delayed, trashed = await player.take(version, "a")
        assert await player.settle(delayed, passed(delayed, "b", due=player.now + 1_000_000))
        assert await player.settle(trashed, failed())
        await _ended(player, version, 2)
        player.world.clock.advance(500_000)
        assert await player.store.prune(player.now, 100) == 2
        for one in stay:
            instance = await player.store.instance(one.instance)
            assert instance is not None
            assert instance.state is not InstanceState.FINISHED
        await player.check_ledger()

    async def test_R2_nothing_is_pruned_in_trouble(self, player: Player) -> None:
        """And it can be done later."""
        version = await player.enable()
        await _ended(player, version, 2)
        player.world.clock.advance(1)
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.store.prune(player.now, 100)
        player.world.mend_writes()
        assert await player.store.prune(player.now, 100) == 2
        await player.check_ledger()


class LimitContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_L1_slots_are_durable_and_replaced(self, player: Player) -> None:
        """By key and holder, many at once."""
        first = [Slot(key="k", holder=f"{n:04}", granted=n) for n in range(300)]
        await player.store.put_slots(first)
        await player.store.put_slots(
            [Slot(key="k", holder="0007", granted=7, ended=9), Slot(key="l", holder="x", granted=1)]
        )
        await player.world.crash()
        slots = await player.store.slots()
        assert len(slots) == 301
        assert [slot.granted for slot in slots] == sorted(slot.granted for slot in slots)
        assert Slot(key="k", holder="0007", granted=7, ended=9) in slots
        assert Slot(key="k", holder="0007", granted=7) not in slots

    async def test_L1_of_slots_in_trouble_none_is_stored(self, player: Player) -> None:
        """All or none."""
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.store.put_slots([Slot(key="k", holder=str(n), granted=n) for n in range(100)])
        player.world.mend_writes()
        assert await player.store.slots() == []

    async def test_L2_only_slots_that_ended_before_are_forgotten(self, player: Player) -> None:
        """Of that key."""
        put = [
            Slot(key="k", holder="early", granted=1, ended=5),
            Slot(key="k", holder="late", granted=2, ended=6),
            Slot(key="k", holder="open", granted=3),
            Slot(key="l", holder="early", granted=4, ended=5),
        ]
        await player.store.put_slots(put)
        await player.store.forget_slots("k", 6)
        await player.world.crash()
        assert await player.store.slots() == put[1:]


class GivenLimitContract:
    """The contract of `GivenLimitCatalog`: G1. Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_G1_a_key_has_one_given_limit(self, player: Player) -> None:
        """The latest, with all it says; durable."""
        rules = (LimitRule(key="|crm", calls=5, per_ms=1000), LimitRule(key="|crm", calls=50, per_ms=60_000))
        first = GivenLimit(key="|crm", rules=rules[:1], by="ann", at=1)
        second = GivenLimit(key="|crm", rules=rules, by="bob", at=2, note="they asked for it")
        other = GivenLimit(key="ann|", rules=(LimitRule(key="ann|", calls=1, per_ms=1),), by="ann", at=3)
        for limit in (first, other, second):
            await player.store.put_given_limit(limit)
        await player.world.crash()
        assert sorted(await player.store.given_limits(), key=lambda limit: limit.at) == [second, other]
        assert await player.store.delete_given_limit("ann|")
        assert not await player.store.delete_given_limit("ann|")
        assert await player.store.given_limits() == [second]

    async def test_messages_that_wait_for_limits_of_their_own_are_counted(self, player: Player) -> None:
        """By queue and reason, with the last instant at which one comes again; those in other places are not."""
        version = await player.enable()
        for wait_ms in (50, 90, 70):
            await player.start()
            message = await player.take_one(version, "a")
            waits = Kept(
                outcome=Outcome.LIMITED,
                due=player.now + wait_ms,
                repeats=0,
                outages=0,
                reason=REASON + "ann|crm",
                reason_code="limit",
            )
            assert await player.settle(message, waits)
        await player.start()
        message = await player.take_one(version, "a")
        assert await player.settle(message, kept(player.now + 500))
        [found] = await player.store.limited_queues()
        assert (found.process, found.version, found.node) == (version.process, version.number, "a")
        assert (found.reason, found.count, found.latest) == (REASON + "ann|crm", 3, player.now + 90)


async def _ended(player: Player, version: Version, count: int) -> list[Accepted]:
    """Run so many instances over two nodes to their ends, each with a key and a line."""
    accepted = [await player.start(key=f"{n}-{player.now % 1000}") for n in range(count)]
    mine = {one.instance for one in accepted}
    for node, target in (("a", ("b",)), ("b", ())):
        for message in await player.take(version, node):
            if message.instance in mine:
                logs = (LogLine(level="info", text="x", at=1),) if target else ()
                assert await player.settle(message, passed(message, *target), logs=logs)
            else:
                player.store.release(message)
    return accepted


async def _line(player: Player) -> LedgerLine:
    [line] = (await player.store.audit(player.now)).versions
    return line
