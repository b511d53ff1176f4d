"""The schema of the file: made when there is none, brought forward when it is older, refused when it is newer."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from segue.adapters.sql.tables import metadata
from segue.adapters.sqlite.file import connect_writer
from segue.adapters.sqlite.settings import SqliteSettings

REVISION = "0001"


def bring_up_to_date(file: Path, settings: SqliteSettings) -> None:
    """Make the file what this version of Segue expects."""
    connection = connect_writer(file, settings)
    try:
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            return
        dialect = sqlite.dialect()
        connection.execute("BEGIN IMMEDIATE")
        for table in metadata.sorted_tables:
            connection.execute(str(CreateTable(table).compile(dialect=dialect)))
            for index in sorted(table.indexes, key=lambda index: str(index.name)):
                connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
        connection.execute("INSERT INTO fact (name, value) VALUES ('revision', ?)", (REVISION,))
        connection.execute("COMMIT")
    finally:
        connection.close()
