"""The slots of limits in memory."""

from __future__ import annotations

from collections.abc import Sequence

from segue.adapters.memory.state import State
from segue.core.limits import Room, Slot, decide_asks
from segue.core.versions import PUBLISHED
from segue.model.graph import LimitRule
from segue.ports.limits import Ask, Ended
from segue.ports.outside import Clock


class MemoryLimits:
    """Implements `LimitCatalog` and `SharedLimits`."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._slot_clock = clock

    async def slots(self) -> list[Slot]:
        """See `LimitCatalog`."""
        return sorted(self._state.slots.values(), key=lambda slot: (slot.granted, slot.holder))

    async def put_slots(self, slots: Sequence[Slot]) -> None:
        """See `LimitCatalog`."""
        self._state.check()
        self._state.slots |= {(slot.key, slot.holder): slot for slot in slots}

    async def forget_slots(self, key: str, before: int) -> None:
        """See `LimitCatalog`."""
        self._state.check()
        gone = [
            name
            for name, slot in self._state.slots.items()
            if slot.key == key and slot.ended is not None and slot.ended < before
        ]
        for name in gone:
            del self._state.slots[name]

    async def declare_rules(self, version: int, rules: Sequence[LimitRule]) -> None:
        """See `SharedLimits`."""
        self._state.check()
        self._state.declared |= {(version, rule) for rule in rules}

    async def watch_windows(self, windows: Sequence[tuple[str, int]]) -> None:
        """See `SharedLimits`."""
        self._state.check()
        for key, per_ms in windows:
            self._state.watched[key] = max(per_ms, self._state.watched.get(key, 0))

    async def settle_slots(self, ended: Sequence[Ended], asks: Sequence[Ask]) -> list[int | None]:
        """See `SharedLimits`."""
        self._state.check()
        now, slots = self._slot_clock.now(), self._state.slots
        over = now + 1  # the clock says whole milliseconds that have begun
        for end in ended:
            for key in end.keys:
                slot = slots.get((key, end.holder))
                if slot is not None and slot.ended is None:
                    slots[key, end.holder] = Slot(key=key, holder=end.holder, granted=slot.granted, ended=over)
        under = [(ask.holder, ask.keys, self._under(ask)) for ask in asks]
        rooms = {rule: self._room(rule, now) for _, _, rules in under for rule in rules}
        granted, answers = decide_asks(under, rooms)
        for ask in asks:
            if ask.holder in granted:
                slots |= {(key, ask.holder): Slot(key=key, holder=ask.holder, granted=now) for key in ask.keys}
                self._state.running_calls |= {(key, ask.holder) for key in ask.keys}
        return answers

    async def tidy_slots(self) -> int:
        """See `SharedLimits`. A crash forgets which calls ran, so that those are of the gone."""
        self._state.check()
        now, gone = self._slot_clock.now(), 0
        for name, slot in list(self._state.slots.items()):
            longest = max((rule.per_ms for rule in self._rules(slot.key)), default=0)
            longest = max(longest, self._state.watched.get(slot.key, 0))
            if slot.ended is None and name not in self._state.running_calls:
                self._state.slots[name] = Slot(key=slot.key, holder=slot.holder, granted=slot.granted, ended=now)
                gone += 1
            elif slot.ended is not None and slot.ended + longest <= now:
                del self._state.slots[name]
        return gone

    def _under(self, ask: Ask) -> list[LimitRule]:
        declared = [rule for key in ask.keys for rule in self._rules(key)]
        return list(dict.fromkeys([*declared, *ask.rules]))

    def _rules(self, key: str) -> list[LimitRule]:
        versions = self._state.versions
        return [
            rule
            for version, rule in self._state.declared
            if rule.key == key and (version == 0 or versions[version].version.state in PUBLISHED)
        ]

    def _room(self, rule: LimitRule, now: int) -> Room:
        slots = [slot for slot in self._state.slots.values() if slot.key == rule.key]
        left = rule.calls - sum(slot.ended is None for slot in slots)
        counting = sorted(slot.ended for slot in slots if slot.ended is not None and slot.ended > now - rule.per_ms)
        if left <= 0 or len(counting) < left:
            return Room(free=max(0, left - len(counting)), wait_ms=None, window_ms=rule.per_ms)
        return Room(free=0, wait_ms=counting[-left] + rule.per_ms - now, window_ms=rule.per_ms)
