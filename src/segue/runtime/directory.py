"""Which workers there are, and the address of each action."""

from __future__ import annotations

import asyncio
from urllib.parse import quote

from segue.model.graph import Action, ActionKind
from segue.model.workers import Worker
from segue.ports.catalog import WorkerCatalog

# The paths of the Orchesty worker interface, section 2.1 of the facts page.
_PATHS = {
    ActionKind.CONNECTOR: "/connector/{}/action",
    ActionKind.CUSTOM: "/custom-node/{}/process",
    ActionKind.BATCH: "/batch/{}/action",
}


class ActionAddresses:
    """The registered workers, kept in memory for the data path; `reload` after each change."""

    def __init__(self, catalog: WorkerCatalog) -> None:
        self._catalog = catalog
        self._workers: dict[str, Worker] = {}
        self._urls: dict[tuple[str, ActionKind, str], str] = {}
        self._reloading = asyncio.Lock()

    async def reload(self) -> None:
        """Read the workers again; calls made from now on use what was read."""
        async with self._reloading:  # one after the other, or what was read first could be kept last
            workers = {worker.name: worker for worker in await self._catalog.workers()}
            self._workers = workers
            self._urls.clear()

    def worker(self, name: str) -> Worker | None:
        """The worker registered under this name, or None."""
        return self._workers.get(name)

    def url(self, action: Action) -> str | None:
        """The absolute URL of an action; None when its worker is not registered."""
        key = (action.worker, action.kind, action.name)
        url = self._urls.get(key)
        if url is None:
            worker = self._workers.get(action.worker)
            if worker is None:
                return None
            path = _PATHS[action.kind].format(quote(action.name, safe=""))
            url = self._urls[key] = worker.url.rstrip("/") + path
        return url
