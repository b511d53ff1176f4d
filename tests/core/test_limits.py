"""At most N calls in any window of T, whatever happens."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from segue.core.limits import LimitBook, Slot
from segue.model.graph import LimitRule


def limit(key: str, calls: int, per_ms: int) -> LimitRule:
    return LimitRule(key=key, calls=calls, per_ms=per_ms)


TWO = limit("crm", 2, 100)


def test_a_slot_is_busy_until_the_window_after_the_call_is_over() -> None:
    book = LimitBook()
    assert book.grant("a", [TWO], 0)
    assert book.grant("b", [TWO], 10)
    assert not book.grant("c", [TWO], 20)
    assert book.next_free([TWO], 20) is None
    book.ended("a", 50)
    assert book.next_free([TWO], 60) == 150
    assert not book.grant("c", [TWO], 149)
    assert book.grant("c", [TWO], 150)


def test_the_call_that_ended_first_frees_first() -> None:
    book = LimitBook()
    book.grant("a", [TWO], 0)
    book.grant("b", [TWO], 0)
    book.ended("b", 30)
    book.ended("a", 20)
    assert book.next_free([TWO], 40) == 120
    assert book.grant("c", [TWO], 120)
    assert book.next_free([TWO], 120) == 130


def test_all_rules_must_have_a_slot_and_the_strictest_decides() -> None:
    narrow, wide = limit("x", 1, 10), limit("y", 5, 1_000)
    book = LimitBook()
    assert book.grant("a", [narrow, wide], 0)
    book.ended("a", 1)
    assert book.next_free([narrow, wide], 2) == 11
    assert book.next_free([wide], 2) == 2
    for name in "bcde":
        assert book.grant(name, [wide], 2)
    assert book.next_free([narrow, wide], 20) == 1_001
    assert not book.grant("f", [narrow, wide], 20)
    assert book.grant("f", [narrow], 20)


def test_a_refused_grant_takes_nothing() -> None:
    one, full = limit("one", 1, 10), limit("full", 1, 10)
    book = LimitBook()
    book.grant("a", [full], 0)
    assert not book.grant("b", [one, full], 0)
    assert book.grant("c", [one], 0)


def test_two_windows_for_one_key_count_the_same_calls() -> None:
    short, long = limit("k", 1, 10), limit("k", 2, 100)
    book = LimitBook()
    assert book.grant("a", [short, long], 0)
    book.ended("a", 0)
    assert book.grant("b", [short, long], 10)
    book.ended("b", 10)
    assert book.next_free([short, long], 20) == 100


def test_no_calls_at_all_and_no_rules() -> None:
    book = LimitBook()
    assert book.next_free([limit("k", 0, 10)], 5) is None
    assert not book.grant("a", [limit("k", 0, 10)], 5)
    assert book.grant("a", [], 5)
    assert book.next_free([], 5) == 5


def test_a_call_takes_no_slot_twice() -> None:
    book = LimitBook()
    book.grant("a", [TWO], 0)
    with pytest.raises(ValueError, match="'a' holds a slot of 'crm' already"):
        book.grant("a", [TWO], 1)


def test_the_end_of_an_unknown_call_changes_nothing() -> None:
    book = LimitBook()
    assert book.ended("nobody", 5) == ()
    book.grant("a", [TWO], 0)
    assert book.ended("a", 7) == (Slot(key="crm", holder="a", granted=0, ended=7),)
    assert book.ended("a", 9) == ()


def test_after_a_restart_calls_that_ran_end_then_and_the_windows_go_on() -> None:
    book = LimitBook()
    book.grant("a", [TWO], 0)
    book.ended("a", 40)
    book.grant("b", [TWO], 50)
    slots = book.slots(60)
    assert slots == (Slot(key="crm", holder="b", granted=50), Slot(key="crm", holder="a", granted=0, ended=40))
    again = LimitBook.restored(slots, [TWO], 90)
    assert again.next_free([TWO], 90) == 140
    assert again.grant("c", [TWO], 140)
    assert again.next_free([TWO], 140) == 190


def test_what_no_window_reaches_is_forgotten() -> None:
    book = LimitBook()
    for index in range(1_000):
        assert book.grant(str(index), [limit("k", 1, 10)], index * 10)
        book.ended(str(index), index * 10)
    assert len(book.slots(9_995)) == 1
    assert book.slots(10_000) == ()


@given(st.permutations([10, 20, 30, 30, 40, 50]), st.integers(1, 6))
def test_stored_slots_may_come_in_any_order(ends: list[int], calls: int) -> None:
    slots = [Slot(key="k", holder=str(index), granted=0, ended=end) for index, end in enumerate(ends)]
    book = LimitBook.restored(slots, [limit("k", calls, 100)], 60)
    assert book.next_free([limit("k", calls, 100)], 60) == sorted(ends)[-calls] + 100


def test_a_key_that_nobody_uses_takes_no_memory() -> None:
    book = LimitBook()
    for index in range(50):
        book.grant("a", [limit(f"user-{index}", 1, 10)], 0)
        book.ended("a", 0)
    book.slots(10)
    assert not book._counts
    assert not book._keys


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 20)), max_size=20))
def test_a_rule_that_appears_later_counts_the_calls_before(calls: list[tuple[str, int, int]]) -> None:
    """What was granted under a short window still counts for a longer one that comes later."""
    book = LimitBook()
    now, granted = 0, []
    for index, (key, wait, takes) in enumerate(calls):
        now += wait
        if book.grant(str(index), [limit(key, 3, 5)], now):
            now += takes
            book.ended(str(index), now)
            granted.append((key, now))
    for key in "ab":
        busy = [end for name, end in granted if name == key and end + 50 > now]
        assert (book.next_free([limit(key, len(busy) + 1, 50)], now)) == now
        if busy:
            assert book.next_free([limit(key, len(busy), 50)], now) == min(busy) + 50


class AnyHistory(RuleBasedStateMachine):
    """Calls come, take their time and end, the book is stored and restored; the service at the other end counts."""

    @initialize(
        calls=st.integers(1, 3),
        per_ms=st.integers(1, 40),
        other_calls=st.integers(1, 4),
        other_per_ms=st.integers(1, 40),
    )
    def begin(self, calls: int, per_ms: int, other_calls: int, other_per_ms: int) -> None:
        self.rules = [limit("k", calls, per_ms), limit("k", other_calls, other_per_ms), limit("l", other_calls, per_ms)]
        self.book = LimitBook()
        self.now = 0
        self.number = 0
        self.running: dict[str, tuple[int, list[LimitRule]]] = {}
        self.seen: dict[str, list[int]] = {"k": [], "l": []}

    @rule(ms=st.integers(0, 25))
    def wait(self, ms: int) -> None:
        self.now += ms

    @rule(which=st.sampled_from([(0,), (1,), (0, 1), (2,), (0, 2), (0, 1, 2)]))
    def ask(self, which: tuple[int, ...]) -> None:
        """All rules of a key are given, as the limiter does: they hold for the key, whoever calls."""
        keys = {self.rules[index].key for index in which}
        rules = [one for one in self.rules if one.key in keys]
        free = self.book.next_free(rules, self.now)
        holder = str(self.number)
        granted = self.book.grant(holder, rules, self.now)
        assert granted == (free == self.now)
        if granted:
            self.number += 1
            self.running[holder] = (self.now, rules)

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        """A call ends; the service saw it at some moment since its grant."""
        if self.running:
            holder = data.draw(st.sampled_from(sorted(self.running)))
            begun, rules = self.running.pop(holder)
            moment = data.draw(st.integers(begun, self.now))
            for key in {one.key for one in rules}:
                self.seen[key].append(moment)
            assert {slot.key for slot in self.book.ended(holder, self.now)} == {one.key for one in rules}

    @rule(data=st.data())
    def restart(self, data: st.DataObject) -> None:
        """The process dies; calls on their way may still have been seen."""
        slots = self.book.slots(self.now)
        for begun, rules in self.running.values():
            moment = data.draw(st.integers(begun, self.now))
            for key in {one.key for one in rules}:
                self.seen[key].append(moment)
        self.running.clear()
        self.book = LimitBook.restored(slots, self.rules, self.now)

    @invariant()
    def no_window_holds_more(self) -> None:
        for one in getattr(self, "rules", []):
            moments = sorted(self.seen[one.key])
            for first in moments:
                assert sum(first <= moment < first + one.per_ms for moment in moments) <= one.calls


TestAnyHistory = AnyHistory.TestCase
