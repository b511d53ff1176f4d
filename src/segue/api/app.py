"""The HTTP application: the routes of /api/v1 behind the front, every error a problem document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from segue.api import problems
from segue.api.access import PARTS
from segue.api.compat.entry import Compat
from segue.api.deeds import Recorder
from segue.api.description import describe
from segue.api.entrance import Entrance
from segue.api.front import Front, Pages, Routes
from segue.api.hooks import HookDesk, HookRoute
from segue.api.parts import Parts
from segue.api.routes import (
    activity,
    applications,
    editing,
    events,
    instances,
    invitations,
    limits,
    logs,
    messages,
    metrics,
    notices,
    operations,
    probing,
    processes,
    schedules,
    services,
    session,
    statistics,
    system,
    tokens,
    trash,
    users,
    webhooks,
    workers,
)
from segue.api.start import StartRoute
from segue.model.errors import Invalid, MethodNotAllowed, NotFound, SegueError, TooLarge

_MODULES = (
    limits,
    processes,
    editing,
    probing,
    instances,
    metrics,
    schedules,
    statistics,
    trash,
    operations,
    messages,
    workers,
    applications,
    webhooks,
    tokens,
    users,
    invitations,
    session,
    notices,
    activity,
    events,
    logs,
    services,
    system,
)


def build(parts: Parts, pages: Pages | None = None) -> ASGIApp:
    """The whole application: the start route, the admin's pages, and the rest behind the check of credentials."""
    entrance = Entrance(parts.gate, parts.control.sessions)
    start = StartRoute(parts.engine.acceptor, entrance, parts.intake, parts.limits)
    desk = HookDesk(parts.control.webhooks, parts.engine.acceptor, parts.intake)
    beside: list[Routes] = [HookRoute(desk, parts.limits.body)]
    if parts.compat == "orchesty":
        beside.append(Compat(parts, desk))
    return Front(
        start,
        build_rest(parts),
        entrance,
        parts.intake,
        max_body=parts.limits.body,
        pages=pages,
        recorder=Recorder(parts.control.activities),
        beside=beside,
    )


def build_rest(parts: Parts) -> ASGIApp:
    """The resources of /api/v1; `parts.gate` is asked by the front and not here."""
    declared = _declared(parts.version)

    async def rest(scope: Scope, receive: Receive, send: Send) -> None:
        scope[PARTS] = parts
        await declared(scope, receive, send)

    return rest


def openapi_text() -> str:
    """The OpenAPI document as the repository holds it."""
    document = _declared(version("segue")).openapi()
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


@cache
def _declared(number: str) -> FastAPI:
    """The application with its routes, which find in each request the parts to use.

    Made once for a process: working out what every route's signature means takes FastAPI a tenth of a second.
    """
    app = FastAPI(
        title="Segue",
        version=number,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    for module in _MODULES:
        app.include_router(module.router)
    describe(app, routes())
    app.add_exception_handler(SegueError, _on_error)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(Exception, _on_unexpected)
    return app


def routes() -> list[APIRoute]:
    """Every route of /api/v1, as its module declares it."""
    return [route for module in _MODULES for route in module.router.routes if isinstance(route, APIRoute)]


async def _on_error(_request: Request, error: Exception) -> Response:
    assert isinstance(error, SegueError)  # noqa: S101 - registered for this class alone
    return problems.response(error)


async def _on_validation(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class alone
    found = [{"where": _where(each["loc"]), "message": _message(each)} for each in error.errors()]
    first = found[0]
    return problems.response(Invalid(f"{first['where']}: {first['message']}", errors=found))


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class alone
    return problems.response(_translated(request, error))


async def _on_unexpected(request: Request, error: Exception) -> Response:
    return problems.response(problems.unexpected(error, f"{request.method} {request.url.path}"))


def _translated(request: Request, error: HTTPException) -> SegueError:
    if error.status_code == 404:
        return NotFound(f"Nothing is at {request.url.path[:200]}")
    if error.status_code == 405:
        allow = Headers(error.headers or {}).get("allow", "")
        return MethodNotAllowed(f"{request.method} is not for {request.url.path[:200]}", allow=allow)
    if error.status_code == 413:
        return TooLarge(error.detail)
    return Invalid(error.detail)


def _where(place: Sequence[int | str]) -> str:
    return ".".join(str(part) for part in place)


def _message(found: dict[str, Any]) -> str:
    if found["type"] == "extra_forbidden":
        return "unknown field"
    if found["type"] == "json_invalid":
        return f"not JSON: {found.get('ctx', {}).get('error', found['msg'])}"
    return str(found["msg"]).removeprefix("Value error, ")
