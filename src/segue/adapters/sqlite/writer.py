"""The writer: makes everything that waits durable with one commit, again and again.

An operation that comes while nothing is being written is committed at once; those that come during a commit share the
next one. So a commit costs one flush of the disk for up to hundreds of operations, and adds no waiting of its own.

The commit, which waits for the disk, is for a thread. The statements before it are short, and the event loop executes
them itself when they are those of the data path: Python's interpreter lock changes hands several times for each
statement, and a thread that wants it back from a busy loop waits up to 5 ms each time (decision 0012). What may take
longer, and everything while the file is in trouble, is for the thread as a whole.
"""

from __future__ import annotations

import asyncio
import logging
import queue
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path

from segue.adapters.sql.operations import Operation, Report
from segue.adapters.sql.work import is_short, weight
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.transactions import Prepared, Transactions
from segue.model.errors import BacklogFull, StoreUnavailable

log = logging.getLogger(__name__)


class Writer:
    """Hands operations to the connection that writes, a group at a time, and what they made true to a listener.

    All but the thread is for the event loop. Whatever happens, every operation is answered.
    """

    def __init__(
        self, connect: Callable[[], sqlite3.Connection], file: Path, settings: SqliteSettings, live: dict[int, int]
    ) -> None:
        self._transactions = Transactions(connect, file, settings, live)
        # Held by whoever uses the transactions; from one prepared in the loop until it is committed in the thread.
        self._in_use = threading.Lock()
        self._settings = settings
        self._waiting: deque[Operation] = deque()
        self._planned = False
        self._writing = False
        self._work: queue.SimpleQueue[Prepared | Sequence[Operation] | None] = queue.SimpleQueue()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._listener: Callable[[Report], None] = _ignore
        self._answered = 0
        self._submitted = 0
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="segue-writer", daemon=True)

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
            self._loop.call_soon(self._tell, Report([operation]))
            return
        self._waiting.append(operation)
        if not self._writing and not self._planned:
            self._planned = True
            self._loop.call_soon(self._write_next)

    def check_intake(self) -> None:
        """Raise StoreUnavailable or BacklogFull while nothing new can be taken in."""
        refusal = self._transactions.health.refusal
        if refusal is not None:
            raise StoreUnavailable(refusal.detail)
        if self.waiting >= self._settings.max_waiting:
            detail = f"{self.waiting} writes wait for the disk, the most allowed"
            raise BacklogFull(detail, retry_after=self._transactions.pace.seconds_for(self.waiting))

    async def finish(self) -> None:
        """Do what was submitted, take nothing more, and end the thread."""
        if not self._closed:
            self._closed = True
            self._end_when_done()
        # The thread's last reports reach the loop before the news that it has ended.
        await asyncio.get_running_loop().run_in_executor(None, self._thread.join)

    def close(self) -> None:
        """Close the file in order, once finished. Nothing that was committed depends on it."""
        self._transactions.close()

    # -- one group after the other ------------------------------------------------------------------------------------

    def _write_next(self) -> None:
        """Begin with the next group, if there is one and none is being written."""
        self._planned = False
        if self._writing or not self._waiting:
            return
        self._writing = True
        group, short = self._gather()
        if short and self._transactions.health.refusal is None and self._in_use.acquire(blocking=False):
            try:
                self._work.put(self._transactions.prepare(group, patient=False))
            except Exception as error:  # noqa: BLE001  the thread meets it again, unless it is over, and deals with it
                self._in_use.release()
                log.debug("A transaction was given to the writer's thread: %s", error)
            else:
                return
        self._work.put(group)

    def _gather(self) -> tuple[list[Operation], bool]:
        """Take what waits, up to a bound: short operations for the loop, or whatever comes for the thread."""
        waiting = self._waiting
        short = is_short(waiting[0])
        most = self._settings.short_batch if short else self._settings.batch
        group = [waiting.popleft()]
        count = weight(group[0])
        while waiting and count < most and (not short or is_short(waiting[0])):
            operation = waiting.popleft()
            group.append(operation)
            count += weight(operation)
        return group, short

    def _done(self, reports: Sequence[Report]) -> None:
        self._writing = False
        self._write_next()  # the disk works on it while these are told
        for report in reports:
            self._tell(report)
        if self._closed:
            self._end_when_done()

    def _tell(self, report: Report) -> None:
        self._answered += len(report.operations)
        try:
            self._listener(report)
        except Exception:
            log.exception("Following up on a commit failed; its callers are answered all the same")
            for operation in report.operations:
                operation.answer()

    def _end_when_done(self) -> None:
        if not self._writing and not self._waiting:
            self._work.put(None)

    # -- writer thread ------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            try:
                work = self._work.get(timeout=self._transactions.health.pause_s)
            except queue.Empty:
                with self._in_use:
                    self._transactions.look_again()
                continue
            if work is None:
                return
            self._send(self._finished(work))

    def _finished(self, work: Prepared | Sequence[Operation]) -> list[Report]:
        if not isinstance(work, Prepared):
            with self._in_use:
                return self._transactions.do(work)
        try:
            return self._transactions.commit(work)
        finally:
            self._in_use.release()

    def _send(self, reports: Sequence[Report]) -> None:
        loop = self._loop
        try:
            if loop is not None:
                loop.call_soon_threadsafe(self._done, reports)
        except RuntimeError:  # the loop is closed: nobody waits for the answers any more
            count = sum(len(report.operations) for report in reports)
            log.warning("%d operations were done after the event loop had ended", count)


def _ignore(report: Report) -> None:
    """Do nothing; stands in until somebody listens."""
