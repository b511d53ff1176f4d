"""Queues: how many messages wait before each node, and why they wait."""

from __future__ import annotations

from segue.model.ledger import QueueState
from segue.ports.catalog import ProcessCatalog
from segue.ports.outside import Clock
from segue.ports.views import Views


class Queues:
    """Look at queues."""

    def __init__(self, views: Views, catalog: ProcessCatalog, clock: Clock) -> None:
        self._views = views
        self._catalog = catalog
        self._clock = clock

    async def find(self, process: str | None) -> list[QueueState]:
        """The queues that hold something, of one process or of all. Raises ProcessNotFound."""
        if process is not None:
            await self._catalog.process(process)
        return await self._views.queues(process, self._clock.now())
