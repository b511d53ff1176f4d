"""The writer of a process: makes everything that waits durable with one commit, again and again.

What comes while it is idle is committed at once; what comes during a commit shares the next one.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence

import asyncpg

from segue.adapters.postgres.changes import Keeper, SharedChanges
from segue.adapters.postgres.connect import Connection, Link
from segue.adapters.postgres.cursor import BridgedCursor, bridged
from segue.adapters.postgres.locks import BEGIN, BEGIN_ALONE
from segue.adapters.postgres.numbers import SequenceNumbers, Wanted
from segue.adapters.postgres.outcome import UnknownOutcome, was_committed
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.trouble import ERRORS, Away, is_lost, is_outage, is_worth_again, unavailable
from segue.adapters.postgres.versions import SharedVersions
from segue.adapters.sql.accept import Accepting
from segue.adapters.sql.changes import OutOfDateError
from segue.adapters.sql.operations import CallOperation, Operation, Report
from segue.adapters.sql.pace import Pace
from segue.adapters.sql.work import needs_alone, perform, weight
from segue.model.errors import BacklogFull, Conflict, SegueError, StoreUnavailable

log = logging.getLogger(__name__)

_ATTEMPTS = 8
_PAUSE_S = 0.1
_REVISE = "SELECT nextval('catalog_revision')"


class SharedReport(Report):
    """What one transaction made true. `owned` are the numbers of new messages that stay with this process; `holders`
    how many processes there are; `revised`: the catalog changed."""

    __slots__ = ("holders", "owned", "revised")

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__(operations)
        self.owned: set[int] = set()
        self.holders = 1
        self.revised = False


class Writer:
    """Commits groups of operations, one after the other, over a connection of its own.

    `live` are the live messages of each version, as far as is known here. `keeper` decides which new messages stay
    with this process, `holder` says under which number it holds them, and `evicted` is called when that one is gone.
    """

    def __init__(
        self,
        link: Link,
        settings: PostgresSettings,
        *,
        keeper: Keeper,
        holder: Callable[[], int],
        evicted: Callable[[], None],
    ) -> None:
        self.live: dict[int, int] = {}
        self._link = link
        self._settings = settings
        self._keeper = keeper
        self._holder = holder
        self._evicted = evicted
        self._cursor = BridgedCursor()
        self._versions = SharedVersions(self._cursor)
        self._pace = Pace()
        self._queue: deque[Operation] = deque()
        self._news = asyncio.Event()
        self._busy = 0
        self._closed = False
        self._listener: Callable[[SharedReport], None] = _ignore
        self._task: asyncio.Task[None] | None = None

    # -- for the others -----------------------------------------------------------------------------------------------

    @property
    def waiting(self) -> int:
        """How many operations are not answered yet."""
        return len(self._queue) + self._busy

    def on_report(self, listener: Callable[[SharedReport], None]) -> None:
        """Call `listener` with what each transaction made true, before its callers go on."""
        self._listener = listener

    def start(self) -> None:
        """Begin to work."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    def submit(self, operation: Operation) -> None:
        """Have an operation done; its future gets the answer."""
        if self._closed:
            operation.error = StoreUnavailable("the store is closed")
            asyncio.get_running_loop().call_soon(self._deliver, SharedReport([operation]))
            return
        self._queue.append(operation)
        self._news.set()

    def check_intake(self) -> None:
        """Raise BacklogFull while nothing new can be taken in."""
        if self.waiting >= self._settings.max_waiting:
            detail = f"{self.waiting} writes wait for the database, the most allowed"
            raise BacklogFull(detail, retry_after=self._pace.seconds_for(self.waiting))

    async def finish(self) -> None:
        """Do what was submitted, and take nothing more."""
        self._closed = True
        self._news.set()
        if self._task is not None:
            await self._task
        await self._link.close()

    # -- groups -------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        """Work until told to end. Whatever happens, every operation is answered."""
        while self._queue or not self._closed:
            if not self._queue:
                self._news.clear()
                await self._news.wait()
                continue
            group = self._gather()
            self._busy = len(group)
            try:
                await self._commit(group)
            except asyncio.CancelledError:
                self._fail(group, StoreUnavailable("the store is closed"))
                raise
            finally:
                self._busy = 0

    def _gather(self) -> list[Operation]:
        """Take all that waits, up to a bound."""
        queue = self._queue
        group = [queue.popleft()]
        count = weight(group[0])
        while queue and count < self._settings.batch:
            operation = queue.popleft()
            group.append(operation)
            count += weight(operation)
        return group

    async def _commit(self, group: list[Operation]) -> None:
        """Do the operations in one transaction, and report. One that fails by itself does not harm the others."""
        try:
            report = await self._attempts(group)
        except Exception as error:  # noqa: BLE001  nothing may end the writer
            self._versions.forget()
            if len(group) == 1 or is_outage(error):
                self._fail(group, error)
                if is_outage(error):
                    await asyncio.sleep(_PAUSE_S)
                return
            for operation in group:
                await self._commit([operation])
            return
        self._pace.count(len(group))
        self._deliver(report)

    async def _attempts(self, group: list[Operation]) -> SharedReport:
        """Try the transaction, and again where that may help."""
        trusting, lost, doubled = True, False, False
        for _ in range(_ATTEMPTS):
            try:
                return await self._attempt(group, trusting)
            except OutOfDateError:
                trusting = False
            except asyncpg.CharacterNotInRepertoireError:
                if self._cursor.clean:
                    raise
                self._cursor.clean = True
            except asyncpg.UniqueViolationError:
                if doubled:
                    raise
                doubled = True  # another process was a moment earlier; what it stored can be seen now
            except ERRORS as error:
                if is_lost(error) and not lost:
                    lost = True
                elif not is_worth_again(error):
                    raise
            self._versions.forget()
        raise StoreUnavailable("other processes change the same rows all the time; try again")

    async def _attempt(self, group: list[Operation], trusting: bool) -> SharedReport:
        connection = await self._link.get()
        report = SharedReport(group)
        try:
            await self._transaction(connection, report, trusting)
        except UnknownOutcome as unknown:
            self._link.drop()
            committed = await was_committed(self._link, unknown.transaction, self._settings.unsure_s)
            if committed is None:
                raise Away(f"the connection was lost: {unknown}, and it cannot be asked now") from unknown
            if not committed:
                raise ConnectionResetError("the connection was lost before the commit") from unknown
        except BaseException as error:
            await self._roll_back(connection, error)
            raise
        finally:
            self._cursor.connection = None
        self._cursor.clean = False
        return report

    async def _transaction(self, connection: Connection, report: SharedReport, trusting: bool) -> None:
        group = list(report.operations)
        await connection.execute(BEGIN_ALONE if any(map(needs_alone, group)) else BEGIN)
        cursor = self._cursor
        cursor.connection = connection
        numbers = SequenceNumbers(cursor)
        holder = self._holder()
        begun = await numbers.reserve(connection, Wanted(group), holder)
        self._versions.at(begun.revision)
        report.holders = begun.holders
        if not begun.held:
            self._evicted()
        keeper = self._keeper if begun.held else _keep_nothing
        kept = self._settings.history_bytes
        changes = SharedChanges(cursor, numbers, self._versions, report, keeper, holder, history_bytes=kept)
        await bridged(self._perform, group, changes, trusting)
        report.owned = changes.owned
        if report.revised:
            await connection.fetchval(_REVISE)
        await _commit(connection, begun.transaction)
        for version, change in changes.live.items():
            self.live[version] = self.live.get(version, 0) + change

    def _perform(self, group: list[Operation], changes: SharedChanges, trusting: bool) -> None:
        accepting = Accepting(changes, self.live, self._settings.max_live, self._pace)
        perform(
            group,
            changes,
            accepting,
            trusting=trusting,
            admit=_admit,
            call=lambda operation: self._call(operation, changes),
        )

    def _call(self, operation: CallOperation, changes: SharedChanges) -> None:
        """Do a call among the others: it sees what they did, and when it fails nothing of it stays."""
        changes.write()
        cursor = changes.cursor
        cursor.execute("SAVEPOINT call")
        try:
            operation.value = operation.function(cursor, changes)
        except SegueError:
            cursor.execute("ROLLBACK TO SAVEPOINT call")
            changes.drop()
            raise
        cursor.execute("RELEASE SAVEPOINT call")
        if operation.versions:
            self._versions.forget()
            report = changes.report
            if isinstance(report, SharedReport):
                report.revised = True

    async def _roll_back(self, connection: Connection, error: BaseException) -> None:
        """Make the connection fit for the next transaction, or give it up."""
        self._versions.forget()
        if is_lost(error) or not isinstance(error, Exception) or connection.is_closed():
            self._link.drop()
            return
        try:
            await connection.execute("ROLLBACK")
        except ERRORS:
            self._link.drop()

    def _fail(self, group: Sequence[Operation], error: BaseException) -> None:
        if is_outage(error):
            error = unavailable(error, self._link.address)
        elif isinstance(error, asyncpg.IntegrityConstraintViolationError):
            error = Conflict(f"something with this id is stored already ({error})")
        elif not isinstance(error, SegueError):
            log.error("An operation of the store failed", exc_info=error)
        for operation in group:
            operation.error = error
        self._deliver(SharedReport(group))

    def _deliver(self, report: SharedReport) -> None:
        try:
            self._listener(report)
        except Exception:
            log.exception("Following up on a commit failed; its callers are answered all the same")
            for operation in report.operations:
                operation.answer()


async def _commit(connection: Connection, transaction: str) -> None:
    try:
        said = await connection.execute("COMMIT")
    except ERRORS as error:
        if is_lost(error):
            raise UnknownOutcome(transaction) from error
        raise
    if said != "COMMIT":
        raise asyncpg.InvalidTransactionStateError(f"the database said {said} to a commit")


def _admit() -> None:
    """Nothing refuses all starts: whether the database takes them is found out by asking it."""


def _keep_nothing(_held: object) -> bool:
    return False


def _ignore(report: Report) -> None:
    """Do nothing; stands in until somebody listens."""
