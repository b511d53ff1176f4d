"""The slots of limits in memory."""

from __future__ import annotations

from collections.abc import Sequence

from segue.adapters.memory.state import State
from segue.core.limits import Slot


class MemoryLimits:
    """Implements `LimitCatalog`."""

    def __init__(self, state: State) -> None:
        self._state = state

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
