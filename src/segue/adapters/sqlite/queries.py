"""What the fronts read from the file. These run in reader threads."""

from __future__ import annotations

import sqlite3

from segue.adapters.sql.live import LIVE_COLUMNS, LIVE_FROM, Held, held_of
from segue.adapters.sqlite.fronts import OVERHEAD, Load, Rows
from segue.ports.outside import Clock

_QUEUE = "m.queue = (SELECT id FROM queue WHERE version = ? AND node = ?) AND m.place = 0"
_HEAD = f"SELECT {LIVE_COLUMNS} FROM {LIVE_FROM} WHERE {_QUEUE} AND"  # noqa: S608
_READY = _HEAD + " m.seq > ? AND m.seq <= ? AND m.due = 0 ORDER BY m.seq"
_ORDERED = _HEAD + " m.seq > ? AND m.seq <= ? ORDER BY m.seq"
_DUE = _HEAD + " m.due > 0 AND (m.due, m.seq) >= (?, ?) AND m.seq <= ? ORDER BY m.due, m.seq"
_NEXT_DUE = f"SELECT min(m.due) FROM message m WHERE {_QUEUE} AND m.due > ?"  # noqa: S608


class Queries:
    """Reads of the data path."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def load(self, connection: sqlite3.Connection, load: Load) -> tuple[Rows | None, Rows | None]:
        """Read on in both streams of a front, as far as each is wanted."""
        ready = due = None
        if load.ready:
            text = _ORDERED if load.ordered else _READY
            ready = self._rows(connection, load, text, (load.version, load.node, load.edge, load.last))
        if load.due:
            due = self._rows(connection, load, _DUE, (load.version, load.node, *load.due_edge, load.last))
        return ready, due

    def next_due(self, connection: sqlite3.Connection, version: int, node: str, now: int) -> int | None:
        """Return the earliest due instant after `now` in a queue."""
        due: int | None = connection.execute(_NEXT_DUE, (version, node, now)).fetchone()[0]
        return due

    def _rows(self, connection: sqlite3.Connection, load: Load, text: str, values: tuple[object, ...]) -> Rows:
        now = self._clock.now()
        messages: list[Held] = []
        size = 0
        for row in connection.execute(text, values):
            if len(messages) >= load.room or (size >= load.size and len(messages) >= 1):
                return Rows(messages, all=False)
            held = held_of(row, now)
            size += len(held.body) + OVERHEAD
            messages.append(held)
        return Rows(messages, all=True)
