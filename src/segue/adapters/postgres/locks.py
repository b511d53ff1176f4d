"""Advisory locks: which there are, and the statements that take them.

Every transaction that changes messages holds `WORK` shared; what must see no other one beside it (a version's state, an
instance that is ended whole, the death of a process) holds it alone. It also holds, shared, locks whose numbers say
below which number it stores no event and no log line, so that readers know how far these are complete.
"""

from __future__ import annotations

_SPACE = 0x5E6E  # our own part of the numbers, since others may use such locks in the same database
WORK = _SPACE << 48
SCHEMA = (_SPACE + 1) << 48
EVENTS = (_SPACE + 2) << 48
HOLDERS = (_SPACE + 3) << 48
LINES = (_SPACE + 4) << 48

HOLDERS_CLASS = HOLDERS >> 32

_BEGIN = (
    "BEGIN; SELECT pg_advisory_xact_lock{how}({work});"
    " SELECT pg_advisory_xact_lock_shared({events} + events.last_value),"
    " pg_advisory_xact_lock_shared({lines} + lines.last_value) FROM event_number events, log_number lines"
)
BEGIN = _BEGIN.format(how="_shared", work=WORK, events=EVENTS, lines=LINES)
BEGIN_ALONE = _BEGIN.format(how="", work=WORK, events=EVENTS, lines=LINES)


def _horizon(sequence: str, space: int) -> str:
    """The number given last has to be read before the locks are, so the second depends on it."""
    return (
        f"WITH given AS MATERIALIZED (SELECT last_value FROM {sequence}) SELECT least(given.last_value,"  # noqa: S608
        f" (SELECT min(((classid::bigint << 32) | objid::bigint) - {space}) FROM pg_locks"
        " WHERE locktype = 'advisory' AND objsubid = 1 AND given.last_value IS NOT NULL"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        f" AND classid::bigint >= {space >> 32} AND classid::bigint < {space >> 32} + 65536)) FROM given"
    )


# How far events are complete, and how far log lines are.
HORIZON = _horizon("event_number", EVENTS)
LINES_HORIZON = _horizon("log_number", LINES)
