"""The slots of limits, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Select, and_, case, delete, func, insert, or_, select, text, tuple_, update

from segue.adapters.sql.cluster import Now, instant, numbers
from segue.adapters.sql.processes import PUBLISHED_STATES
from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import limit_declared, limit_slot, version
from segue.core.limits import Room, Slot, decide_asks
from segue.model.graph import LimitRule
from segue.ports.limits import Ask, Ended

# Rows of one statement; SQLite counts each value of each row as a variable.
_ROWS = 64


def slots() -> Script[list[Slot]]:
    """List all slots in the order of their grants."""
    table = limit_slot.c
    rows = yield select(table.key, table.holder, table.granted, table.ended).order_by(table.granted, table.holder)
    return [Slot(key=key, holder=holder, granted=granted, ended=ended) for key, holder, granted, ended in rows]


def put_slots(put: Sequence[Slot]) -> Script[None]:
    """Store slots; one with the same key and holder is replaced."""
    for at in range(0, len(put), _ROWS):
        some = put[at : at + _ROWS]
        names = [(slot.key, slot.holder) for slot in some]
        yield delete(limit_slot).where(tuple_(limit_slot.c.key, limit_slot.c.holder).in_(names))
        yield insert(limit_slot).values(
            [{"key": s.key, "holder": s.holder, "granted": s.granted, "ended": s.ended} for s in some]
        )


def forget_slots(key: str, before: int) -> Script[None]:
    """Remove the key's slots that ended before this instant."""
    yield delete(limit_slot).where(limit_slot.c.key == key, limit_slot.c.ended < before)


# -- limits that several processes share ------------------------------------------------------------------------------

_DECLARE = text(
    "INSERT INTO limit_declared (key, version, calls, per_ms) VALUES (:key, :version, :calls, :per_ms)"
    " ON CONFLICT DO NOTHING"
)
# So many calls are no limit: what says only that a key is looked at.
_ANY = 1 << 53
# Rules of no version hold for good; those of a version as long as it is published.
_IN_FORCE = or_(
    limit_declared.c.version == 0,
    limit_declared.c.version.in_(select(version.c.id).where(version.c.state.in_(PUBLISHED_STATES))),
)


def declare_rules(of: int, rules: Sequence[LimitRule]) -> Script[None]:
    """Have these rules hold (L4)."""
    for rule in sorted(set(rules), key=lambda rule: (rule.key, rule.calls, rule.per_ms)):
        yield numbers(_DECLARE.bindparams(key=rule.key), version=of, calls=rule.calls, per_ms=rule.per_ms)


def watch_windows(windows: Sequence[tuple[str, int]]) -> Script[None]:
    """Have the keys a row each that is locked, and that says how long their slots are looked back at."""
    yield from declare_rules(0, [LimitRule(key=key, calls=_ANY, per_ms=per_ms) for key, per_ms in windows])


def settle_slots(ended: Sequence[Ended], asks: Sequence[Ask], member: int | None, now: Now) -> Script[list[int | None]]:
    """Note ends, then decide asks.

    The rows of the rules are locked in the order of their keys, so whoever wants one of the same keys waits, and then
    sees what was granted here; what time it is is asked for after that (L3).
    """
    keys = sorted({key for end in ended for key in end.keys} | {key for ask in asks for key in ask.keys})
    rules = yield from _lock(keys)
    at = yield from instant(now)
    yield from _end(ended, at + 1)  # the clock says whole milliseconds that have begun
    under = [(ask.holder, ask.keys, _under(ask, rules)) for ask in asks]
    rooms: dict[LimitRule, Room] = {}
    for rule in dict.fromkeys(rule for _, _, some in under for rule in some):
        rooms[rule] = yield from _room(rule, at)
    granted, answers = decide_asks(under, rooms)
    rows = [
        {"key": key, "holder": ask.holder, "granted": at, "ended": None, "member": member}
        for ask in asks
        if ask.holder in granted
        for key in ask.keys
    ]
    for start in range(0, len(rows), _ROWS):
        yield insert(limit_slot).values(rows[start : start + _ROWS])
    return answers


def _under(ask: Ask, declared: dict[str, list[LimitRule]]) -> list[LimitRule]:
    """The rules that hold for an ask: all declared ones of its keys, and its own."""
    return list(dict.fromkeys([*(rule for key in ask.keys for rule in declared.get(key, ())), *ask.rules]))


def _lock(keys: Sequence[str]) -> Script[dict[str, list[LimitRule]]]:
    """Lock the rules of the keys, and return those in force."""
    found: dict[str, list[LimitRule]] = {}
    if not keys:
        return found
    table = limit_declared.c
    columns = (table.key, table.version, table.calls, table.per_ms)
    yield select(*columns).where(table.key.in_(keys)).order_by(*columns).with_for_update()
    rows = yield select(table.key, table.calls, table.per_ms).where(table.key.in_(keys), _IN_FORCE).distinct()
    for key, calls, per_ms in rows:
        if calls < _ANY:
            found.setdefault(key, []).append(LimitRule(key=key, calls=calls, per_ms=per_ms))
    return found


def _room(rule: LimitRule, at: int) -> Script[Room]:
    """How much room a rule leaves at this instant, and when there will be some if there is none."""
    table = limit_slot.c
    running = func.count(case((table.ended.is_(None), 1)))
    recent = func.count(case((table.ended > at - rule.per_ms, 1)))
    counted = or_(table.ended.is_(None), table.ended > at - rule.per_ms)
    [[calling, counting]] = yield select(running, recent).where(table.key == rule.key, counted)
    left = rule.calls - calling
    if left - counting > 0 or left <= 0:
        return Room(free=max(0, left - counting), wait_ms=None, window_ms=rule.per_ms)
    rows = yield (
        select(table.ended)
        .where(table.key == rule.key, table.ended.is_not(None))
        .order_by(table.ended.desc())
        .offset(left - 1)
        .limit(1)
    )
    return Room(free=0, wait_ms=max(1, rows[0][0] + rule.per_ms - at), window_ms=rule.per_ms)


def _end(ended: Sequence[Ended], at: int) -> Script[None]:
    names = [(key, each.holder) for each in ended for key in each.keys]
    table = limit_slot.c
    for start in range(0, len(names), _ROWS):
        some = names[start : start + _ROWS]
        mine = tuple_(table.key, table.holder).in_(some)
        yield update(limit_slot).where(mine, table.ended.is_(None)).values(ended=at)


def forget_ended(now: Now) -> Script[None]:
    """Forget slots that no window of a rule reaches any more, and rules of versions that are retired."""
    at = yield from instant(now)
    table = limit_declared.c
    rows = yield select(table.key, func.max(table.per_ms)).group_by(table.key)
    for key, longest in sorted((row[0], row[1]) for row in rows):
        yield delete(limit_slot).where(limit_slot.c.key == key, limit_slot.c.ended <= at - longest)
    yield delete(limit_declared).where(~_IN_FORCE)


def end_slots_of_gone(alive: Sequence[int] | Select[Any], now: Now) -> Script[int]:
    """End the slots of calls of members that are none of those (L7); how many there were."""
    at = yield from instant(now)
    table = limit_slot.c
    gone = and_(table.ended.is_(None), or_(table.member.is_(None), table.member.not_in(alive)))
    rows = yield select(table.key, table.holder).where(gone)
    if rows:
        yield update(limit_slot).where(gone).values(ended=at)
    return len(rows)
