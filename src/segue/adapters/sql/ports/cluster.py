"""Members and leases, as scripts."""

from __future__ import annotations

from segue.adapters.sql import cluster
from segue.adapters.sql.ports.scripted import Scripted
from segue.model.services import Member


class Clustering(Scripted):
    """Implements `Cluster`."""

    async def lead(self, name: str, holder: str, for_ms: int) -> bool:
        """See `Cluster`."""
        return await self._change(lambda: cluster.lead(name, holder, for_ms, self._instant()))

    async def resign(self, name: str, holder: str) -> None:
        """See `Cluster`."""
        await self._change(lambda: cluster.resign(name, holder))

    async def beat(self, member: Member) -> None:
        """See `Cluster`."""
        await self._change(lambda: cluster.beat(member, self._instant()))

    async def leave(self, id: str) -> None:
        """See `Cluster`."""
        await self._change(lambda: cluster.leave(id))

    async def members(self, within_ms: int) -> list[Member]:
        """See `Cluster`."""
        await self._change(lambda: cluster.forget_members(self._instant()))
        return await self._read(lambda: cluster.members(within_ms, self._instant()))

    async def last_event(self) -> int:
        """See `Cluster`."""
        return await self._read(cluster.last_event)
