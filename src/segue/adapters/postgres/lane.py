"""One lane of a process' writer: commits groups of operations, one after the other, over a connection of its own."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Sequence

import asyncpg
from msgspec import Struct

from segue.adapters.postgres.changes import Keeper, SharedChanges
from segue.adapters.postgres.connect import BY_INDEX, Connection, Link
from segue.adapters.postgres.cursor import BridgedCursor, bridged
from segue.adapters.postgres.locks import BEGIN, BEGIN_ALONE
from segue.adapters.postgres.numbers import SequenceNumbers, Wanted
from segue.adapters.postgres.outcome import Mark, UnknownOutcome, was_committed
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.trouble import ERRORS, Away, is_lost, is_outage, is_worth_again, unavailable
from segue.adapters.postgres.versions import SharedVersions
from segue.adapters.sql.accept import Accepting
from segue.adapters.sql.changes import OutOfDateError
from segue.adapters.sql.live import Held
from segue.adapters.sql.operations import CallOperation, Operation, Report
from segue.adapters.sql.pace import Pace
from segue.adapters.sql.work import looked_into, needs_alone, perform
from segue.model.errors import Conflict, SegueError, StoreUnavailable

log = logging.getLogger(__name__)

_ATTEMPTS = 8
_PAUSE_S = 0.1
_BEGIN_CALL = "; ".join(["SAVEPOINT call", *(f"SET LOCAL {name} = on" for name in BY_INDEX)])
_END_CALL = "; ".join(["RELEASE SAVEPOINT call", *(f"SET LOCAL {name} = off" for name in BY_INDEX)])
_REVISE = "SELECT nextval('catalog_revision')"


class SharedReport(Report):
    """What one transaction made true. `owned` are the new messages that stay with this process, by number; `holders`
    how many processes there are; `revised`: the catalog changed."""

    __slots__ = ("holders", "owned", "revised")

    def __init__(self, operations: Sequence[Operation]) -> None:
        super().__init__(operations)
        self.owned: dict[int, Held] = {}
        self.holders = 1
        self.revised = False


class Shared(Struct):
    """What the lanes of a process have in common.

    `live` are the live messages of each version, as far as is known here. `keeper` decides which new messages stay
    with this process, and `let_go` is told of those when the transaction is over, whatever became of it. `holder` says
    under which number they are held, and `evicted` is called when that one is gone; `doubt` when what became of a
    transaction cannot be found out, so that nobody here knows any more what is held.
    """

    settings: PostgresSettings
    keeper: Keeper
    let_go: Callable[[Iterable[Held]], None]
    holder: Callable[[], int]
    evicted: Callable[[], None]
    doubt: Callable[[], None]
    pace: Pace
    live: dict[int, int]


class Lane:
    """Commits a group of operations at a time. `deliver` is called with what each transaction made true."""

    def __init__(self, link: Link, shared: Shared, deliver: Callable[[SharedReport], None]) -> None:
        self._link = link
        self._shared = shared
        self._deliver = deliver
        # What its transactions are noted under; no other writer has it, in this process or any other.
        self._writer = secrets.randbits(62)
        self._number = 0
        self._cursor = BridgedCursor()
        self._versions = SharedVersions(self._cursor)

    def fail(self, group: Sequence[Operation], error: BaseException) -> None:
        """Answer operations with an error."""
        if is_outage(error):
            error = unavailable(error, self._link.address)
        elif isinstance(error, asyncpg.IntegrityConstraintViolationError):
            error = Conflict(f"something with this id is stored already ({error})")
        elif not isinstance(error, SegueError):
            log.error("An operation of the store failed", exc_info=error)
        for operation in group:
            operation.error = error
        self._deliver(SharedReport(group))

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()

    async def commit(self, group: list[Operation]) -> None:
        """Do the operations in one transaction, and report. One that fails by itself does not harm the others."""
        try:
            report = await self._attempts(group)
        except Exception as error:  # noqa: BLE001  nothing may end the writer
            self._versions.forget()
            if len(group) == 1 or is_outage(error):
                self.fail(group, error)
                if is_outage(error):
                    await asyncio.sleep(_PAUSE_S)
                return
            for operation in group:
                await self.commit([operation])
            return
        self._shared.pace.count(len(group))
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
            committed = await was_committed(self._link, unknown.mark, self._shared.settings.unsure_s)
            if committed is None:
                self._shared.doubt()
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
        holder = self._shared.holder()
        self._number += 1
        begun = await numbers.reserve(connection, Wanted(group), holder, self._writer, self._number)
        self._versions.at(begun.revision)
        report.holders = begun.holders
        if not begun.held:
            self._shared.evicted()
        keeper = self._shared.keeper if begun.held else _keep_nothing
        kept = self._shared.settings.history_bytes
        changes = SharedChanges(cursor, numbers, self._versions, report, keeper, holder, history_bytes=kept)
        report.owned = changes.owned
        try:
            await bridged(self._perform, group, changes, trusting)
            if report.revised:
                await connection.fetchval(_REVISE)
            await _commit(connection, Mark(self._writer, self._number, begun.transaction))
        finally:
            self._shared.let_go(changes.owned.values())
        for version, change in changes.live.items():
            self._shared.live[version] = self._shared.live.get(version, 0) + change

    def _perform(self, group: list[Operation], changes: SharedChanges, trusting: bool) -> None:
        if runs := looked_into(group):
            changes.lock_instances(runs)
        accepting = Accepting(changes, self._shared.live, self._shared.settings.max_live, self._shared.pace)
        perform(
            group,
            changes,
            accepting,
            trusting=trusting,
            admit=_admit,
            call=lambda operation: self._call(operation, changes),
        )

    def _call(self, operation: CallOperation, changes: SharedChanges) -> None:
        """Do a call among the others: it sees what they did, and when it fails nothing of it stays. It may
        read tables whole."""
        changes.write()
        cursor = self._cursor
        cursor.command(_BEGIN_CALL)
        try:
            operation.value = operation.function(cursor, changes)
        except SegueError:
            cursor.command("ROLLBACK TO SAVEPOINT call")
            changes.drop()
            raise
        cursor.command(_END_CALL)
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


async def _commit(connection: Connection, mark: Mark) -> None:
    try:
        said = await connection.execute("COMMIT")
    except ERRORS as error:
        if is_lost(error):
            raise UnknownOutcome(mark) from error
        raise
    if said != "COMMIT":
        raise asyncpg.InvalidTransactionStateError(f"the database said {said} to a commit")


def _admit() -> None:
    """Nothing refuses all starts: whether the database takes them is found out by asking it."""


def _keep_nothing(_held: object) -> bool:
    return False
