"""What is to be started from outside: that there is such a process and start node, told before anybody relies on it."""

from __future__ import annotations

from segue.core.routing import entry_points
from segue.core.versions import PUBLISHED
from segue.model.errors import NodeNotFound
from segue.ports.catalog import ProcessCatalog


async def check_target(catalog: ProcessCatalog, process: str, node: str) -> None:
    """Raises ProcessNotFound, and NodeNotFound when no published version starts at this node; "" is any start.

    A process of which nothing is published may get the node yet.
    """
    published = [version for version in (await catalog.process(process)).versions if version.state in PUBLISHED]
    if not node or not published:
        return
    for version in published:
        if node in entry_points((await catalog.content(version.id)).graph):
            return
    raise NodeNotFound(f"No published version of {process} has a start node {node[:100]!r}")
