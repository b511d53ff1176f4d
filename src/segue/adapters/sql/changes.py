"""What one transaction writes: gathered first, then written with few statements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from msgspec import Struct

from segue.adapters.sql.live import Held
from segue.adapters.sql.metrics import encode_measures
from segue.adapters.sql.operations import Report
from segue.adapters.sql.rows import Cursor, Listed, Rows, insert
from segue.adapters.sql.versions import Versions
from segue.core.figures import Handled, together
from segue.core.ledger import END_EVENTS, Tally, instance_state
from segue.core.scopes import CALL
from segue.model.events import Event, EventKind
from segue.model.message import Kept, Outcome, Place, Result, SetAside
from segue.model.versions import InstanceState
from segue.ports.metrics import Measures

_NOTHING = Result(b"", {})


class OutOfDateError(Exception):
    """A message that was taken here is no longer where it was: make the transaction again, and trust nothing."""


class Numbers(Protocol):
    """Gives numbers, each higher than all of its kind before. One of a failed transaction is not given again."""

    def message(self) -> int:
        """A number for a message."""
        ...

    def instance(self) -> int:
        """A number for an instance."""
        ...

    def event(self) -> int:
        """A number for an event."""
        ...

    def log(self) -> int:
        """A number for a line."""
        ...

    def measure(self) -> int:
        """A number for what a commit measured."""
        ...

    def act(self) -> int:
        """A number for something that a person did to a message."""
        ...


class _Change:
    """How one instance changes in this transaction."""

    __slots__ = ("at", "instance", "last", "result", "scope", "tally", "version")

    def __init__(self, held: Held) -> None:
        self.tally = Tally()
        self.instance = held.instance
        self.version = held.version
        self.last: Outcome | None = None
        self.scope = held.scope
        self.result: Result | None = None
        self.at = 0


class Ended(Struct, frozen=True):
    """A called instance that has ended in this transaction: the scope of its last message, and what it said."""

    scope: str
    state: InstanceState
    result: Result
    at: int


# Bound once: before Python 3.12, every look at an enumeration's member costs a call.
_WAITING = Place.WAITING

_LEAVE_QUEUE = Listed("DELETE FROM message WHERE seq IN ({}) AND place = 0")
_LEAVE_ASIDE = Listed("DELETE FROM message WHERE seq IN ({}) AND place >= 2")
_KEEP = Rows(
    "UPDATE message SET due = d.column2, repeats = d.column3, outages = d.column4, reason = d.column5,"
    " reason_code = d.column6, headers = coalesce(d.column7, headers)"
    " FROM {} d WHERE message.seq = d.column1 AND message.place = 0",
    "number number number number text text text",
)
_SET_ASIDE = Rows(
    "UPDATE message SET place = d.column3, due = 0, reason = d.column4, reason_code = d.column5"
    " FROM {} d WHERE message.seq = d.column1 AND message.place = d.column2",
    "number small small text text",
)
_CAUSES = Rows(
    "UPDATE message SET cause = d.column2, aside_at = d.column3 FROM {} d WHERE message.seq = d.column1",
    "number text number",
)
_READ_INSTANCES = Listed(
    "SELECT num, live, trash, failed, cancelled, discarded, started FROM instance WHERE num IN ({})"
)
_INSTANCES = insert("instance", "num id version state started live start_node origin")
MESSAGE_COLUMNS = "seq id queue instance parent place entered due repeats outages reason reason_code headers body scope"
"""The columns of a new message, in the order of the rows that are written."""

_MESSAGES = insert("message", MESSAGE_COLUMNS)
_STEPS = insert(
    "step",
    "seq id queue instance parent outcome produced entered taken ended worker_us remote_us cpu_us repeats status by"
    " headers body",
)
_EVENTS = insert("event", "seq kind at version instance node message detail")
MEASURES = insert("measure", "seq data")
_ACTS = insert("act", "seq at by kind message instance operation")
_LOGS = insert("log", "seq at level text queue instance message")
_KEYS = insert("idempotency", "process key instance message")
_TALLIES = Rows(
    "UPDATE instance SET live = d.column2, trash = d.column3, failed = d.column4, cancelled = d.column5,"
    " discarded = d.column6, state = d.column7, finished = d.column8 FROM {} d WHERE instance.num = d.column1",
    "number number number number number number text number",
)


HISTORY_BYTES = 16 << 10


class Changes:
    """The rows of one transaction. `write` is called at least once, before the commit.

    `history_bytes`: the largest body that stays with the step of a message that has left; below 0 none does.
    """

    def __init__(
        self,
        cursor: Cursor,
        numbers: Numbers,
        versions: Versions,
        report: Report,
        *,
        history_bytes: int = HISTORY_BYTES,
    ) -> None:
        self.history_bytes = history_bytes
        self.cursor = cursor
        self.versions = versions
        self.report = report
        self.live: dict[int, int] = {}
        self.messages: list[tuple[Any, ...]] = []
        self.steps: list[tuple[Any, ...]] = []
        self.instances: list[tuple[Any, ...]] = []
        self.keys: list[tuple[Any, ...]] = []
        self.handled: list[Handled] = []
        self._ended: list[tuple[int, str, int, int]] = []
        self._keep: list[tuple[Any, ...]] = []
        self._set_aside: list[tuple[Any, ...]] = []
        self._causes: list[tuple[Any, ...]] = []
        self._leave_queue: list[int] = []
        self._leave_aside: list[int] = []
        self.ended_calls: list[Ended] = []
        self._numbers = numbers
        self._logs: list[tuple[Any, ...]] = []
        self._events: list[tuple[Any, ...]] = []
        self._acts: list[tuple[Any, ...]] = []
        self._changed: dict[int, _Change] = {}

    def next_message(self) -> int:
        """A number for a message: higher than every one before."""
        return self._numbers.message()

    def next_instance(self) -> int:
        """A number for an instance."""
        return self._numbers.instance()

    def leave(self, held: Held) -> None:
        """A message goes from where it is."""
        leaving = self._leave_aside if held.place >= _WAITING else self._leave_queue
        leaving.append(held.seq)

    def keep(self, held: Held, effect: Kept, headers: str | None) -> None:
        """A message stays in its queue until it is due; `headers` replace its own."""
        values = (held.seq, effect.due, effect.repeats, effect.outages, effect.reason, effect.reason_code, headers)
        self._keep.append(values)

    def set_aside(self, held: Held, effect: SetAside) -> None:
        """A message goes aside, from its queue or from another such place."""
        stored = int(held.place) if held.place >= _WAITING else 0
        self._set_aside.append((held.seq, stored, int(effect.place), effect.reason, effect.reason_code))

    def failed(self, seq: int, cause: str, at: int) -> None:
        """Say of a message that comes to trash what it failed of, and when."""
        self._causes.append((seq, cause, at))

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

    def lock_instance(self, run: int) -> None:
        """Before looking at several messages of an instance: nobody else changes it until the end of the transaction.

        Nothing to do where there is one writer.
        """

    def note_result(self, held: Held, result: Result) -> None:
        """Note what a message of a called instance said when it left; the last one's counts."""
        change = self._changed.get(held.run)
        if change is not None:
            change.result = result

    def log(self, held: Held, at: int, level: str, text: str) -> None:
        """Store a line about a message."""
        self.line(at, level, text, held.queue, held.run, held.id)

    def line(self, at: int, level: str, text: str, queue: int, instance: int, message: str) -> None:  # noqa: PLR0917 - a row
        """Store a line; queue and instance are numbers."""
        self._logs.append((self._numbers.log(), at, level, text, queue, instance, message))

    def act(self, held: Held, at: int, by: str, kind: str, operation: str | None) -> None:
        """Store that a person did something to a message."""
        self._acts.append((self._numbers.act(), at, by, kind, held.id, held.run, operation))

    def event(
        self,
        kind: EventKind,
        at: int,
        version: int | None,
        instance: str | None,
        *,
        node: str | None = None,
        message: str | None = None,
        detail: str | None = None,
    ) -> None:
        """Store an event, and tell it after the commit."""
        number = self._numbers.event()
        self._events.append((number, str(kind), at, version, instance, node, message, detail))
        process, public = (None, None) if version is None else self.versions.names(version)
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
        if not self._write_moves():
            raise OutOfDateError
        self._put(_INSTANCES, self.instances)
        self._put(_KEYS, self.keys)
        self._write_messages()
        self._write_causes()
        self._put(_STEPS, self.steps)
        self._write_tallies()
        self._put(_EVENTS, self._events)
        self._put(_LOGS, self._logs)
        if self.handled or self.instances or self._ended:
            self._measure()
        self._put(_ACTS, self._acts)
        self._clear()

    def _measure(self) -> None:
        seq, handled, started, ended = self._numbers.measure(), together(self.handled), self._started(), [*self._ended]
        measures = Measures(seq=seq, handled=handled, started=started, ended=ended)
        self._put(MEASURES, [(seq, encode_measures(measures))])
        self.report.measures.append(measures)

    def _started(self) -> list[tuple[int, int]]:
        """Version and instant of each instance that was accepted."""
        return [(row[2], row[4]) for row in self.instances]

    def _put(self, statement: Rows, rows: Sequence[Sequence[object]]) -> None:
        """Write rows of which nothing needs to be known before the transaction goes on."""
        statement.write(self.cursor, rows)

    def _write_moves(self) -> bool:
        """Take messages out of their places or change them there; whether all were where they were seen."""
        cursor = self.cursor
        return (
            _LEAVE_QUEUE.write(cursor, self._leave_queue) == len(self._leave_queue)
            and _LEAVE_ASIDE.write(cursor, self._leave_aside) == len(self._leave_aside)
            and _KEEP.write(cursor, self._keep) == len(self._keep)
            and _SET_ASIDE.write(cursor, self._set_aside) == len(self._set_aside)
        )

    def _write_messages(self) -> None:
        _MESSAGES.write(self.cursor, self.messages)

    def _read_instances(self, numbers: list[int]) -> list[Sequence[Any]]:
        return _READ_INSTANCES.read(self.cursor, numbers)

    def _write_causes(self) -> None:
        _CAUSES.write(self.cursor, self._causes)

    def drop(self) -> None:
        """Forget what was gathered since `write`, which does not happen after all."""
        if self._events:
            del self.report.events[-len(self._events) :]
        self._clear()

    def _clear(self) -> None:
        for gathered in (
            self._keep,
            self._set_aside,
            self._causes,
            self._leave_queue,
            self._leave_aside,
            self.instances,
            self.keys,
            self.messages,
            self.steps,
            self.handled,
            self._ended,
            self._events,
            self._acts,
            self._logs,
        ):
            gathered.clear()

    def _write_tallies(self) -> None:
        stored = {row[0]: row for row in self._read_instances(list(self._changed))}
        rows = []
        for num, change in self._changed.items():
            _, live, trash, failed, cancelled, discarded, started = stored[num]
            tally = Tally(live=live, trash=trash, failed=failed, cancelled=cancelled, discarded=discarded)
            tally.add(change.tally)
            after = instance_state(tally, change.last)
            ended = change.at if not tally.live else None
            rows.append(
                (num, tally.live, tally.trash, tally.failed, tally.cancelled, tally.discarded, str(after), ended)
            )
            if ended is not None:
                self._ended.append((change.version, str(after), started, ended))
                self.event(END_EVENTS[after], ended, change.version, change.instance)
                if change.scope.startswith(CALL):
                    self.ended_calls.append(Ended(change.scope, after, change.result or _NOTHING, ended))
        self._put(_TALLIES, rows)
        self._changed.clear()
