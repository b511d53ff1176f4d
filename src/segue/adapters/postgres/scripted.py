"""How scripts run on PostgreSQL: changes go through the writer, reads through the readers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from sqlalchemy.dialects.postgresql import asyncpg as dialects
from sqlalchemy.sql.expression import ClauseElement

from segue.adapters.postgres.connect import Connection
from segue.adapters.postgres.cursor import BridgedCursor, bridged
from segue.adapters.postgres.parts import Parts
from segue.adapters.sql.changes import Changes
from segue.adapters.sql.driver import drive
from segue.adapters.sql.operations import CallOperation
from segue.adapters.sql.ports.scripted import Scripted
from segue.adapters.sql.rows import Cursor
from segue.adapters.sql.scripts import Row, Script
from segue.model.errors import SegueError

T = TypeVar("T")

_dialect = dialects.dialect(paramstyle="qmark")  # type: ignore[no-untyped-call]
_BEGIN = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WHOLE = "SET LOCAL enable_nestloop = off"


class PostgresScripts(Scripted):
    """Implements `Scripted`."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._clock = parts.clock
        self._secrets = parts.secrets

    def _life(self) -> int:
        """The number under which this process holds messages."""
        return self._parts.heart.id

    async def _change(self, script: Callable[[], Script[T]], *, versions: bool = False, alone: bool = False) -> T:
        def call(cursor: Cursor, changes: Changes) -> T:
            return drive(script(), partial(execute, cursor), changes)

        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._parts.writer.submit(CallOperation(call, future, versions=versions, alone=alone))
        return await future

    async def _read(self, script: Callable[[], Script[T]]) -> T:
        async with self._parts.readers.connection() as connection:
            return await read(connection, script)


async def read(connection: Connection, script: Callable[[], Script[T]], *, whole: bool = False) -> T:
    """Run a script that only reads, in one snapshot. `whole`: it joins whole tables.

    PostgreSQL takes a table that was filled a moment ago for an empty one, and would join it row by row.
    """
    await connection.execute(f"{_BEGIN}; {_WHOLE}" if whole else _BEGIN)
    try:
        cursor = BridgedCursor()
        cursor.connection = connection
        value = await bridged(drive, script(), partial(execute, cursor))
    except SegueError:
        await connection.execute("ROLLBACK")
        raise
    # After anything else the connection is in a state that nobody knows, and is given up.
    await connection.execute("ROLLBACK")
    return value


async def read_once(connection: Connection, script: Callable[[], Script[T]]) -> T:
    """Run a script of one statement that only reads; it needs no transaction around it."""
    cursor = BridgedCursor()
    cursor.connection = connection
    return await bridged(drive, script(), partial(execute, cursor))


def execute(cursor: Cursor, statement: ClauseElement) -> list[Row]:
    """Execute one statement of a script; its rows."""
    compiled = statement.compile(dialect=_dialect, compile_kwargs={"render_postcompile": True})
    parameters = compiled.params
    values = [parameters[name] for name in getattr(compiled, "positiontup", None) or ()]
    return cursor.execute(str(compiled), values).fetchall()
