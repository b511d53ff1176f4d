"""Who did what."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from segue.api.access import UseCases, need
from segue.api.people import ActivityOut, ActivityQuery
from segue.api.schemas import Listed
from segue.control.paging import Page
from segue.ports.activity import Activity, ActivityFilter

router = APIRouter(prefix="/api/v1", tags=["activity"])


@router.get("/activity", dependencies=need("admin"), response_model=Listed[ActivityOut])
async def list_activity(use: UseCases, query: Annotated[ActivityQuery, Query()]) -> Page[Activity]:
    """List who did what, newest first."""
    wanted = ActivityFilter(
        by=query.by,
        action=query.action,
        about=query.about,
        since=query.since,
        until=query.until,
        limit=query.limit,
    )
    return await use.activities.find(wanted, query.cursor)
