"""Transactions on the connection that writes: open one and do operations in it, commit, or find out who is to blame."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from segue.adapters.sql.accept import Accepting
from segue.adapters.sql.changes import Changes, OutOfDateError
from segue.adapters.sql.operations import CallOperation, Operation, Report
from segue.adapters.sql.pace import Pace
from segue.adapters.sql.versions import Versions
from segue.adapters.sql.work import perform
from segue.adapters.sqlite.file import BUSY_MS, note_closed
from segue.adapters.sqlite.health import Health
from segue.adapters.sqlite.numbers import CountedNumbers
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.trouble import is_outage
from segue.model.errors import Conflict, SegueError, StoreUnavailable

log = logging.getLogger(__name__)


class Prepared(Struct, frozen=True):
    """A transaction that is open: what it will have made true, and by how much it changes the live messages."""

    report: Report
    live: dict[int, int]


class Transactions:
    """Owns the connection that writes. `connect` makes it, and makes it again when the file was in trouble.

    `live` are the live messages of each version. Any thread may use this, one at a time from `prepare` to `commit`.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], file: Path, settings: SqliteSettings, live: dict[int, int]
    ) -> None:
        self._connect = connect
        self._use(connect())
        self._numbers = CountedNumbers(self._connection)
        self._file = file
        self._settings = settings
        self._live = live
        self.health = Health(file, settings)
        self.pace = Pace()

    def _use(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._versions = Versions(connection)
        self._wait_for_others(ms=0)

    def prepare(self, group: Sequence[Operation], *, patient: bool) -> Prepared:
        """Do operations in a transaction, which is open then; each has its value or its error.

        Raises what keeps them from being done, and no transaction is open then. While another process holds the file,
        that is at once an error unless `patient`.
        """
        try:
            self.health.look()
            try:
                return self._perform(group, patient=patient, trusting=True)
            except OutOfDateError:
                self._roll_back()
                return self._perform(group, patient=patient, trusting=False)
        except BaseException:
            self._roll_back()
            raise

    def commit(self, prepared: Prepared) -> list[Report]:
        """Make what was prepared durable; return what became true, and for whom it failed. Never raises."""
        try:
            if not self._connection.in_transaction:  # `commit` would do nothing, and say nothing
                raise sqlite3.OperationalError("the transaction has ended before its commit")
            self._connection.commit()  # not a statement: it hands the interpreter lock over once instead of thrice
        except Exception as error:  # noqa: BLE001  nothing may end the writer
            self._roll_back()
            return self._recover(prepared.report.operations, error)
        for version, change in prepared.live.items():
            self._live[version] = self._live.get(version, 0) + change
        self.health.worked()
        self.pace.count(len(prepared.report.operations))
        return [prepared.report]

    def do(self, group: Sequence[Operation]) -> list[Report]:
        """Do operations and commit. One that fails by itself does not harm the others. Never raises."""
        try:
            prepared = self.prepare(group, patient=True)
        except Exception as error:  # noqa: BLE001  nothing may end the writer
            return self._recover(group, error)
        return self.commit(prepared)

    def look_again(self) -> None:
        """See whether trouble is over, with a new connection: the old one may be what is broken."""
        self.health.look_soon()
        try:
            self.health.look()
            old, new = self._connection, self._connect()
            self._use(new)
            old.close()
            self._begin(patient=True)
            self._cursor.execute("UPDATE fact SET value = value WHERE name = 'revision'")
            self._connection.commit()
        except (sqlite3.Error, OSError, StoreUnavailable):
            self._roll_back()
            self.health.wait_longer()
        else:
            self.health.worked()

    def close(self) -> None:
        """Close the file in order. Nothing that was committed depends on it."""
        try:
            note_closed(self._connection)
        except sqlite3.Error as error:
            log.warning("%s could not be closed in order: %s", self._file, error)
        self._connection.close()

    # -- in a transaction ---------------------------------------------------------------------------------------------

    def _perform(self, group: Sequence[Operation], *, patient: bool, trusting: bool) -> Prepared:
        report = Report(group)
        self._begin(patient=patient)
        changes = Changes(
            self._cursor, self._numbers, self._versions, report, history_bytes=self._settings.history_bytes
        )
        accepting = Accepting(changes, self._live, self._settings.max_live, self.pace)
        perform(
            group,
            changes,
            accepting,
            trusting=trusting,
            admit=self._admit,
            call=lambda operation: self._call(operation, changes),
        )
        return Prepared(report, changes.live)

    def _begin(self, *, patient: bool) -> None:
        if not patient:
            self._cursor.execute("BEGIN IMMEDIATE")
            return
        self._wait_for_others(ms=BUSY_MS)
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        finally:
            self._wait_for_others(ms=0)

    def _wait_for_others(self, *, ms: int) -> None:
        self._connection.execute(f"PRAGMA busy_timeout = {ms}")

    def _call(self, operation: CallOperation, changes: Changes) -> None:
        """Do a call among the others: it sees what they did, and when it fails nothing of it stays."""
        changes.write()
        measured = len(changes.report.measures)
        self._cursor.execute("SAVEPOINT call")
        try:
            operation.value = operation.function(self._connection, changes)
        except SegueError:
            self._cursor.execute("ROLLBACK TO call")
            self._cursor.execute("RELEASE call")
            changes.drop()
            del changes.report.measures[measured:]
            raise
        self._cursor.execute("RELEASE call")
        if operation.versions:
            self._versions.forget()

    def _admit(self) -> None:
        refusal = self.health.refusal
        if refusal is not None:
            raise StoreUnavailable(refusal.detail)

    # -- trouble ------------------------------------------------------------------------------------------------------

    def _roll_back(self) -> None:
        self._versions.forget()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("%s: rolling back failed", self._file)

    def _recover(self, group: Sequence[Operation], error: Exception) -> list[Report]:
        """Do each by itself, unless the error would meet any of them."""
        if len(group) == 1 or is_outage(error):
            return [self._failed(group, error)]
        return [report for operation in group for report in self.do([operation])]

    def _failed(self, group: Sequence[Operation], error: Exception) -> Report:
        if isinstance(error, sqlite3.Error) and is_outage(error):
            error = self.health.failed(error)
        elif isinstance(error, sqlite3.IntegrityError):
            error = Conflict(f"something with this id is stored already ({error})")
        elif not isinstance(error, SegueError):
            log.error("An operation of the store failed", exc_info=error)
        for operation in group:
            operation.error = error
        return Report(group)
