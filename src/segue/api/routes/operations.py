"""Operations on many messages, in the background."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from segue.api.access import Operator, UseCases, need
from segue.api.deeds import Deed
from segue.api.operations import OperationIn, OperationOut, OperationQuery, operation_out
from segue.api.schemas import Listed, Text
from segue.model.operations import OperationState

router = APIRouter(prefix="/api/v1/operations", tags=["operations"])

Id = Annotated[Text, Path(min_length=1, max_length=100)]


@router.post("", status_code=202)
async def begin_operation(use: UseCases, caller: Operator, wanted: OperationIn, deed: Deed) -> OperationOut:
    """Begin to do something to all messages that the filter finds now."""
    begun = operation_out(await use.operations.begin(wanted.wish(), caller.name))
    deed.about, deed.detail = begun.id, {"kind": begun.kind.value, "filter": begun.filter, "total": begun.total}
    return begun


@router.get("", dependencies=need("read"))
async def list_operations(use: UseCases, query: Annotated[OperationQuery, Query()]) -> Listed[OperationOut]:
    """List operations, newest first."""
    found = await use.operations.find(query.state, query.cursor, query.limit)
    return Listed[OperationOut](items=[operation_out(each) for each in found.items], next=found.next)


@router.get("/{id}", dependencies=need("read"))
async def get_operation(use: UseCases, id: Id) -> OperationOut:
    """Show an operation and how far it is."""
    return operation_out(await use.operations.get(id))


@router.post("/{id}/pause")
async def pause_operation(use: UseCases, _caller: Operator, id: Id) -> OperationOut:
    """Let an operation rest after the messages that are being handled now."""
    return operation_out(await use.operations.turn(id, OperationState.PAUSED))


@router.post("/{id}/resume")
async def resume_operation(use: UseCases, _caller: Operator, id: Id) -> OperationOut:
    """Let a paused operation go on."""
    return operation_out(await use.operations.turn(id, OperationState.RUNNING))


@router.post("/{id}/cancel")
async def cancel_operation(use: UseCases, _caller: Operator, id: Id) -> OperationOut:
    """End an operation; what it has done stays done."""
    return operation_out(await use.operations.turn(id, OperationState.CANCELLED))
