"""What one transaction writes: gathered first, then written with few statements."""

from __future__ import annotations

import sqlite3
from typing import Any

from segue.adapters.sql.live import Held
from segue.adapters.sqlite.operations import Report
from segue.adapters.sqlite.rows import Listed, Rows, insert
from segue.adapters.sqlite.versions import Versions
from segue.core.ledger import END_EVENTS, Tally, instance_state
from segue.model.events import Event, EventKind
from segue.model.message import Outcome


class OutOfDateError(Exception):
    """A message that was taken here is no longer where it was: make the transaction again, and trust nothing."""


class Numbers:
    """The next numbers to give; only the writer gives any. A number of a failed transaction is not given again."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        def following(table: str, column: str) -> int:
            return int(connection.execute(f"SELECT coalesce(max({column}), 0) + 1 FROM {table}").fetchone()[0])  # noqa: S608

        self.message = max(following("message", "seq"), following("step", "seq"))
        self.instance = following("instance", "num")
        self.event = following("event", "seq")
        self.log = following("log", "seq")


class _Change:
    """How one instance changes in this transaction."""

    __slots__ = ("at", "instance", "last", "tally", "version")

    def __init__(self, held: Held) -> None:
        self.tally = Tally()
        self.instance = held.instance
        self.version = held.version
        self.last: Outcome | None = None
        self.at = 0


_LEAVE_QUEUE = Listed("DELETE FROM message WHERE seq IN ({}) AND place = 0")
_LEAVE_ASIDE = Listed("DELETE FROM message WHERE seq IN ({}) AND place >= 2")
_KEEP = Rows(
    "UPDATE message SET due = d.column2, repeats = d.column3, outages = d.column4, reason = d.column5,"
    " reason_code = d.column6, headers = coalesce(d.column7, headers)"
    " FROM {} d WHERE message.seq = d.column1 AND message.place = 0",
    7,
)
_SET_ASIDE = Rows(
    "UPDATE message SET place = d.column3, due = 0, reason = d.column4, reason_code = d.column5"
    " FROM {} d WHERE message.seq = d.column1 AND message.place = d.column2",
    5,
)
_READ_INSTANCES = Listed("SELECT num, live, trash, failed, cancelled, discarded FROM instance WHERE num IN ({})")
_INSTANCES = insert("instance", "num id version state started live start_node origin")
_MESSAGES = insert(
    "message",
    "seq id queue instance parent place entered due repeats outages reason reason_code headers body",
)
_STEPS = insert(
    "step",
    "seq id queue instance parent outcome produced entered taken ended worker_us remote_us cpu_us repeats status by",
)
_EVENTS = insert("event", "seq kind at version instance node message detail")
_LOGS = insert("log", "seq at level text queue instance message")
_KEYS = insert("idempotency", "process key instance message")
_TALLIES = Rows(
    "UPDATE instance SET live = d.column2, trash = d.column3, failed = d.column4, cancelled = d.column5,"
    " discarded = d.column6, state = d.column7, finished = d.column8 FROM {} d WHERE instance.num = d.column1",
    8,
)


class Changes:
    """The rows of one transaction. `write` is called at least once, before the commit."""

    def __init__(self, cursor: sqlite3.Cursor, numbers: Numbers, versions: Versions, report: Report) -> None:
        self.cursor = cursor
        self.versions = versions
        self.report = report
        self.live: dict[int, int] = {}
        self.messages: list[tuple[Any, ...]] = []
        self.steps: list[tuple[Any, ...]] = []
        self.instances: list[tuple[Any, ...]] = []
        self.keys: list[tuple[Any, ...]] = []
        self.keep: list[tuple[Any, ...]] = []
        self.set_aside: list[tuple[Any, ...]] = []
        self.leave_queue: list[int] = []
        self.leave_aside: list[int] = []
        self._numbers = numbers
        self._logs: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []
        self._changed: dict[int, _Change] = {}

    def next_message(self) -> int:
        """A number for a message: higher than every one before."""
        number = self._numbers.message
        self._numbers.message = number + 1
        return number

    def next_instance(self) -> int:
        """A number for an instance."""
        number = self._numbers.instance
        self._numbers.instance = number + 1
        return number

    def count_live(self, version: int, change: int) -> None:
        """Note that so many more messages live in a version."""
        self.live[version] = self.live.get(version, 0) + change

    def change(self, held: Held, at: int, last: Outcome | None = None) -> Tally:
        """The changes of the message's instance, to be added to. `last`: a message left with this outcome."""
        change = self._changed.get(held.run)
        if change is None:
            change = self._changed[held.run] = _Change(held)
        change.at = at
        if last is not None:
            change.last = last
        return change.tally

    def log(self, held: Held, at: int, level: str, text: str) -> None:
        """Store a line about a message."""
        self.line(at, level, text, held.queue, held.run, held.id)

    def line(self, at: int, level: str, text: str, queue: int, instance: int, message: str) -> None:  # noqa: PLR0917 - a row
        """Store a line; queue and instance are numbers."""
        number = self._numbers.log
        self._numbers.log = number + 1
        self._logs.append((number, at, level, text, queue, instance, message))

    def event(
        self,
        kind: EventKind,
        at: int,
        version: int,
        instance: str | None,
        *,
        node: str | None = None,
        message: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Store an event, and tell it after the commit."""
        number = self._numbers.event
        self._numbers.event = number + 1
        self._events.append((number, str(kind), at, version, instance, node, message, detail))
        process, public = self.versions.names(version)
        self.report.events.append(
            Event(
                kind=kind,
                at=at,
                seq=number,
                process=process,
                version=public,
                instance=instance,
                node=node,
                message=message,
                detail=detail,
            )
        )

    def write(self) -> None:
        """Write what was gathered, and begin anew. Raises OutOfDateError when a message was not where it was seen."""
        cursor = self.cursor
        all_there = (
            _LEAVE_QUEUE.write(cursor, self.leave_queue) == len(self.leave_queue)
            and _LEAVE_ASIDE.write(cursor, self.leave_aside) == len(self.leave_aside)
            and _KEEP.write(cursor, self.keep) == len(self.keep)
            and _SET_ASIDE.write(cursor, self.set_aside) == len(self.set_aside)
        )
        if not all_there:
            raise OutOfDateError
        _INSTANCES.write(cursor, self.instances)
        _KEYS.write(cursor, self.keys)
        _MESSAGES.write(cursor, self.messages)
        _STEPS.write(cursor, self.steps)
        self._write_tallies()
        _EVENTS.write(cursor, self._events)
        _LOGS.write(cursor, self._logs)
        self._clear()

    def drop(self) -> None:
        """Forget what was gathered since `write`, which does not happen after all."""
        if self._events:
            del self.report.events[-len(self._events) :]
        self._clear()

    def _clear(self) -> None:
        for gathered in (
            self.keep,
            self.set_aside,
            self.leave_queue,
            self.leave_aside,
            self.instances,
            self.keys,
            self.messages,
            self.steps,
            self._events,
            self._logs,
        ):
            gathered.clear()

    def _write_tallies(self) -> None:
        stored = {row[0]: row for row in _READ_INSTANCES.read(self.cursor, list(self._changed))}
        rows = []
        for num, change in self._changed.items():
            _, live, trash, failed, cancelled, discarded = stored[num]
            tally = Tally(live=live, trash=trash, failed=failed, cancelled=cancelled, discarded=discarded)
            tally.add(change.tally)
            after = instance_state(tally, change.last)
            ended = change.at if not tally.live else None
            rows.append(
                (num, tally.live, tally.trash, tally.failed, tally.cancelled, tally.discarded, str(after), ended)
            )
            if ended is not None:
                self.event(END_EVENTS[after], ended, change.version, change.instance)
        _TALLIES.write(self.cursor, rows)
        self._changed.clear()
