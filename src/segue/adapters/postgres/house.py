"""A database as a house to move out of, or into."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.auditing import audit_over
from segue.adapters.postgres.connect import Connection, connect_unhurried
from segue.adapters.postgres.holders import living
from segue.adapters.postgres.schema import (
    bring_up_to_date,
    mark,
    newest,
    revision_of,
    set_numbers,
)
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.sql.moving import MOVING, Say, check_empty
from segue.adapters.sql.tables import metadata
from segue.model.errors import NotFound, StoreUnavailable
from segue.model.ledger import Audit

_SOME = 5_000
_LOOK_S = 0.1
_QUIET = 10
_MARK = "INSERT INTO fact (name, value) VALUES ('moved', $1) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_COLUMNS = (
    "SELECT column_name FROM information_schema.columns WHERE table_schema = current_schema() AND table_name = $1"
)


class PostgresHouse:
    """Implements `House`. While somebody moves in, or the last things out, no process can open the database."""

    def __init__(self, address: Address, connection: Connection, *, target: bool) -> None:
        self.shown = address.shown
        self._address = address
        self._connection = connection
        self._target = target
        self._closed = False

    @classmethod
    async def source(cls, address: Address) -> PostgresHouse:
        """The store in a database, which may be in use. Raises NotFound, StoreUnavailable."""
        connection = await connect_unhurried(address, PostgresSettings(), Connection)
        found = await revision_of(connection, address)
        if found is None:
            raise NotFound(f"{address.shown} holds no store")
        if found != newest():
            raise StoreUnavailable(
                f"{address.shown} has schema {found}, this one knows {newest()}: start a server once"
            )
        return cls(address, connection, target=False)

    @classmethod
    async def target(cls, address: Address) -> PostgresHouse:
        """An empty database, or one that a move into did not end. Raises Conflict, StoreUnavailable."""
        connection = await connect_unhurried(address, PostgresSettings(), Connection)
        tables = [table.name for table in metadata.sorted_tables if table.name != "fact"]
        if await mark(connection) == MOVING[0]:  # what was left of it goes
            await connection.execute("TRUNCATE " + ", ".join(f'"{name}"' for name in tables))
        else:
            await bring_up_to_date(address, PostgresSettings())
            filled = [name for name in tables if await connection.fetchval(f'SELECT EXISTS (SELECT 1 FROM "{name}")')]  # noqa: S608 - names
            check_empty(address.shown, filled)
        await connection.execute("DELETE FROM fact WHERE name NOT IN ('revision', 'oldest')")
        await connection.execute(_MARK, MOVING[0])
        return cls(address, connection, target=True)

    async def columns(self, table: str) -> list[str]:
        """See `House`."""
        return [row[0] for row in await self._connection.fetch(_COLUMNS, table)]

    async def rows(self, table: str, columns: Sequence[str], where: str) -> AsyncIterator[list[tuple[Any, ...]]]:
        """See `House`."""
        text = _select(table, columns, where)
        async with self._connection.transaction(isolation="repeatable_read", readonly=True):
            cursor = await self._connection.cursor(text)
            while rows := await cursor.fetch(_SOME):
                yield [tuple(row) for row in rows]

    async def numbers(self, table: str, column: str, where: str) -> list[int]:
        """See `House`."""
        return [row[0] for row in await self._connection.fetch(_select(table, [column], where))]

    async def put(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """See `House`."""
        cleaned = [tuple(_clean(value) for value in row) for row in rows]
        await self._connection.copy_records_to_table(table, records=cleaned, columns=list(columns))

    async def drop(self, table: str, column: str, numbers: Sequence[int]) -> None:
        """See `House`."""
        text = f'DELETE FROM "{table}" WHERE "{column}" = ANY($1::bigint[])'  # noqa: S608 - names
        await self._connection.execute(text, list(numbers))

    async def audit(self, now: int) -> Audit:
        """See `House`."""
        return await audit_over(self._connection, now)

    async def stop_others(self, wait_s: float, say: Say) -> None:
        """See `House`. No process can open the database from now on; those that are there are waited for."""
        await self._connection.execute(_MARK, MOVING[1])
        give_up = asyncio.get_running_loop().time() + wait_s
        quiet = 0
        while quiet < _QUIET:  # one may just have looked whether it may open the database
            there = await living(self._connection)
            quiet = 0 if there else quiet + 1
            if there and asyncio.get_running_loop().time() > give_up:
                text = f"{self.shown} is in use by {', '.join(there)}, which did not stop within {wait_s:.0f} s"
                raise StoreUnavailable(text)
            await asyncio.sleep(_LOOK_S)

    async def finish(self) -> None:
        """See `House`."""
        await set_numbers(self._connection)
        await self._connection.execute("ANALYZE")
        await self._connection.execute("DELETE FROM fact WHERE name = 'moved'")
        self._target = False

    async def mark_moved(self, where: str) -> None:
        """See `House`."""
        await self._connection.execute(_MARK, where)
        self._closed = True

    async def close(self) -> None:
        """Let go; a source that was not moved can be opened again."""
        if not self._target and not self._closed and not self._connection.is_closed():
            await self._connection.execute("DELETE FROM fact WHERE name = 'moved' AND value = $1", MOVING[1])
        self._connection.terminate()


def _clean(value: Any) -> Any:
    """A text without the one character that PostgreSQL does not store."""
    return value.replace("\x00", "\ufffd") if isinstance(value, str) else value


def _select(table: str, columns: Sequence[str], where: str) -> str:
    names = ", ".join(f'"{column}"' for column in columns)
    return f'SELECT {names} FROM "{table}"' + (f" WHERE {where}" if where else "")  # noqa: S608 - names
