"""The audit: the account of every version counted from rows, and what sums cannot show."""

from __future__ import annotations

from sqlalchemy import Select, Subquery, and_, case, func, literal_column, select, union_all

from segue.adapters.sql.scripts import Row, Script
from segue.adapters.sql.tables import aside, carried, event, in_queue, instance, message, process, queue, step, version
from segue.adapters.sql.tables_aside import spread, staged
from segue.core.ledger import END_EVENTS
from segue.model.ledger import Audit, LedgerLine
from segue.model.message import Place
from segue.model.versions import VersionState

_SHOWN = 20


def audit(now: int) -> Script[Audit]:
    """Prove the ledger (P3) and that each consumed message's children exist once (P2)."""
    lines = yield from _lines(now)
    faults: list[str] = []
    for check in (_children, _orphans, _doubled, _lost_instances, _live_counts, _ends):
        faults += yield from check()
    return Audit(versions=tuple(lines), faults=tuple(faults))


def _lines(now: int) -> Script[list[LedgerLine]]:
    versions = yield (
        select(version.c.id, process.c.name, version.c.number, version.c.state)
        .join_from(version, process, process.c.id == version.c.process)
        .order_by(process.c.name, version.c.number)
    )
    accepted = _mapping((yield select(instance.c.version, func.count()).group_by(instance.c.version)))
    steps = yield (
        select(queue.c.version, func.count(), func.sum(step.c.produced))
        .join_from(step, queue, queue.c.id == step.c.queue)
        .group_by(queue.c.version)
    )
    produced = {row[0]: int(row[2]) for row in steps}
    consumed = {row[0]: int(row[1]) for row in steps}
    total = _mapping((yield _by_version(in_queue)))
    delayed = _mapping((yield _by_version(and_(in_queue, message.c.due > literal_column("0"), message.c.due > now))))
    waiting = _mapping((yield _by_version(and_(aside, message.c.place != Place.TRASH.value))))
    trash = _mapping((yield _by_version(and_(aside, message.c.place == Place.TRASH.value))))
    yield from _add_moving(
        {Place.QUEUED: total, Place.DELAYED: delayed, Place.WAITING: waiting, Place.TRASH: trash}, now
    )
    kept = yield select(carried.c.version, carried.c.accepted, carried.c.produced, carried.c.consumed)
    before = {row[0]: row[1:] for row in kept}
    lines = []
    for key, name, number, state in versions:
        was = before.get(key, (0, 0, 0))
        line = LedgerLine(
            process=name,
            version=number,
            accepted=accepted.get(key, 0) + was[0],
            produced=produced.get(key, 0) + was[1],
            consumed=consumed.get(key, 0) + was[2],
            queued=total.get(key, 0) - delayed.get(key, 0),
            delayed=delayed.get(key, 0),
            waiting=waiting.get(key, 0),
            trash=trash.get(key, 0),
        )
        if state != VersionState.DRAFT.value or line.accepted:
            lines.append(line)
    return lines


def _add_moving(counts: dict[Place, dict[int, int]], now: int) -> Script[None]:
    """Count the children of large transitions that are on their way into their places, where they are going to."""
    later = func.coalesce(func.sum(case((staged.c.due > now, 1), else_=0)), 0)
    moving = yield (
        select(spread.c.version, staged.c.place, func.count(), later)
        .join_from(staged, spread, spread.c.num == staged.c.spread)
        .where(spread.c.released == 1)
        .group_by(spread.c.version, staged.c.place)
    )
    for key, place, count, delayed in moving:
        goal = counts[Place(place)]
        goal[key] = goal.get(key, 0) + count
        if place == Place.QUEUED.value:
            counts[Place.DELAYED][key] = counts[Place.DELAYED].get(key, 0) + int(delayed)


def _mapping(rows: list[Row]) -> dict[int, int]:
    return {row[0]: int(row[1]) for row in rows}


def _by_version(where: object) -> Select[tuple[int, int]]:
    by_queue: Subquery = (
        select(message.c.queue, func.count().label("count")).where(where).group_by(message.c.queue).subquery()  # type: ignore[arg-type]
    )
    return (
        select(queue.c.version, func.sum(by_queue.c.count))
        .join_from(by_queue, queue, queue.c.id == by_queue.c.queue)
        .group_by(queue.c.version)
    )


