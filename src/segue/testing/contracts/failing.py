"""The contract of a store in trouble, and of one that holds very much: M12 and M13."""

from __future__ import annotations

import asyncio
import gc
import tracemalloc

import pytest

from segue.model.errors import StoreUnavailable
from segue.model.message import Consumed, Outcome
from segue.testing.contracts.store_world import Player, StoreWorld, child_of, failed, passed


class FailingContract:
    """Needs the fixture `world`, and `mended` to wait until the store has noticed that it can write again."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    @pytest.mark.parametrize("moment", ["begin", "commit"])
    async def test_M12_a_store_that_cannot_write_says_so_and_has_done_nothing(
        self, player: Player, moment: str
    ) -> None:
        """Neither of an accept nor of a settle nor of a change of the catalog, whenever in it writing fails."""
        version = await player.enable()
        for n in range(4):
            await player.start(body=b"%d" % n)
        messages = await player.take(version, "a")
        (player.world.break_writes if moment == "begin" else player.world.break_commits)()
        with pytest.raises(StoreUnavailable):
            await player.start(body=b"refused", key="k")
        for message in messages:
            with pytest.raises(StoreUnavailable):
                await player.settle(message, passed(message, "b"))
        with pytest.raises(StoreUnavailable):
            await player.store.retire("orders", 1, discard=True, at=player.now)
        await player.world.crash()
        assert await player.left(version) == {"a": [b"0", b"1", b"2", b"3"]}
        await player.check_ledger()

    @pytest.mark.parametrize("moment", ["begin", "commit"])
    async def test_M12_work_goes_on_once_it_can(self, player: Player, moment: str) -> None:
        """What was taken stays taken, and the very same transitions can be settled then."""
        version = await player.enable()
        for n in range(4):
            await player.start(body=b"%d" % n)
        messages = await player.take(version, "a")
        transitions = [player.transition(one, passed(one, "b")) for one in messages]
        (player.world.break_writes if moment == "begin" else player.world.break_commits)()
        for _ in range(3):
            with pytest.raises(StoreUnavailable):
                await player.store.settle(transitions)
        assert await player.take(version, "a") == []
        player.world.mend_writes()
        assert await player.store.settle(transitions) == [True] * 4
        assert await player.store.settle(transitions) == [False] * 4
        await player.start(body=b"later")
        assert len(await player.take(version, "b")) == 4
        await player.check_ledger()

    async def test_M12_a_message_released_in_trouble_is_there_afterwards(self, player: Player) -> None:
        """Its settle failed, and whoever had it gave up."""
        version = await player.enable()
        await player.start()
        message = await player.take_one(version, "a")
        player.world.break_writes()
        with pytest.raises(StoreUnavailable):
            await player.settle(message, passed(message, "b"))
        player.store.release(message)
        assert [one.id for one in await player.take(version, "a")] == [message.id]
        player.world.mend_writes()

    async def test_M12_what_can_be_read_is_answered_in_trouble(self, player: Player) -> None:
        """People see what there is."""
        version = await player.enable()
        accepted = await player.start()
        player.world.break_writes()
        with pytest.raises(StoreUnavailable):
            await player.start()
        assert await player.store.instance(accepted.instance) is not None
        assert len(await player.take(version, "a")) == 1
        await player.check_ledger()

    async def test_M12_many_callers_in_trouble_all_hear_of_it(self, player: Player) -> None:
        """Nobody waits for ever."""
        version = await player.enable()
        for _ in range(50):
            await player.start()
        messages = await player.take(version, "a")
        player.world.break_commits()
        answers = await asyncio.gather(
            *(player.settle(one, failed()) for one in messages), player.start(), return_exceptions=True
        )
        assert all(isinstance(answer, StoreUnavailable) for answer in answers)
        player.world.mend_writes()
        assert all([await player.settle(one, failed()) for one in messages])
        await player.check_ledger()


class BacklogContract:
    """Needs the fixture `world`; for stores that keep their backlog elsewhere than in memory."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_M13_memory_does_not_grow_with_the_backlog(self, player: Player) -> None:
        """Five times as much waiting costs no more of it; and all of it comes out in order."""
        version = await player.enable()
        await self._fill(player, "b", 5)
        tracemalloc.start()
        try:
            small = self._used()
            await self._fill(player, "b", 20)
            large = self._used()
        finally:
            tracemalloc.stop()
        assert large - small < 6_000_000
        await player.world.crash()
        told = asyncio.Event()
        player.store.on_ready(lambda *_: told.set())
        expected = 0
        while expected < 25 * 400:
            told.clear()
            messages = await player.take(version, "b", 700)
            assert [int(one.body[:8]) for one in messages] == list(range(expected, expected + len(messages)))
            expected += len(messages)
            done = [player.transition(one, passed(one)) for one in messages]
            assert all(await player.store.settle(done))
            if not messages:  # a broker may have to be told again what there is
                await told.wait()
        assert await player.take(version, "b", 700) == []
        await player.check_ledger()

    async def test_M13_more_comes_while_the_backlog_is_worked_off(self, player: Player) -> None:
        """Producers and consumers at once: nothing is lost, doubled or out of order."""
        version = await player.enable()
        await self._fill(player, "b", 5)
        taken: list[int] = []

        async def produce() -> None:
            for _ in range(5):
                await self._fill(player, "b", 1)

        async def consume() -> None:
            while len(taken) < 10 * 400:
                messages = await player.take(version, "b", 50)
                taken.extend(int(one.body[:8]) for one in messages)
                done = [player.transition(one, passed(one)) for one in messages]
                assert all(await player.store.settle(done))
                await asyncio.sleep(0)

        await asyncio.gather(produce(), consume())
        assert taken == list(range(10 * 400))
        await player.check_ledger()

    @staticmethod
    def _used() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    async def _fill(self, player: Player, node: str, parents: int) -> None:
        """Put 400 messages of 1 KB for each parent into a queue; their bodies begin with their number."""
        for _ in range(parents):
            begun = getattr(self, "_begun", 0)
            await player.start(entry="a")
            [version] = await player.store.published()
            message = await player.take_one(version, "a")
            children = []
            for n in range(400):
                message.body = b"%08d" % (begun + n) + b"." * 1000
                children.append(child_of(message, node, n))
            assert await player.settle(message, Consumed(outcome=Outcome.OK, children=tuple(children)))
            self._begun = begun + 400
