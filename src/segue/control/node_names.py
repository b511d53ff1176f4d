"""What nodes are called: messages know the ids of their nodes, and people know the names that were drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from segue.model.errors import VersionNotFound
from segue.ports.catalog import ProcessCatalog

# Versions whose names are remembered.
_MOST = 5_000

Names = Mapping[int, Mapping[str, str]]
"""The names of nodes by their ids, by the ids of their versions."""


class NodeNames:
    """Looks up the names of nodes. What messages are in is published and never changes: each version is read once."""

    def __init__(self, catalog: ProcessCatalog) -> None:
        self._catalog = catalog
        self._known: dict[int, dict[str, str]] = {}

    async def of(self, versions: Iterable[int]) -> Names:
        """The names in these versions; of a version that is gone none."""
        wanted = set(versions)
        for missing in sorted(wanted - self._known.keys()):
            try:
                graph = (await self._catalog.content(missing)).graph
            except VersionNotFound:
                continue
            self._known[missing] = {node.id: node.label for node in graph.nodes}
        found = {version: self._known.get(version, {}) for version in wanted}
        while len(self._known) > _MOST:
            del self._known[next(iter(self._known))]
        return found


def name_of(names: Names, version: int, node: str) -> str:
    """The name of a node; its id where the name is not known."""
    return names.get(version, {}).get(node, node)
