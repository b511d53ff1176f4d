"""The views' work: what people look at, each answer from one state."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace
from sqlalchemy import ColumnElement, ScalarSelect, Select, and_, func, literal_column, select

from segue.adapters.sql.live import held_of, live_messages
from segue.adapters.sql.log_book import find_logs
from segue.adapters.sql.scripts import Row, Script
from segue.adapters.sql.tables import (
    aside,
    event,
    held,
    in_queue,
    instance,
    listening,
    message,
    not_finished,
    process,
    queue,
    step,
    version,
)
from segue.adapters.sql.tables_aside import act
from segue.model.events import Event, EventKind
from segue.model.ids import make_id
from segue.model.ledger import QueueState
from segue.model.message import Message, Place
from segue.model.operations import Act, ActKind
from segue.model.versions import Instance, InstanceState, Step
from segue.ports.log_book import LogFilter
from segue.ports.views import InstanceFilter, PlacedFilter, PlacedMessage, StoredLog

_HANDLED = select(func.count()).where(step.c.instance == instance.c.num).correlate(instance).scalar_subquery()
# Instances that are accepted at the same moment, at most.
_OUT_OF_ORDER = 20_000
INSTANCES = (
    select(
        instance.c.id,
        process.c.name,
        version.c.number,
        instance.c.state,
        instance.c.started,
        instance.c.finished,
        instance.c.live,
        instance.c.trash,
        _HANDLED - instance.c.failed - instance.c.cancelled,
        instance.c.failed,
        instance.c.start_node,
        instance.c.origin,
    )
    .join_from(instance, version, version.c.id == instance.c.version)
    .join(process, process.c.id == version.c.process)
)


def read_instance(row: Row) -> Instance:
    """Return the instance of a row of INSTANCES."""
    key, name, number, state, started, finished, live, trash, ok, failed, start_node, origin = row
    return Instance(
        id=key,
        process=name,
        version=number,
        state=InstanceState(state),
        started=started,
        finished=finished,
        live=live,
        trash=trash,
        ok=ok,
        failed=failed,
        start_node=start_node,
        origin=origin,
    )


# So many of the newest that went wrong, of whatever process, are looked through for those of one.
_LOOKED_THROUGH = 5_000
_WRONG = frozenset({InstanceState.FAILED, InstanceState.CANCELLED})


def instances(wanted: InstanceFilter) -> Script[list[Instance]]:
    """List instances, newest first."""
    if wanted.process is not None and wanted.state in _WRONG:
        found = yield from _went_wrong(wanted)
        if found is not None:
            return found
    rows = yield INSTANCES.where(*of_filter(wanted)).order_by(instance.c.num.desc()).limit(wanted.limit)
    return [read_instance(row) for row in rows]


def _went_wrong(wanted: InstanceFilter) -> Script[list[Instance] | None]:
    """List those of a process that failed or were cancelled, by the index of what went wrong, which knows no processes.

    Of a process with millions of instances few went wrong, and only this index leads to them. None where it leads to
    many of others first: then the process has few of those, and its own instances are to be looked through.
    """
    others = replace(wanted, process=None, version=None)
    newest = select(instance.c.num, instance.c.version).where(*of_filter(others)).order_by(instance.c.num.desc())
    window = newest.limit(_LOOKED_THROUGH).subquery()
    mine = select(window.c.num).where(window.c.version.in_(versions_of(wanted.process or "", wanted.version)))
    rows = yield INSTANCES.where(instance.c.num.in_(mine)).order_by(instance.c.num.desc()).limit(wanted.limit)
    if len(rows) < wanted.limit:
        [[looked]] = yield select(func.count()).select_from(window)
        if looked == _LOOKED_THROUGH:
            return None
    return [read_instance(row) for row in rows]


def of_filter(wanted: InstanceFilter) -> list[ColumnElement[bool]]:
    """Return what has to hold of an instance, its version and its process."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.process is not None:
        conditions.append(instance.c.version.in_(versions_of(wanted.process, wanted.version)))
    elif wanted.version is not None:
        conditions.append(version.c.number == wanted.version)
    if wanted.state is not None:
        conditions.append(instance.c.state == wanted.state.value)
        # With it the index of what is not finished is used, which knows nothing of processes: few run at a time, but
        # of those that failed or were cancelled there may be very many.
        if wanted.state is InstanceState.RUNNING or (
            wanted.process is None and wanted.state is not InstanceState.FINISHED
        ):
            conditions.append(not_finished)
    if wanted.since is not None:
        conditions.append(instance.c.started >= wanted.since)
    if wanted.until is not None:
        conditions.append(instance.c.started < wanted.until)
        conditions.append(instance.c.num <= _num_before(wanted.until))
    if wanted.before is not None:
        conditions.append(instance.c.num < _num_of(wanted.before))
    return conditions


