"""The work of the log book: lines found, positions of destinations, levels of processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import ColumnElement, Select, and_, delete, func, insert, not_, select, update

from segue.adapters.sql import codec
from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import instance, log, log_level, log_sink, process, queue, version
from segue.model.errors import ProcessNotFound
from segue.ports.log_book import LogFilter, SinkPosition
from segue.ports.views import StoredLog

_LINE = (
    log.c.seq,
    log.c.at,
    log.c.level,
    log.c.text,
    process.c.name,
    version.c.number,
    queue.c.node,
    instance.c.id,
    log.c.message,
)


def _lines() -> Select[tuple[int, int, str, str, str, int, str, str, str]]:
    return (
        select(*_LINE)
        .join_from(log, queue, queue.c.id == log.c.queue)
        .join(version, version.c.id == queue.c.version)
        .join(process, process.c.id == version.c.process)
        .join(instance, instance.c.num == log.c.instance)
    )


def _conditions(wanted: LogFilter) -> Iterator[ColumnElement[bool]]:
    yield log.c.seq > wanted.after
    if wanted.before is not None:
        yield log.c.seq < wanted.before
    if wanted.levels is not None:
        yield log.c.level.in_(wanted.levels)
    for word in wanted.words:
        yield func.lower(log.c.text).contains(word.lower(), autoescape=True)
    if wanted.since is not None:
        yield log.c.at >= wanted.since
    if wanted.until is not None:
        yield log.c.at < wanted.until
    exact = (
        (process.c.name, wanted.process),
        (version.c.number, wanted.version),
        (queue.c.node, wanted.node),
        (instance.c.id, wanted.instance),
        (log.c.message, wanted.message),
    )
    for column, value in exact:
        if value is not None:
            yield column == value


def find_logs(wanted: LogFilter) -> Script[list[StoredLog]]:
    """List the lines that fit."""
    order = log.c.seq.desc() if wanted.newest else log.c.seq
    rows = yield _lines().where(*_conditions(wanted)).order_by(order).limit(wanted.limit)
    return [
        StoredLog(
            seq=seq,
            at=at,
            level=level,
            text=text,
            process=owner,
            version=number,
            node=node,
            instance=run,
            message=about,
        )
        for seq, at, level, text, owner, number, node, run, about in rows
    ]


def last_log() -> Script[int]:
    """The number of the newest line; 0 without any."""
    [[newest]] = yield select(func.coalesce(func.max(log.c.seq), 0))
    return int(newest)


def count_logs(after: int, levels: Sequence[str]) -> Script[int]:
    """Count the lines of these levels beyond a number."""
    [[count]] = yield select(func.count()).select_from(log).where(log.c.seq > after, log.c.level.in_(levels))
    return int(count)


_POSITION = tuple(log_sink.c[name] for name in SinkPosition.__struct_fields__)


def sink_positions() -> Script[list[SinkPosition]]:
    """List how far each destination has got, by name."""
    rows = yield select(*_POSITION).order_by(log_sink.c.name)
    return [
        SinkPosition(name=name, levels=codec.decode_texts(levels), seq=seq, sent=sent, refused=refused, dropped=dropped)
        for name, levels, seq, sent, refused, dropped in rows
    ]


def put_sink_position(position: SinkPosition) -> Script[None]:
    """Store how far a destination has got; lines counted as dropped meanwhile stay counted."""
    values = {
        "levels": codec.encode_text(position.levels),
        "seq": position.seq,
        "sent": position.sent,
        "refused": position.refused,
    }
    if (yield select(log_sink.c.name).where(log_sink.c.name == position.name)):
        yield update(log_sink).where(log_sink.c.name == position.name).values(**values)
    else:
        yield insert(log_sink).values(name=position.name, dropped=position.dropped, **values)


def forget_sink(name: str) -> Script[None]:
    """Forget a destination."""
    yield delete(log_sink).where(log_sink.c.name == name)


def trim_logs(keep: int, limit: int, held: Mapping[str, int]) -> Script[int]:
    """Remove up to `limit` of the lines that are `keep` numbers or more behind the newest one and that nobody holds."""
    newest = yield from last_log()
    going = log.c.seq <= newest - keep
    for position in (yield from sink_positions()):
        until = held.get(position.name, 0)
        if until > position.seq:
            going = and_(going, not_(and_(log.c.seq <= until, _unsent(position))))
    rows = yield select(log.c.seq).where(going).order_by(log.c.seq).limit(limit)
    if not rows:
        return 0
    going = and_(going, log.c.seq <= rows[-1][0])
    yield from count_dropped(going)
    yield delete(log).where(going)
    return len(rows)


def count_dropped(going: ColumnElement[bool]) -> Script[None]:
    """Count the lines that are about to go, for each destination that they were still to be sent to."""
    for position in (yield from sink_positions()):
        [[count]] = yield select(func.count()).select_from(log).where(and_(going, _unsent(position)))
        if count:
            mine = log_sink.c.name == position.name
            yield update(log_sink).where(mine).values(dropped=log_sink.c.dropped + count)


def _unsent(position: SinkPosition) -> ColumnElement[bool]:
    return and_(log.c.seq > position.seq, log.c.level.in_(position.levels))


def log_levels() -> Script[dict[str, str]]:
    """The levels of processes that have one of their own."""
    rows = yield select(process.c.name, log_level.c.level).join_from(
        log_level, process, process.c.id == log_level.c.process
    )
    return {str(name): str(level) for name, level in rows}


def put_log_level(name: str, level: str | None) -> Script[None]:
    """Set the level of a process, or leave it to the setting. Raises ProcessNotFound."""
    rows = yield select(process.c.id).where(process.c.name == name)
    if not rows:
        raise ProcessNotFound(f"no process is named {name!r}")
    yield delete(log_level).where(log_level.c.process == rows[0][0])
    if level is not None:
        yield insert(log_level).values(process=rows[0][0], level=level)