def _sentences(rows: list[Row], sentence: str) -> list[str]:
    """Make a sentence of each row; of more than are shown, one says how many."""
    said = [sentence.format(*row) for row in rows[:_SHOWN]]
    if len(rows) > _SHOWN:
        said.append(f"... and {len(rows) - _SHOWN} more of this kind")
    return said


def _families() -> Subquery:
    """How many messages, live or gone, each parent has."""
    children = union_all(
        select(step.c.parent).where(step.c.parent.is_not(None)),
        select(message.c.parent).where(message.c.parent.is_not(None)),
        select(spread.c.parent)
        .join_from(staged, spread, spread.c.num == staged.c.spread)
        .where(spread.c.released == 1),
    ).subquery()
    return select(children.c.parent, func.count().label("count")).group_by(children.c.parent).subquery()


def _children() -> Script[list[str]]:
    family = _families()
    rows = yield (
        select(instance.c.id, step.c.id, step.c.produced, func.coalesce(family.c.count, 0))
        .join_from(step, family, family.c.parent == step.c.seq, isouter=True)
        .join(instance, instance.c.num == step.c.instance, isouter=True)
        .where(step.c.produced != func.coalesce(family.c.count, 0))
        .limit(10_000)
    )
    return _sentences(rows, "instance {0}: message {1} produced {2} messages, and {3} are there")


def _orphans() -> Script[list[str]]:
    family = _families()
    rows = yield (
        select(family.c.parent, family.c.count)
        .join_from(family, step, step.c.seq == family.c.parent, isouter=True)
        .where(step.c.seq.is_(None))
        .limit(10_000)
    )
    return _sentences(rows, "{1} messages come from message number {0}, which never left its queue")


def _doubled() -> Script[list[str]]:
    rows = yield (
        select(instance.c.id, message.c.id)
        .join_from(message, step, step.c.seq == message.c.seq)
        .join(instance, instance.c.num == message.c.instance, isouter=True)
        .limit(10_000)
    )
    return _sentences(rows, "instance {0}: message {1} has left its queue and is still there")


def _lost_instances() -> Script[list[str]]:
    faults: list[str] = []
    for table, what in ((message, "is live"), (step, "was handled")):
        rows = yield (
            select(table.c.id, table.c.instance)
            .join_from(table, instance, instance.c.num == table.c.instance, isouter=True)
            .where(instance.c.num.is_(None))
            .limit(10_000)
        )
        faults += _sentences(rows, f"message {{0}} {what} in instance number {{1}}, which does not exist")
    return faults


def _live_counts() -> Script[list[str]]:
    everything = union_all(
        select(message.c.instance.label("instance"), message.c.place.label("place")),
        select(spread.c.instance, staged.c.place)
        .join_from(staged, spread, spread.c.num == staged.c.spread)
        .where(spread.c.released == 1),
    ).subquery()
    in_trash = func.sum(case((everything.c.place == Place.TRASH.value, 1), else_=0))
    there = (
        select(everything.c.instance, func.count().label("live"), in_trash.label("trash"))
        .group_by(everything.c.instance)
        .subquery()
    )
    live, trash = func.coalesce(there.c.live, 0), func.coalesce(there.c.trash, 0)
    rows = yield (
        select(instance.c.id, instance.c.live, live, instance.c.trash, trash)
        .join_from(instance, there, there.c.instance == instance.c.num, isouter=True)
        .where((instance.c.live != live) | (instance.c.trash != trash))
        .limit(10_000)
    )
    return _sentences(rows, "instance {0} counts {1} live messages ({3} in trash), and {2} ({4} in trash) are there")


def _ends() -> Script[list[str]]:
    """Every ended instance has one end event, and no other has any."""
    kinds = [kind.value for kind in END_EVENTS.values()]
    told = (
        select(event.c.instance, func.count().label("count")).where(event.c.kind.in_(kinds)).group_by(event.c.instance)
    ).subquery()
    count = func.coalesce(told.c.count, 0)
    rows = yield (
        select(instance.c.id, instance.c.live, count)
        .join_from(instance, told, told.c.instance == instance.c.id, isouter=True)
        .where(count != case((instance.c.live == 0, 1), else_=0))
        .limit(10_000)
    )
    return _sentences(rows, "instance {0} has {1} live messages, and its end was told {2} times")
