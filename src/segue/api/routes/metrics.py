"""Figures: what nodes and instances did, and what limits a process."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from segue.api.access import UseCases, need
from segue.api.metrics import (
    BottleneckOut,
    BottleneckQuery,
    MetricQuery,
    NodePointOut,
    ProcessPointOut,
    SummaryOut,
    bottleneck_out,
    node_out,
    process_out,
    wanted,
)

router = APIRouter(prefix="/api/v1/metrics", tags=["metrics"])


@router.get("/nodes", dependencies=need("read"))
async def node_metrics(use: UseCases, query: Annotated[MetricQuery, Query()]) -> list[NodePointOut]:
    """What nodes did, span by span, oldest first."""
    return [node_out(point) for point in await use.metrics.nodes(wanted(query))]


@router.get("/processes", dependencies=need("read"))
async def process_metrics(use: UseCases, query: Annotated[MetricQuery, Query()]) -> list[ProcessPointOut]:
    """What happened to instances, span by span, oldest first."""
    return [process_out(point) for point in await use.metrics.processes(wanted(query))]


@router.get("/summary", dependencies=need("read"))
async def metric_summary(use: UseCases, query: Annotated[MetricQuery, Query()]) -> SummaryOut:
    """All of the time that was asked for in one, by node and by version."""
    found = await use.metrics.summary(wanted(query))
    return SummaryOut(
        nodes=[node_out(point) for point in found if point.node],
        processes=[process_out(point) for point in found if not point.node],
    )


@router.get("/bottleneck", dependencies=need("read"))
async def bottleneck(use: UseCases, query: Annotated[BottleneckQuery, Query()]) -> list[BottleneckOut]:
    """What limits each version that runs, now and why, worst first."""
    return [bottleneck_out(found) for found in await use.metrics.bottlenecks(query.process)]
