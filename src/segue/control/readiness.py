"""Whether this process can do its work now, for whoever sends it some."""

from __future__ import annotations

import asyncio

from segue.model.errors import SegueError
from segue.ports.cluster import Cluster

_LONGEST_S = 2.0


class Readiness:
    """Asks the store, at most a few seconds."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def trouble(self) -> str | None:
        """None when the store takes changes; otherwise why it does not."""
        try:
            async with asyncio.timeout(_LONGEST_S):
                await self._cluster.ping()
        except TimeoutError:
            return f"the store did not answer within {_LONGEST_S:.0f} s"
        except SegueError as error:
            return error.detail
        return None
