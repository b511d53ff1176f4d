"""PostgreSQL for tests: one cluster for each test process, with one database that each test finds empty."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import asyncpg
import pytest

from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.connect import Connection
from segue.adapters.postgres.schema import bring_up_to_date
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.ports.store import Store
from segue.testing.contracts.store_world import ManualClock, PlainSecrets
from segue.testing.postgres import Cluster, NoPostgres, abandon, empty, find_programs, running

DATABASE = "segue"
# A process is dead as soon as its connection is: tests kill it and go on at once.
AT_ONCE = PostgresSettings(gone_s=0.0, own_clock=False)


def needs_postgres() -> None:
    """Skip the test where PostgreSQL is missing."""
    try:
        find_programs()
    except NoPostgres as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The cluster, with a database that has the schema."""
    needs_postgres()
    with running() as cluster:
        cluster.sql(f"CREATE DATABASE {DATABASE}")
        address = read_address(cluster.url(DATABASE))
        asyncio.run(bring_up_to_date(address, PostgresSettings()))
        yield cluster


@pytest.fixture
def database(cluster: Cluster) -> Address:
    """The database, empty."""
    address = read_address(cluster.url(DATABASE))
    asyncio.run(empty(address))
    return address


class Faults:
    """Which statement fails next, for all faulty connections: the disk of the database is full."""

    at: str | None = None

    @classmethod
    def check(cls, text: str) -> None:
        """Raise what PostgreSQL answers, if it is the turn of this statement."""
        if cls.at is not None and text.startswith(cls.at):
            raise asyncpg.DiskFullError("could not extend file: No space left on device")


class FaultyConnection(Connection):
    """A connection whose statements fail on demand."""

    async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
        Faults.check(query)
        return await super().execute(query, *args, timeout=timeout)


class PostgresWorld:
    """A store on PostgreSQL, and what can happen to it. Implements `StoreWorld`."""

    store: Store
    postgres: PostgresStore

    def __init__(self, address: Address, settings: PostgresSettings = AT_ONCE) -> None:
        self.address = address
        self.clock = ManualClock()
        self._settings = settings

    async def open(self) -> PostgresWorld:
        """Open the store."""
        Faults.at = None
        self.store = self.postgres = await self.another()
        return self

    async def another(self) -> PostgresStore:
        """One more process on the same database."""
        return await PostgresStore.open(
            self.address,
            clock=self.clock,
            secrets=PlainSecrets(),
            settings=self._settings,
            connection_class=FaultyConnection,
        )

    async def crash(self) -> None:
        """The process is gone at once; another one starts."""
        Faults.at = None
        await abandon(self.postgres, self.address)
        await self.open()

    def break_writes(self) -> None:
        """From now on no transaction can begin to write."""
        Faults.at = "BEGIN;"

    def break_commits(self) -> None:
        """From now on no transaction can be committed."""
        Faults.at = "COMMIT"

    def mend_writes(self) -> None:
        """Writing is possible again."""
        Faults.at = None

    async def close(self) -> None:
        """End in order."""
        Faults.at = None
        await self.postgres.close()
