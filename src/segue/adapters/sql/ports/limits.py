"""The slots of limits, as scripts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select

from segue.adapters.sql import limits
from segue.adapters.sql.ports.scripted import Scripted
from segue.core.limits import Slot
from segue.model.graph import LimitRule
from segue.ports.limits import Ask, Ended


class Limits(Scripted):
    """Implements `LimitCatalog` and `SharedLimits`."""

    async def slots(self) -> list[Slot]:
        """See `LimitCatalog`."""
        return await self._read(limits.slots)

    async def put_slots(self, slots: Sequence[Slot]) -> None:
        """See `LimitCatalog`."""
        await self._change(lambda: limits.put_slots(slots))

    async def forget_slots(self, key: str, before: int) -> None:
        """See `LimitCatalog`."""
        await self._change(lambda: limits.forget_slots(key, before))

    async def declare_rules(self, version: int, rules: Sequence[LimitRule]) -> None:
        """See `SharedLimits`."""
        await self._change(lambda: limits.declare_rules(version, rules))

    async def watch_windows(self, windows: Sequence[tuple[str, int]]) -> None:
        """See `SharedLimits`."""
        await self._change(lambda: limits.watch_windows(windows))

    async def settle_slots(self, ended: Sequence[Ended], asks: Sequence[Ask]) -> list[int | None]:
        """See `SharedLimits`."""
        return await self._change(lambda: limits.settle_slots(ended, asks, self._life(), self._instant()))

    async def tidy_slots(self) -> int:
        """See `SharedLimits`."""
        await self._change(lambda: limits.forget_ended(self._instant()))
        return await self._change(lambda: limits.end_slots_of_gone(self._alive(), self._instant()))

    def _alive(self) -> Sequence[int] | Select[Any]:
        """Which lives there are; one that has its database alone is the only one."""
        return [self._life()]
