"""The contracts of `Cluster`, G1 to G3, and of `SharedLimits`, L3 to L7."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from segue.model.errors import StoreUnavailable
from segue.model.events import EventKind
from segue.model.graph import LimitRule
from segue.model.services import DeployerKind, Member, Role, ServiceState, ServiceStatus
from segue.model.versions import VersionState
from segue.model.workers import Worker
from segue.ports.limits import Ask, Ended
from segue.testing.contracts.store_world import PROCESS, Player, StoreWorld

_SECOND = 1_000


def _member(id: str, started: int = 1) -> Member:
    return Member(id=id, host="here", pid=7, roles=(Role.API, Role.CONTROL), release="1", started=started)


class ClusterContract:
    """Needs the fixture `world`, whose clock is the store's."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_G1_a_lease_has_one_holder(self, player: Player) -> None:
        """Who renews it keeps it; another name is another lease."""
        store = player.store
        assert await store.lead("timers", "a", _SECOND)
        assert not await store.lead("timers", "b", _SECOND)
        assert await store.lead("status", "b", _SECOND)
        for _ in range(5):
            player.world.clock.advance(_SECOND - 1)
            assert await store.lead("timers", "a", _SECOND)
            assert not await store.lead("timers", "b", _SECOND)

    async def test_G2_a_lease_goes_to_another_when_its_time_is_over_or_it_is_given_up(self, player: Player) -> None:
        """Also after a crash of its holder, and who lost it does not give it up for another."""
        assert await player.store.lead("timers", "a", _SECOND)
        await player.world.crash()
        assert not await player.store.lead("timers", "b", _SECOND)
        player.world.clock.advance(_SECOND)
        assert await player.store.lead("timers", "b", _SECOND)
        assert not await player.store.lead("timers", "a", _SECOND)
        await player.store.resign("timers", "a")
        assert not await player.store.lead("timers", "a", _SECOND)
        await player.store.resign("timers", "b")
        assert await player.store.lead("timers", "a", _SECOND)

    async def test_G3_members_are_listed_with_what_they_said_last(self, player: Player) -> None:
        """By age, until they leave or fall silent."""
        state = ServiceState(
            version_id=1,
            process=PROCESS,
            version=1,
            status=ServiceStatus.RUNNING,
            since=5,
            restarts=0,
            last_error=None,
            lanes=(),
        )
        await player.store.beat(_member("b", started=2))
        await player.store.beat(_member("a", started=1))
        player.world.clock.advance(_SECOND)
        said = replace(_member("b", started=2), services=(state,))
        await player.store.beat(said)
        found = await player.store.members(_SECOND + 1)
        assert [one.id for one in found] == ["a", "b"]
        assert found[1] == replace(said, seen=found[1].seen)
        assert found[1].seen - found[0].seen == _SECOND
        assert [one.id for one in await player.store.members(_SECOND)] == ["b"]
        await player.store.leave("b")
        assert [one.id for one in await player.store.members(_SECOND + 1)] == ["a"]

    async def test_changes_of_workers_and_deployers_are_told(self, player: Player) -> None:
        """So that other processes learn of them."""
        await player.enable()
        last = await player.store.last_event()
        await player.store.put_worker(Worker(name="w", url="http://w", headers={}, created=1))
        chosen = await player.store.choose_deployer(PROCESS, DeployerKind.PROCESS, player.now)
        await player.store.delete_worker("w")
        assert chosen.deployer is DeployerKind.PROCESS
        assert (await player.store.processes(None, 10))[0].deployer is DeployerKind.PROCESS
        events = await player.store.events(last, 10)
        kinds = [(event.kind, event.detail) for event in events]
        assert kinds == [
            (EventKind.WORKERS_CHANGED, "w"),
            (EventKind.DEPLOYER_CHANGED, PROCESS),
            (EventKind.WORKERS_CHANGED, "w"),
        ]
        await player.store.choose_deployer(PROCESS, None, player.now)
        assert (await player.store.process(PROCESS)).deployer is None

    async def test_ping_says_when_nothing_can_be_written(self, player: Player) -> None:
        """And that it can."""
        await player.store.ping()


