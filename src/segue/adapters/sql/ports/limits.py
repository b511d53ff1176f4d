"""The slots of limits, as scripts."""

from __future__ import annotations

from collections.abc import Sequence

from segue.adapters.sql import limits
from segue.adapters.sql.ports.scripted import Scripted
from segue.core.limits import Slot


class Limits(Scripted):
    """Implements `LimitCatalog`."""

    async def slots(self) -> list[Slot]:
        """See `LimitCatalog`."""
        return await self._read(limits.slots)

    async def put_slots(self, slots: Sequence[Slot]) -> None:
        """See `LimitCatalog`."""
        await self._change(lambda: limits.put_slots(slots))

    async def forget_slots(self, key: str, before: int) -> None:
        """See `LimitCatalog`."""
        await self._change(lambda: limits.forget_slots(key, before))
