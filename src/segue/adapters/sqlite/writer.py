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
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from segue.adapters.sqlite.accept import Accepting
from segue.adapters.sqlite.changes import Changes, Numbers, OutOfDateError
from segue.adapters.sqlite.operations import AcceptOperation, CallOperation, Operation, Report, SettleOperation
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.settle import Settling
from segue.adapters.sqlite.trouble import is_outage, unavailable
from segue.adapters.sqlite.versions import Versions
from segue.model.errors import SegueError, StoreUnavailable

log = logging.getLogger(__name__)


class Writer:
    """Owns the connection that writes. `submit` and what is about answers is for the event loop."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        file: Path,
        settings: SqliteSettings,
        free_bytes: Callable[[], int],
        live: dict[int, int],
    ) -> None:
        self._connection = connection
        self._cursor = connection.cursor()
        self._file = file
        self._settings = settings
        self._free_bytes = free_bytes
        self._versions = Versions(connection)
        self._numbers = Numbers(connection)
        self._live = live
        self._queue: queue.SimpleQueue[Operation | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Callable[[Report], None] = lambda _report: None
        self._trouble: StoreUnavailable | None = None
        self._done = 0
        self._submitted = 0
        self._rate = 0.0
        self._closed = False
        self._looked_at = 0.0
        self._thread = threading.Thread(target=self._run, name="segue-writer", daemon=True)

    # -- event loop ---------------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many operations are not answered yet."""
        return self._submitted - self._done

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()

    def on_report(self, listener: Callable[[Report], None]) -> None:
        """Call `listener` in the event loop with what each transaction made true."""
        self._listener = listener

    def submit(self, operation: Operation) -> None:
        """Have an operation done; its future gets the answer."""
        if self._closed:
            operation.error = StoreUnavailable("the store is closed")
            operation.answer()
            return
        if self._loop is None:
            self._loop = operation.future.get_loop()
        self._submitted += 1
        self._queue.put(operation)

    def check_intake(self) -> None:
        """Raise StoreUnavailable while nothing new can be taken in."""
        if self._trouble is not None:
            raise StoreUnavailable(self._trouble.detail)

    def seconds_to_drain(self) -> int:
        """How long what waits will take at the latest rate, in whole seconds from 1 to 60."""
        return int(min(60, max(1, self.waiting / max(self._rate, 1.0))))

    async def close(self) -> None:
        """Finish what waits, then stop and close the connection."""
        if not self._closed:
            self._closed = True
            self._queue.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def _deliver(self, report: Report) -> None:
        self._done += len(report.operations)
        try:
            self._listener(report)
        except Exception:
            log.exception("The store's event loop side failed; operations of this commit are answered anyway")
            for operation in report.operations:
                operation.answer()

    # -- writer thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            operations = self._gather()
            last = operations[-1] is None if operations else False
            begun = time.monotonic()
            for group in _groups([operation for operation in operations if operation is not None]):
                self._commit(group)
            spent = time.monotonic() - begun
            if spent > 0:
                self._rate += 0.1 * (len(operations) / spent - self._rate)
            if last:
                break
        self._connection.close()

    def _gather(self) -> list[Operation | None]:
        """Wait for something to do, then take all that waits, up to a bound."""
        waiting = self._queue
        operations: list[Operation | None] = [waiting.get()]
        count = _weight(operations[0])
        while operations[-1] is not None and count < self._settings.batch:
            try:
                operation = waiting.get_nowait()
            except queue.Empty:
                break
            operations.append(operation)
            count += _weight(operation)
        return operations

    def _commit(self, group: Sequence[Operation]) -> None:
        """Do the operations in one transaction, and report. One that fails by itself does not harm the others."""
        try:
            report = self._attempt(group)
        except Exception as error:  # noqa: BLE001  nothing may end the writer
            self._roll_back()
            if is_outage(error) or len(group) == 1:
                self._fail(group, error)
                return
            for operation in group:
                self._commit([operation])
            return
        self._trouble = None
        self._send(report)

    def _attempt(self, group: Sequence[Operation]) -> Report:
        for trusting in (True, False):
            try:
                return self._transaction(group, trusting)
            except OutOfDateError:
                self._roll_back()
        raise AssertionError("a transaction that trusts nothing was out of date")

    def _transaction(self, group: Sequence[Operation], trusting: bool) -> Report:
        report = Report(group)
        cursor = self._cursor
        cursor.execute("BEGIN IMMEDIATE")
        changes = Changes(cursor, self._numbers, self._versions, report)
        accepting = Accepting(changes, self._live, self._settings.max_live)
        settling = Settling(changes, accepting)
        for operation in group:
            operation.error = None
            try:
                if isinstance(operation, AcceptOperation):
                    operation.value = accepting.accept(operation.start)
                elif isinstance(operation, SettleOperation):
                    taken = operation.taken if trusting else [False] * len(operation.taken)
                    operation.value = settling.settle(operation.transitions, taken)
                elif isinstance(operation, CallOperation):
                    operation.value = operation.function(self._connection, changes)
                    self._versions.forget()
            except SegueError as error:
                operation.error = error
        changes.write()
        cursor.execute("COMMIT")
        for version, change in changes.live.items():
            self._live[version] = self._live.get(version, 0) + change
        return report

    def _roll_back(self) -> None:
        self._versions.forget()
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
        except sqlite3.Error:
            log.exception("%s: rolling back failed", self._file)

    def _fail(self, group: Sequence[Operation], error: Exception) -> None:
        if isinstance(error, sqlite3.Error) and is_outage(error):
            trouble = unavailable(error, self._file)
            log.error("%s", trouble.detail)
            self._trouble = trouble
        for operation in group:
            operation.error = self._trouble if is_outage(error) else error
        self._send(Report(group))

    def _send(self, report: Report) -> None:
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._deliver, report)
        except RuntimeError:  # the loop is closed: nobody waits for the answers any more
            log.warning("%d operations were done after the event loop had ended", len(report.operations))


def _weight(operation: Operation | None) -> int:
    return len(operation.transitions) if isinstance(operation, SettleOperation) else 1


def _groups(operations: Sequence[Operation]) -> Iterator[list[Operation]]:
    """Split into what may share a transaction: a call stands alone."""
    group: list[Operation] = []
    for operation in operations:
        if isinstance(operation, CallOperation):
            if group:
                yield group
            yield [operation]
            group = []
        else:
            group.append(operation)
    if group:
        yield group
