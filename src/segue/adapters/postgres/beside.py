"""A database whose processes run or not: for commands that do one thing and end.

Each change is one transaction of its own. The command becomes no holder, so nothing of the data path can be done so.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.auditing import audit_over
from segue.adapters.postgres.connect import Connection, connect, connect_unhurried
from segue.adapters.postgres.cursor import BridgedCursor, bridged
from segue.adapters.postgres.locks import BEGIN, BEGIN_ALONE
from segue.adapters.postgres.schema import bring_up_to_date, check_newer, newest, revision_of
from segue.adapters.postgres.scripted import execute, read
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.trouble import ERRORS, unavailable
from segue.adapters.sql.driver import drive
from segue.adapters.sql.ports.catalog import Catalog
from segue.adapters.sql.scripts import Script
from segue.model.errors import NotFound, StoreUnavailable
from segue.model.ledger import Audit
from segue.ports.outside import Clock, Secrets

T = TypeVar("T")


class PostgresBeside(Catalog):
    """Implements the catalogs on a database. One that has no schema gets it by `make` alone."""

    def __init__(self, address: Address, clock: Clock, secrets: Secrets) -> None:
        self._address = address
        self._settings = PostgresSettings()
        self._clock = clock
        self._secrets = secrets

    async def make(self) -> None:
        """Make the schema where there is none yet. Raises StoreUnavailable."""
        await bring_up_to_date(self._address, self._settings)

    async def _change(self, script: Callable[[], Script[T]], *, versions: bool = False, alone: bool = False) -> T:
        async with self._connection() as connection:
            await connection.execute(BEGIN_ALONE if alone or versions else BEGIN)
            cursor = BridgedCursor()
            cursor.connection = connection
            value = await bridged(drive, script(), partial(execute, cursor))
            await connection.execute("COMMIT")
            return value

    async def _read(self, script: Callable[[], Script[T]]) -> T:
        return await self.read(script)

    async def read(self, script: Callable[[], Script[T]]) -> T:
        """Run a script that only reads, in one snapshot. Raises NotFound, StoreUnavailable."""
        async with self._connection() as connection:
            return await read(connection, script)

    async def audit(self, now: int) -> Audit:
        """Prove the ledger from the rows, for as long as it takes. Raises NotFound, StoreUnavailable."""
        async with self._connection(unhurried=True) as connection:
            return await audit_over(connection, now)

    @asynccontextmanager
    async def _connection(self, *, unhurried: bool = False) -> AsyncIterator[Connection]:
        opening = connect_unhurried if unhurried else connect
        connection = await opening(self._address, self._settings, Connection)
        try:
            found = await revision_of(connection, self._address)
            if found is None:
                raise NotFound(f"{self._address.shown} holds no store")
            if found > newest():
                await check_newer(connection, self._address, found)
            elif found != newest():
                text = f"{self._address.shown} has revision {found} of the store and this is for {newest()}"
                raise StoreUnavailable(f"{text}: start a server of this version once, or use the command of the other")
            yield connection
        except ERRORS as error:
            raise unavailable(error, self._address) from error
        finally:
            connection.terminate()
