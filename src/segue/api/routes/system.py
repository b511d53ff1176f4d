"""The server itself: health, audit, control services, metrics, and what its errors mean."""

from __future__ import annotations

import asyncio
import platform
from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import PlainTextResponse, Response

from segue.api.access import Everything, UseCases, need
from segue.api.error_pages import page as error_page
from segue.api.front import HEALTH, READY
from segue.api.openmetrics import MEDIA_TYPE as OPENMETRICS
from segue.api.openmetrics import render
from segue.api.openmetrics_figures import figure_lines
from segue.api.problems import PAGES
from segue.api.schemas import AuditOut, HealthOut, ReadyOut, ServiceOut, SettingOut, SystemOut
from segue.model.ledger import Audit
from segue.model.services import ServiceState

router = APIRouter(tags=["system"])


@router.get(HEALTH)
async def health(parts: Everything) -> HealthOut:
    """That the server is there; the one resource without credentials."""
    return HealthOut(status="stopping" if parts.intake.closed.is_set() else "ok", version=parts.version)


@router.get(READY, responses={503: {"model": ReadyOut, "description": "Not now"}})
async def ready(parts: Everything, use: UseCases, response: Response) -> ReadyOut:
    """Whether work may be sent here now; without credentials. 503 while the store takes no changes, and when the server
    is about to stop."""
    if parts.intake.closed.is_set():
        response.status_code = 503
        return ReadyOut(status="stopping", detail="the server is about to stop")
    trouble = await use.readiness.trouble()
    if trouble is not None:
        response.status_code = 503
        return ReadyOut(status="unavailable", detail=trouble)
    return ReadyOut(status="ready", detail=None)


@router.get(PAGES + "{code}", include_in_schema=False)
async def error_meaning(code: Annotated[str, Path(max_length=100)]) -> PlainTextResponse:
    """What an error code means and what to do."""
    return PlainTextResponse(error_page(code), media_type="text/markdown")


@router.get("/api/v1/audit", dependencies=need("read"), response_model=AuditOut)
async def audit(use: UseCases) -> Audit:
    """Prove the ledger from stored rows."""
    return await use.audit.audit()


@router.get("/api/v1/settings", dependencies=need("admin"))
async def settings(parts: Everything) -> list[SettingOut]:
    """Every setting of the server, what it is and who decided; secrets are masked."""
    return [SettingOut.model_validate(each) for each in parts.about.settings]


@router.get("/api/v1/system", dependencies=need("read"))
async def system(parts: Everything) -> SystemOut:
    """How the server is: since when it runs, and what is in its data folder."""
    about = parts.about
    used, free = await asyncio.to_thread(about.disk)
    return SystemOut(
        version=parts.version,
        python=platform.python_version(),
        started=about.started,
        now=parts.clock.now(),
        store=about.store,
        store_bytes=used,
        free_bytes=free,
    )


@router.get("/api/v1/services", dependencies=need("read"), response_model=list[ServiceOut])
async def services(parts: Everything) -> Sequence[ServiceState]:
    """What runs of each version, over all processes: what it is doing, and what it does at each of its nodes."""
    return await parts.engine.services_together()


class OpenMetrics(Response):
    """An answer in the text format of OpenMetrics."""

    media_type = OPENMETRICS


@router.get("/metrics", dependencies=need("read"), response_class=OpenMetrics)
async def metrics(use: UseCases, parts: Everything) -> OpenMetrics:
    """Numbers of now, as OpenMetrics text."""
    queues = await use.queues.find(None)
    totals = await parts.engine.figures_together()
    services = await parts.engine.services_together()
    more = figure_lines(totals, services)
    return OpenMetrics(render(queues, services, parts.remote_calls.totals(), more))
