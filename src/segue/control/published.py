"""Published versions as they run: which one a worker means, and what is drawn in them."""

from __future__ import annotations

from segue.model.graph import ProcessGraph
from segue.model.versions import Version
from segue.ports.catalog import ProcessCatalog


class Published:
    """Looks at the versions that have a control service."""

    def __init__(self, catalog: ProcessCatalog) -> None:
        self._catalog = catalog
        self._graphs: dict[int, ProcessGraph] = {}

    async def version(self, id: int) -> Version | None:
        """The version with this number in the store, by which workers know it; None when it is not published."""
        return next((version for version in await self._catalog.published() if version.id == id), None)

    async def graphs(self) -> list[ProcessGraph]:
        """The graphs of all published versions. They never change, so each is read once."""
        published = {version.id for version in await self._catalog.published()}
        for known in self._graphs.keys() - published:
            del self._graphs[known]
        for id_ in sorted(published - self._graphs.keys()):
            self._graphs[id_] = (await self._catalog.content(id_)).graph
        return [graph for _, graph in sorted(self._graphs.items())]
