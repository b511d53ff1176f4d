"""The file of a data folder as a house to move out of, or into."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

from segue.adapters.sql import audit as auditing
from segue.adapters.sql.moving import Say, refuse_moved
from segue.adapters.sqlite.driver import drive
from segue.adapters.sqlite.file import FILE, FolderLock, connect_reader, connect_writer
from segue.adapters.sqlite.schema import bring_up_to_date, moved_to
from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.errors import Conflict, DataFolderInUse, NotFound, StoreUnavailable
from segue.model.ledger import Audit

_SOME = 5_000
_LOOK_S = 0.05
_MOVED = "INSERT INTO fact (name, value) VALUES ('moved', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


class SqliteHouse:
    """Implements `House`. A target is made under another name, and gets its own when all is there."""

    def __init__(self, folder: Path, connection: sqlite3.Connection, draft: Path | None) -> None:
        self.shown = str(folder)
        self._folder = folder
        self._connection = connection
        self._draft = draft
        self._lock: FolderLock | None = None

    @classmethod
    def source(cls, folder: Path) -> SqliteHouse:
        """The store of a folder, which may be in use. Raises NotFound, StoreUnavailable."""
        if not (folder / FILE).exists():
            raise NotFound(f"{folder} is no data folder: it has no {FILE}")
        connection = connect_reader(folder / FILE)
        refuse_moved(str(folder), moved_to(connection))
        return cls(folder, connection, None)

    @classmethod
    def target(cls, folder: Path) -> SqliteHouse:
        """A new store in a folder. Raises Conflict when there is one."""
        if (folder / FILE).exists():
            raise Conflict(f"{folder} is not empty: it has a {FILE}. Move into a folder that has none")
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = folder / f".{FILE}.moving"
        for leftover in folder.glob(f".{FILE}.moving*"):
            leftover.unlink()
        bring_up_to_date(draft, SqliteSettings())
        house = cls(folder, connect_writer(draft, SqliteSettings()), draft)
        house._lock = FolderLock(folder)
        house._connection.execute("PRAGMA synchronous = OFF")  # it counts when all is there, and is flushed then
        return house

    async def columns(self, table: str) -> list[str]:
        """See `House`."""
        return [row[1] for row in self._connection.execute(f'PRAGMA table_info("{table}")')]

    async def rows(self, table: str, columns: Sequence[str], where: str) -> AsyncIterator[list[tuple[Any, ...]]]:
        """See `House`. Each table is a snapshot of its own, so that the log of the writer is not kept for longer."""
        with contextlib.closing(self._connection.execute(_select(table, columns, where))) as cursor:
            while rows := cursor.fetchmany(_SOME):
                yield rows
                await asyncio.sleep(0)

    async def numbers(self, table: str, column: str, where: str) -> list[int]:
        """See `House`."""
        return [row[0] for row in self._connection.execute(_select(table, [column], where))]

    async def put(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """See `House`."""
        names = ", ".join(f'"{column}"' for column in columns)
        marks = ", ".join("?" * len(columns))
        self._connection.execute("BEGIN")
        self._connection.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows)  # noqa: S608 - names
        self._connection.execute("COMMIT")

    async def drop(self, table: str, column: str, numbers: Sequence[int]) -> None:
        """See `House`."""
        self._connection.execute("BEGIN")
        text = f'DELETE FROM "{table}" WHERE "{column}" = ?'  # noqa: S608 - names
        self._connection.executemany(text, [(number,) for number in numbers])
        self._connection.execute("COMMIT")

    async def audit(self, now: int) -> Audit:
        """See `House`."""
        return drive(auditing.audit(now), self._connection)

    async def stop_others(self, wait_s: float, say: Say) -> None:
        """See `House`."""
        give_up = asyncio.get_running_loop().time() + wait_s
        while self._lock is None:
            try:
                self._lock = FolderLock(self._folder)
            except DataFolderInUse as error:
                if asyncio.get_running_loop().time() > give_up:
                    raise StoreUnavailable(f"{error.detail}; it was not stopped within {wait_s:.0f} s") from None
                await asyncio.sleep(_LOOK_S)

    async def finish(self) -> None:
        """See `House`."""
        assert self._draft is not None  # noqa: S101 - it is a target
        self._connection.execute("PRAGMA synchronous = FULL")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.execute("UPDATE fact SET value = value WHERE name = 'revision'")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.close()
        self._draft.rename(self._folder / FILE)

    async def mark_moved(self, where: str) -> None:
        """See `House`."""
        with contextlib.closing(connect_writer(self._folder / FILE, SqliteSettings())) as connection:
            connection.execute(_MOVED, (where,))

    def close(self) -> None:
        """Let go; of a target that was not finished nothing stays."""
        self._connection.close()
        if self._draft is not None:
            for leftover in self._folder.glob(f"{self._draft.name}*"):
                leftover.unlink()
        if self._lock is not None:
            self._lock.close()


def _select(table: str, columns: Sequence[str], where: str) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    return f'SELECT {names} FROM "{table}"' + (f" WHERE {where}" if where else "")  # noqa: S608 - names
