"""Logs: the lines for people that handling messages left."""

from __future__ import annotations

from segue.control.paging import Page, page
from segue.ports.views import StoredLog, Views


class Logs:
    """Look at log lines."""

    def __init__(self, views: Views) -> None:
        self._views = views

    async def find(self, instance: str | None, process: str | None, after: int, limit: int) -> Page[StoredLog]:
        """Lines in the order they were stored, those after number `after`."""
        found = await self._views.logs(instance, process, after, limit + 1)
        return page(found, limit, lambda line: str(line.seq))
