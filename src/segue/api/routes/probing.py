"""Testing a version: whether its workers and actions answer."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from segue.api.access import UseCases, need
from segue.api.schemas import NodeCheckOut, Number, Text
from segue.control.probing import NodeCheck

router = APIRouter(prefix="/api/v1/processes", tags=["processes"])


@router.get("/{process}/versions/{number}/test", dependencies=need("read"), response_model=list[NodeCheckOut])
async def test_version(
    use: UseCases,
    process: Annotated[Text, Path(min_length=1, max_length=100)],
    number: Annotated[Number, Path()],
) -> list[NodeCheck]:
    """Ask whether the worker and the action of each node answer. Nothing is executed."""
    return await use.probing.test((await use.versions.get(process, number)).id)