class SharedLimitContract:
    """Needs the fixture `world`, whose clock is the store's."""

    @pytest.fixture
    def player(self, world: StoreWorld) -> Player:
        """Acts on the store under test."""
        return Player(world)

    async def test_L3_no_window_holds_more_calls_than_the_rule_allows(self, player: Player) -> None:
        """A slot counts until its window after its end, and the store says when one is free."""
        store, clock = player.store, player.world.clock
        await store.declare_rules(0, [LimitRule(key="k", calls=2, per_ms=_SECOND)])
        first = await store.settle_slots([], [_ask("1"), _ask("2"), _ask("3")])
        assert first[:2] == [None, None]
        assert first[2] is not None
        clock.advance(300)
        assert await store.settle_slots([_ended("1")], [_ask("4")]) != [None]
        clock.advance(_SECOND)
        assert await store.settle_slots([], [_ask("4")]) == [1]
        clock.advance(1)
        assert (await store.settle_slots([], [_ask("4"), _ask("5")]))[:1] == [None]
        assert await store.settle_slots([], [_ask("5")]) != [None]

    async def test_L4_the_strictest_of_all_rules_counts(self, player: Player) -> None:
        """Of several windows, and only of versions that are not retired."""
        store, clock = player.store, player.world.clock
        one, two = await player.enable(), await player.enable(nodes=("a", "b"))
        await store.declare_rules(one.id, [LimitRule(key="k", calls=5, per_ms=_SECOND)])
        await store.declare_rules(two.id, [LimitRule(key="k", calls=6, per_ms=_SECOND)] * 2)
        await store.declare_rules(two.id, [LimitRule(key="k", calls=8, per_ms=60 * _SECOND)])
        names = [str(n) for n in range(6)]
        granted = await store.settle_slots([], [_ask(name) for name in names])
        assert [answer is None for answer in granted] == [True] * 5 + [False]
        await store.settle_slots([_ended(name) for name in names[:5]], [])
        clock.advance(_SECOND + 1)
        more = await store.settle_slots([], [_ask(f"more {n}") for n in range(5)])
        assert [answer is None for answer in more] == [True] * 3 + [False] * 2
        await store.set_state(two.process, two.number, VersionState.RETIRED, player.now)
        assert [answer is None for answer in await store.settle_slots([], [_ask("6"), _ask("7"), _ask("8")])] == [
            True,
            True,
            False,
        ]

    async def test_L4_rules_of_an_ask_hold_for_it(self, player: Player) -> None:
        """Beside those declared, for as long as their windows are; and for no other ask, whose calls count though."""
        store, clock = player.store, player.world.clock
        await store.declare_rules(0, [LimitRule(key="k", calls=3, per_ms=_SECOND)])
        own = (LimitRule(key="k", calls=2, per_ms=60 * _SECOND),)
        await store.watch_windows([("k", 60 * _SECOND), ("new", _SECOND)])
        asks = [_ask("1"), Ask(holder="2", keys=("k",), rules=own), Ask(holder="3", keys=("k",), rules=own), _ask("4")]
        assert [answer is None for answer in await store.settle_slots([], asks)] == [True, True, False, True]
        await store.settle_slots([_ended("1"), _ended("2"), _ended("4")], [])
        clock.advance(_SECOND + 1)
        await store.tidy_slots()
        answers = await store.settle_slots([], [Ask(holder="5", keys=("k",), rules=own), _ask("6")])
        assert [answer is None for answer in answers] == [False, True]
        new = (LimitRule(key="new", calls=1, per_ms=_SECOND),)
        mine = [Ask(holder=name, keys=("new",), rules=new) for name in ("7", "8")]
        assert [answer is None for answer in await store.settle_slots([], mine)] == [True, False]

    async def test_L5_an_ask_takes_a_slot_under_each_key_or_none(self, player: Player) -> None:
        """And what is granted is there after a crash."""
        store = player.store
        await store.declare_rules(0, [LimitRule(key="k", calls=9, per_ms=_SECOND)])
        await store.declare_rules(0, [LimitRule(key="narrow", calls=1, per_ms=_SECOND)])
        both = await store.settle_slots([], [_ask("1", "k", "narrow"), _ask("2", "k", "narrow"), _ask("3", "k")])
        assert [answer is None for answer in both] == [True, False, True]
        await player.world.crash()
        slots = await player.store.slots()
        assert sorted((slot.key, slot.holder) for slot in slots) == [("k", "1"), ("k", "3"), ("narrow", "1")]

    async def test_L5_in_trouble_nothing_is_granted(self, player: Player) -> None:
        """All or none."""
        await player.store.declare_rules(0, [LimitRule(key="k", calls=2, per_ms=_SECOND)])
        player.world.break_commits()
        with pytest.raises(StoreUnavailable):
            await player.store.settle_slots([], [_ask("1")])
        player.world.mend_writes()
        assert await player.store.settle_slots([], [_ask("2"), _ask("3")]) == [None, None]

    async def test_L6_an_end_counts_from_when_it_is_told(self, player: Player) -> None:
        """And is told once; one that is not known is none."""
        store, clock = player.store, player.world.clock
        await store.declare_rules(0, [LimitRule(key="k", calls=1, per_ms=_SECOND)])
        assert await store.settle_slots([_ended("nobody")], [_ask("1")]) == [None]
        clock.advance(_SECOND)
        await store.settle_slots([_ended("1")], [])
        clock.advance(_SECOND)
        await store.settle_slots([_ended("1")], [])
        assert await store.settle_slots([], [_ask("2")]) == [1]
        clock.advance(1)
        assert await store.settle_slots([], [_ask("2")]) == [None]

    async def test_L7_slots_of_the_gone_end_when_it_is_seen(self, player: Player) -> None:
        """Once, and those of a process that lives do not."""
        await player.store.declare_rules(0, [LimitRule(key="k", calls=2, per_ms=_SECOND)])
        assert await player.store.settle_slots([], [_ask("1")]) == [None]
        assert await player.store.tidy_slots() == 0
        await player.world.crash()
        assert await player.store.settle_slots([], [_ask("2")]) == [None]
        assert await player.store.tidy_slots() == 1
        assert await player.store.tidy_slots() == 0
        player.world.clock.advance(_SECOND)
        assert (await player.store.settle_slots([], [_ask("3"), _ask("4")]))[:1] == [None]
        await player.store.settle_slots([_ended("2"), _ended("3")], [])
        player.world.clock.advance(_SECOND + 1)
        await player.store.tidy_slots()
        assert await player.store.slots() == []


def _ask(holder: str, *keys: str) -> Ask:
    return Ask(holder=holder, keys=keys or ("k",))


def _ended(holder: str, *keys: str) -> Ended:
    return Ended(holder=holder, keys=keys or ("k",))
