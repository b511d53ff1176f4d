"""The OpenAPI document: what the routes say of themselves, and what they cannot: scopes, errors, the start route."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from segue.api.access import Needs
from segue.api.front import ENTRY, HEALTH
from segue.api.gate import SCOPES
from segue.api.problems import MEDIA_TYPE
from segue.api.schemas import Problem
from segue.api.session import COOKIE

_PROBLEM = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}


def describe(app: FastAPI, routes: Sequence[APIRoute]) -> None:
    """Make `app.openapi()` tell the whole outside of the server; `routes` are all of its own."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app, routes)
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]


def scope_of(route: APIRoute) -> str | None:
    """The scope a route needs; None when any known caller will do."""
    return _scope(route.dependant)


def _scope(dependant: Dependant) -> str | None:
    if isinstance(dependant.call, Needs) and dependant.call.scope is not None:
        return dependant.call.scope
    for inner in dependant.dependencies:
        if (found := _scope(inner)) is not None:
            return found
    return None


def _document(app: FastAPI, routes: Sequence[APIRoute]) -> dict[str, Any]:
    schema = get_openapi(title=app.title, version=app.version, routes=app.routes, description=_about())
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = Problem.model_json_schema()
    schemas["Started"] = _STARTED
    schema["components"]["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer"},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
    }
    schema["security"] = [{"token": []}, {"session": []}]
    for route in routes:
        if route.include_in_schema:
            _complete(schema["paths"][route.path_format], route)
    schema["paths"].update(_start_paths())
    return schema


def _about() -> str:
    return (
        "Runs integration processes drawn in BPMN. Credentials: `Authorization: Bearer TOKEN`, or the cookie of "
        "a session, whose changes need X-CSRF-Token. "
        f"Scopes: {', '.join(SCOPES)}; admin contains the others. Instants are ms since the epoch. "
        "Every error is a problem document (RFC 9457) whose `code` is stable and whose `type` leads to its page."
    )


def _complete(path: dict[str, Any], route: APIRoute) -> None:
    scope = scope_of(route)
    for method in route.methods or ():
        operation = path[method.lower()]
        responses = operation["responses"]
        responses.pop("422", None)
        responses["default"] = {"description": "A problem", **_PROBLEM}
        if route.path == HEALTH or (method, route.path) in ENTRY:
            operation["security"] = []
        if scope is not None:
            operation["x-scope"] = scope
            operation["description"] = f"{operation.get('description', '')}\n\nScope: {scope}".strip()


_STARTED: dict[str, Any] = {
    "type": "object",
    "required": ["instance", "process", "version", "message"],
    "properties": {
        "instance": {"type": "string", "description": "id of the instance"},
        "process": {"type": "string"},
        "version": {"type": "integer"},
        "message": {"type": "string", "description": "id of its first message"},
        "state": {"type": "string", "description": "with 200: what has become of the instance"},
    },
}

_ANY_BODY = {
    "description": "Any content; JSON is checked when Content-Type says JSON",
    "content": {"application/json": {"schema": {}}, "*/*": {"schema": {"type": "string", "format": "binary"}}},
}


def _start_paths() -> dict[str, Any]:
    name = {"in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
    process, node = {**name, "name": "process"}, {**name, "name": "node"}
    return {
        "/processes/{process}/start": {"post": _start("start_process", [process])},
        "/processes/{process}/start/{node}": {"post": _start("start_process_at_node", [process, node])},
    }


def _start(id: str, parameters: list[dict[str, Any]]) -> dict[str, Any]:
    started = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Started"}}}}
    retry = {"headers": {"Retry-After": {"schema": {"type": "integer"}}}}
    key = {"name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255}}
    prefer = {"name": "Prefer", "in": "header", "schema": {"type": "string", "examples": ["wait=10"]}}
    return {
        "operationId": id,
        "summary": "Start an instance",
        "description": (
            "Answers after the message is on disk. The header fields Content-Type and those that begin with `segue-` "
            "become headers of the message, no others. The same Idempotency-Key for a process answers the same "
            "instance. With `Prefer: by-hand` the run stops at every user task, also where automatic runs pass. "
            "With `Prefer: wait=SECONDS` (RFC 7240) the answer is 200 as soon as the instance has ended or "
            "needs a person, or 202 when it has not by then.\n\nScope: start"
        ),
        "tags": ["start"],
        "x-scope": "start",
        "parameters": [*parameters, key, prefer],
        "requestBody": _ANY_BODY,
        "responses": {
            "200": {"description": "Waited as preferred; the instance ended, or needs a person", **started},
            "202": {"description": "Accepted: the message is on disk", **started},
            "404": {"description": "No such process or start node", **_PROBLEM},
            "409": {"description": "No version is enabled", **_PROBLEM},
            "413": {"description": "The body is too large", **_PROBLEM},
            "429": {"description": "The backlog is full", **retry, **_PROBLEM},
            "503": {"description": "The server stops, or the store cannot write", **retry, **_PROBLEM},
            "default": {"description": "A problem", **_PROBLEM},
        },
    }
