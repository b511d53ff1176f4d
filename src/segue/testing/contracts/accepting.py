"""The contract of `MessageStore.accept`: M1 to M3, and the ticks of schedules."""

from __future__ import annotations

import asyncio

import pytest

from segue.model.errors import Conflict, NodeNotFound, NoEnabledVersion, ProcessNotFound, VersionNotFound
from segue.model.message import Place
from segue.model.start import Accepted
from segue.model.versions import InstanceState, VersionState
from segue.testing.contracts.store_world import PROCESS, Player, StoreWorld


class AcceptingContract:
    """Needs the fixture `world`."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_M1_an_answered_accept_is_durable(self, player: Player) -> None:
        """What was answered is there after a crash, whole."""
        version = await player.enable()
        accepted = [await player.start(body=b"%d" % n, headers={"n": str(n)}) for n in range(5)]
        await player.world.crash()
        found = await player.take(version, "a")
        assert [message.id for message in found] == [one.message for one in accepted]
        assert [message.body for message in found] == [b"0", b"1", b"2", b"3", b"4"]
        assert found[3].headers == {"n": "3"}
        assert found[0].instance == accepted[0].instance
        assert found[0].version == version.id
        instance = await player.store.instance(accepted[0].instance)
        assert instance is not None
        assert (instance.state, instance.live, instance.version) == (InstanceState.RUNNING, 1, version.number)
        await player.check_ledger()

    async def test_M1_accepts_at_once_are_all_there(self, player: Player) -> None:
        """Many callers at the same time each get their own instance."""
        version = await player.enable()
        accepted = await asyncio.gather(*(player.start(body=b"%d" % n) for n in range(700)))
        await player.world.crash()
        found = await player.take(version, "a")
        assert {message.id for message in found} == {one.message for one in accepted}
        assert len(found) == 700
        await player.check_ledger()

    async def test_M1_a_refused_accept_left_nothing(self, player: Player) -> None:
        """Neither a message nor an instance nor the key."""
        version = await player.publish()
        await player.draft()
        cases = [
            (player.request("nobody"), ProcessNotFound),
            (player.request(), NoEnabledVersion),
            (player.request(version=7), VersionNotFound),
            (player.request(version=2), Conflict),
            (player.request(version=1, node="nowhere"), NodeNotFound),
            (player.request(version=1, entry="nowhere"), NodeNotFound),
        ]
        for start, error in cases:
            keyed = player.request(start.process, version=start.version, node=start.node, entry=start.entry, key="k")
            for request in (start, keyed):
                with pytest.raises(error):
                    await player.store.accept(request)
                assert await player.store.instance(request.instance) is None
        assert await player.store.nodes_ready(version.id, player.now) == []
        again = await player.start(version=1, key="k")
        assert not again.repeated
        await player.check_ledger()

    async def test_M1_a_refused_one_does_not_harm_those_beside_it(self, player: Player) -> None:
        """Good and bad starts at the same time: each gets its own answer."""
        await player.enable()
        starts = [player.start() if n % 2 else player.start("nobody") for n in range(50)]
        answers = await asyncio.gather(*starts, return_exceptions=True)
        assert all(isinstance(one, Accepted if n % 2 else ProcessNotFound) for n, one in enumerate(answers))
        await player.check_ledger()

    async def test_M1_an_instance_id_is_used_once(self, player: Player) -> None:
        """A second start under the id of an instance is refused, and the first one is as it was."""
        version = await player.enable()
        start = player.request(body=b"first")
        await player.store.accept(start)
        with pytest.raises(Conflict):
            await player.store.accept(player.request(instance=start.instance, body=b"second"))
        assert await player.left(version) == {"a": [b"first"]}
        await player.check_ledger()

    async def test_M2_a_known_key_answers_the_first_instance(self, player: Player) -> None:
        """Also after a crash, and when no version takes messages any more."""
        version = await player.enable()
        first = await player.start(key="order-1")
        assert not first.repeated
        for change in (None, "crash", "disable"):
            if change == "crash":
                await player.world.crash()
            if change == "disable":
                await player.store.set_state(PROCESS, 1, VersionState.DISABLED, player.now)
            again = await player.start(key="order-1")
            assert again == Accepted(
                instance=first.instance, process=PROCESS, version=1, message=first.message, repeated=True
            )
        assert len((await player.left(version))["a"]) == 1
        await player.check_ledger()

    async def test_M2_the_same_key_at_once_makes_one_instance(self, player: Player) -> None:
        """Of many callers with one key all get the same instance, and one of them made it."""
        version = await player.enable()
        answers = await asyncio.gather(*(player.start(key="same") for _ in range(60)))
        assert len({answer.instance for answer in answers}) == 1
        assert [answer.repeated for answer in answers].count(False) == 1
        assert len((await player.left(version))["a"]) == 1

    async def test_M2_a_key_belongs_to_its_process(self, player: Player) -> None:
        """The same key of another process is another key."""
        await player.enable()
        await player.enable("returns")
        first = await player.start(key="1")
        other = await player.start("returns", key="1")
        assert not other.repeated
        assert other.instance != first.instance

    async def test_M3_the_highest_enabled_version_takes_it(self, player: Player) -> None:
        """Whatever is enabled or disabled, at once and for all that comes after."""
        for _ in range(3):
            await player.enable()
        assert (await player.start()).version == 3
        await player.store.set_state(PROCESS, 3, VersionState.DISABLED, player.now)
        assert (await player.start()).version == 2
        await player.store.set_state(PROCESS, 1, VersionState.DISABLED, player.now)
        assert (await player.start()).version == 2
        await player.store.set_state(PROCESS, 2, VersionState.DISABLED, player.now)
        with pytest.raises(NoEnabledVersion):
            await player.start()
        await player.store.set_state(PROCESS, 3, VersionState.ENABLED, player.now)
        assert (await player.start()).version == 3
        await player.check_ledger()

    async def test_M3_a_version_may_be_asked_for_by_number(self, player: Player) -> None:
        """Whether it is enabled or not."""
        for _ in range(2):
            await player.enable()
        await player.store.set_state(PROCESS, 1, VersionState.DISABLED, player.now)
        assert (await player.start(version=1)).version == 1

    async def test_M3_a_start_node_is_asked_for_by_name(self, player: Player) -> None:
        """It leads to the queue that the version says."""
        version = await player.enable(entries={"": "a", "By mail": "b", "Start_2": "b"})
        await player.start(body=b"1")
        await player.start(node="By mail", body=b"2")
        await player.start(node="Start_2", body=b"3")
        with pytest.raises(NodeNotFound):
            await player.start(node="By phone")
        assert await player.left(version) == {"a": [b"1"], "b": [b"2", b"3"]}

    async def test_M3_an_entry_is_the_queue_of_that_very_node(self, player: Player) -> None:
        """And the instance names where it came from."""
        version = await player.enable()
        accepted = await player.start(entry="c", origin="elsewhere")
        message = await player.take_one(version, "c")
        assert message.place is Place.QUEUED
        instance = await player.store.instance(accepted.instance)
        assert instance is not None
        assert (instance.origin, instance.start_node) == ("elsewhere", "c")

    async def test_a_tick_fires_once(self, player: Player) -> None:
        """A tick that is not later than the recorded one answers what that one made, also after a crash."""
        version = await player.enable(entries={"": "a", "Timer_1": "a"})
        first = await player.start(node="Timer_1", tick=1000)
        assert not first.repeated
        for tick in (1000, 900):
            again = await player.start(node="Timer_1", tick=tick)
            assert (again.repeated, again.instance) == (True, first.instance)
        await player.world.crash()
        assert (await player.start(node="Timer_1", tick=1000)).repeated
        assert not (await player.start(node="Timer_1", tick=1001)).repeated
        assert len((await player.left(version))["a"]) == 2
        [state] = await player.store.schedule_states()
        assert (state.process, state.node, state.tick) == (PROCESS, "Timer_1", 1001)

    async def test_a_refused_tick_is_not_recorded(self, player: Player) -> None:
        """It can fire later."""
        await player.publish(entries={"": "a", "Timer_1": "a"})
        with pytest.raises(NoEnabledVersion):
            await player.start(node="Timer_1", tick=1000)
        assert await player.store.schedule_states() == []
