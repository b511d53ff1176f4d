"""Instances, and the queues their messages wait in."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query

from segue.api.access import Everything, Operator, UseCases, need
from segue.api.runs import InstanceDetailOut, InstanceOut, InstanceQuery, MessageOut, StepOut, message_fields
from segue.api.schemas import Listed, Name, QueueOut, Text
from segue.control.paging import Page
from segue.model.ledger import QueueState
from segue.model.versions import Instance
from segue.ports.views import InstanceFilter

router = APIRouter(prefix="/api/v1", tags=["instances"])

Id = Annotated[Text, Path(min_length=1, max_length=100)]


@router.get("/instances", dependencies=need("read"), response_model=Listed[InstanceOut])
async def list_instances(use: UseCases, query: Annotated[InstanceQuery, Query()]) -> Page[Instance]:
    """List instances, newest first."""
    wanted = InstanceFilter(
        process=query.process,
        version=query.version,
        state=query.state,
        since=query.since,
        until=query.until,
        before=query.cursor,
        limit=query.limit,
    )
    return await use.instances.find(wanted)


@router.get("/instances/{id}", dependencies=need("read"))
async def get_instance(use: UseCases, id: Id) -> InstanceDetailOut:
    """Show an instance with its messages and steps."""
    detail = await use.instances.get(id)
    return InstanceDetailOut(
        **msgspec.structs.asdict(detail.instance),
        messages=[MessageOut(**message_fields(message)) for message in detail.messages],
        steps=[StepOut.model_validate(step) for step in detail.steps],
    )


@router.post("/instances/{id}/cancel", response_model=InstanceOut)
async def cancel_instance(use: UseCases, caller: Operator, id: Id) -> Instance:
    """End an instance: all its live messages are consumed as cancelled."""
    return await use.instances.cancel(id, caller.name)


@router.get("/queues", dependencies=need("read"), tags=["queues"])
async def list_queues(
    use: UseCases, parts: Everything, process: Annotated[Name | None, Query()] = None
) -> list[QueueOut]:
    """All queues that hold something, of one process or of all; a bare array without pages."""
    held = {
        (service.process, service.version, lane.node): lane.held
        for service in parts.engine.services()
        for lane in service.lanes
        if lane.held is not None
    }
    return [
        _queue_out(queue, held.get((queue.process, queue.version, queue.node)))
        for queue in await use.queues.find(process)
    ]


def _queue_out(queue: QueueState, held: str | None) -> QueueOut:
    return QueueOut(**msgspec.structs.asdict(queue) | {"held": queue.held or held})
