"""The live stream: server-sent events (WHATWG HTML, 9.2)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Header
from fastapi.responses import StreamingResponse

from segue.api.access import Everything, need
from segue.api.parts import Parts
from segue.model.errors import Invalid
from segue.model.events import Event
from segue.runtime.events import Subscription

router = APIRouter(prefix="/api/v1", tags=["events"])

_PAGE = 500
_HEARTBEAT = b": heartbeat\n\n"


@router.get(
    "/events",
    dependencies=need("read"),
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "The stream"}},
)
async def events(
    parts: Everything, last_event_id: Annotated[str | None, Header(max_length=20)] = None
) -> StreamingResponse:
    """What happens, as it happens. With `Last-Event-ID` first everything stored since that event."""
    if last_event_id is not None and not last_event_id.isdecimal():
        raise Invalid("Last-Event-ID is not the id of an event")
    after = None if last_event_id is None else int(last_event_id)
    return StreamingResponse(_stream(parts, after), media_type="text/event-stream")


async def _stream(parts: Parts, after: int | None) -> AsyncIterator[bytes]:
    reader = parts.engine.bus.subscribe()
    closing = asyncio.ensure_future(parts.intake.closed.wait())
    try:
        # Something is sent at once, so that the caller knows the stream is open.
        yield b": open\n\n"
        if after is not None:
            async for event in _stored(parts, after):
                after = event.seq
                yield _encode(event)
        lost = reader.lost
        while not closing.done():
            news = await _next(reader, closing, parts.heartbeat_s)
            if news is None:
                yield _HEARTBEAT
                continue
            if reader.lost != lost and after is not None:
                # This reader was too slow for the stream; what it missed is in the store.
                lost = reader.lost
                async for missed in _stored(parts, after):
                    after = missed.seq
                    yield _encode(missed)
            if news.seq and after is not None and news.seq <= after:
                continue
            after = news.seq or after
            yield _encode(news)
    finally:
        closing.cancel()
        reader.close()


async def _stored(parts: Parts, after: int) -> AsyncIterator[Event]:
    while found := await parts.views.events(after, _PAGE):
        for event in found:
            after = event.seq
            yield event


async def _next(reader: Subscription, closing: asyncio.Future[Literal[True]], heartbeat_s: float) -> Event | None:
    """The next event; None when it is time for a heartbeat, or for the end."""
    coming = asyncio.ensure_future(reader.next())
    try:
        either: set[asyncio.Future[Any]] = {coming, closing}
        await asyncio.wait(either, timeout=heartbeat_s, return_when=asyncio.FIRST_COMPLETED)
        return coming.result() if coming.done() else None
    finally:
        coming.cancel()


def _encode(event: Event) -> bytes:
    """One event of the stream. Only a stored one has an id, so a reader never resumes at one that is not there."""
    data = msgspec.json.encode(event)
    id_line = b"id: %d\n" % event.seq if event.seq else b""
    return id_line + b"event: " + event.kind.value.encode() + b"\ndata: " + data + b"\n\n"
