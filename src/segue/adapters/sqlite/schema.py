"""The schema of the file: made when there is none, brought forward when it is older, refused when it is newer."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from pathlib import Path

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from segue.adapters.sql.moving import refuse_moved
from segue.adapters.sql.revisions import FACT, OLDEST, lets_in, said_of
from segue.adapters.sql.tables import metadata
from segue.adapters.sqlite.file import connect_writer
from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.errors import StoreUnavailable

log = logging.getLogger(__name__)

REVISION = "0015"
"""The revision of the schema that this code works on; the newest in `adapters/sql/migrations`."""


def bring_up_to_date(file: Path, settings: SqliteSettings) -> None:
    """Make the file what this version of Segue expects; a copy of an older one is kept beside it.

    Raises StoreUnavailable for a file that is newer, is none of Segue's, or cannot be brought forward; it is as it was
    then.
    """
    with contextlib.closing(connect_writer(file, settings, create=True)) as connection:
        found = revision_of(connection, file)
        if found is None:
            _create(connection)
            return
        refuse_moved(str(file.parent), moved_to(connection))
        if found > REVISION:
            _check_newer(connection, file, found)
        elif found != REVISION:
            _migrate(connection, file, found)


def revision_of(connection: sqlite3.Connection, file: Path) -> str | None:
    """Return the revision of a file's schema; None when it holds nothing yet. Raises StoreUnavailable."""
    tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        return None
    row = None
    if "fact" in tables:
        row = connection.execute("SELECT value FROM fact WHERE name = 'revision'").fetchone()
    if row is None:
        raise StoreUnavailable(f"{file} is a database, and none of Segue's; choose another data folder")
    return str(row[0])


def _check_newer(connection: sqlite3.Connection, file: Path, found: str) -> None:
    """Raises StoreUnavailable for a newer schema that does not let this code go on."""
    if not lets_in(REVISION, oldest_for(connection)):
        detail = f"{file} was written by a newer Segue (schema {found}, this one knows {REVISION})"
        raise StoreUnavailable(f"{detail}: start that version, or put the folder back from a backup")
    log.warning("%s", said_of(str(file), found, REVISION))


def oldest_for(connection: sqlite3.Connection) -> str | None:
    """The oldest revision whose code may work on the file; None when it does not say."""
    row = connection.execute("SELECT value FROM fact WHERE name = ?", (FACT,)).fetchone()
    return None if row is None else str(row[0])


def moved_to(connection: sqlite3.Connection) -> str | None:
    """Where everything of a store was moved to; None when it was not."""
    row = connection.execute("SELECT value FROM fact WHERE name = 'moved'").fetchone()
    return None if row is None else str(row[0])


def _create(connection: sqlite3.Connection) -> None:
    dialect = sqlite.dialect()
    connection.execute("BEGIN IMMEDIATE")
    for table in metadata.sorted_tables:
        connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in sorted(table.indexes, key=lambda index: str(index.name)):
            connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    facts = [("revision", REVISION), (FACT, OLDEST)]
    connection.executemany("INSERT INTO fact (name, value) VALUES (?, ?)", facts)
    connection.execute("COMMIT")


def _migrate(connection: sqlite3.Connection, file: Path, found: str) -> None:
    # Imported here only: a server whose file is current starts without it.
    from segue.adapters.sqlite import migrate  # noqa: PLC0415

    steps = migrate.steps_from(found, REVISION)
    copy = _back_up(connection, file, found)
    log.warning("Bringing %s from schema %s to %s; a copy of it as it was is %s", file, found, REVISION, copy)
    try:
        migrate.run(connection, steps, REVISION)
    except Exception as error:
        detail = (
            f"{file} could not be brought from schema {found} to {REVISION} and is as it was ({error}); a copy of it"
            f" is {copy}. Start the version of Segue that it was used with, and report this"
        )
        raise StoreUnavailable(detail) from error


def _back_up(connection: sqlite3.Connection, file: Path, found: str) -> Path:
    """Copy the file whole, flushed to the disk, under a name that says what it is. Raises StoreUnavailable."""
    copy = file.with_name(f"{file.name}.before-{found}-{REVISION}")
    draft = copy.with_name(f".{copy.name}")
    try:
        draft.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(draft)) as target:
            connection.backup(target)
        with draft.open("rb+") as handle:
            os.fsync(handle.fileno())
        draft.replace(copy)
    except (OSError, sqlite3.Error) as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        detail = f"{file} is to be brought to a newer schema, and the copy before that cannot be made: {error}"
        raise StoreUnavailable(detail) from error
    return copy
