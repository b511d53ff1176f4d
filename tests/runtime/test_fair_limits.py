"""Limits as control services meet them: turns, who waits, and what people give."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from unittest.mock import Mock

import pytest

from segue.adapters.memory.store import MemoryStore
from segue.core.limit_rules import Falls
from segue.core.limits import Slot
from segue.model.errors import StoreUnavailable
from segue.model.graph import LimitRule
from segue.model.limits import GivenLimit
from segue.runtime import limiter
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

    def __init__(self, limits: FairLimits, name: str, prefetch: int, priority: int = 0) -> None:
        self.limits = limits
        self.name = name
        self.prefetch = prefetch
        self.falls = Falls((KEY,), priority=priority)
        self.had = 0

    async def ask(self) -> None:
        for _ in range(self.prefetch):
            while await self.limits.acquire(self.name, self._holder(), self.falls, lambda: None) is None:
                self.limits.ended(self._holder())
                self.had += 1

    def _holder(self) -> str:
        return f"{self.name}-{self.falls.priority}-{self.had}"


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


@pytest.mark.parametrize("names", [("low", "high"), ("same", "same")])
async def test_the_higher_priority_has_all_it_wants(
    limits: FairLimits, clock: ManualClock, names: tuple[str, str]
) -> None:
    """Also within one process. Once the higher one wants nothing more the other one gets everything, at once."""
    low, high = Party(limits, names[0], 10), Party(limits, names[1], 2, priority=3)
    await low.ask()
    assert low.had == KEY.calls
    for _ in range(200):
        await low.ask()
        await high.ask()
        clock.advance(100)
    assert low.had == KEY.calls
    assert high.had >= KEY.calls * 18
    had = low.had
    for _ in range(50):
        clock.advance(100)
        await low.ask()
    assert low.had - had >= KEY.calls * 4


async def test_equals_share_and_the_lower_one_has_what_they_leave(limits: FairLimits, clock: ManualClock) -> None:
    low, one, two = Party(limits, "low", 9), Party(limits, "one", 9, priority=9), Party(limits, "two", 1, priority=9)
    for _ in range(300):
        for party in (low, one, two):
            await party.ask()
        clock.advance(100)
    assert low.had <= KEY.calls
    assert min(one.had, two.had) >= (one.had + two.had) / 2 * 0.8


async def test_what_waits_behind_a_higher_priority_is_woken_when_that_is_served(
    limits: FairLimits, clock: ManualClock
) -> None:
    low, high = Falls((KEY,)), Falls((KEY,), priority=1)
    woken = Mock()
    for number in range(KEY.calls):
        assert await limits.acquire("p", f"first {number}", low, lambda: None) is None
    until = await limits.acquire("p", "high", high, lambda: None)
    assert until is not None
    assert await limits.acquire("p", "low", low, woken) is not None
    for number in range(KEY.calls):
        limits.ended(f"first {number}")
    clock.advance(1000)
    assert await limits.acquire("p", "low", low, woken) is not None
    woken.reset_mock()
    assert await limits.acquire("p", "high", high, lambda: None) is None
    woken.assert_called_once_with()
    assert await limits.acquire("p", "low", low, lambda: None) is None


async def test_one_call_granted_takes_no_place_from_those_that_wait(limits: FairLimits, clock: ManualClock) -> None:
    """While a grant is written another call of the same priority begins to wait; that is not forgotten."""
    one = LimitRule(key="one", calls=1, per_ms=1000)
    high, low = Falls((one,), priority=1), Falls((one,))
    answers = await asyncio.gather(*(limits.acquire("p", name, high, lambda: None) for name in ("a", "b")))
    assert answers.count(None) == 1
    limits.ended("a")
    clock.advance(1001)
    assert await limits.acquire("q", "c", low, lambda: None) is not None
    assert await limits.acquire("p", "b", high, lambda: None) is None


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


async def test_a_message_of_a_higher_priority_is_planned_before_those_that_wait_already(
    limits: FairLimits, clock: ManualClock
) -> None:
    rule = LimitRule(key="k", calls=4, per_ms=1000)
    until = clock.now() + 100
    low, high = Falls((rule,), personal=True), Falls((rule,), personal=True, priority=9)
    assert [limits.turn_of(low, until) for _ in range(2)] == [until, until + 250]
    assert [limits.turn_of(high, until) for _ in range(4)] == [until, until + 250, until + 500, until + 750]
    assert limits.turn_of(low, until) == until + 1000
    clock.advance(600)
    assert await limits.acquire("p", "low", low, lambda: None) is not None
    assert await limits.acquire("p", "high", high, lambda: None) is None


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


class Slow(MemoryStore):
    """A store whose writes of slots can be refused, and which says when one is done."""

    def __init__(self, clock: ManualClock) -> None:
        super().__init__(clock)
        self.refuses = 0
        self.written = asyncio.Event()

    async def put_slots(self, slots: Sequence[Slot]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise StoreUnavailable("refused")
        await super().put_slots(slots)
        if any(slot.ended is not None for slot in slots):
            self.written.set()


@pytest.mark.parametrize("refusals", [0, 1])
async def test_that_a_call_is_over_is_on_disk_soon(
    clock: ManualClock, refusals: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when nobody asks for another one, and when the store could not write at first."""
    monkeypatch.setattr(limiter, "_ENDS_S", 0.001)
    store = Slow(clock)
    limits = Limiter(store, clock)
    assert await limits.acquire("h", [KEY], lambda: None) is None
    store.refuses = refusals
    limits.ended("h")
    await asyncio.wait_for(store.written.wait(), 10)
    assert [slot.ended for slot in await store.slots()] == [clock.now() + 1]


async def test_what_ran_at_the_end_of_a_process_is_over_for_good(clock: ManualClock) -> None:
    """It counts for its window after one restart, and not after each."""
    store = MemoryStore(clock)
    rule = LimitRule(key="one", calls=1, per_ms=1000)
    before = Limiter(store, clock)
    assert await before.acquire("h", [rule], lambda: None) is None
    clock.advance(5000)
    after = Limiter(store, clock)
    await after.declare(0, [rule])
    await after.load()
    assert [slot.ended for slot in await store.slots()] == [clock.now()]
    assert await after.acquire("i", [rule], lambda: None) is not None
    clock.advance(1000)
    last = Limiter(store, clock)
    await last.declare(0, [rule])
    await last.load()
    assert await last.acquire("j", [rule], lambda: None) is None
    last.ended("j")
    await last.close()
    assert all(slot.ended is not None for slot in await store.slots())
