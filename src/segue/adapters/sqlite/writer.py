"""The one writer: a thread that makes everything that waits durable with one commit, again and again.

An operation that comes while the writer is idle is committed at once; those that come during a commit share the next
one. So a commit costs one flush of the disk for up to hundreds of operations, and adds no waiting of its own.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from segue.adapters.sql.accept import Accepting
from segue.adapters.sql.changes import Changes, OutOfDateError
from segue.adapters.sql.operations import CallOperation, Operation, Report
from segue.adapters.sql.pace import Pace
from segue.adapters.sql.versions import Versions
from segue.adapters.sql.work import perform, weight
from segue.adapters.sqlite.file import note_closed
from segue.adapters.sqlite.health import Health
from segue.adapters.sqlite.numbers import CountedNumbers
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.trouble import is_outage
from segue.model.errors import BacklogFull, Conflict, SegueError, StoreUnavailable

log = logging.getLogger(__name__)


class Writer:
    """Owns the connection that writes. `connect` makes it, and makes it again when the file was in trouble.

    `live` are the live messages of each version. `submit` and all that is about answers is for the event loop.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], file: Path, settings: SqliteSettings, live: dict[int, int]
    ) -> None:
        self._connect = connect
        self._connection = connect()
        self._cursor = self._connection.cursor()
        self._versions = Versions(self._connection)
        self._numbers = CountedNumbers(self._connection)
        self._file = file
        self._settings = settings
        self._live = live
        self._health = Health(file, settings)
        self._pace = Pace()
        self._queue: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Callable[[Report], None] = _ignore
        self._answered = 0
        self._submitted = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="segue-writer", daemon=True)

    # -- event loop ---------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many operations are not answered yet."""
        return self._submitted - self._answered

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def on_report(self, listener: Callable[[Report], None]) -> None:
        """Call `listener` in the event loop with what each transaction made true."""
        self._listener = listener

    def submit(self, operation: Operation) -> None:
        """Have an operation done; its future gets the answer."""
        if self._loop is None:
            self._loop = operation.future.get_loop()
        self._submitted += 1
        if self._closed:
            operation.error = StoreUnavailable("the store is closed")
            self._loop.call_soon(self._deliver, Report([operation]))
            return
        self._queue.put(operation)

    def check_intake(self) -> None:
        """Raise StoreUnavailable or BacklogFull while nothing new can be taken in."""
        refusal = self._health.refusal
        if refusal is not None:
            raise StoreUnavailable(refusal.detail)
        if self.waiting >= self._settings.max_waiting:
            detail = f"{self.waiting} writes wait for the disk, the most allowed"
            raise BacklogFull(detail, retry_after=self._pace.seconds_for(self.waiting))

    async def finish(self) -> None:
        """Do what was submitted, take nothing more, and end the thread."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        # The thread's last reports reach the loop before the news that it has ended.
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def close(self) -> None:
        """Close the file in order, once finished. Nothing that was committed depends on it."""
        try:
            note_closed(self._connection)
        except sqlite3.Error as error:
            log.warning("%s could not be closed in order: %s", self._file, error)
        self._connection.close()

    def _deliver(self, report: Report) -> None:
        self._answered += len(report.operations)
        try:
            self._listener(report)
        except Exception:
            log.exception("Following up on a commit failed; its callers are answered all the same")
            for operation in report.operations:
                operation.answer()

    # -- writer thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Work until told to end. Whatever happens, every operation is answered."""
        while True:
            operations = self._gather()
            group = [operation for operation in operations if operation is not None]
            if group:
                self._commit(group)
            if operations and operations[-1] is None:
                return

    def _gather(self) -> list[Operation | None]:
        """Wait for something to do, then take all that waits, up to a bound. Nothing: it was time to look again."""
        waiting = self._queue
        try:
            operations: list[Operation | None] = [waiting.get(timeout=self._health.pause_s)]
        except queue.Empty:
            self._look_again()
            return []
        count = weight(operations[0])
        while operations[-1] is not None and count < self._settings.batch:
            try:
                operation = waiting.get_nowait()
            except queue.Empty:
                break
            operations.append(operation)
            count += weight(operation)
        return operations

    def _commit(self, group: Sequence[Operation]) -> None:
        """Do the operations in one transaction, and report. One that fails by itself does not harm the others."""
        try:
            self._health.look()
            report = self._attempt(group)
        except Exception as error:  # noqa: BLE001  nothing may end the writer
            self._roll_back()
            if len(group) == 1 or is_outage(error):
                self._fail(group, error)
                return
            for operation in group:
                self._commit([operation])
            return
        self._health.worked()
        self._pace.count(len(group))
        self._send(report)

    def _attempt(self, group: Sequence[Operation]) -> Report:
        try:
            return self._transaction(group, trusting=True)
        except OutOfDateError:
            self._roll_back()
            return self._transaction(group, trusting=False)

    def _transaction(self, group: Sequence[Operation], trusting: bool) -> Report:
        report = Report(group)
        self._cursor.execute("BEGIN IMMEDIATE")
        changes = Changes(
            self._cursor, self._numbers, self._versions, report, history_bytes=self._settings.history_bytes
        )
        accepting = Accepting(changes, self._live, self._settings.max_live, self._pace)
        perform(
            group,
            changes,
            accepting,
            trusting=trusting,
            admit=self._admit,
            call=lambda operation: self._call(operation, changes),
        )
        self._cursor.execute("COMMIT")
        for version, change in changes.live.items():
            self._live[version] = self._live.get(version, 0) + change
        return report

    def _call(self, operation: CallOperation, changes: Changes) -> None:
        """Do a call among the others: it sees what they did, and when it fails nothing of it stays."""
        changes.write()
        self._cursor.execute("SAVEPOINT call")
        try:
            operation.value = operation.function(self._connection, changes)
        except SegueError:
            self._cursor.execute("ROLLBACK TO call")
            self._cursor.execute("RELEASE call")
            changes.drop()
            raise
        self._cursor.execute("RELEASE call")
        if operation.versions:
            self._versions.forget()

    def _admit(self) -> None:
        refusal = self._health.refusal
        if refusal is not None:
            raise StoreUnavailable(refusal.detail)

    def _look_again(self) -> None:
        """See whether trouble is over, with a new connection: the old one may be what is broken."""
        self._health.look_soon()
        try:
            self._health.look()
            self._reconnect()
            self._cursor.execute("BEGIN IMMEDIATE")
            self._cursor.execute("UPDATE fact SET value = value WHERE name = 'revision'")
            self._cursor.execute("COMMIT")
        except (sqlite3.Error, OSError, StoreUnavailable):
            self._roll_back()
            self._health.wait_longer()
        else:
            self._health.worked()

    def _reconnect(self) -> None:
        connection = self._connect()
        old, self._connection = self._connection, connection
        self._cursor = connection.cursor()
        self._versions = Versions(connection)
        old.close()

    def _roll_back(self) -> None:
        self._versions.forget()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("%s: rolling back failed", self._file)

    def _fail(self, group: Sequence[Operation], error: Exception) -> None:
        if isinstance(error, sqlite3.Error) and is_outage(error):
            error = self._health.failed(error)
        elif isinstance(error, sqlite3.IntegrityError):
            error = Conflict(f"something with this id is stored already ({error})")
        elif not isinstance(error, SegueError):
            log.error("An operation of the store failed", exc_info=error)
        for operation in group:
            operation.error = error
        self._send(Report(group))

    def _send(self, report: Report) -> None:
        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._deliver, report)
        except RuntimeError:  # the loop is closed: nobody waits for the answers any more
            log.warning("%d operations were done after the event loop had ended", len(report.operations))


def _ignore(report: Report) -> None:
    """Do nothing; stands in until somebody listens."""
