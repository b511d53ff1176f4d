"""The file of the store: connections, and the lock that keeps a second server out."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from pathlib import Path

from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.errors import DataFolderInUse, StoreUnavailable

FILE = "segue.db"
LOCK = "segue.lock"
OLDEST_SQLITE = (3, 33, 0)
_LOG_BYTES = 64 << 20
BUSY_MS = 5_000


def check_sqlite() -> None:
    """Raise StoreUnavailable when this Python's SQLite lacks what the store uses."""
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        wanted = ".".join(map(str, OLDEST_SQLITE))
        detail = f"Segue needs SQLite {wanted} or later; this Python has {sqlite3.sqlite_version}"
        raise StoreUnavailable(detail)


def connect_writer(
    file: Path,
    settings: SqliteSettings,
    factory: type[sqlite3.Connection] = sqlite3.Connection,
    *,
    create: bool = False,
) -> sqlite3.Connection:
    """Return the connection that writes: WAL, each commit flushed to the disk. `create`: make a file where none is."""
    connection = _connect(file, factory, create=create)
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    # On macOS a plain flush stops short of the disk; elsewhere this does nothing.
    connection.execute("PRAGMA fullfsync = ON")
    # Some distributions build SQLite so that it overwrites what is deleted; that would double the writing here.
    connection.execute("PRAGMA secure_delete = OFF")
    connection.execute(f"PRAGMA wal_autocheckpoint = {settings.checkpoint_pages}")
    # While somebody reads for long the log grows; afterwards it is cut back to this.
    connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{settings.cache_bytes // 1024}")
    return connection


def connect_reader(file: Path) -> sqlite3.Connection:
    """Return a connection that cannot change the file. What it sorts goes to the disk when it is much."""
    connection = _connect(file)
    connection.execute("PRAGMA query_only = ON")
    return connection


def address(file: Path, *, create: bool = False) -> str:
    """Return the URI of a database file. Unless asked to, opening it makes no file.

    An empty file in the place of one that is missing would have SQLite remove the write-ahead log that belongs to the
    missing one, and with it what was committed last.
    """
    return f"{file.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"


def _connect(
    file: Path, factory: type[sqlite3.Connection] = sqlite3.Connection, *, create: bool = False
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        address(file, create=create),
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=1024,
        factory=factory,
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    return connection


def check_after_crash(connection: sqlite3.Connection, file: Path, settings: SqliteSettings) -> None:
    """Note that the file is in use; when it was not closed in order, look through it first, unless it is large.

    A crash does not damage the file, but what made the machine stop may have. Raises StoreUnavailable.
    """
    row = connection.execute("SELECT value FROM fact WHERE name = 'closed'").fetchone()
    if row is not None and row[0] == "no" and file.stat().st_size < settings.check_below:
        said = [line for (line,) in connection.execute("PRAGMA quick_check(5)")]
        if said != ["ok"]:
            found = " ".join("; ".join(said).split())
            detail = f"{file} is damaged ({found}): put the folder back from a backup"
            raise StoreUnavailable(detail)
    _set_closed(connection, "no")


def note_closed(connection: sqlite3.Connection) -> None:
    """Note that the file was closed in order."""
    _set_closed(connection, "yes")


def _set_closed(connection: sqlite3.Connection, value: str) -> None:
    connection.execute(
        "INSERT INTO fact (name, value) VALUES ('closed', ?)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value WHERE value <> excluded.value",
        (value,),
    )


class FolderLock:
    """Holds a data folder for this process until closed. The system lets go of it when the process ends in any way."""

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise StoreUnavailable(
                f"{path} cannot be opened ({error.strerror}): check the folder's permissions"
            ) from None
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.read(self._handle, 32).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            detail = f"{folder} is in use by another server (process {holder}); one data folder serves one server"
            raise DataFolderInUse(detail) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def close(self) -> None:
        """Let go of the folder."""
        os.close(self._handle)
