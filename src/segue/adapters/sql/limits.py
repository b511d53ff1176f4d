"""The slots of limits, as rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, insert, select, tuple_

from segue.adapters.sql.scripts import Script
from segue.adapters.sql.tables import limit_slot
from segue.core.limits import Slot

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
