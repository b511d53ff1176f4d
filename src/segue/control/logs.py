"""Logs: the lines for people that handling messages left."""

from __future__ import annotations

from collections.abc import Sequence

from segue.control.paging import Page, page
from segue.ports.documents import LineCatalog, WorkerLine
from segue.ports.views import StoredLog, Views


class Logs:
    """Look at log lines, and take those that workers send by themselves."""

    def __init__(self, views: Views, lines: LineCatalog) -> None:
        self._views = views
        self._lines = lines

    async def find(self, instance: str | None, process: str | None, after: int, limit: int) -> Page[StoredLog]:
        """Lines in the order they were stored, those after number `after`."""
        found = await self._views.logs(instance, process, after, limit + 1)
        return page(found, limit, lambda line: str(line.seq))

    async def put(self, lines: Sequence[WorkerLine]) -> int:
        """Store lines about instances and nodes that are known; how many that were."""
        return await self._lines.put_lines(lines)
