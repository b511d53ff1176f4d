"""The contract of staged children: M14."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from segue.model.errors import Conflict
from segue.model.events import EventKind
from segue.model.message import Consumed, Message, Outcome, Place
from segue.model.versions import InstanceState
from segue.testing.contracts.store_world import Player, StoreWorld, child_of, passed


class SpreadingContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_M14_staged_children_are_nowhere_until_they_are_settled(self, player: Player) -> None:
        """Then all of them are there in their order, after those that the transition carries; also after a crash."""
        version = await player.enable()
        accepted = await player.start()
        message = await player.take_one(version, "a")
        children = [child_of(message, "b", n) for n in range(1, 900)]
        children[10] = child_of(message, "b", 11, due=player.now + 50)
        children[500] = child_of(message, "c", 501, place=Place.TRASH)
        children[600] = child_of(message, "c", 601, place=Place.WAITING)
        staged = await player.store.begin_spread()
        for begin in range(0, len(children), 250):
            staged = await player.store.stage(staged, message, children[begin : begin + 250])
            assert len(await player.store.instance_messages(accepted.instance, 10_000)) == 1
            await player.check_ledger()
        assert (staged.count, staged.trash) == (899, 1)
        effect = Consumed(outcome=Outcome.OK, children=(child_of(message, "b"),), staged=staged)
        assert await player.settle(message, effect)
        await player.check_ledger()
        await player.world.crash()
        await player.check_ledger()
        instance = await player.store.instance(accepted.instance)
        assert instance is not None
        assert (instance.live, instance.trash, instance.state) == (900, 1, InstanceState.RUNNING)
        [step] = await player.store.instance_steps(accepted.instance)
        assert (step.outcome, step.produced) == ("ok", 900)
        live = await player.store.instance_messages(accepted.instance, 10_000)
        assert [one.id for one in live] == [child_of(message, "b").id, *(child.id for child in children)]
        assert {one.parent for one in live} == {message.id}
        assert [event.kind for event in await player.events()] == [EventKind.MESSAGE_IN_TRASH]
        ready = await player.take(version, "b")
        assert [one.id for one in ready] == [one.id for one in live if one.place is Place.QUEUED]
        assert all(await player.store.settle([player.transition(one, passed(one)) for one in ready]))
        await player.check_ledger()

    async def test_M14_what_no_transition_names_is_gone(self, player: Player) -> None:
        """Dropped, or forgotten by a crash; and nothing that is gone, or not whole, can be settled."""
        version = await player.enable()
        await player.start()
        message = await player.take_one(version, "a")
        dropped = await player.store.begin_spread()
        dropped = await player.store.stage(dropped, message, [child_of(message, "b", n) for n in range(300)])
        await player.store.drop_spread(dropped)
        begun = await player.store.begin_spread()
        more = await player.store.stage(begun, message, [child_of(message, "b")])
        for wrong in (dropped, begun, replace(more, count=2)):
            with pytest.raises(Conflict):
                await player.settle(message, Consumed(outcome=Outcome.OK, staged=wrong))
        await player.check_ledger()
        await player.world.crash()
        again = await player.take_one(version, "a")
        with pytest.raises(Conflict):
            await player.settle(again, Consumed(outcome=Outcome.OK, staged=more))
        assert await player.settle(again, passed(again, "b"))
        await player.check_ledger()

    async def test_M14_a_stale_transition_makes_nothing_of_it_true(self, player: Player) -> None:
        """Somebody ended the instance while its children were being staged."""
        version = await player.enable()
        accepted = await player.start()
        message = await player.take_one(version, "a")
        staged = await player.store.stage(await player.store.begin_spread(), message, [child_of(message, "b")])
        assert await player.settle(message, Consumed(outcome=Outcome.CANCELLED, terminate=True))
        assert not await player.settle(message, Consumed(outcome=Outcome.OK, staged=staged))
        await player.store.drop_spread(staged)
        assert await player.store.instance_messages(accepted.instance) == []
        await player.check_ledger()

    async def test_M14_an_instance_is_ended_with_all_that_is_on_its_way(self, player: Player) -> None:
        """Children that are moved into their queues while somebody ends the instance are ended, too."""
        version = await player.enable()
        accepted = await player.start()
        other = await player.start()
        message, second = await player.take(version, "a")
        staged = await player.store.begin_spread()
        for begin in range(0, 1000, 250):
            some = [child_of(message, "b", n) for n in range(begin, begin + 250)]
            staged = await player.store.stage(staged, message, some)
        settling = asyncio.create_task(player.settle(message, Consumed(outcome=Outcome.OK, staged=staged)))
        live: list[Message] = []
        while not live or live[0].id == message.id:
            await asyncio.wait({settling}, timeout=0)
            live = await player.store.instance_messages(accepted.instance, 10_000)
        last = live[-1]
        assert await player.settle(last, Consumed(outcome=Outcome.CANCELLED, terminate=True))
        assert await settling
        instance = await player.store.instance(accepted.instance)
        assert instance is not None
        assert (instance.state, instance.live) == (InstanceState.CANCELLED, 0)
        assert await player.settle(second, passed(second))
        assert [event.instance for event in await player.events()] == [accepted.instance, other.instance]
        await player.check_ledger()
