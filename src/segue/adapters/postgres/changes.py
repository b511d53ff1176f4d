"""What one transaction writes, on PostgreSQL: with the holder of each message, and sure of what it replaces."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import Any

from segue.adapters.postgres.cursor import BridgedCursor
from segue.adapters.postgres.numbers import SequenceNumbers
from segue.adapters.postgres.versions import SharedVersions
from segue.adapters.sql.changes import MEASURES, MESSAGE_COLUMNS, Changes
from segue.adapters.sql.live import Held
from segue.adapters.sql.metrics import encode_rows
from segue.adapters.sql.operations import Report
from segue.adapters.sql.rows import Listed, Rows, kinds_of
from segue.model.message import Kept, Place, SetAside

# Another process may have kept a message that was taken here, when this one was believed dead. So a message is where it
# was seen only if place, due time and counts are the same (M5).
_SEEN = (
    "m.seq = d.column1 AND m.place = d.column2 AND m.due = d.column3 AND m.repeats = d.column4"
    " AND m.outages = d.column5"
)
_SEEN_KINDS = "number small number number number"
_LEAVE = Rows(f"DELETE FROM message m USING {{}} d WHERE {_SEEN}", _SEEN_KINDS)  # noqa: S608
_KEEP = Rows(
    "UPDATE message m SET holder = 0, due = d.column6, repeats = d.column7, outages = d.column8, reason = d.column9,"  # noqa: S608
    f" reason_code = d.column10, headers = coalesce(d.column11, m.headers) FROM {{}} d WHERE {_SEEN}",
    f"{_SEEN_KINDS} number number number text text text",
)
_SET_ASIDE = Rows(
    "UPDATE message m SET holder = 0, place = d.column6, due = 0, reason = d.column7, reason_code = d.column8"  # noqa: S608
    f" FROM {{}} d WHERE {_SEEN}",
    f"{_SEEN_KINDS} small text text",
)
_MESSAGES = Rows(
    f"INSERT INTO message ({', '.join(MESSAGE_COLUMNS.split())}, holder) SELECT * FROM {{}}",  # noqa: S608
    f"{kinds_of('message', MESSAGE_COLUMNS)} number",
)
_READ_INSTANCES = Listed(
    "SELECT num, live, trash, failed, cancelled, discarded, started FROM instance"
    " WHERE num IN ({}) ORDER BY num FOR UPDATE"
)
_LEAVE_AND_READ = (
    f"WITH gone AS ({_LEAVE.arrays} RETURNING 1) SELECT num, live, trash, failed, cancelled, discarded, started,"  # noqa: S608
    " (SELECT count(*) FROM gone) FROM instance WHERE num = ANY($6::bigint[]) ORDER BY num FOR UPDATE"
)
_LOCK_INSTANCE = "SELECT 1 FROM instance WHERE num = ? FOR UPDATE"
_LOCK_INSTANCES = "SELECT 1 FROM instance WHERE num = ANY($1::bigint[]) ORDER BY num FOR UPDATE"

_WAITING = Place.WAITING
_PARAMETER = re.compile(r"\$(\d+)")

Keeper = Callable[[Held], bool]
"""Decides whether a message that comes into being stays with this process."""


class SharedChanges(Changes):
    """The rows of one transaction. `keeper` says which new messages `holder`, this process, has for itself; they
    are in `owned` then, by number."""

    def __init__(  # noqa: PLR0917 - what a transaction consists of
        self,
        cursor: BridgedCursor,
        numbers: SequenceNumbers,
        versions: SharedVersions,
        report: Report,
        keeper: Keeper,
        holder: int,
        *,
        history_bytes: int,
    ) -> None:
        super().__init__(cursor, numbers, versions, report, history_bytes=history_bytes)
        self.cursor: BridgedCursor = cursor
        self.owned: dict[int, Held] = {}
        self._keeper = keeper
        self._holder = holder
        self._locked: set[int] = set()
        self._leaving: list[tuple[Any, ...]] = []
        self._waiting: list[tuple[str, list[Any]]] = []
        self._read: list[Sequence[Any]] = []

    def leave(self, held: Held) -> None:
        """A message goes from where it is."""
        self._leaving.append(_seen(held))

    def keep(self, held: Held, effect: Kept, headers: str | None) -> None:
        """A message stays in its queue until it is due; `headers` replace its own."""
        wanted = (effect.due, effect.repeats, effect.outages, effect.reason, effect.reason_code, headers)
        self._keep.append((*_seen(held), *wanted))

    def set_aside(self, held: Held, effect: SetAside) -> None:
        """A message goes aside, from its queue or from another such place."""
        self._set_aside.append((*_seen(held), int(effect.place), effect.reason, effect.reason_code))

    def lock_instance(self, run: int) -> None:
        """Let nobody else change the messages of an instance from now on."""
        if run not in self._locked:
            self.cursor.execute(_LOCK_INSTANCE, (run,))
            self._locked.add(run)

    def lock_instances(self, runs: Collection[int]) -> None:
        """Lock instances in the order in which everybody does, before one of them is locked for what is in it."""
        self.cursor.execute_arrays(_LOCK_INSTANCES, [list(runs)])
        self._locked.update(runs)

    def drop(self) -> None:
        """See `Changes`. What was locked since may be free again."""
        super().drop()
        self._locked.clear()

    def write(self) -> None:
        """See `Changes`. What nothing depends on goes in one statement: each is a way to the database and back."""
        super().write()
        self._flush()

    def _measure(self) -> None:
        # A process of the release before may be the one that adds them up.
        measured = encode_rows(self.handled, self._started(), self._ended)
        self._put(MEASURES, [(self._numbers.measure(), measured)])

    def _put(self, statement: Rows, rows: Sequence[Sequence[object]]) -> None:
        if rows:
            self._waiting.append((statement.arrays, list(zip(*rows, strict=True))))

    def _flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting:
            cursor = self.cursor
            text = together(tuple(text for text, _ in waiting))
            cursor.execute_arrays(text, [array for _, arrays in waiting for array in arrays])

    def _write_moves(self) -> bool:
        cursor = self.cursor
        if self._leaving and self._changed and not self._waiting and not self.instances:
            return self._leave_and_read() and self._write_other_moves()
        return _LEAVE.write(cursor, self._leaving) == len(self._leaving) and self._write_other_moves()

    def _leave_and_read(self) -> bool:
        """Take messages out of their places, and read the instances that change with it, on one way."""
        arrays = [*zip(*self._leaving, strict=True), list(self._changed)]
        rows = self.cursor.execute_arrays(_LEAVE_AND_READ, arrays).fetchall()
        self._read = [tuple(row)[:-1] for row in rows]
        return not rows or rows[0][-1] == len(self._leaving)

    def _write_other_moves(self) -> bool:
        cursor = self.cursor
        return _KEEP.write(cursor, self._keep) == len(self._keep) and _SET_ASIDE.write(cursor, self._set_aside) == len(
            self._set_aside
        )

    def _write_messages(self) -> None:
        if not self.messages:
            return
        arrived = {held.seq: held for held in self.report.arrived}
        rows = []
        for row in self.messages:
            held = arrived.get(row[0])
            if held is not None and self._keeper(held):
                self.owned[held.seq] = held
                rows.append((*row, self._holder))
            else:
                rows.append((*row, 0))
        self._put(_MESSAGES, rows)

    def _write_causes(self) -> None:
        if self._causes:
            self._flush()  # some of the messages may be among what waits
            super()._write_causes()

    def _read_instances(self, numbers: list[int]) -> list[Sequence[Any]]:
        read, self._read = self._read, []
        if read and len(read) == len(numbers):
            return read
        self._flush()  # some of them may be among what waits
        return _READ_INSTANCES.read(self.cursor, numbers)

    def _clear(self) -> None:
        super()._clear()
        self._leaving.clear()
        self._read = []


@lru_cache(maxsize=256)
def together(texts: tuple[str, ...]) -> str:
    """Return one statement that does what these do, their parameters one after the other."""
    parts: list[str] = []
    before = 0
    for text in texts:
        numbers = [int(number) for number in _PARAMETER.findall(text)]
        shifted = _PARAMETER.sub(lambda found, by=before: f"${int(found[1]) + by}", text)  # type: ignore[misc]
        parts.append(f"w{len(parts)} AS ({shifted})")
        before += max(numbers)
    return f"WITH {', '.join(parts)} SELECT"


def _seen(held: Held) -> tuple[int, int, int, int, int]:
    place = int(held.place) if held.place >= _WAITING else 0
    return held.seq, place, held.due, held.repeats, held.outages
