"""What happened and what it was about: instances searched by what their messages hold, recent steps, traffic."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import case, func, literal_column, select

from segue.adapters.sql.live import decode_headers
from segue.adapters.sql.scripts import Row, Script
from segue.adapters.sql.tables import instance, message, process, queue, step, version
from segue.adapters.sql.views import INSTANCES, number_of, of_filter, read_instance, versions_of
from segue.core.searching import Match, is_match
from segue.core.statistics import Timing
from segue.model.versions import InstanceState
from segue.ports.views import Content, Found, InstanceFilter, Minute, Passed

_NUMBERS = (
    select(instance.c.num, instance.c.id, instance.c.started)
    .join_from(instance, version, version.c.id == instance.c.version)
    .join(process, process.c.id == version.c.process)
)
# A search looks at so many instances between two looks at the clock.
_LOOKED_AT = 100
# Of so many instances the newest are counted by the minute; more would take long.
_COUNTED = 200_000


def search(wanted: InstanceFilter, match: Match, is_over: Callable[[], bool]) -> Script[Found]:
    """List instances with a message that matches, newest first, looking at some at a time until `is_over`."""
    hits: list[int] = []
    last: Row | None = None
    while True:
        narrowed = _NUMBERS.where(*of_filter(wanted), *([] if last is None else [instance.c.num < last[0]]))
        rows = yield narrowed.order_by(instance.c.num.desc()).limit(_LOOKED_AT)
        matching = yield from _matching([row[0] for row in rows], match)
        for row in rows:
            last = row
            if row[0] in matching:
                hits.append(row[0])
                if len(hits) == wanted.limit:
                    break
        done = len(rows) < _LOOKED_AT and (not rows or last == rows[-1])
        if done or len(hits) == wanted.limit or is_over():
            break
    found = yield INSTANCES.where(instance.c.num.in_(hits)).order_by(instance.c.num.desc())
    return Found(
        instances=[read_instance(row) for row in found],
        next=None if done or last is None else last[1],
        reached=None if done or last is None else last[2],
    )


def _matching(numbers: list[int], match: Match) -> Script[set[int]]:
    matching: set[int] = set()
    for table in (step, message):
        holds = table.c.headers.is_not(None), table.c.body.is_not(None)
        rows = yield select(table.c.instance, table.c.headers, table.c.body).where(
            table.c.instance.in_(numbers), *holds
        )
        for number, headers, body in rows:
            if number not in matching and is_match(match, decode_headers(headers), body):
                matching.add(number)
    return matching


def message_content(key: str, name: str) -> Script[Content | None]:
    """Show what a message of an instance, live or gone, held."""
    number = yield from number_of(key)
    for table in (message, step):
        rows = yield (
            select(queue.c.node, table.c.headers, table.c.body)
            .join_from(table, queue, queue.c.id == table.c.queue)
            .where(table.c.instance == number, table.c.id == name)
            .order_by(table.c.seq.desc())
            .limit(1)
        )
        if rows:
            node, headers, body = rows[0]
            return Content(
                message=name, node=node, headers=None if headers is None else decode_headers(headers), body=body
            )
    return None


def recent_steps(owner: int, bound: int) -> Script[list[Timing]]:
    """List the steps of a version among the newest of the store, oldest first."""
    [[newest]] = yield select(func.max(step.c.seq))
    rows = yield (
        select(queue.c.node, *(step.c[name] for name in Timing.__struct_fields__[1:]))
        .join_from(step, queue, queue.c.id == step.c.queue)
        .where(step.c.seq > (newest or 0) - bound, queue.c.version == owner)
        .order_by(step.c.seq)
    )
    return [Timing(**dict(zip(Timing.__struct_fields__, row, strict=True))) for row in rows]


def passed(owner: int, node: str, bound: int, limit: int) -> Script[list[Passed]]:
    """List the messages that left a node last, newest first."""
    [[newest]] = yield select(func.max(step.c.seq))
    rows = yield (
        select(step.c.id, instance.c.id, step.c.outcome, step.c.taken, step.c.ended)
        .join_from(step, queue, queue.c.id == step.c.queue)
        .join(instance, instance.c.num == step.c.instance)
        .where(step.c.seq > (newest or 0) - bound, queue.c.version == owner, queue.c.node == node)
        .order_by(step.c.seq.desc())
        .limit(limit)
    )
    return [
        Passed(message=key, instance=run, outcome=outcome, taken=taken, ended=ended)
        for key, run, outcome, taken, ended in rows
    ]


def traffic(name: str | None, since: int) -> Script[list[Minute]]:
    """Count instances by the minute they were started in, oldest first."""
    [[newest]] = yield select(func.max(instance.c.num))
    minute = instance.c.started - instance.c.started % literal_column("60000")
    failed = func.sum(case((instance.c.state == InstanceState.FAILED.value, 1), else_=0))
    conditions = [instance.c.num > (newest or 0) - _COUNTED, instance.c.started >= since]
    if name is not None:
        conditions.append(instance.c.version.in_(versions_of(name, None)))
    rows = yield select(minute, func.count(), failed).where(*conditions).group_by(minute).order_by(minute)
    return [Minute(at=at, started=started, failed=int(bad)) for at, started, bad in rows]
