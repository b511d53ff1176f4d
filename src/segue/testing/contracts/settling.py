"""The contract of `MessageStore.settle`: M4, M5, M10 and M11."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from segue.model.errors import NodeNotFound, NoEnabledVersion
from segue.model.events import Event, EventKind
from segue.model.message import (
    Consumed,
    Edited,
    Effect,
    Kept,
    LogLine,
    Message,
    Outcome,
    Place,
    Record,
    SetAside,
)
from segue.model.versions import InstanceState
from segue.testing.contracts.store_world import Player, StoreWorld, child_of, failed, kept, passed, returned


class SettlingContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    # -- M4 -----------------------------------------------------------------------------------------------------------

    async def test_M4_a_settled_transition_is_whole(self, player: Player) -> None:
        """After a crash there are the children, the instance's counts, the step and the lines, all of them."""
        version = await player.enable()
        accepted = await player.start(body=b"order")
        message = await player.take_one(version, "a")
        record = Record(taken=player.now + 1, worker_us=20, remote_us=30, cpu_us=40, status=200)
        lines = (LogLine(level="info", text="sent", at=player.now + 2), LogLine(level="warning", text="slow", at=9))
        children = (child_of(message, "b"), child_of(message, "c", 1, due=player.now + 50))
        effect = Consumed(outcome=Outcome.OK, children=children)
        assert await player.settle(message, effect, record=record, logs=lines, at=player.now + 3)
        await player.world.crash()
        found = await player.store.instance(accepted.instance)
        assert found is not None
        assert (found.state, found.live, found.trash, found.ok, found.failed) == (InstanceState.RUNNING, 2, 0, 1, 0)
        live = await player.store.instance_messages(accepted.instance)
        assert [(one.id, one.node, one.parent, one.place) for one in live] == [
            (children[0].id, "b", message.id, Place.QUEUED),
            (children[1].id, "c", message.id, Place.DELAYED),
        ]
        [step] = await player.store.instance_steps(accepted.instance)
        assert (step.message, step.parent, step.node, step.outcome, step.produced) == (message.id, None, "a", "ok", 2)
        assert (step.entered, step.taken, step.ended) == (message.entered, record.taken, player.now + 3)
        assert (step.worker_us, step.remote_us, step.cpu_us, step.status, step.repeats) == (20, 30, 40, 200, 0)
        logs = await player.store.logs(accepted.instance, None, 0, 10)
        assert [(line.level, line.text, line.at, line.node, line.message) for line in logs] == [
            ("info", "sent", player.now + 2, "a", message.id),
            ("warning", "slow", 9, "a", message.id),
        ]
        await player.check_ledger()

    async def test_M4_a_chain_of_steps_names_parents(self, player: Player) -> None:
        """From the accepted message to the last one."""
        version = await player.enable()
        accepted = await player.start()
        for node, following in (("a", "b"), ("b", "c")):
            assert await player.forward(version, node, following) == [True]
        assert await player.forward(version, "c") == [True]
        steps = await player.store.instance_steps(accepted.instance)
        assert [(step.node, step.parent) for step in steps] == [
            ("a", None),
            ("b", accepted.message),
            ("c", steps[1].message),
        ]
        await player.check_ledger()

    async def test_M4_a_list_is_settled_together(self, player: Player) -> None:
        """Each transition for itself, with one answer each."""
        version = await player.enable()
        for n in range(200):
            await player.start(body=b"%d" % n)
        messages = await player.take(version, "a")
        effects: list[Effect] = [passed(messages[0], "b"), failed(), kept(player.now + 5), passed(messages[3])]
        transitions = [
            player.transition(one, passed(one, "b") if n >= len(effects) else effects[n])
            for n, one in enumerate(messages)
        ]
        assert await player.store.settle(transitions) == [True] * 200
        await player.world.crash()
        assert len(await player.take(version, "b")) == 197
        await player.check_ledger()

    async def test_M4_a_message_set_aside_is_as_it_was_before(self, player: Player) -> None:
        """With the reason; it is a person's from now on."""
        version = await player.enable()
        accepted = await player.start(body=b"before", headers={"a": "b"})
        message = await player.take_one(version, "a")
        assert await player.settle(message, SetAside(reason="no such customer", reason_code="http-404"))
        await player.world.crash()
        found = await player.store.placed_message(accepted.message, Place.TRASH)
        assert found is not None
        assert (found.process, found.version) == ("orders", 1)
        trashed = found.message
        assert (trashed.body, trashed.headers, trashed.node) == (b"before", {"a": "b"}, "a")
        assert (trashed.reason, trashed.reason_code, trashed.place) == ("no such customer", "http-404", Place.TRASH)
        assert await player.take(version, "a") == []
        await player.check_ledger()

    async def test_M4_a_kept_message_keeps_number_and_body(self, player: Player) -> None:
        """With new counts, headers and reason."""
        version = await player.enable()
        accepted = await player.start(body=b"same", headers={"a": "1"})
        message = await player.take_one(version, "a")
        effect = Kept(
            outcome=Outcome.REPEAT, due=player.now + 10, repeats=2, outages=0, reason="again", reason_code="repeat",
            headers={"b": "2"},
        )  # fmt: skip
        assert await player.settle(message, effect)
        await player.world.crash()
        [found] = await player.store.instance_messages(accepted.instance)
        assert (found.id, found.seq, found.body, found.headers) == (message.id, message.seq, b"same", {"b": "2"})
        assert (found.repeats, found.outages, found.reason, found.place) == (2, 0, "again", Place.DELAYED)
        assert await player.store.instance_steps(accepted.instance) == []
        await player.check_ledger()

    async def test_M4_a_child_may_be_made_aside(self, player: Player) -> None:
        """A user task waits for a person; a child in trash is an alarm."""
        version = await player.enable()
        accepted = await player.start()
        message = await player.take_one(version, "a")
        children = (child_of(message, "b", place=Place.WAITING), child_of(message, "c", 1, place=Place.TRASH))
        assert await player.settle(message, Consumed(outcome=Outcome.OK, children=children))
        await player.world.crash()
        task = await player.placed(children[0].id, Place.WAITING)
        assert (task.node, task.parent) == ("b", message.id)
        await player.placed(children[1].id, Place.TRASH)
        instance = await player.store.instance(accepted.instance)
        assert instance is not None
        assert (instance.live, instance.trash, instance.state) == (2, 1, InstanceState.RUNNING)
        kinds = [event.kind for event in await player.events()]
        assert kinds == [EventKind.MESSAGE_IN_TRASH]
        assert await player.settle(task, passed(task, "c", outcome=Outcome.ACCEPTED))
        assert len(await player.take(version, "c")) == 1
        await player.check_ledger()

    async def test_M4_a_message_sent_back_is_the_last_of_its_queue(self, player: Player) -> None:
        """Under its id, with what a person corrected, and counted as new."""
        version = await player.enable()
        trashed = await player.in_trash(version, "a")
        await player.start(body=b"later")
        player.world.clock.advance(10)
        assert await player.settle(trashed, returned(trashed, b"corrected"), by="ann")
        await player.world.crash()
        later, again = await player.take(version, "a")
        assert later.body == b"later"
        assert (again.id, again.body, again.repeats, again.outages) == (trashed.id, b"corrected", 0, 0)
        assert (again.reason, again.reason_code, again.due, again.entered) == (None, None, 0, player.now)
        assert again.seq > later.seq
        instance = await player.store.instance(trashed.instance)
        assert instance is not None
        assert (instance.state, instance.trash) == (InstanceState.RUNNING, 0)
        await player.check_ledger()

    async def test_M4_a_message_aside_may_be_edited_there(self, player: Player) -> None:
        """It stays where it is, as often as wanted."""
        version = await player.enable()
        trashed = await player.in_trash(version, "a")
        for body in (b"one", b"two"):
            assert await player.settle(trashed, Edited(body=body, headers={"x": "y"}))
        await player.world.crash()
        found = await player.placed(trashed.id)
        assert (found.body, found.headers, found.seq) == (b"two", {"x": "y"}, trashed.seq)
        assert found.reason == trashed.reason
        await player.check_ledger()

    async def test_M4_a_message_moves_to_another_version_in_one_transaction(self, player: Player) -> None:
        """It is consumed in the old one and accepted in the new one, which names its origin."""
        old = await player.enable()
        new = await player.enable(nodes=("a", "x"))
        trashed = await player.in_trash(old, "a")
        start = player.request(version=2, entry="x", origin=trashed.instance, body=b"moved")
        assert await player.settle(trashed, Consumed(outcome=Outcome.MOVED, starts=(start,)))
        await player.world.crash()
        [message] = await player.take(new, "x")
        assert (message.id, message.instance, message.body) == (start.message, start.instance, b"moved")
        before = await player.store.instance(trashed.instance)
        after = await player.store.instance(start.instance)
        assert before is not None
        assert after is not None
        assert (before.live, before.state, after.origin) == (0, InstanceState.FINISHED, trashed.instance)
        await player.check_ledger()

    async def test_M4_a_move_that_cannot_be_accepted_changes_nothing(self, player: Player) -> None:
        """The error says why, and the message is where it was."""
        version = await player.enable()
        trashed = await player.in_trash(version, "a")
        await player.publish("returns")
        for start, error in (
            (player.request(version=1, entry="nowhere"), NodeNotFound),
            (player.request("returns"), NoEnabledVersion),
        ):
            with pytest.raises(error):
                await player.settle(trashed, Consumed(outcome=Outcome.MOVED, starts=(start,)))
            assert await player.store.instance(start.instance) is None
        assert (await player.placed(trashed.id)).seq == trashed.seq
        await player.check_ledger()

    # -- M5 -----------------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize("first", ["passed", "failed", "kept", "delayed", "repeated", "ended"])
    async def test_M5_stale_settle_changes_nothing(self, player: Player, first: str) -> None:
        """Whatever became of the message meanwhile, and whatever is tried then."""
        version = await player.enable()
        accepted = await player.start()
        message = await player.take_one(version, "a")
        seen = replace(message)
        effects: dict[str, Effect] = {
            "passed": passed(message, "b"),
            "failed": failed(),
            "kept": kept(player.now + 60_000),
            "delayed": kept(player.now + 60_000, outages=0),
            "repeated": kept(0, outages=0, repeats=1),
            "ended": Consumed(outcome=Outcome.OK),
        }
        assert await player.settle(message, effects[first])
        before = await _picture(player, accepted.instance)
        line = (LogLine(level="error", text="too late", at=1),)
        for old in (message, seen):
            for effect in (*effects.values(), returned(old), Edited(body=b"?", headers={})):
                assert not await player.settle(old, effect, logs=line)
        assert await _picture(player, accepted.instance) == before
        await player.world.crash()
        assert await _picture(player, accepted.instance) == before
        await player.check_ledger()

    async def test_M5_the_same_transition_twice_in_one_list(self, player: Player) -> None:
        """The second one is stale."""
        version = await player.enable()
        await player.start()
        message = await player.take_one(version, "a")
        both = [player.transition(message, passed(message, "b")), player.transition(message, passed(message, "c"))]
        assert await player.store.settle(both) == [True, False]
        assert list(await player.left(version)) == ["b"]
        await player.check_ledger()

    async def test_M5_of_two_at_once_one_wins(self, player: Player) -> None:
        """However their settles meet."""
        version = await player.enable()
        for _ in range(40):
            await player.start()
        messages = await player.take(version, "a")
        results = await asyncio.gather(
            *(player.settle(one, passed(one, "b")) for one in messages for _ in range(3)),
        )
        assert sum(results) == 40
        assert len(await player.take(version, "b")) == 40
        await player.check_ledger()

    async def test_M5_stale_ones_do_not_harm_those_beside_them(self, player: Player) -> None:
        """In one list: the stale are dropped whole, the others happen."""
        version = await player.enable()
        for n in range(10):
            await player.start(body=b"%d" % n)
        messages = await player.take(version, "a")
        done = messages[::2]
        assert all(await player.store.settle([player.transition(one, passed(one)) for one in done]))
        mixed = [player.transition(one, passed(one, "b")) for one in messages]
        assert await player.store.settle(mixed) == [False, True] * 5
        assert [one.body for one in await player.take(version, "b")] == [b"1", b"3", b"5", b"7", b"9"]
        await player.check_ledger()

    async def test_M5_a_person_who_clicks_twice(self, player: Player) -> None:
        """Sends back once."""
        version = await player.enable()
        trashed = await player.in_trash(version, "a")
        assert await player.settle(trashed, returned(trashed))
        assert not await player.settle(trashed, returned(trashed))
        assert not await player.settle(trashed, Consumed(outcome=Outcome.DISCARDED))
        assert len(await player.take(version, "a")) == 1
        await player.check_ledger()

    async def test_M5_a_message_that_nobody_has_taken_may_be_settled(self, player: Player) -> None:
        """As it was seen; it is not handed out any more then."""
        version = await player.enable()
        accepted = await player.start()
        await player.start(body=b"other")
        [seen] = await player.store.instance_messages(accepted.instance)
        assert await player.settle(seen, Consumed(outcome=Outcome.CANCELLED))
        assert [message.body for message in await player.take(version, "a")] == [b"other"]
        await player.check_ledger()

    async def test_M5_a_message_settled_by_another_is_not_in_hand_any_more(self, player: Player) -> None:
        """Who had taken it meets a stale settle."""
        version = await player.enable()
        accepted = await player.start()
        message = await player.take_one(version, "a")
        [seen] = await player.store.instance_messages(accepted.instance)
        assert await player.settle(seen, failed())
        assert not await player.settle(message, passed(message, "b"))
        player.store.release(message)
        assert await player.take(version, "a") == []
        await player.check_ledger()

    # -- M10 ----------------------------------------------------------------------------------------------------------

    async def test_M10_the_instance_finishes_with_its_last_message(self, player: Player) -> None:
        """Then, and with one event that listeners get with its number, before the caller goes on."""
        version = await player.enable()
        accepted = await player.start()
        heard: list[Event] = []
        player.store.on_events(heard.extend)
        message = await player.take_one(version, "a")
        assert await player.settle(message, passed(message, "b", "c"))
        assert await player.forward(version, "b") == [True]
        assert heard == await player.events() == []
        player.world.clock.advance(7)
        assert await player.forward(version, "c") == [True]
        assert [(event.kind, event.instance) for event in heard] == [(EventKind.INSTANCE_FINISHED, accepted.instance)]
        assert (heard[0].process, heard[0].version, heard[0].at) == ("orders", 1, player.now)
        assert await player.events() == heard
        await player.world.crash()
        instance = await player.store.instance(accepted.instance)
        assert instance is not None
        assert (instance.state, instance.finished, instance.live) == (InstanceState.FINISHED, player.now, 0)
        assert (instance.ok, instance.failed) == (3, 0)
        assert await player.events() == heard
        await player.check_ledger()

    async def test_M10_one_event_when_the_last_ones_settle_at_once(self, player: Player) -> None:
        """However they meet in transactions."""
        version = await player.enable()
        for _ in range(50):
            await player.start()
        assert all(await player.forward(version, "a", "b", "b", "c"))
        taken = [*await player.take(version, "b"), *await player.take(version, "c")]
        assert all(await asyncio.gather(*(player.settle(one, passed(one)) for one in taken)))
        ended = [event.instance for event in await player.events() if event.kind is EventKind.INSTANCE_FINISHED]
        assert len(ended) == len(set(ended)) == 50
        await player.check_ledger()

    async def test_M10_what_is_left_in_trash_is_a_failed_instance(self, player: Player) -> None:
        """Which has not ended; a message sent back makes it run again."""
        version = await player.enable()
        accepted = await player.start()
        assert await player.forward(version, "a", "b", "c")
        one = await player.take_one(version, "b")
        assert await player.settle(one, failed())
        assert await _state(player, accepted.instance) == (InstanceState.RUNNING, None)
        assert await player.forward(version, "c") == [True]
        assert await _state(player, accepted.instance) == (InstanceState.FAILED, None)
        trashed = await player.placed(one.id)
        assert await player.settle(trashed, returned(trashed))
        assert await _state(player, accepted.instance) == (InstanceState.RUNNING, None)
        assert await player.forward(version, "b") == [True]
        assert await _state(player, accepted.instance) == (InstanceState.FINISHED, player.now)
        kinds = [event.kind for event in await player.events()]
        assert kinds == [EventKind.MESSAGE_IN_TRASH, EventKind.INSTANCE_FINISHED]
        await player.check_ledger()

    async def test_M10_an_instance_with_a_discarded_message_ends_as_failed(self, player: Player) -> None:
        """Also when other messages of it go on after that."""
        version = await player.enable()
        accepted = await player.start()
        assert await player.forward(version, "a", "b", "c")
        one = await player.take_one(version, "b")
        assert await player.settle(one, failed())
        trashed = await player.placed(one.id)
        assert await player.settle(trashed, Consumed(outcome=Outcome.DISCARDED))
        assert await _state(player, accepted.instance) == (InstanceState.RUNNING, None)
        assert await player.forward(version, "c") == [True]
        assert await _state(player, accepted.instance) == (InstanceState.FAILED, player.now)
        instance = await player.store.instance(accepted.instance)
        assert instance is not None
        assert (instance.ok, instance.failed, instance.trash) == (2, 1, 0)
        assert [event.kind for event in await player.events()][-1] is EventKind.INSTANCE_FAILED
        await player.check_ledger()

    # -- M11 ----------------------------------------------------------------------------------------------------------

    async def test_M11_terminate_ends_all_other_messages(self, player: Player) -> None:
        """Ready, taken, delayed, in trash and waiting for a person; their later settles are stale."""
        version = await player.enable()
        accepted = await player.start()
        other = await player.start(body=b"untouched")
        first, _ = await player.take(version, "a")
        player.store.release(_)
        children = (
            child_of(first, "b", 0),
            child_of(first, "b", 1),
            child_of(first, "c", 2),
            child_of(first, "c", 3, due=player.now + 900),
            child_of(first, "c", 4, place=Place.TRASH),
            child_of(first, "c", 5, place=Place.WAITING),
        )
        assert await player.settle(first, Consumed(outcome=Outcome.OK, children=children))
        ending, taken = await player.take(version, "b")
        assert await player.settle(ending, Consumed(outcome=Outcome.OK, terminate=True))
        assert await _state(player, accepted.instance) == (InstanceState.FINISHED, player.now)
        assert not await player.settle(taken, passed(taken, "c"))
        player.store.release(taken)
        player.world.clock.advance(900)
        assert await player.take(version, "c") == []
        assert await player.store.instance_messages(accepted.instance) == []
        steps = {step.message: step.outcome for step in await player.store.instance_steps(accepted.instance)}
        assert len(steps) == 7
        assert list(steps.values()).count("cancelled") == 5
        assert len([event for event in await player.events() if event.kind is EventKind.INSTANCE_FINISHED]) == 1
        assert await player.left(version) == {"a": [b"untouched"]}
        await player.world.crash()
        assert await player.left(version) == {"a": [b"untouched"]}
        assert other.instance != accepted.instance
        await player.check_ledger()

    async def test_M11_terminate_meets_settles_of_the_same_instance(self, player: Player) -> None:
        """At once: each other message is settled before, or is cancelled."""
        version = await player.enable()
        for _ in range(30):
            await player.start()
        assert all(await player.forward(version, "a", "b", "b", "b"))
        taken = await player.take(version, "b")
        ends = Consumed(outcome=Outcome.OK, terminate=True)
        results = await asyncio.gather(
            *(player.settle(one, ends if n % 3 == 1 else passed(one, "c")) for n, one in enumerate(taken))
        )
        assert all(results[1::3])
        instances = {event.instance for event in await player.events()}
        assert len(instances) == len(await player.events()) == 30
        assert await player.store.nodes_ready(version.id, player.now) == []
        await player.check_ledger()

    async def test_M11_in_one_list_what_follows_a_terminate_is_stale(self, player: Player) -> None:
        """And what precedes it is ended with its children."""
        version = await player.enable()
        await player.start()
        assert await player.forward(version, "a", "b", "b", "b")
        one, two, three = await player.take(version, "b")
        transitions = [
            player.transition(one, passed(one, "c")),
            player.transition(two, Consumed(outcome=Outcome.OK, terminate=True)),
            player.transition(three, passed(three, "c")),
        ]
        assert await player.store.settle(transitions) == [True, True, False]
        assert await player.store.nodes_ready(version.id, player.now) == []
        assert len(await player.events()) == 1
        await player.check_ledger()

    async def test_M11_a_person_cancels_an_instance(self, player: Player) -> None:
        """Its state says so."""
        version = await player.enable()
        accepted = await player.start()
        assert await player.forward(version, "a", "b", "c")
        [seen, _] = await player.store.instance_messages(accepted.instance)
        assert await player.settle(seen, Consumed(outcome=Outcome.CANCELLED, terminate=True), by="ann")
        assert await _state(player, accepted.instance) == (InstanceState.CANCELLED, player.now)
        [event] = await player.events()
        assert event.kind is EventKind.INSTANCE_CANCELLED
        assert await player.left(version) == {}
        await player.check_ledger()


async def _state(player: Player, instance: str) -> tuple[InstanceState, int | None]:
    found = await player.store.instance(instance)
    assert found is not None
    return found.state, found.finished


async def _picture(player: Player, instance: str) -> object:
    """Everything that is stored about an instance."""
    store = player.store
    return (
        await store.instance(instance),
        [_row(message) for message in await store.instance_messages(instance)],
        await store.instance_steps(instance),
        await store.logs(instance, None, 0, 100),
        await player.events(),
    )


def _row(message: Message) -> tuple[object, ...]:
    return (
        message.id,
        message.seq,
        message.version,
        message.node,
        message.body,
        tuple(message.headers.items()),
        message.place,
        message.due,
        message.repeats,
        message.outages,
        message.reason,
    )
