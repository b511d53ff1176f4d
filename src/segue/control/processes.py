"""Processes: named definitions, ordered in folders."""

from __future__ import annotations

from segue.control.names import check_folder, check_name
from segue.control.paging import Page, page
from segue.model.versions import Process
from segue.ports.catalog import ProcessCatalog
from segue.ports.outside import Clock


class Processes:
    """Make and find processes."""

    def __init__(self, catalog: ProcessCatalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    async def create(self, name: str, folder: str = "") -> Process:
        """A process without versions. Raises Invalid for a bad name or folder, NameTaken."""
        return await self._catalog.create_process(check_name("process", name), check_folder(folder), self._clock.now())

    async def move(self, name: str, folder: str) -> Process:
        """Put a process into another folder. Raises ProcessNotFound, Invalid."""
        return await self._catalog.move_process(name, check_folder(folder))

    async def find(self, after: str | None, limit: int) -> Page[Process]:
        """Processes by name."""
        return page(await self._catalog.processes(after, limit + 1), limit, lambda process: process.name)

    async def get(self, name: str) -> Process:
        """Raises ProcessNotFound."""
        return await self._catalog.process(name)