def _num_before(at: int) -> ColumnElement[int]:
    """A number that no instance started before this instant exceeds, found by ids, which begin with their instant.

    Numbers are given in the order of transactions, so those of one moment are a little out of order.
    """
    first_later = make_id(at, bytes(10))
    newest = select(instance.c.num).where(instance.c.id < first_later).order_by(instance.c.id.desc()).limit(1)
    return func.coalesce(newest.scalar_subquery(), 0) + _OUT_OF_ORDER


def _num_of(key: str) -> ScalarSelect[int]:
    return select(instance.c.num).where(instance.c.id == key).scalar_subquery()


def versions_of(name: str, number: int | None) -> Select[tuple[int]]:
    """Select the versions of a process, or the one with this number."""
    found = select(version.c.id).join_from(version, process).where(process.c.name == name)
    return found if number is None else found.where(version.c.number == number)


def find_instance(key: str) -> Script[Instance | None]:
    """Return an instance, or None."""
    rows = yield INSTANCES.where(instance.c.id == key)
    return read_instance(rows[0]) if rows else None


def number_of(key: str) -> Script[int | None]:
    """Return the number of an instance; None when there is none."""
    rows = yield select(instance.c.num).where(instance.c.id == key)
    return rows[0][0] if rows else None


def instance_messages(key: str, limit: int, now: int) -> Script[list[Message]]:
    """List the live messages of an instance, oldest first."""
    number = yield from number_of(key)
    rows = yield live_messages().where(message.c.instance == number).order_by(message.c.seq).limit(limit)
    return [held_of(row, now) for row in rows]


def instance_steps(key: str, limit: int) -> Script[list[Step]]:
    """List what an instance's messages went through, in the order of their arrival."""
    number = yield from number_of(key)
    above = step.alias("above")
    rows = yield (
        select(
            step.c.id,
            above.c.id,
            queue.c.node,
            step.c.outcome,
            step.c.produced,
            step.c.entered,
            step.c.taken,
            step.c.ended,
            step.c.worker_us,
            step.c.remote_us,
            step.c.cpu_us,
            step.c.repeats,
            step.c.status,
        )
        .join_from(step, queue, queue.c.id == step.c.queue)
        .outerjoin(above, above.c.seq == step.c.parent)
        .where(step.c.instance == number)
        .order_by(step.c.seq)
        .limit(limit)
    )
    return [_step(row) for row in rows]


def _step(row: Row) -> Step:
    key, parent, node, outcome, produced, entered, taken, ended, worker_us, remote_us, cpu_us, repeats, status = row
    return Step(
        message=key,
        parent=parent,
        node=node,
        outcome=outcome,
        produced=produced,
        entered=entered,
        taken=taken,
        ended=ended,
        worker_us=worker_us,
        remote_us=remote_us,
        cpu_us=cpu_us,
        repeats=repeats,
        status=status,
    )


def queues(name: str | None, now: int, in_flight: dict[tuple[int, str], int]) -> Script[list[QueueState]]:
    """List the queues that hold something, or are at work. `in_flight`: taken messages by version and node."""
    mine = and_(message.c.queue == queue.c.id, in_queue)
    total = select(func.count()).where(mine).correlate(queue).scalar_subquery()
    later = select(func.count()).where(mine, message.c.due > 0, message.c.due > now).correlate(queue).scalar_subquery()
    beside = select(func.count()).where(message.c.queue == queue.c.id, held).correlate(queue).scalar_subquery()
    oldest = (
        select(message.c.entered)
        .where(mine, message.c.due <= now)
        .order_by(message.c.seq)
        .limit(1)
        .correlate(queue)
        .scalar_subquery()
    )
    wanted = (
        select(process.c.name, version.c.number, version.c.id, queue.c.node, total, later, oldest, beside)
        .join_from(queue, version, version.c.id == queue.c.version)
        .join(process, process.c.id == version.c.process)
        .order_by(process.c.name, version.c.number, queue.c.node)
    )
    if name is not None:
        wanted = wanted.where(process.c.name == name)
    rows = yield wanted
    return [
        QueueState(
            process=owner,
            version=number,
            version_id=key,
            node=node,
            depth=max(0, count - delayed - in_flight.get((key, node), 0)),
            in_flight=in_flight.get((key, node), 0),
            delayed=delayed,
            oldest_ms=0 if entered is None else max(0, now - entered),
            waiting=waiting,
        )
        for owner, number, key, node, count, delayed, entered, waiting in rows
        if count or waiting or (key, node) in in_flight
    ]


_PLACED_FROM = (
    message.join(instance, instance.c.num == message.c.instance)
    .join(queue, queue.c.id == message.c.queue)
    .join(version, version.c.id == queue.c.version)
    .join(process, process.c.id == version.c.process)
)


def placed(wanted: PlacedFilter, now: int) -> Script[list[PlacedMessage]]:
    """List messages in trash or waiting for a person, oldest first."""
    order: ColumnElement[int] = message.c.seq
    if wanted.process is not None:
        # Not by the index of places: what is aside of one process is little of what is aside of all.
        order = message.c.seq + literal_column("0")
    rows = yield _placed().where(*_wanted(wanted)).order_by(order).limit(wanted.limit)
    return [_placed_message(row, now) for row in rows]


