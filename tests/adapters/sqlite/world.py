"""Embedded stores under test: in a folder of their own, to be crashed and broken."""

from __future__ import annotations

import shutil
import sqlite3
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from segue.adapters.sqlite import store as opening
from segue.adapters.sqlite.file import connect_writer
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.store import SqliteStore
from segue.ports.store import Store
from segue.testing.contracts.store_world import ManualClock, PlainSecrets


class Faults:
    """Which statement fails next, for all faulty connections."""

    at: str | None = None
    error = ("disk I/O error", sqlite3.SQLITE_IOERR_WRITE, "SQLITE_IOERR_WRITE")

    @classmethod
    def check(cls, text: str) -> None:
        if cls.at is not None and text.startswith(cls.at):
            error = sqlite3.OperationalError(cls.error[0])
            error.sqlite_errorcode = cls.error[1]
            error.sqlite_errorname = cls.error[2]
            raise error


class FaultyCursor(sqlite3.Cursor):
    def execute(self, text: str, *values: Any) -> Any:
        Faults.check(text)
        return super().execute(text, *values)


class FaultyConnection(sqlite3.Connection):
    """A connection whose statements fail on demand, as they do when the disk is full or broken."""

    def cursor(self, factory: Any = FaultyCursor) -> Any:
        return super().cursor(factory)

    def execute(self, text: str, *values: Any) -> sqlite3.Cursor:
        Faults.check(text)
        return super().execute(text, *values)

    def commit(self) -> None:
        Faults.check("COMMIT")
        super().commit()


class SqliteWorld:
    """An embedded store, and what can happen to it. The folder of a crash is a copy of what lies on the disk then."""

    def __init__(self, folder: Path, settings: SqliteSettings | None = None) -> None:
        self._root = folder
        self._lives = 0
        self._settings = settings
        self.clock = ManualClock()
        self.folder = folder / "0"
        self.sqlite = self._open()
        self.store: Store = self.sqlite

    def _open(self) -> SqliteStore:
        Faults.at = None
        return SqliteStore.open(self.folder, clock=self.clock, secrets=PlainSecrets(), settings=self._settings)

    async def crash(self) -> None:
        self._lives += 1
        following = self._root / str(self._lives)
        shutil.copytree(self.folder, following)
        await self.close()
        shutil.rmtree(self.folder)
        self.folder = following
        self.sqlite = self._open()
        self.store = self.sqlite

    async def close(self) -> None:
        Faults.at = None
        await self.sqlite.close()

    def break_writes(self) -> None:
        Faults.at = "BEGIN IMMEDIATE"

    def break_commits(self) -> None:
        Faults.at = "COMMIT"

    def mend_writes(self) -> None:
        Faults.at = None


def use_faulty_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have stores write through connections that fail on demand."""
    monkeypatch.setattr(opening, "connect_writer", partial(connect_writer, factory=FaultyConnection))
