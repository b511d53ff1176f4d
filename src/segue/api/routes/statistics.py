"""Statistics of what happened lately."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from segue.api.access import UseCases, need
from segue.api.schemas import Instant, Name, Number, Out, Text
from segue.control.statistics import Recent
from segue.ports.views import Minute, Passed

router = APIRouter(prefix="/api/v1", tags=["statistics"])


class StepSpreadOut(Out):
    """How a duration (ms) is spread."""

    least: float
    median: float
    p95: float
    most: float


class NodeStatisticsOut(Out):
    """One node over the steps looked at; durations in ms."""

    node: str
    count: int
    failed: int
    repeats: int
    per_minute: float
    waited: StepSpreadOut
    worked: StepSpreadOut
    worker: StepSpreadOut
    remote: StepSpreadOut
    cpu: StepSpreadOut


class RecentStepsOut(Out):
    """The nodes of a version over its newest steps; `since` is when the first of these ended."""

    steps: int
    since: Instant | None
    until: Instant
    nodes: list[NodeStatisticsOut]


class MinuteOut(Out):
    """Instances that were started in the minute from `at` on, and those of them that have failed."""

    at: Instant
    started: int
    failed: int


@router.get(
    "/processes/{process}/versions/{number}/statistics", dependencies=need("read"), response_model=RecentStepsOut
)
async def recent_statistics(
    use: UseCases,
    process: Annotated[Text, Path(min_length=1, max_length=100)],
    number: Annotated[Number, Path()],
) -> Recent:
    """How each node of a version did lately: counts, waiting, working, the worker's and remote systems' times."""
    return await use.statistics.recent((await use.versions.get(process, number)).id)


class PassedOut(Out):
    """A message that has left the node lately."""

    message: str
    instance: str
    outcome: str
    taken: Instant
    ended: Instant


@router.get(
    "/processes/{process}/versions/{number}/nodes/{node}/messages",
    dependencies=need("read"),
    response_model=list[PassedOut],
)
async def last_messages(
    use: UseCases,
    process: Annotated[Text, Path(min_length=1, max_length=100)],
    number: Annotated[Number, Path()],
    node: Annotated[Text, Path(min_length=1, max_length=1000)],
) -> list[Passed]:
    """The ten messages that left a node last, newest first."""
    return await use.statistics.passed((await use.versions.get(process, number)).id, node, 10)


@router.get("/traffic", dependencies=need("read"), response_model=list[MinuteOut])
async def traffic(use: UseCases, process: Annotated[Name | None, Query()] = None) -> list[Minute]:
    """Instances by the minute, the last hour, of one process or of all."""
    return await use.statistics.traffic(process)
