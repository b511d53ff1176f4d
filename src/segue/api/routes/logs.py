"""Log lines, the levels of processes, and the destinations of lines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Header, Path, Query
from fastapi.responses import StreamingResponse

from segue.api.access import Everything, UseCases, need
from segue.api.log_schemas import ContextOut, ContextQuery, LevelIn, LogConditions, LogOut, LogQuery, SinkOut
from segue.api.parts import Parts
from segue.api.schemas import Listed, Name
from segue.control.logs import Context
from segue.control.paging import Page
from segue.model.errors import Invalid
from segue.ports.log_book import LogFilter
from segue.ports.log_sinks import SinkState
from segue.ports.views import StoredLog

router = APIRouter(prefix="/api/v1", tags=["logs"])

_HEARTBEAT = b": heartbeat\n\n"


@router.get("/logs", dependencies=need("read"), response_model=Listed[LogOut])
async def logs(use: UseCases, query: Annotated[LogQuery, Query()]) -> Page[StoredLog]:
    """List log lines in the order they were stored, or the newest first."""
    return await use.logs.find(query.wanted(newest=query.order == "newest", limit=query.limit), query.cursor)


@router.get(
    "/logs/tail",
    dependencies=need("read"),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "The stream"}},
)
async def tail(
    parts: Everything,
    query: Annotated[LogConditions, Query()],
    last_event_id: Annotated[str | None, Header(max_length=20)] = None,
) -> StreamingResponse:
    """Log lines as they come. With `Last-Event-ID` first everything that is stored since that line."""
    if last_event_id is not None and not last_event_id.isdecimal():
        raise Invalid("Last-Event-ID is not the number of a line")
    after = None if last_event_id is None else int(last_event_id)
    return StreamingResponse(_stream(parts, query.wanted(), after), media_type="text/event-stream")


async def _stream(parts: Parts, wanted: LogFilter, after: int | None) -> AsyncIterator[bytes]:
    closing = asyncio.ensure_future(parts.intake.closed.wait())
    loop = asyncio.get_running_loop()
    spoke = loop.time()
    lines = parts.control.logs.tail(wanted, after)
    try:
        # Something is sent at once, so that the caller knows the stream is open.
        yield b": open\n\n"
        while (found := await _next(lines, closing)) is not None:
            for line in found:
                yield b"id: %d\nevent: line\ndata: %b\n\n" % (line.seq, msgspec.json.encode(line))
            if found:
                spoke = loop.time()
            elif loop.time() - spoke >= parts.heartbeat_s:
                spoke = loop.time()
                yield _HEARTBEAT
    finally:
        closing.cancel()


async def _next(
    lines: AsyncIterator[Sequence[StoredLog]], closing: asyncio.Future[Literal[True]]
) -> Sequence[StoredLog] | None:
    """The next lines; None when the server is about to stop."""
    coming = asyncio.ensure_future(anext(lines))
    either: set[asyncio.Future[Any]] = {coming, closing}
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming.done() else None
    finally:
        coming.cancel()


@router.get("/logs/{seq}/context", dependencies=need("read"), response_model=ContextOut)
async def log_context(
    use: UseCases, seq: Annotated[int, Path(ge=1, lt=2**53)], query: Annotated[ContextQuery, Query()]
) -> Context:
    """A log line with those around it."""
    return await use.logs.context(seq, query.count, query.same_instance)


@router.get("/log-sinks", dependencies=need("read"), response_model=list[SinkOut])
async def log_sinks(use: UseCases) -> Sequence[SinkState]:
    """The destinations of log lines outside the store, and how each is doing."""
    return await use.logs.sinks()


@router.get("/processes/{process}/log-level", dependencies=need("read"), response_model=LevelIn)
async def log_level(use: UseCases, process: Annotated[Name, Path()]) -> dict[str, str | None]:
    """The least severe lines of a process that are kept; null when the setting says it."""
    return {"level": await use.logs.level(process)}


@router.put("/processes/{process}/log-level", dependencies=need("operate"), response_model=LevelIn)
async def set_log_level(use: UseCases, process: Annotated[Name, Path()], wanted: LevelIn) -> LevelIn:
    """Keep lines of this level and above from now on, in all versions of the process."""
    await use.logs.set_level(process, wanted.level)
    return wanted
