"""What waits for people, in groups: by node, and by what it failed of.

Messages are counted by their queue before anything is joined: of a hundred thousand in trash a few hundred rows are
left then, and only these are given names.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Select, func, literal_column, select

from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import aside, instance, message, process, queue, version
from segue.adapters.sql.views import of_rows
from segue.ports.views import Cause, NodeCount, PlacedFilter


def placed_nodes(wanted: PlacedFilter) -> Script[list[NodeCount]]:
    """Count the messages that a filter finds by version and node, the most first."""
    group = _counted(wanted).subquery()
    rows = yield (
        select(process.c.name, version.c.number, version.c.id, queue.c.node, group.c.many, group.c.oldest)
        .join_from(group, queue, queue.c.id == group.c.queue)
        .join(version, version.c.id == queue.c.version)
        .join(process, process.c.id == version.c.process)
        .order_by(group.c.many.desc(), process.c.name, version.c.number, queue.c.node)
        .limit(wanted.limit)
    )
    return [
        NodeCount(process=name, version=number, version_id=key, node=node, count=many, oldest=oldest)
        for name, number, key, node, many, oldest in rows
    ]


def causes(wanted: PlacedFilter) -> Script[list[Cause]]:
    """Group the messages in trash that a filter finds by what they failed of, the largest group first."""
    rows = yield _ranked(wanted)
    told = yield (
        select(message.c.seq, queue.c.node, message.c.reason_code, message.c.reason, queue.c.version)
        .join_from(message, queue, queue.c.id == message.c.queue)
        .where(message.c.seq.in_({row[3] for row in rows}))
    )
    examples = {row[0]: row[1:] for row in told}
    found: list[Cause] = []
    for name, cause, many, first, oldest, newest, number in rows:
        if found and (found[-1].process, found[-1].cause) == (name, cause):
            found[-1] = replace(found[-1], versions=(*found[-1].versions, number))
            continue
        node, code, reason, key = examples[first]
        found.append(
            Cause(
                cause=cause,
                process=name,
                node=node,
                reason_code=code,
                reason=reason,
                count=int(many),
                oldest=oldest,
                newest=newest,
                versions=(number,),
                version_id=key,
            )
        )
    return found


def _ranked(wanted: PlacedFilter) -> Select[Any]:
    """A row for each version of each of the largest groups: count, first, oldest and newest are those of the group."""
    queues = _counted(wanted, message.c.cause).where(message.c.cause.is_not(None)).subquery()
    by_version = (
        select(
            process.c.name.label("name"),
            queues.c.cause,
            version.c.number,
            func.sum(queues.c.many).label("many"),
            func.min(queues.c.first).label("first"),
            func.min(queues.c.oldest).label("oldest"),
            func.max(queues.c.newest).label("newest"),
        )
        .join_from(queues, queue, queue.c.id == queues.c.queue)
        .join(version, version.c.id == queue.c.version)
        .join(process, process.c.id == version.c.process)
        .group_by(process.c.name, queues.c.cause, version.c.number)
        .subquery()
    )
    same = (by_version.c.name, by_version.c.cause)
    whole = select(
        by_version.c.name,
        by_version.c.cause,
        func.sum(by_version.c.many).over(partition_by=same).label("many"),
        func.min(by_version.c.first).over(partition_by=same).label("first"),
        func.min(by_version.c.oldest).over(partition_by=same).label("oldest"),
        func.max(by_version.c.newest).over(partition_by=same).label("newest"),
        by_version.c.number,
    ).subquery()
    # No two groups have the same first message.
    rank = func.dense_rank().over(order_by=(whole.c.many.desc(), whole.c.first)).label("rank")
    ranked = select(*whole.c, rank).subquery()
    shown = [column for column in ranked.c if column.name != "rank"]
    return select(*shown).where(ranked.c.rank <= wanted.limit).order_by(ranked.c.rank, ranked.c.number)


def _counted(wanted: PlacedFilter, *by: ColumnElement[Any]) -> Select[Any]:
    """Count the messages by their queue, and by more: how many, the first, and since when the oldest and the newest."""
    since = func.coalesce(message.c.aside_at, message.c.entered)
    return (
        select(
            message.c.queue,
            *by,
            func.count().label("many"),
            func.min(message.c.seq).label("first"),
            func.min(since).label("oldest"),
            func.max(since).label("newest"),
        )
        .where(*_of_messages(wanted))
        .group_by(message.c.queue, *by)
    )


def _of_messages(wanted: PlacedFilter) -> list[ColumnElement[bool]]:
    """What has to hold of the messages, asked of nothing else than them."""
    conditions: list[ColumnElement[bool]] = [aside, message.c.place == literal_column(str(wanted.place.value))]
    if wanted.after:
        conditions.append(message.c.seq > wanted.after)
    conditions += of_rows(wanted)
    queues = select(queue.c.id)
    if wanted.process is None and wanted.version is not None:
        numbered = select(version.c.id).where(version.c.number == wanted.version)
        conditions.append(message.c.queue.in_(queues.where(queue.c.version.in_(numbered))))
    if wanted.node is not None:
        conditions.append(message.c.queue.in_(queues.where(queue.c.node == wanted.node)))
    if wanted.instance is not None:
        conditions.append(
            message.c.instance == select(instance.c.num).where(instance.c.id == wanted.instance).scalar_subquery()
        )
    return conditions
