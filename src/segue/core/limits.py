"""Limits: at most N calls in any window of T, kept by counting slots.

A rule has `calls` slots. A call takes one before it begins and keeps it until `per_ms` after it ended. The service at
the other end sees the call at some moment between begin and end; of two calls in one slot the later one begins at
least `per_ms` after the earlier one ended, so no window of that length can hold two of them, nor more than `calls` of
all (P7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from segue.model.graph import LimitRule

LONGEST_WINDOW_MS = 31 * 86_400_000
"""No rule has a longer window."""


class Slot(Struct, frozen=True, kw_only=True):
    """One call that counts under a key: `holder` names the call, `ended` is None while it runs. Instants in ms."""

    key: str
    holder: str
    granted: int
    ended: int | None = None


class _Count:
    """The slots of one key: calls that run (holder -> grant), those that ended in order, and the longest window
    seen."""

    __slots__ = ("ended", "longest_ms", "running")

    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.ended: list[Slot] = []
        self.longest_ms = 0

    def free_at(self, rule: LimitRule, now: int) -> int | None:
        """The first instant, not before `now`, when the rule has a free slot; None while calls that run hold all."""
        left = rule.calls - len(self.running)
        if left <= 0:
            return None
        if len(self.ended) < left:
            return now
        return max(now, _end(self.ended[-left]) + rule.per_ms)

    def end(self, slot: Slot) -> None:
        """Note a call that is over. The list stays in the order of the ends, whatever order they are told in."""
        index = len(self.ended)
        while index > 0 and _end(self.ended[index - 1]) > _end(slot):
            index -= 1
        self.ended.insert(index, slot)

    def forget(self, now: int) -> None:
        """Drop what no window reaches any more; of a key of which no rule was seen yet, any window may."""
        longest_ms = self.longest_ms or LONGEST_WINDOW_MS
        kept = 0
        while kept < len(self.ended) and _end(self.ended[kept]) + longest_ms <= now:
            kept += 1
        del self.ended[:kept]


def _end(slot: Slot) -> int:
    """The instant a call ended; a call that runs is in no list of ended ones."""
    return slot.granted if slot.ended is None else slot.ended


class LimitBook:
    """Which calls count under which keys. It changes only by its methods, and says the same for the same history.

    Rules are given with each question, since several nodes and versions may have rules for one key, each with its own
    window; what counts is the key's calls, all of them. Several rules must all have a slot: the strictest decides.
    """

    def __init__(self) -> None:
        self._counts: dict[str, _Count] = {}
        self._keys: dict[str, tuple[str, ...]] = {}

    @classmethod
    def restored(cls, slots: Iterable[Slot], rules: Iterable[LimitRule], now: int) -> LimitBook:
        """Return the book after a restart at `now`: calls that ran when it happened ended at the latest then.

        `rules` are all those in force: their windows decide how long an ended call is remembered.
        """
        book = cls()
        for rule in rules:
            book._see(rule)
        for slot in slots:
            ended = now if slot.ended is None else slot.ended
            book._count(slot.key).end(Slot(key=slot.key, holder=slot.holder, granted=slot.granted, ended=ended))
        return book

    def grant(self, holder: str, rules: Sequence[LimitRule], now: int) -> bool:
        """Take a slot under every rule for the call `holder` and return True, or take none and return False.

        Raises ValueError when this call holds a slot under one of the keys already.
        """
        for rule in rules:
            self._see(rule)
            if holder in self._counts[rule.key].running:
                raise ValueError(f"The call {holder!r} holds a slot of {rule.key!r} already")
        if self.next_free(rules, now) != now:
            return False
        keys = tuple(dict.fromkeys(rule.key for rule in rules))
        for key in keys:
            self._counts[key].running[holder] = now
        self._keys[holder] = (*self._keys.get(holder, ()), *keys)
        return True

    def ended(self, holder: str, now: int) -> tuple[Slot, ...]:
        """Note that the call is over; its slots stay taken for their windows. Return them; () for an unknown call."""
        slots: list[Slot] = []
        for key in self._keys.pop(holder, ()):
            count = self._counts[key]
            slot = Slot(key=key, holder=holder, granted=count.running.pop(holder), ended=now)
            count.end(slot)
            slots.append(slot)
        return tuple(slots)

    def next_free(self, rules: Sequence[LimitRule], now: int) -> int | None:
        """Return the first instant, not before `now`, when a grant would succeed if nothing else happens.

        None while calls that run hold all slots of a rule: nobody knows when they end. `now` without rules.
        """
        free = now
        for rule in rules:
            count = self._counts.get(rule.key)
            at = count.free_at(rule, now) if count is not None else (now if rule.calls > 0 else None)
            if at is None:
                return None
            free = max(free, at)
        return free

    def slots(self, now: int) -> tuple[Slot, ...]:
        """Return all slots that are taken or still counted, to be stored; older ones are forgotten."""
        found: list[Slot] = []
        for key in sorted(self._counts):
            count = self._counts[key]
            count.forget(now)
            found.extend(Slot(key=key, holder=holder, granted=at) for holder, at in count.running.items())
            found.extend(count.ended)
            if not count.running and not count.ended:
                del self._counts[key]
        return tuple(found)

    def _see(self, rule: LimitRule) -> None:
        count = self._count(rule.key)
        count.longest_ms = max(count.longest_ms, rule.per_ms)

    def _count(self, key: str) -> _Count:
        count = self._counts.get(key)
        if count is None:
            count = self._counts[key] = _Count()
        return count


class Room(Struct, frozen=True, kw_only=True):
    """What one rule leaves free now: so many calls; if none, one will be in `wait_ms`, or None while calls that run
    hold all of it."""

    free: int
    wait_ms: int | None
    window_ms: int


_ASK_AGAIN_MS = 100
"""How soon to ask again when calls that run hold all slots: nobody knows when they end."""


def decide_asks(
    asks: Sequence[tuple[str, tuple[str, ...], Sequence[LimitRule]]], rooms: Mapping[LimitRule, Room]
) -> tuple[set[str], list[int | None]]:
    """Decide asks (holder, keys, the rules that hold for it) in their order, by the room that each rule leaves: who is
    granted, and for each ask None or in how many ms to ask again. An ask takes a slot under every key, or none; what it
    takes counts under all rules of the key, also those that hold for others only.
    """
    free = {rule: room.free for rule, room in rooms.items()}
    granted: set[str] = set()
    answers: list[int | None] = []
    for holder, keys, rules in asks:
        if all(free[rule] > 0 for rule in rules):
            for rule in rooms:
                free[rule] -= rule.key in keys
            granted.add(holder)
            answers.append(None)
        else:
            answers.append(max(_wait(rooms[rule]) for rule in rules))
    return granted, answers


def _wait(room: Room) -> int:
    """When to ask again under a rule; one whose last slot was just given away is full for its window at least."""
    if room.free > 0:
        return min(room.window_ms, _ASK_AGAIN_MS)
    return _ASK_AGAIN_MS if room.wait_ms is None else room.wait_ms
