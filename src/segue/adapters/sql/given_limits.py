"""Limits given by people, as rows, and who waits for limits."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from sqlalchemy import delete, func, insert, select

from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import in_queue, message, process, queue, version
from segue.adapters.sql.tables_aside import limit_given
from segue.core.limit_rules import REASON
from segue.model.graph import LimitRule
from segue.model.limits import GivenLimit, LimitedQueue

_rules_of: Callable[[bytes], tuple[LimitRule, ...]] = msgspec.json.Decoder(tuple[LimitRule, ...]).decode


def given_limits() -> Script[list[GivenLimit]]:
    """List them by key."""
    table = limit_given.c
    rows = yield select(table.key, table.rules, table.by, table.at, table.note).order_by(table.key)
    return [
        GivenLimit(key=key, rules=_rules_of(bytes(rules)), by=by, at=at, note=note) for key, rules, by, at, note in rows
    ]


def put_given_limit(limit: GivenLimit) -> Script[None]:
    """Store one in the place of what its key had."""
    yield delete(limit_given).where(limit_given.c.key == limit.key)
    yield insert(limit_given).values(
        key=limit.key, rules=msgspec.json.encode(limit.rules), by=limit.by, at=limit.at, note=limit.note
    )


def delete_given_limit(key: str) -> Script[bool]:
    """Take one away; whether it was there."""
    if not (yield select(limit_given.c.key).where(limit_given.c.key == key)):
        return False
    yield delete(limit_given).where(limit_given.c.key == key)
    return True


def limited_queues() -> Script[list[LimitedQueue]]:
    """Count the messages that wait for limits of their own."""
    waits = message.c.reason.startswith(REASON, autoescape=True)
    rows = yield (
        select(process.c.name, version.c.number, queue.c.node, message.c.reason, func.count(), func.max(message.c.due))
        .join_from(message, queue, queue.c.id == message.c.queue)
        .join(version, version.c.id == queue.c.version)
        .join(process, process.c.id == version.c.process)
        .where(in_queue, message.c.due > 0, message.c.reason_code == "limit", waits)
        .group_by(process.c.name, version.c.number, queue.c.node, message.c.reason)
        .order_by(process.c.name, version.c.number, queue.c.node, message.c.reason)
    )
    return [
        LimitedQueue(process=name, version=number, node=node, reason=reason, count=count, latest=latest)
        for name, number, node, reason, count, latest in rows
    ]
