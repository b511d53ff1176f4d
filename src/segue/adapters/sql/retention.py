"""Forgetting: finished instances older than a setting go, and the account stays true without them."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import delete, func, insert, select, update

from segue.adapters.sql.log_book import count_dropped
from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import carried, event, idempotency, instance, log, queue, step
from segue.adapters.sql.tables_aside import act
from segue.core.ledger import END_EVENTS

_ENDS = {kind.value for kind in END_EVENTS.values()}


def prune(before: int, limit: int) -> Script[tuple[int, bool]]:
    """Remove the instances among the `limit` oldest events that ended before this instant, with all that is theirs.

    Returns how many there were, and whether there may be more. Events are in the order in which instances ended, so
    nothing has to be searched for. The newest event stays, so that no event gets a number that was given before.
    """
    rows = yield select(event.c.seq, event.c.kind, event.c.at, event.c.instance).order_by(event.c.seq).limit(limit)
    old = []
    for row in rows:
        if row[2] >= before:
            break
        old.append(row)
    if not old:
        return 0, False
    ended = [key for _, kind, _, key in old if kind in _ENDS]
    found = yield select(instance.c.num, instance.c.version).where(instance.c.id.in_(ended))
    numbers = [number for number, _ in found]
    if numbers:
        yield from _carry(numbers, Counter(version for _, version in found))
        yield from count_dropped(log.c.instance.in_(numbers))
        for table in (step, log, act, idempotency):
            yield delete(table).where(table.c.instance.in_(numbers))
        yield delete(instance).where(instance.c.num.in_(numbers))
    [[newest]] = yield select(func.max(event.c.seq))
    yield delete(event).where(event.c.seq <= old[-1][0], event.c.seq < newest)
    return len(numbers), len(old) == limit and old[-1][0] < newest


def _carry(numbers: list[int], accepted: Counter[int]) -> Script[None]:
    """Add the sums of instances that are about to go to what their versions carry."""
    steps = yield (
        select(queue.c.version, func.coalesce(func.sum(step.c.produced), 0), func.count())
        .join_from(step, queue, queue.c.id == step.c.queue)
        .where(step.c.instance.in_(numbers))
        .group_by(queue.c.version)
    )
    sums = {version: (int(produced), int(consumed)) for version, produced, consumed in steps}
    for version in sorted({*accepted, *sums}):
        produced, consumed = sums.get(version, (0, 0))
        known = yield select(carried.c.accepted).where(carried.c.version == version)
        if not known:
            yield insert(carried).values(version=version, accepted=0, produced=0, consumed=0)
        yield (
            update(carried)
            .where(carried.c.version == version)
            .values(
                accepted=carried.c.accepted + accepted[version],
                produced=carried.c.produced + produced,
                consumed=carried.c.consumed + consumed,
            )
        )
