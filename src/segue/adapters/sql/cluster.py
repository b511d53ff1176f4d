"""Members and leases, as rows."""

from __future__ import annotations

import msgspec
from sqlalchemy import ColumnElement, bindparam, delete, func, select, text
from sqlalchemy.sql.expression import TextClause

from segue.adapters.sql.columns import Number
from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import event, member
from segue.model.services import Member

Now = int | ColumnElement[int]
"""An instant: a number, or what the database says that it is now."""

_FORGOTTEN_MS = 86_400_000
_TAKE = text(
    "INSERT INTO lease (name, holder, until) VALUES (:name, :holder, :until)"
    " ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until"
    " WHERE lease.until <= :now OR lease.holder = excluded.holder RETURNING holder"
)
_RESIGN = text("DELETE FROM lease WHERE name = :name AND holder = :holder")
_BEAT = text(
    "INSERT INTO member (id, seen, about) VALUES (:id, :seen, :about)"
    " ON CONFLICT (id) DO UPDATE SET seen = excluded.seen, about = excluded.about"
)
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Member).decode


def numbers(statement: TextClause, **values: int) -> TextClause:
    """A statement with values that are numbers of 64 bits."""
    return statement.bindparams(*(bindparam(name, value, type_=Number) for name, value in values.items()))


def instant(now: Now) -> Script[int]:
    """The instant it is now."""
    if isinstance(now, int):
        return now
    [[found]] = yield select(now)
    return int(found)


def lead(name: str, holder: str, for_ms: int, now: Now) -> Script[bool]:
    """Take or renew a lease; whether the holder has it now (G1, G2)."""
    at = yield from instant(now)
    rows = yield numbers(_TAKE.bindparams(name=name, holder=holder), until=at + for_ms, now=at)
    return bool(rows)


def resign(name: str, holder: str) -> Script[None]:
    """Give up a lease."""
    yield _RESIGN.bindparams(name=name, holder=holder)


def beat(one: Member, now: Now) -> Script[None]:
    """Note that a member is there (G3)."""
    at = yield from instant(now)
    yield numbers(_BEAT.bindparams(id=one.id, about=_encode(one).decode()), seen=at)


def leave(id: str) -> Script[None]:
    """Forget a member."""
    yield delete(member).where(member.c.id == id)


def members(within_ms: int, now: Now) -> Script[list[Member]]:
    """List the members heard of within this time (G3)."""
    at = yield from instant(now)
    rows = yield select(member.c.about, member.c.seen).where(member.c.seen > at - within_ms)
    found = [msgspec.structs.replace(_decode(about), seen=seen) for about, seen in rows]
    return sorted(found, key=lambda one: (one.started, one.id))


def forget_members(now: Now) -> Script[None]:
    """Forget members that were silent for a day."""
    at = yield from instant(now)
    yield delete(member).where(member.c.seen <= at - _FORGOTTEN_MS)


def last_event() -> Script[int]:
    """The number of the newest event."""
    [[newest]] = yield select(func.coalesce(func.max(event.c.seq), 0))
    return int(newest)
