"""How scripts run on the embedded store: changes go through the writer, reads through the readers."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from segue.adapters.sql.operations import CallOperation
from segue.adapters.sql.ports.scripted import Scripted
from segue.adapters.sql.scripts import Script
from segue.adapters.sqlite.driver import drive
from segue.adapters.sqlite.parts import Parts

if TYPE_CHECKING:
    from segue.adapters.sql.changes import Changes

T = TypeVar("T")


class SqliteScripts(Scripted):
    """Implements `Scripted`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._secrets = parts.secrets
        self._opened = time.time_ns()

    def _life(self) -> int:
        return self._opened

    async def _change(self, script: Callable[[], Script[T]], *, versions: bool = False, alone: bool = False) -> T:
        def call(connection: sqlite3.Connection, changes: Changes) -> T:
            return drive(script(), connection, changes)

        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._parts.writer.submit(CallOperation(call, future, versions=versions, alone=alone))
        return await future

    async def _read(self, script: Callable[[], Script[T]]) -> T:
        def read(connection: sqlite3.Connection) -> T:
            return drive(script(), connection)

        return await self._parts.readers.run(read)
