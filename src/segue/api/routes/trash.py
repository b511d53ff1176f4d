"""Trash and user tasks: messages that wait for a person's decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import msgspec
from fastapi import APIRouter, Body, Path, Query

from segue.api.access import Operator, UseCases, need
from segue.api.deeds import Deed
from segue.api.operations import CauseOut, CauseQuery, CausesOut, NodeCountOut, NodeCountsOut, NodesQuery
from segue.api.runs import (
    BulkIn,
    CorrectionIn,
    DoneOut,
    PlacedDetailOut,
    PlacedOut,
    PlacedQuery,
    ResendIn,
    placed_detail_out,
    placed_out,
)
from segue.api.schemas import Listed, Text
from segue.control.everything import Control
from segue.control.node_names import name_of
from segue.control.paging import Page
from segue.control.trash import BulkResult
from segue.model.message import Place
from segue.model.operations import Act
from segue.ports.views import NodeCount, PlacedFilter, PlacedMessage

router = APIRouter(prefix="/api/v1")

Id = Annotated[Text, Path(min_length=1, max_length=100)]

_ONE = DoneOut(done=1, gone=0, more=False)


def _filter(query: PlacedQuery | BulkIn, place: Place, limit: int) -> PlacedFilter:
    return PlacedFilter(
        place=place,
        process=query.process,
        version=query.version,
        node=query.node,
        reason_code=query.reason_code,
        instance=query.instance,
        cause=query.cause,
        text=query.text,
        limit=limit,
    )


async def _listed(use: Control, found: Page[PlacedMessage]) -> Listed[PlacedOut]:
    names = await use.names.of(item.message.version for item in found.items)
    return Listed[PlacedOut](items=[placed_out(item, names) for item in found.items], next=found.next)


async def _detail(use: Control, found: PlacedMessage, acts: Sequence[Act]) -> PlacedDetailOut:
    return placed_detail_out(found, await use.names.of([found.message.version]), acts)


async def _counts(use: Control, found: Sequence[NodeCount]) -> NodeCountsOut:
    names = await use.names.of(each.version_id for each in found)
    items = [
        NodeCountOut(**msgspec.structs.asdict(each), node_name=name_of(names, each.version_id, each.node))
        for each in found
    ]
    return NodeCountsOut(items=items)


@router.get("/trash", dependencies=need("read"), tags=["trash"])
async def list_trash(use: UseCases, query: Annotated[PlacedQuery, Query()]) -> Listed[PlacedOut]:
    """List messages in trash, oldest first."""
    return await _listed(use, await use.trash.find(_filter(query, Place.TRASH, query.limit), query.cursor))


@router.post("/trash/resend", response_model=DoneOut, tags=["trash"])
async def resend_many(use: UseCases, caller: Operator, wanted: BulkIn, deed: Deed) -> BulkResult:
    """Send back what the conditions find, oldest first, each message once to the node it failed on."""
    done = await use.trash.resend_many(_filter(wanted, Place.TRASH, 1), caller.name, wanted.at_most)
    deed.about, deed.detail = wanted.process or "", {**wanted.model_dump(exclude_none=True), "done": done.done}
    return done


@router.post("/trash/discard", response_model=DoneOut, tags=["trash"])
async def discard_many(use: UseCases, caller: Operator, wanted: BulkIn, deed: Deed) -> BulkResult:
    """Discard what the conditions find, oldest first."""
    done = await use.trash.discard_many(_filter(wanted, Place.TRASH, 1), caller.name, wanted.at_most)
    deed.about, deed.detail = wanted.process or "", {**wanted.model_dump(exclude_none=True), "done": done.done}
    return done


@router.get("/trash/causes", dependencies=need("read"), tags=["trash"])
async def list_causes(use: UseCases, query: Annotated[CauseQuery, Query()]) -> CausesOut:
    """Group the messages in trash by what they failed of, the largest group first."""
    wanted = PlacedFilter(place=Place.TRASH, **query.model_dump())
    found = await use.trash.causes(wanted)
    names = await use.names.of(cause.version_id for cause in found)
    items = [
        CauseOut(**msgspec.structs.asdict(cause), node_name=name_of(names, cause.version_id, cause.node))
        for cause in found
    ]
    return CausesOut(items=items)


@router.get("/trash/nodes", dependencies=need("read"), tags=["trash"])
async def count_trash(use: UseCases, query: Annotated[NodesQuery, Query()]) -> NodeCountsOut:
    """Count the messages in trash by the node they failed on, the most first."""
    return await _counts(use, await use.trash.nodes(PlacedFilter(place=Place.TRASH, **query.model_dump())))


@router.get("/trash/{id}", dependencies=need("read"), tags=["trash"])
async def get_trash(use: UseCases, id: Id) -> PlacedDetailOut:
    """Show a message in trash with its body."""
    return await _detail(use, await use.trash.get(id), await use.trash.acts(id))


@router.put("/trash/{id}", tags=["trash"])
async def edit_trash(use: UseCases, caller: Operator, id: Id, correction: CorrectionIn) -> PlacedDetailOut:
    """Change body or headers of a message in trash; it stays there."""
    edited = await use.trash.edit(id, correction.raw_body(), correction.headers, caller.name)
    return await _detail(use, edited, await use.trash.acts(id))


@router.post("/trash/{id}/resend", response_model=DoneOut, tags=["trash"])
async def resend(use: UseCases, caller: Operator, id: Id, how: Annotated[ResendIn | None, Body()] = None) -> DoneOut:
    """Send a message back to the node it failed on, or to that node of another version."""
    given = how or ResendIn()
    await use.trash.resend(id, given.raw_body(), given.headers, given.version, caller.name)
    return _ONE


@router.post("/trash/{id}/discard", response_model=DoneOut, tags=["trash"])
async def discard(use: UseCases, caller: Operator, id: Id) -> DoneOut:
    """Drop a message; it counts as failed."""
    await use.trash.discard(id, caller.name)
    return _ONE


@router.get("/tasks", dependencies=need("read"), tags=["tasks"])
async def list_tasks(use: UseCases, query: Annotated[PlacedQuery, Query()]) -> Listed[PlacedOut]:
    """List user tasks, oldest first."""
    return await _listed(use, await use.tasks.find(_filter(query, Place.WAITING, query.limit), query.cursor))


@router.get("/tasks/nodes", dependencies=need("read"), tags=["tasks"])
async def count_tasks(use: UseCases, query: Annotated[NodesQuery, Query()]) -> NodeCountsOut:
    """Count the user tasks by node, the most first."""
    return await _counts(use, await use.tasks.nodes(PlacedFilter(place=Place.WAITING, **query.model_dump())))


@router.get("/tasks/{id}", dependencies=need("read"), tags=["tasks"])
async def get_task(use: UseCases, id: Id) -> PlacedDetailOut:
    """Show a user task with its body."""
    return await _detail(use, await use.tasks.get(id), await use.tasks.acts(id))


@router.post("/tasks/{id}/accept", response_model=DoneOut, tags=["tasks"])
async def accept_task(
    use: UseCases, caller: Operator, id: Id, how: Annotated[CorrectionIn | None, Body()] = None
) -> DoneOut:
    """Let the message go on to what follows, perhaps with another body."""
    given = how or CorrectionIn()
    await use.tasks.accept(id, given.raw_body(), given.headers, caller.name)
    return _ONE


@router.post("/tasks/{id}/reject", response_model=DoneOut, tags=["tasks"])
async def reject_task(use: UseCases, caller: Operator, id: Id) -> DoneOut:
    """End the message here."""
    await use.tasks.reject(id, caller.name)
    return _ONE
