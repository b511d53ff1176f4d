"""Testing a version: whether the worker and the action of each of its nodes answer."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from segue.model.graph import Action
from segue.model.workers import Worker
from segue.ports.catalog import ProcessCatalog, WorkerCatalog
from segue.ports.outside import WorkerDirectory

_AT_ONCE = 8


class NodeCheck(Struct, frozen=True, kw_only=True):
    """What testing a node found: nothing, or what is wrong with its worker or action, for people."""

    node: str
    label: str
    worker: str
    action: str
    problem: str | None


class Probing:
    """Ask workers whether they can do what a version asks of them. Nothing is executed."""

    def __init__(self, catalog: ProcessCatalog, workers: WorkerCatalog, directory: WorkerDirectory) -> None:
        self._catalog = catalog
        self._workers = workers
        self._directory = directory
        self._slots = asyncio.Semaphore(_AT_ONCE)

    async def test(self, version: int) -> list[NodeCheck]:
        """Test every node of a version (its number in the store) that calls an action, in the order of the file.

        An action that several nodes call is asked for once; a worker that is away is not asked for the rest of them.
        """
        graph = (await self._catalog.content(version)).graph
        nodes = [(node, node.action) for node in graph.nodes if node.action is not None]
        known = {worker.name: worker for worker in await self._workers.workers()}
        names = sorted({action.worker for _, action in nodes})
        away = dict(
            zip(names, await asyncio.gather(*(self._away(known.get(name), name) for name in names)), strict=True)
        )
        actions = sorted({(action.worker, action.kind, action.name) for _, action in nodes if not away[action.worker]})
        problems = await asyncio.gather(
            *(
                self._problem(known[worker], Action(kind=kind, worker=worker, name=name))
                for worker, kind, name in actions
            )
        )
        found = dict(zip(actions, problems, strict=True))
        return [
            NodeCheck(
                node=node.id,
                label=node.label,
                worker=action.worker,
                action=action.name,
                problem=away[action.worker] or found.get((action.worker, action.kind, action.name)),
            )
            for node, action in nodes
        ]

    async def _away(self, worker: Worker | None, name: str) -> str | None:
        if worker is None:
            return f"No worker is registered as {name}"
        async with self._slots:
            return await self._directory.check_worker(worker)

    async def _problem(self, worker: Worker, action: Action) -> str | None:
        async with self._slots:
            return await self._directory.check_action(worker, action.kind, action.name)
