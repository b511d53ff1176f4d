"""The work of metrics: measures that settles left, and the rows of figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, delete, func, insert, select, tuple_

from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import measure, metric, process, queue, version
from segue.core.figures import Figures, Handled, Handlings, Span, together
from segue.ports.metrics import Measures, MetricFilter, MetricPoint, Minute

# Rows of one statement; SQLite counts each value of each row as a variable.
_ROWS = 64
_SPANS = (Span.MINUTE, Span.HOUR, Span.DAY)

_encode = msgspec.msgpack.Encoder().encode
_Row = tuple[int, str, int, int, int, int, int, int, tuple[Any, ...]]
# An array of three in MessagePack: handlings as rows. In the other form a number comes first.
_AS_ROWS = 0x93
_COLUMNS = 2
_decode_rows = msgspec.msgpack.Decoder(tuple[list[_Row], list[Any], list[Any]]).decode
_decode_columns = msgspec.msgpack.Decoder(tuple[int, list[Handlings], list[Any], list[Any]]).decode
_decode_figures = msgspec.msgpack.Decoder(Figures).decode


def encode_measures(measures: Measures) -> bytes:
    """What a commit measured as one value."""
    return _encode((_COLUMNS, measures.handled, measures.started, measures.ended))


def encode_rows(handled: Sequence[Handled], started: Sequence[Any], ended: Sequence[Any]) -> bytes:
    """The same in the form that the release before can read."""
    return _encode((handled, started, ended))


def decode_measures(seq: int, data: bytes) -> Measures:
    """What was encoded, in either form."""
    if data[0] == _AS_ROWS:
        rows, started, ended = _decode_rows(data)
        handled = together(rows)
    else:
        _, handled, started, ended = _decode_columns(data)
    return Measures(seq=seq, handled=handled, started=started, ended=ended)


def measures(after: int, limit: int) -> Script[list[Measures]]:
    """List measures that are not in the figures yet, those above this number."""
    rows = yield (
        select(measure.c.seq, measure.c.data).where(measure.c.seq > after).order_by(measure.c.seq).limit(limit)
    )
    return [decode_measures(seq, data) for seq, data in rows]


def places(queues: Sequence[int]) -> Script[Mapping[int, tuple[int, str]]]:
    """Return version and node of each queue."""
    rows = yield select(queue.c.id, queue.c.version, queue.c.node).where(queue.c.id.in_(list(queues)))
    return {key: (owner, node) for key, owner, node in rows}


def roll(seqs: Sequence[int], minutes: Sequence[Minute]) -> Script[bool]:
    """Add figures and remove their measures; False, and nothing, when one of the measures is gone already."""
    for start in range(0, len(seqs), 500):
        some = list(seqs[start : start + 500])
        [[count]] = yield select(func.count()).select_from(measure).where(measure.c.seq.in_(some))
        if count != len(some):
            return False
    for start in range(0, len(seqs), 500):
        yield delete(measure).where(measure.c.seq.in_(list(seqs[start : start + 500])))
    added: dict[tuple[int, int, str, int], Figures] = {}
    for minute in minutes:
        for span in _SPANS:
            at = minute.at - minute.at % (span * 1000)
            key = (int(span), minute.version, minute.node, at)
            known = added.get(key)
            if known is None:
                known = added[key] = Figures()
            known.merge(minute.figures)
    yield from _add(added)
    return True


def _add(added: dict[tuple[int, int, str, int], Figures]) -> Script[None]:
    keys = list(added)
    columns = tuple_(metric.c.span, metric.c.version, metric.c.node, metric.c.at)
    for start in range(0, len(keys), _ROWS):
        some = keys[start : start + _ROWS]
        rows = yield (
            select(metric.c.span, metric.c.version, metric.c.node, metric.c.at, metric.c.data).where(columns.in_(some))
        )
        for span, owner, node, at, data in rows:
            added[span, owner, node, at].merge(_decode_figures(data))
        if rows:
            yield delete(metric).where(columns.in_(some))
        values = [
            {"span": span, "version": owner, "node": node, "at": at, "data": _encode(added[span, owner, node, at])}
            for span, owner, node, at in some
        ]
        yield insert(metric).values(values)


def metrics(wanted: MetricFilter) -> Script[list[MetricPoint]]:
    """List figures, oldest first."""
    conditions: list[ColumnElement[bool]] = [
        metric.c.span == int(wanted.span),
        metric.c.at >= wanted.since,
        metric.c.at < wanted.until,
    ]
    if wanted.process is not None:
        conditions.append(process.c.name == wanted.process)
    if wanted.version is not None:
        conditions.append(version.c.number == wanted.version)
    conditions.append(metric.c.node != "" if wanted.node is None else metric.c.node == wanted.node)
    rows = yield (
        select(process.c.name, version.c.number, metric.c.node, metric.c.at, metric.c.data)
        .join_from(metric, version, version.c.id == metric.c.version)
        .join(process, process.c.id == version.c.process)
        .where(*conditions)
        .order_by(metric.c.at, process.c.name, version.c.number, metric.c.node)
        .limit(wanted.limit)
    )
    return [
        MetricPoint(process=name, version=number, node=node, at=at, figures=_decode_figures(data))
        for name, number, node, at, data in rows
    ]


def prune_metrics(span: Span, before: int, limit: int) -> Script[int]:
    """Remove rows of a span that began before this instant."""
    keys = (
        select(metric.c.version, metric.c.node, metric.c.at)
        .where(metric.c.span == int(span), metric.c.at < before)
        .limit(limit)
    )
    rows = yield keys
    columns = tuple_(metric.c.version, metric.c.node, metric.c.at)
    for start in range(0, len(rows), _ROWS):
        some = [tuple(row) for row in rows[start : start + _ROWS]]
        yield delete(metric).where(metric.c.span == int(span), columns.in_(some))
    return len(rows)
