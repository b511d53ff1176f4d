"""The embedded store put together: opening a data folder, and closing it."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from segue.adapters.sql.changes import Changes
from segue.adapters.sql.operations import Report
from segue.adapters.sql.ports.bulk import Bulk
from segue.adapters.sql.ports.catalog import Catalog
from segue.adapters.sql.ports.cluster import Clustering
from segue.adapters.sql.ports.documents import Documents
from segue.adapters.sql.ports.figures import Figures
from segue.adapters.sql.ports.given_limits import GivenLimits
from segue.adapters.sql.ports.limits import Limits
from segue.adapters.sql.ports.log_book import KeptLogs
from segue.adapters.sql.ports.notices import Notices
from segue.adapters.sql.ports.retention import Pruning
from segue.adapters.sql.ports.views import StoredViews
from segue.adapters.sql.versions import Versions
from segue.adapters.sqlite.file import FILE, FolderLock, check_after_crash, check_sqlite, connect_reader, connect_writer
from segue.adapters.sqlite.messages import SqliteMessages
from segue.adapters.sqlite.numbers import CountedNumbers
from segue.adapters.sqlite.parts import Parts
from segue.adapters.sqlite.queries import Queries
from segue.adapters.sqlite.readers import Readers
from segue.adapters.sqlite.schema import bring_up_to_date
from segue.adapters.sqlite.scripted import SqliteScripts
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.spreads import finish_spreads
from segue.adapters.sqlite.trouble import unavailable
from segue.adapters.sqlite.writer import Writer
from segue.model.errors import StoreUnavailable
from segue.ports.metrics import Measures, Minute
from segue.ports.outside import Clock, Secrets

_QUEUES = (
    "SELECT q.version, q.node, m.last,"
    " EXISTS (SELECT 1 FROM message d WHERE d.queue = q.id AND d.place = 0 AND d.due > 0)"
    " FROM (SELECT queue, max(seq) AS last FROM message WHERE place = 0 GROUP BY queue) m"
    " JOIN queue q ON q.id = m.queue"
)
_LIVE = (
    "SELECT q.version, sum(m.n) FROM (SELECT queue, count(*) AS n FROM message WHERE place = 0 GROUP BY queue"
    " UNION ALL SELECT queue, count(*) FROM message WHERE place >= 2 GROUP BY queue) m JOIN queue q ON q.id = m.queue"
    " GROUP BY q.version"
)


class SqliteStore(
    SqliteMessages,
    SqliteScripts,
    Catalog,
    Documents,
    Limits,
    GivenLimits,
    Bulk,
    KeptLogs,
    StoredViews,
    Pruning,
    Notices,
    Figures,
    Clustering,
):
    """Implements `Store` in one file of a data folder, which it holds alone until closed."""

    def __init__(self, parts: Parts, lock: FolderLock) -> None:
        SqliteMessages.__init__(self, parts)
        SqliteScripts.__init__(self, parts)
        self._lock = lock

    @classmethod
    def open(
        cls, folder: Path, *, clock: Clock, secrets: Secrets, settings: SqliteSettings | None = None
    ) -> SqliteStore:
        """Open the store of a data folder, made when there is none, brought to this version's schema.

        Raises DataFolderInUse when another server holds it, StoreUnavailable when it cannot be used.
        """
        settings = settings or SqliteSettings()
        check_sqlite()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnavailable(f"the data folder {folder} cannot be made: {error.strerror}") from None
        lock = FolderLock(folder)
        try:
            return cls(_open(folder / FILE, clock, secrets, settings), lock)
        except BaseException:
            lock.close()
            raise

    async def measures(self, after: int, limit: int) -> list[Measures]:
        """See `MetricStore`."""
        kept = self._measured.after(after, limit)
        if kept is not None:
            return kept
        found = await super().measures(after, limit)
        self._measured.read(after, limit, found)
        return found

    async def roll(self, measures: Sequence[int], minutes: Sequence[Minute]) -> bool:
        """See `MetricStore`."""
        rolled = await super().roll(measures, minutes)
        if rolled:
            self._measured.rolled(measures)
        else:
            self._measured.forget()
        return rolled

    async def ping(self) -> None:
        """See `Cluster`."""
        self._parts.writer.check_intake()

    async def close(self) -> None:
        """Finish what is pending, close the file and let go of the folder."""
        await self._spreads.close()
        await self._parts.writer.finish()
        await self._parts.loaders.close()
        await self._parts.readers.close()
        self._parts.writer.close()
        self._lock.close()


def _finish_spreads(connection: sqlite3.Connection) -> None:
    """Bring what a large transition has settled into its places, before anybody takes from there."""
    numbers, versions = CountedNumbers(connection), Versions(connection)

    def begin() -> Changes:
        connection.execute("BEGIN IMMEDIATE")
        return Changes(connection.cursor(), numbers, versions, Report([]))

    def commit(changes: Changes) -> None:
        changes.write()
        connection.execute("COMMIT")

    finish_spreads(begin, commit)


def _open(file: Path, clock: Clock, secrets: Secrets, settings: SqliteSettings) -> Parts:
    try:
        bring_up_to_date(file, settings)
        with contextlib.closing(connect_writer(file, settings)) as connection:
            check_after_crash(connection, file, settings)
            _finish_spreads(connection)
            queues = [(version, node, last, bool(due)) for version, node, last, due in connection.execute(_QUEUES)]
            live = dict(connection.execute(_LIVE).fetchall())
        writer = Writer(lambda: connect_writer(file, settings), file, settings, live)
    except sqlite3.Error as error:
        raise unavailable(error, file) from error
    writer.start()
    return Parts(
        writer=writer,
        readers=Readers(file, settings.readers, connect_reader, "segue-reader"),
        loaders=Readers(file, 1, connect_reader, "segue-loader"),
        queries=Queries(clock),
        settings=settings,
        clock=clock,
        secrets=secrets,
        queues_at_start=queues,
    )
