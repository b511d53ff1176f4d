"""The contracts of `OperationCatalog`, B1 to B3, and of what the views tell of failures and of people's acts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from segue.core.causes import cause_of
from segue.core.trash import decide_discard, decide_edit, decide_resend
from segue.model.message import Consumed, Outcome, Place
from segue.model.operations import ActKind, Operation, OperationKind, OperationState
from segue.ports.views import PlacedFilter
from segue.testing.contracts.store_world import Player, StoreWorld, child_of, failed


class OperationContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_B1_an_operation_is_durable(self, player: Player) -> None:
        """With all that it says; the newest comes first."""
        first, second = _operation(player), _operation(player, change=b'{"merge":{}}', version=3, total=7, upto=9)
        for one in (first, second):
            await player.store.put_operation(one)
        await player.world.crash()
        assert await player.store.operations(None, None, 10) == [second, first]
        assert await player.store.operations(None, second.id, 10) == [first]
        assert await player.store.operations(OperationState.PAUSED, None, 10) == []
        assert await player.store.operation(second.id) == second
        assert await player.store.operation("none") is None

    async def test_B2_progress_changes_counts_alone(self, player: Player) -> None:
        """Whoever pauses meanwhile is not overruled."""
        one = _operation(player)
        await player.store.put_operation(one)
        assert await player.store.turn(one.id, OperationState.PAUSED, player.now)
        await player.store.progress(replace(one, done=3, gone=1, failed=2, after=8, error="a reason"))
        await player.world.crash()
        found = await player.store.operation(one.id)
        paused = replace(one, state=OperationState.PAUSED, done=3, gone=1, failed=2, after=8, error="a reason")
        assert found == paused

    async def test_B3_what_has_ended_stays(self, player: Player) -> None:
        """Neither a state nor a count changes any more."""
        one = _operation(player)
        await player.store.put_operation(one)
        assert await player.store.turn(one.id, OperationState.FAILED, 5, "it broke")
        assert not await player.store.turn(one.id, OperationState.RUNNING, 6)
        assert not await player.store.turn("none", OperationState.RUNNING, 6)
        await player.store.progress(replace(one, done=3))
        found = await player.store.operation(one.id)
        assert found == replace(one, state=OperationState.FAILED, finished=5, error="it broke")

    async def test_acts_are_part_of_the_transition(self, player: Player) -> None:
        """Who did what and when, and for which operation; what nobody did is none."""
        version = await player.enable()
        message = await player.in_trash(version, "a")
        edit = decide_edit(message, b"x", None, player.now, "ann")
        assert await player.store.settle([edit]) == [True]
        player.world.clock.advance(5)
        sent = replace(decide_resend(message, None, None, player.now, "bob"), operation="op")
        assert await player.store.settle([sent, sent]) == [True, False]
        again = await player.take_one(version, "a")
        assert await player.settle(again, failed())
        await player.world.crash()
        gone = replace(decide_discard(await player.placed(message.id), player.now, "eve"), operation="op")
        assert await player.store.settle([gone]) == [True]
        acts = await player.store.acts(message.id)
        assert [(act.by, act.kind, act.operation) for act in acts] == [
            ("ann", ActKind.EDITED, None),
            ("bob", ActKind.RESENT, "op"),
            ("eve", ActKind.DISCARDED, "op"),
        ]
        assert [act.at for act in acts] == [player.now - 5, player.now, player.now]
        assert await player.store.acted("op") == 2
        assert await player.store.acted("other") == 0
        await player.check_ledger()

    async def test_acts_go_with_their_instance(self, player: Player) -> None:
        """Forgetting takes them along."""
        version = await player.enable()
        message = await player.in_trash(version, "a")
        assert await player.store.settle([decide_discard(message, player.now, "eve")]) == [True]
        player.world.clock.advance(1)
        assert await player.store.prune(player.now, 10) == 1
        assert await player.store.acts(message.id) == []

    async def test_failures_are_grouped_by_cause(self, player: Player) -> None:
        """By node and reason but for its numbers, over all versions; the largest group first."""
        first, second = await player.enable(), await player.enable(nodes=("a", "b"))
        for version, reasons in (
            (first, ("no customer 17", "no customer 18", "is down")),
            (second, ("no customer 99",)),
        ):
            for reason in reasons:
                await player.start(version=version.number)
                player.world.clock.advance(1)
                assert await player.settle(await player.take_one(version, "a"), failed(reason))
        await player.start(version=second.number)
        message = await player.take_one(second, "a")
        lost = replace(child_of(message, "b", place=Place.TRASH), reason="no customer 17", reason_code="failed")
        assert await player.settle(message, Consumed(outcome=Outcome.OK, children=(lost,)))
        await player.world.crash()
        groups = await player.store.causes(PlacedFilter(place=Place.TRASH))
        assert [(group.node, group.reason, group.count, group.versions) for group in groups] == [
            ("a", "no customer 17", 3, (1, 2)),
            ("a", "is down", 1, (1,)),
            ("b", "no customer 17", 1, (2,)),
        ]
        assert groups[0].cause == cause_of("a", "failed", "no customer 5")
        assert groups[0].newest - groups[0].oldest == 3
        mine = await player.store.placed(PlacedFilter(place=Place.TRASH, cause=groups[0].cause))
        assert [placed.cause for placed in mine] == [groups[0].cause] * 3
        assert [placed.since for placed in mine] == [groups[0].oldest, groups[0].oldest + 1, groups[0].newest]
        [only] = await player.store.causes(PlacedFilter(place=Place.TRASH, version=1, limit=1))
        assert (only.count, only.versions) == (2, (1,))

    async def test_a_message_that_leaves_trash_leaves_its_group(self, player: Player) -> None:
        """And comes back to it when it fails again; also when its version is retired."""
        version = await player.enable()
        message = await player.in_trash(version, "a")
        assert await player.store.settle([decide_resend(message, None, None, player.now, "ann")]) == [True]
        assert await player.store.causes(PlacedFilter(place=Place.TRASH)) == []
        player.world.clock.advance(7)
        await player.store.retire(version.process, version.number, discard=True, at=player.now)
        [group] = await player.store.causes(PlacedFilter(place=Place.TRASH))
        assert (group.reason_code, group.count, group.oldest) == ("version-retired", 1, player.now)

    async def test_placed_messages_are_counted_by_node(self, player: Player) -> None:
        """The most first; by version too, and only those of the place that is asked for."""
        first = await player.enable()
        await player.in_trash(first, "a")
        for _ in range(2):
            player.world.clock.advance(5)
            await player.start()
            await player.forward(first, "a", "b")
            await player.settle(await player.take_one(first, "b"), failed())
        second = await player.enable()
        await player.in_trash(second, "a")
        since = player.now - 5
        wanted = PlacedFilter(place=Place.TRASH, process=first.process)
        found = await player.store.placed_nodes(wanted)
        assert [(each.version, each.version_id, each.node, each.count, each.oldest) for each in found] == [
            (1, first.id, "b", 2, since),
            (1, first.id, "a", 1, since - 5),
            (2, second.id, "a", 1, player.now),
        ]
        assert await player.store.placed_nodes(replace(wanted, version=1)) == found[:2]
        assert await player.store.placed_nodes(replace(wanted, limit=1)) == found[:1]
        assert await player.store.placed_nodes(replace(wanted, place=Place.WAITING)) == []
        assert await player.store.placed_nodes(replace(wanted, process="nobody")) == []
        trashed = await player.store.placed(replace(wanted, version=2))
        assert await player.store.placed_nodes(replace(wanted, instance=trashed[0].message.instance)) == found[2:]

    async def test_placed_messages_are_counted_and_found_by_text_and_ids(self, player: Player) -> None:
        """Whatever the limit; `upto` cuts off what came later."""
        version = await player.enable()
        ids = []
        for reason in ("No customer", "100% down", "no price"):
            accepted = await player.start()
            ids.append(accepted.message)
            assert await player.settle(await player.take_one(version, "a"), failed(reason))
        everything = PlacedFilter(place=Place.TRASH, limit=1)
        count, upto = await player.store.placed_count(everything)
        assert (count, upto) == (3, (await player.placed(ids[2])).seq)
        before = (await player.placed(ids[1])).seq
        assert await player.store.placed_count(replace(everything, upto=upto - 1)) == (2, before)
        assert await player.store.placed_count(replace(everything, place=Place.WAITING)) == (0, 0)
        assert (await player.store.placed_count(replace(everything, text="NO ")))[0] == 2
        assert (await player.store.placed_count(replace(everything, text="0%")))[0] == 1
        assert (await player.store.placed_count(replace(everything, text="_")))[0] == 0
        some = await player.store.placed(replace(everything, ids=(ids[2], ids[0], "none"), limit=9))
        assert [placed.message.id for placed in some] == [ids[0], ids[2]]


def _operation(player: Player, **fields: object) -> Operation:
    return Operation(
        id=player.new_id(),
        kind=OperationKind.RESEND,
        state=OperationState.RUNNING,
        by="ann",
        created=player.now,
        wanted=b"{}",
        **fields,  # type: ignore[arg-type]
    )
