"""Live messages as rows: the columns read, and the message with the numbers of its row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Select, select

from segue.adapters.sql.tables import instance, message, queue, step
from segue.model.message import Message, Place
from segue.model.start import Headers

_encode = msgspec.json.Encoder().encode
decode_headers: Callable[[str], Headers] = msgspec.json.Decoder(Headers).decode


def encode_headers(headers: Headers) -> str:
    """Return headers as the JSON text that is stored."""
    return _encode(headers).decode() if headers else "{}"


class Held(Message, kw_only=True, gc=False):
    """A message as this store hands it out: with the numbers of its row, so that settling needs not read it again."""

    queue: int
    run: int
    above: int | None = None


LIVE_COLUMNS = (
    "m.seq, m.id, m.queue, m.instance, m.parent, m.place, m.entered, m.due, m.repeats, m.outages, m.reason,"
    " m.reason_code, m.headers, m.body, m.scope, i.id, q.version, q.node, s.id"
)
LIVE_FROM = (
    "message m JOIN instance i ON i.num = m.instance JOIN queue q ON q.id = m.queue"
    " LEFT JOIN step s ON s.seq = m.parent"
)


def held_of(row: Sequence[Any], now: int) -> Held:
    """Return the message of a row with LIVE_COLUMNS; one in a queue is delayed when it is not due at `now`."""
    (
        seq,
        key,
        queue,
        run,
        above,
        place,
        entered,
        due,
        repeats,
        outages,
        reason,
        code,
        headers,
        body,
        scope,
        instance,
        version,
        node,
        parent,
    ) = row
    at = Place(place)
    return Held(
        id=key,
        version=version,
        node=node,
        instance=instance,
        body=body,
        headers=decode_headers(headers),
        entered=entered,
        seq=seq,
        parent=parent,
        place=Place.DELAYED if at is Place.QUEUED and due > now else at,
        due=due,
        repeats=repeats,
        outages=outages,
        reason=reason,
        reason_code=code,
        scope=scope or "",
        queue=queue,
        run=run,
        above=above,
    )


def live_messages() -> Select[Any]:
    """Select what `held_of` reads, of all live messages."""
    return (
        select(
            message.c.seq,
            message.c.id,
            message.c.queue,
            message.c.instance,
            message.c.parent,
            message.c.place,
            message.c.entered,
            message.c.due,
            message.c.repeats,
            message.c.outages,
            message.c.reason,
            message.c.reason_code,
            message.c.headers,
            message.c.body,
            message.c.scope,
            instance.c.id,
            queue.c.version,
            queue.c.node,
            step.c.id,
        )
        .join_from(message, instance, instance.c.num == message.c.instance)
        .join(queue, queue.c.id == message.c.queue)
        .outerjoin(step, step.c.seq == message.c.parent)
    )
