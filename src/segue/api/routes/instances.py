"""Instances, and the queues their messages wait in."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Path, Query

from segue.api.access import Everything, Operator, UseCases, need
from segue.api.deeds import Deed
from segue.api.runs import (
    AgainIn,
    ContentOut,
    FoundOut,
    InstanceDetailOut,
    InstanceOut,
    InstanceQuery,
    InstanceSearch,
    MessageOut,
    StepOut,
    content_out,
    message_fields,
)
from segue.api.schemas import AcceptedOut, Listed, Name, QueueOut, Text
from segue.control.instances import Again
from segue.control.node_names import name_of
from segue.control.paging import Page
from segue.model.ledger import QueueState
from segue.model.versions import Instance
from segue.ports.views import InstanceFilter

router = APIRouter(prefix="/api/v1", tags=["instances"])

Id = Annotated[Text, Path(min_length=1, max_length=100)]


@router.get("/instances", dependencies=need("read"), response_model=Listed[InstanceOut])
async def list_instances(use: UseCases, query: Annotated[InstanceQuery, Query()]) -> Page[Instance]:
    """List instances, newest first."""
    return await use.instances.find(_filter(query))


def _filter(query: InstanceQuery) -> InstanceFilter:
    return InstanceFilter(
        process=query.process,
        version=query.version,
        state=query.state,
        since=query.since,
        until=query.until,
        before=query.cursor,
        limit=query.limit,
    )


@router.get("/instance-search", dependencies=need("read"), response_model=FoundOut)
async def search_instances(use: UseCases, query: Annotated[InstanceSearch, Query()]) -> dict[str, object]:
    """Search instances by what their messages hold, newest first, for a moment; `next` leads on."""
    found = await use.instances.search(_filter(query), query.match)
    return {"items": found.instances, "next": found.next, "reached": found.reached}


@router.get("/instances/{id}", dependencies=need("read"))
async def get_instance(use: UseCases, id: Id) -> InstanceDetailOut:
    """Show an instance with its messages and steps."""
    detail = await use.instances.get(id)
    return InstanceDetailOut(
        **msgspec.structs.asdict(detail.instance),
        messages=[MessageOut(**message_fields(message)) for message in detail.messages],
        steps=[StepOut.model_validate(step) for step in detail.steps],
    )


@router.get("/instances/{id}/messages/{message}", dependencies=need("read"))
async def get_content(use: UseCases, id: Id, message: Id) -> ContentOut:
    """What one of an instance's messages, live or gone, held when it came to its node."""
    return content_out(await use.instances.content(id, message))


@router.post("/instances/{id}/resend", dependencies=need("operate"), status_code=202)
async def resend_instance(use: UseCases, id: Id, wanted: AgainIn, deed: Deed) -> AcceptedOut:
    """Run again from the node of one of the instance's messages: a new instance, which names this one as its origin."""
    how = Again(version=wanted.version, body=wanted.raw_body(), headers=wanted.headers)
    made = await use.instances.resend(id, wanted.message, how)
    deed.detail = {"message": wanted.message, "instance": made.instance, "version": made.version}
    return AcceptedOut(instance=made.instance, process=made.process, version=made.version, message=made.message)


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
        for service in await parts.engine.services_together()
        for lane in service.lanes
        if lane.held is not None
    }
    queues = await use.queues.find(process)
    names = await use.names.of(queue.version_id for queue in queues)
    return [
        _queue_out(
            queue,
            name_of(names, queue.version_id, queue.node),
            held.get((queue.process, queue.version, queue.node)),
        )
        for queue in queues
    ]


def _queue_out(queue: QueueState, name: str, held: str | None) -> QueueOut:
    return QueueOut(**msgspec.structs.asdict(queue) | {"node_name": name, "held": queue.held or held})
