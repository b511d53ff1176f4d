"""The contract of the queues: M6 to M9, and what says that something is ready."""

from __future__ import annotations

import asyncio

import pytest

from segue.model.message import Consumed, Outcome, Place
from segue.testing.contracts.store_world import Player, StoreWorld, child_of, failed, kept, passed, returned


class QueuesContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    @pytest.mark.parametrize("ordered", [False, True])
    async def test_M6_messages_are_taken_in_the_order_of_their_arrival(self, player: Player, ordered: bool) -> None:
        """In one go or in several, with more coming between, and after a crash."""
        version = await player.enable()
        for n in range(30):
            await player.start(body=b"%d" % n)
        first = await player.take(version, "a", 7, ordered=ordered)
        for n in range(30, 40):
            await player.start(body=b"%d" % n)
        rest = await player.take(version, "a", 1000, ordered=ordered)
        assert [message.body for message in first + rest] == [b"%d" % n for n in range(40)]
        await player.world.crash()
        again = await player.take(version, "a", 1000, ordered=ordered)
        assert [message.body for message in again] == [b"%d" % n for n in range(40)]

    async def test_M6_the_arrival_of_a_child_is_the_settle_of_its_parent(self, player: Player) -> None:
        """Whatever order the parents had."""
        version = await player.enable()
        for body in (b"1", b"2", b"3"):
            await player.start(body=body)
        one, two, three = await player.take(version, "a")
        for message in (three, one):
            assert await player.settle(message, passed(message, "b"))
        await player.start(entry="b", body=b"direct")
        assert await player.settle(two, passed(two, "b"))
        assert [message.body for message in await player.take(version, "b")] == [b"3", b"1", b"direct", b"2"]

    async def test_M6_children_of_one_message_keep_their_order(self, player: Player) -> None:
        """As the transition lists them."""
        version = await player.enable()
        await player.start()
        message = await player.take_one(version, "a")
        children = tuple(child_of(message, "b", n) for n in range(300))
        assert await player.settle(message, Consumed(outcome=Outcome.OK, children=children))
        assert [child.id for child in await player.take(version, "b")] == [child.id for child in children]
        await player.check_ledger()

    async def test_M7_a_taken_message_is_taken_once(self, player: Player) -> None:
        """Also by many at the same time."""
        version = await player.enable()
        for n in range(100):
            await player.start(body=b"%d" % n)
        takers = await asyncio.gather(*(player.take(version, "a", 3) for _ in range(60)))
        taken = [message.id for messages in takers for message in messages]
        assert len(taken) == len(set(taken)) == 100
        assert await player.take(version, "a") == []
        assert await player.store.nodes_ready(version.id, player.now) == []

    async def test_M7_a_crash_releases_all(self, player: Player) -> None:
        """What was taken is there again, before all later ones."""
        version = await player.enable()
        for n in range(10):
            await player.start(body=b"%d" % n)
        await player.take(version, "a", 5)
        await player.world.crash()
        assert [message.body for message in await player.take(version, "a")] == [b"%d" % n for n in range(10)]

    @pytest.mark.parametrize("ordered", [False, True])
    async def test_M8_a_released_message_is_before_all_later_ones(self, player: Player, ordered: bool) -> None:
        """In whatever order they are released."""
        version = await player.enable()
        for n in range(6):
            await player.start(body=b"%d" % n)
        taken = await player.take(version, "a", 4, ordered=ordered)
        for n in (2, 0, 3):
            player.store.release(taken[n])
        left = await player.take(version, "a", ordered=ordered)
        assert [message.body for message in left] == [b"0", b"2", b"3", b"4", b"5"]

    async def test_M8_releasing_what_is_not_taken_changes_nothing(self, player: Player) -> None:
        """A message that was settled, or released before, or is in another's hands by now."""
        version = await player.enable()
        await player.start(body=b"1")
        await player.start(body=b"2")
        one, two = await player.take(version, "a")
        assert await player.settle(one, passed(one, "b"))
        player.store.release(one)
        player.store.release(two)
        [again] = await player.take(version, "a")
        player.store.release(two)
        assert await player.take(version, "a") == []
        assert await player.settle(again, passed(again, "b"))
        assert len(await player.take(version, "b")) == 2

    @pytest.mark.parametrize("ordered", [False, True])
    async def test_M9_a_message_is_not_taken_before_it_is_due(self, player: Player, ordered: bool) -> None:
        """And it is taken once it is."""
        version = await player.enable()
        await player.start()
        message = await player.take_one(version, "a", ordered=ordered)
        due = player.now + 500
        assert await player.settle(message, kept(due))
        assert await player.take(version, "a", ordered=ordered) == []
        assert await player.store.next_due(version.id, player.now) == due
        player.world.clock.advance(499)
        assert await player.take(version, "a", ordered=ordered) == []
        player.world.clock.advance(1)
        [again] = await player.take(version, "a", ordered=ordered)
        assert (again.id, again.seq, again.outages, again.due) == (message.id, message.seq, 1, due)
        assert again.place is Place.QUEUED
        assert await player.store.next_due(version.id, player.now) is None

    async def test_M9_on_an_ordered_queue_nothing_overtakes_a_message_that_is_not_due(self, player: Player) -> None:
        """Also after a crash; and then they come in order."""
        version = await player.enable()
        for n in range(4):
            await player.start(body=b"%d" % n)
        head = await player.take_one(version, "a", ordered=True)
        assert await player.settle(head, kept(player.now + 1000))
        for _ in range(2):
            assert await player.take(version, "a", ordered=True) == []
            assert await player.store.nodes_ready(version.id, player.now) == []
            assert await player.store.next_due(version.id, player.now) == player.now + 1000
            await player.world.crash()
            assert await player.take(version, "a", ordered=True) == []
        player.world.clock.advance(1000)
        taken = await player.take(version, "a", ordered=True)
        assert [message.body for message in taken] == [b"0", b"1", b"2", b"3"]

    async def test_M9_a_later_one_that_is_not_due_blocks_those_behind_it(self, player: Player) -> None:
        """An ordered queue is one line, wherever in it the delay is."""
        version = await player.enable()
        for node, due in (("x", 0), ("y", 700), ("z", 0)):
            await player.start(body=node.encode())
            message = await player.take_one(version, "a")
            assert await player.settle(message, passed(message, "b", due=player.now + due if due else 0))
        assert [message.body for message in await player.take(version, "b", ordered=True)] == [b"x"]
        assert await player.take(version, "b", ordered=True) == []
        player.world.clock.advance(700)
        assert [message.body for message in await player.take(version, "b", ordered=True)] == [b"y", b"z"]

    async def test_M9_on_other_queues_what_is_ready_goes_on(self, player: Player) -> None:
        """A delayed message does not block; due ones come by their arrival."""
        version = await player.enable()
        for n in range(3):
            await player.start(body=b"%d" % n)
        message = await player.take_one(version, "a")
        assert await player.settle(message, kept(player.now + 100))
        [second] = await player.take(version, "a", 1)
        assert second.body == b"1"
        player.store.release(second)
        player.world.clock.advance(100)
        assert [message.body for message in await player.take(version, "a")] == [b"0", b"1", b"2"]

    async def test_M9_delayed_children_wait_for_their_instant(self, player: Player) -> None:
        """Each for its own, in the order of what is due when."""
        version = await player.enable()
        await player.start()
        message = await player.take_one(version, "a")
        dues = [player.now + 300, player.now + 100, player.now + 200]
        children = tuple(child_of(message, "b", n, due) for n, due in enumerate(dues))
        assert await player.settle(message, Consumed(outcome=Outcome.OK, children=children))
        for wait in (100, 100, 100):
            assert await player.take(version, "b") == []
            assert await player.store.next_due(version.id, player.now) == player.now + wait
            player.world.clock.advance(wait)
            assert len(await player.take(version, "b")) == 1
        assert await player.store.next_due(version.id, player.now) is None

    async def test_M9_many_delayed_messages_fall_due_in_time(self, player: Player) -> None:
        """More of them than a store keeps at hand, before and after a crash."""
        version = await player.enable()
        await player.start()
        message = await player.take_one(version, "a")
        base = player.now
        children = tuple(child_of(message, "b", n, base + 1 + (n * 7919) % 3000) for n in range(3000))
        assert await player.settle(message, Consumed(outcome=Outcome.OK, children=children))
        for part in range(6):
            if part == 3:
                await player.world.crash()
            assert await player.store.next_due(version.id, player.now) == player.now + 1
            player.world.clock.advance(500)
            due = []
            while taken := await player.take(version, "b", 100):
                due += taken
                done = [player.transition(one, passed(one)) for one in taken]
                assert all(await player.store.settle(done))
            assert sorted(one.due - base for one in due) == list(range(500 * part + 1, 500 * part + 501))
        await player.check_ledger()

    async def test_the_next_due_is_the_earliest_of_the_version(self, player: Player) -> None:
        """Over all its queues, and of no other version."""
        version = await player.enable()
        other = await player.enable("returns")
        for process, owner, due in (("orders", version, 900), ("orders", version, 400), ("returns", other, 100)):
            await player.start(process)
            message = await player.take_one(owner, "a")
            target = "b" if due == 400 else "c"
            assert await player.settle(message, passed(message, target, due=player.now + due))
        assert await player.store.next_due(version.id, player.now) == player.now + 400
        assert await player.store.next_due(version.id, player.now + 400) == player.now + 900
        assert await player.store.next_due(other.id, player.now) == player.now + 100
        assert await player.store.nodes_ready(version.id, player.now) == []
        assert await player.store.nodes_ready(version.id, player.now + 400) == ["b"]

    async def test_ready_nodes_are_those_with_something_to_take(self, player: Player) -> None:
        """Not what is taken, aside or delayed."""
        version = await player.enable()
        for entry in ("a", "b", "c", "c"):
            await player.start(entry=entry)
        assert sorted(await player.store.nodes_ready(version.id, player.now)) == ["a", "b", "c"]
        taken = await player.take_one(version, "a")
        aside = await player.take_one(version, "b")
        assert await player.settle(aside, failed())
        assert await player.store.nodes_ready(version.id, player.now) == ["c"]
        player.store.release(taken)
        assert sorted(await player.store.nodes_ready(version.id, player.now)) == ["a", "c"]
        await player.world.crash()
        assert sorted(await player.store.nodes_ready(version.id, player.now)) == ["a", "c"]

    async def test_listeners_hear_of_what_was_put_into_a_queue(self, player: Player) -> None:
        """By accepting, by settling, and by a person sending back."""
        version = await player.enable()
        heard: list[tuple[int, str]] = []
        player.store.on_ready(lambda owner, node: heard.append((owner, node)))
        await player.start()
        assert heard == [(version.id, "a")]
        message = await player.take_one(version, "a")
        assert await player.settle(message, passed(message, "b", "c"))
        assert heard[1:] == [(version.id, "b"), (version.id, "c")]
        other = await player.take_one(version, "b")
        assert await player.settle(other, failed())
        assert len(heard) == 3
        trashed = await player.placed(other.id)
        assert await player.settle(trashed, returned(trashed))
        assert heard[3:] == [(version.id, "b")]

    async def test_a_listener_that_fails_stops_nothing(self, player: Player) -> None:
        """Neither the caller nor other listeners nor what comes later."""
        version = await player.enable()
        heard: list[str] = []

        def fail(_version: int, _node: str) -> None:
            raise ValueError("a listener's own fault")

        player.store.on_ready(fail)
        player.store.on_ready(lambda _version, node: heard.append(node))
        player.store.on_events(lambda _events: fail(0, ""))
        await player.start()
        message = await player.take_one(version, "a")
        assert await player.settle(message, passed(message))
        await player.start()
        assert heard == ["a", "a"]