def placed_count(wanted: PlacedFilter) -> Script[tuple[int, int]]:
    """Count the messages that a filter finds; and the highest number of one."""
    counted = select(func.count(), func.coalesce(func.max(message.c.seq), 0)).select_from(_PLACED_FROM)
    [[count, highest]] = yield counted.where(*_wanted(wanted))
    return int(count), int(highest)


def _wanted(wanted: PlacedFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = [aside, message.c.place == wanted.place.value, message.c.seq > wanted.after]
    conditions += of_rows(wanted)
    if wanted.place is Place.LISTENING:
        conditions.append(listening)
    if wanted.process is None and wanted.version is not None:
        conditions.append(version.c.number == wanted.version)
    if wanted.node is not None:
        conditions.append(queue.c.node == wanted.node)
    if wanted.instance is not None:
        conditions.append(instance.c.id == wanted.instance)
    return conditions


def of_rows(wanted: PlacedFilter) -> list[ColumnElement[bool]]:
    """Return what a filter asks of the rows of messages themselves, so that nothing has to be joined for it."""
    conditions: list[ColumnElement[bool]] = []
    if wanted.upto is not None:
        conditions.append(message.c.seq <= wanted.upto)
    if wanted.ids is not None:
        conditions.append(message.c.id.in_(wanted.ids))
    if wanted.cause is not None:
        conditions.append(message.c.cause == wanted.cause)
    if wanted.text is not None:
        conditions.append(func.lower(message.c.reason).contains(wanted.text.lower(), autoescape=True))
    if wanted.reason is not None:
        conditions.append(message.c.reason == wanted.reason)
    if wanted.reason_code is not None:
        conditions.append(message.c.reason_code == wanted.reason_code)
    if wanted.process is not None:
        mine = select(queue.c.id).where(queue.c.version.in_(versions_of(wanted.process, wanted.version)))
        conditions.append(message.c.queue.in_(mine))
    return conditions


def acts(key: str) -> Script[list[Act]]:
    """List what people did to a message, oldest first."""
    columns = (act.c.at, act.c.by, act.c.kind, act.c.message, act.c.operation)
    rows = yield select(*columns).where(act.c.message == key).order_by(act.c.seq)
    return [Act(at=at, by=by, kind=ActKind(kind), message=about, operation=of) for at, by, kind, about, of in rows]


def placed_message(key: str, place: Place, now: int) -> Script[PlacedMessage | None]:
    """Return a message in trash, or a user task; None when it is not there (any more)."""
    rows = yield _placed().where(aside, message.c.id == key, message.c.place == place.value)
    return _placed_message(rows[0], now) if rows else None


def _placed() -> Select[tuple[object, ...]]:
    return (
        live_messages()
        .add_columns(process.c.name, version.c.number, message.c.cause, message.c.aside_at)
        .join(version, version.c.id == queue.c.version)
        .join(process, process.c.id == version.c.process)
    )


def _placed_message(row: Row, now: int) -> PlacedMessage:
    *live, name, number, cause, since = row
    held = held_of(live, now)
    return PlacedMessage(message=held, process=name, version=number, since=since or held.entered, cause=cause)


def logs(key: str | None, name: str | None, after: int, limit: int) -> Script[list[StoredLog]]:
    """List log lines of an instance, a process or all, oldest first."""
    return (yield from find_logs(LogFilter(instance=key, process=name, after=after, limit=limit)))


_EVENTS = (
    select(
        event.c.seq,
        event.c.kind,
        event.c.at,
        process.c.name,
        version.c.number,
        event.c.instance,
        event.c.node,
        event.c.message,
        event.c.detail,
    )
    .join_from(event, version, version.c.id == event.c.version, isouter=True)
    .join(process, process.c.id == version.c.process, isouter=True)
    .order_by(event.c.seq)
)


def events(after: int, limit: int) -> Script[list[Event]]:
    """List stored events, oldest first."""
    rows = yield _EVENTS.where(event.c.seq > after).limit(limit)
    return [_event(row) for row in rows]


def events_of(kinds: Sequence[EventKind], after: int, through: int) -> Script[list[Event]]:
    """List the events of these kinds with numbers above `after` up to `through`, oldest first."""
    names = [kind.value for kind in kinds]
    rows = yield _EVENTS.where(event.c.seq > after, event.c.seq <= through, event.c.kind.in_(names))
    return [_event(row) for row in rows]


def instances_of(keys: Sequence[str]) -> Script[list[Instance]]:
    """Return those of these instances that are there."""
    rows = yield INSTANCES.where(instance.c.id.in_(list(keys)))
    return [read_instance(row) for row in rows]


def _event(row: Row) -> Event:
    seq, kind, at, name, number, run, node, about, detail = row
    return Event(
        kind=EventKind(kind),
        at=at,
        seq=seq,
        process=name,
        version=number,
        instance=run,
        node=node,
        message=about,
        detail=detail,
    )
