"""Limits given by people, as scripts."""

from __future__ import annotations

from segue.adapters.sql import given_limits
from segue.adapters.sql.ports.scripted import Scripted
from segue.model.limits import GivenLimit, LimitedQueue


class GivenLimits(Scripted):
    """Implements `GivenLimitCatalog`."""

    async def given_limits(self) -> list[GivenLimit]:
        """See `GivenLimitCatalog`."""
        return await self._read(given_limits.given_limits)

    async def put_given_limit(self, limit: GivenLimit) -> None:
        """See `GivenLimitCatalog`."""
        await self._change(lambda: given_limits.put_given_limit(limit))

    async def delete_given_limit(self, key: str) -> bool:
        """See `GivenLimitCatalog`."""
        return await self._change(lambda: given_limits.delete_given_limit(key))

    async def limited_queues(self) -> list[LimitedQueue]:
        """See `GivenLimitCatalog`."""
        return await self._read(given_limits.limited_queues)
