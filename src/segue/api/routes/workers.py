"""Workers and what they offer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from segue.api.access import UseCases, need
from segue.api.deeds import Deed
from segue.api.schemas import (
    ActionOut,
    Listed,
    Paged,
    Text,
    WorkerChangeIn,
    WorkerCheckOut,
    WorkerIn,
    WorkerOut,
)
from segue.model.errors import Invalid
from segue.model.workers import OfferedAction, Worker

router = APIRouter(prefix="/api/v1/workers", tags=["workers"])

WorkerName = Annotated[Text, Path(min_length=1, max_length=100)]


def _out(worker: Worker) -> WorkerOut:
    return WorkerOut(name=worker.name, url=worker.url, created=worker.created, header_names=sorted(worker.headers))


@router.get("", dependencies=need("read"))
async def list_workers(use: UseCases, query: Annotated[Paged, Query()]) -> Listed[WorkerOut]:
    """List workers by name."""
    found = await use.workers.find(query.cursor, query.limit)
    return Listed[WorkerOut](items=[_out(worker) for worker in found.items], next=found.next)


@router.post("", dependencies=need("admin"), status_code=201)
async def add_worker(use: UseCases, worker: WorkerIn, deed: Deed) -> WorkerOut:
    """Register a worker under a name that is free."""
    deed.about, deed.detail = worker.name, {"url": worker.url}
    return _out(await use.workers.add(worker.name, worker.url, worker.headers))


@router.get("/{name}", dependencies=need("read"))
async def get_worker(use: UseCases, name: WorkerName) -> WorkerOut:
    """Show a worker; of its headers only the names."""
    return _out(await use.workers.get(name))


@router.put("/{name}", dependencies=need("admin"))
async def put_worker(use: UseCases, name: WorkerName, worker: WorkerChangeIn) -> WorkerOut:
    """Register a worker, or change one; without `headers` those it has stay."""
    if worker.name is not None and worker.name != name:
        raise Invalid(f"name: the address says {name} and the body {worker.name}; a worker cannot be renamed")
    return _out(await use.workers.put(name, worker.url, worker.headers))


@router.delete("/{name}", dependencies=need("admin"), status_code=204)
async def delete_worker(use: UseCases, name: WorkerName) -> None:
    """Forget a worker. Messages for it stay queued until one of its name is there again."""
    await use.workers.delete(name)


@router.get(
    "/{name}/actions", dependencies=need("read"), response_model=list[ActionOut], response_model_exclude_none=True
)
async def list_actions(use: UseCases, name: WorkerName) -> list[OfferedAction]:
    """Ask a worker which actions it offers."""
    return await use.workers.actions(name)


@router.get("/{name}/check", dependencies=need("read"))
async def check_worker(use: UseCases, name: WorkerName) -> WorkerCheckOut:
    """Ask a worker whether it is there."""
    problem = await use.workers.check(name)
    return WorkerCheckOut(ok=problem is None, problem=problem)
