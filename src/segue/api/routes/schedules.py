"""Schedules: the timers that start processes."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from segue.api.access import Everything, UseCases, need
from segue.api.deeds import Deed
from segue.api.schemas import Listed, Name, Paged, RunOut, ScheduleOut, Text
from segue.control.paging import Page, page_of_all
from segue.control.schedules import ScheduleView
from segue.runtime.accept import StartRequest

router = APIRouter(prefix="/api/v1/schedules", tags=["schedules"])


class ScheduleQuery(Paged):
    """Which schedules to list."""

    process: Name | None = None


@router.get("", dependencies=need("read"), response_model=Listed[ScheduleOut])
async def list_schedules(use: UseCases, query: Annotated[ScheduleQuery, Query()]) -> Page[ScheduleView]:
    """List the schedules of each process: those that fire, and those of processes that have no enabled version."""
    found = await use.schedules.find(query.process)
    return page_of_all(found, query.cursor, query.limit, lambda one: f"{one.process} {one.node}")


@router.post("/{process}/{node}/run", dependencies=need("operate"), status_code=202)
async def run_schedule(
    use: UseCases,
    parts: Everything,
    process: Annotated[Text, Path(min_length=1, max_length=100)],
    node: Annotated[Text, Path(min_length=1, max_length=200)],
    deed: Deed,
) -> RunOut:
    """Start an instance as the schedule would, now and besides its ticks."""

    async def start(process: str, node: str, body: bytes) -> str:
        request = StartRequest(process=process, node=node, body=body, headers={}, by_hand=True)
        return (await parts.engine.acceptor.start(request)).instance

    instance = await use.schedules.run(process, node, start)
    deed.detail = {"instance": instance}
    return RunOut(instance=instance)
