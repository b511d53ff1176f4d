"""The routes of published versions, which never change: the latest used ones are kept."""

from __future__ import annotations

from collections import OrderedDict

from segue.core.routing import Routes
from segue.ports.catalog import ProcessCatalog

_KEPT = 100


class KeptRoutes:
    """Reads a version's graph once."""

    def __init__(self, catalog: ProcessCatalog) -> None:
        self._catalog = catalog
        self._routes: OrderedDict[int, Routes] = OrderedDict()

    async def of(self, version: int) -> Routes:
        """The routes of a published version, by its number in the store."""
        routes = self._routes.get(version)
        if routes is None:
            routes = self._routes[version] = Routes((await self._catalog.content(version)).graph)
            if len(self._routes) > _KEPT:
                self._routes.popitem(last=False)
        return routes
