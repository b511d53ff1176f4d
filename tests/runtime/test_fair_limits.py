"""Limits as control services meet them: turns, who waits, and what people give."""

from __future__ import annotations

import pytest

from segue.adapters.memory.store import MemoryStore
from segue.core.limit_rules import Falls
from segue.model.graph import LimitRule
from segue.model.limits import GivenLimit
from segue.runtime.fair_limits import FairLimits
from segue.runtime.limiter import Limiter
from segue.testing.contracts.store_world import ManualClock

# With the millisecond in which a call ends the window is a second, of which the steps below are parts.
KEY = LimitRule(key="k", calls=4, per_ms=999)
FALLS = Falls((KEY,))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def limits(clock: ManualClock) -> FairLimits:
    store = MemoryStore(clock)
    made = FairLimits(Limiter(store, clock), store, clock)
    await made.declare(0, [KEY])
    await made.load()
    return made


class Party:
    """A process that wants calls without end: after each one the next, and as many at once as its prefetch."""

    def __init__(self, limits: FairLimits, name: str, prefetch: int) -> None:
        self.limits = limits
        self.name = name
        self.prefetch = prefetch
        self.had = 0

    async def ask(self) -> None:
        for _ in range(self.prefetch):
            while await self.limits.acquire(self.name, f"{self.name}-{self.had}", FALLS, lambda: None) is None:
                self.limits.ended(f"{self.name}-{self.had}")
                self.had += 1


@pytest.mark.parametrize("prefetches", [(10, 10), (100, 1), (1, 100), (50, 2, 7)])
async def test_nobody_starves(limits: FairLimits, clock: ManualClock, prefetches: tuple[int, ...]) -> None:
    """Whatever their prefetch and in whatever order they ask, each gets its share, and nothing of the limit is lost."""
    parties = [Party(limits, str(number), prefetch) for number, prefetch in enumerate(prefetches)]
    rounds = 60
    for _ in range(rounds):
        for _ in range(10):
            for party in parties:
                await party.ask()
            clock.advance(100)
    total = sum(party.had for party in parties)
    assert 4 * rounds * 0.95 <= total <= 4 * (rounds + 1)
    for party in parties:
        assert party.had >= total / len(parties) * 0.8


async def test_one_alone_may_have_it_all(limits: FairLimits, clock: ManualClock) -> None:
    """Another one that does not wait any more takes nothing away from it."""
    other, alone = Party(limits, "other", 8), Party(limits, "alone", 8)
    await other.ask()
    await alone.ask()
    assert (other.had, alone.had) == (4, 0)
    for _ in range(20):
        clock.advance(500)
        await alone.ask()
    assert alone.had >= 36
    assert limits.waiting("k") == ["alone"]


async def test_what_people_give_holds_at_once_and_no_longer_than_given(limits: FairLimits, clock: ManualClock) -> None:
    store = limits._catalog
    rule = LimitRule(key="|crm", calls=1, per_ms=1000)
    await store.put_given_limit(GivenLimit(key="|crm", rules=(rule,), by="ann", at=clock.now()))
    assert limits._given == {}
    await limits.reload()
    assert limits._given == {"|crm": (rule,)}
    assert await store.delete_given_limit("|crm")
    assert not await store.delete_given_limit("|crm")
    await limits.reload()
    assert limits._given == {}


async def test_messages_that_wait_on_their_own_come_one_after_the_other(limits: FairLimits, clock: ManualClock) -> None:
    until = clock.now() + 100
    falls = Falls((LimitRule(key="k", calls=4, per_ms=1000),))
    turns = [limits.turn_of(falls, until) for _ in range(4)]
    assert turns == [until, until + 250, until + 500, until + 750]
    for _ in range(1000):
        assert limits.turn_of(FALLS, until) <= clock.now() + 60_000


async def test_what_workers_told_is_known(limits: FairLimits) -> None:
    told = LimitRule(key="ann|crm", calls=2, per_ms=1000)
    assert await limits.acquire("p", "h", Falls((told,), (told,), personal=True), lambda: None) is None
    assert limits.told() == [told]


async def test_a_told_window_counts_after_a_restart(clock: ManualClock) -> None:
    """The rule is not known when the store is opened again; the calls before are."""
    store = MemoryStore(clock)
    told = LimitRule(key="ann|crm", calls=1, per_ms=60_000)
    falls = Falls((told,), (told,), personal=True)
    before = FairLimits(Limiter(store, clock), store, clock)
    await before.load()
    assert await before.acquire("p", "h", falls, lambda: None) is None
    before.ended("h")
    clock.advance(30_000)
    after = FairLimits(Limiter(store, clock), store, clock)
    await after.load()
    assert await after.acquire("p", "i", falls, lambda: None) is not None
