"""The stores that a world may stand on: what a crash does to each, and how it is opened again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, cast

from segue.adapters.memory.store import MemoryStore
from segue.adapters.postgres.address import Address
from segue.adapters.postgres.asking import BrokerSettings
from segue.adapters.postgres.brokered import BrokeredStore
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.rabbitmq.address import read_address as read_broker
from segue.adapters.rabbitmq.broker import RabbitBroker
from segue.adapters.sqlite.store import SqliteStore
from segue.ports.outside import Clock
from segue.ports.store import Store
from segue.testing.contracts.store_world import PlainSecrets
from segue.testing.postgres import abandon
from segue.testing.simulation.blocking import Beside, Blocking


class Durable(Protocol):
    """What outlives a server. `name` is what people choose it by."""

    name: str

    def open(self) -> Store:
        """Return the store with all that was committed and nothing that was only in memory."""
        ...

    def close(self) -> None:
        """Let go of everything."""
        ...


class DurableMemory:
    """The store in memory: its content is what would be on disk."""

    name = "memory"

    def __init__(self, clock: Clock) -> None:
        self._store = MemoryStore(clock)

    def open(self) -> Store:
        """Return the store as a restart finds it."""
        self._store.crash()
        return self._store

    def close(self) -> None:
        """Nothing is held."""


class DurableSqlite:
    """The embedded store. The folder after a crash is a copy of what lay on the disk then."""

    name = "sqlite"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._beside = Beside()
        self._root = Path(tempfile.mkdtemp(prefix="segue-world-"))
        self._store: Blocking | None = None
        self._lives = 0

    def open(self) -> Store:
        """Return the store as a restart finds it."""
        before = self._root / str(self._lives)
        self._lives += 1
        folder = self._root / str(self._lives)
        if self._store is not None:
            shutil.copytree(before, folder)
            self._store.end()
            shutil.rmtree(before)
        self._store = Blocking(self._beside, self._beside.run(self._open(folder)))
        return cast("Store", self._store)

    async def _open(self, folder: Path) -> SqliteStore:
        return SqliteStore.open(folder, clock=self._clock, secrets=PlainSecrets())

    def close(self) -> None:
        """Remove the folder."""
        if self._store is not None:
            self._store.end()
        self._beside.close()
        shutil.rmtree(self._root, ignore_errors=True)


class DurablePostgres:
    """The store in a database, which is empty at first. A crash cuts all its connections."""

    name = "postgres"

    def __init__(self, clock: Clock, address: Address) -> None:
        self._clock = clock
        self._address = address
        self._beside = Beside()
        self._store: PostgresStore | None = None
        self._blocking: Blocking | None = None

    def open(self) -> Store:
        """Return the store as a restart finds it."""
        if self._store is not None and self._blocking is not None and not self._blocking.closed:
            self._beside.run(abandon(self._store, self._address))
        self._store = self._beside.run(self._open())
        self._blocking = Blocking(self._beside, self._store)
        return cast("Store", self._blocking)

    async def _open(self) -> PostgresStore:
        # Nothing is looked for or fetched ahead of the world's calls, and whose connection is gone is dead at once.
        settings = PostgresSettings(gone_s=0.0, poll_s=3600.0, look_s=3600.0, claim=1)
        return await PostgresStore.open(self._address, clock=self._clock, secrets=PlainSecrets(), settings=settings)

    def close(self) -> None:
        """Let go of the database."""
        if self._blocking is not None:
            self._blocking.end()
        self._beside.close()


class DurableTickets(DurablePostgres):
    """The same with RabbitMQ beside it. A crash cuts the connections to that, too."""

    name = "rabbitmq"

    def __init__(self, clock: Clock, address: Address, url: str, prefix: str) -> None:
        super().__init__(clock, address)
        self._url = url
        self._tickets = BrokerSettings(prefix=prefix)
        self._broker: RabbitBroker | None = None

    async def _open(self) -> PostgresStore:
        if self._broker is not None and isinstance(self._store, BrokeredStore):
            await self._store.halt()
            await self._broker.abandon()
        self._broker = RabbitBroker(read_broker(self._url))
        settings = PostgresSettings(gone_s=0.0, poll_s=3600.0, look_s=3600.0, claim=1)
        return await BrokeredStore.open_with(
            self._address,
            self._broker,
            clock=self._clock,
            secrets=PlainSecrets(),
            settings=settings,
            tickets=self._tickets,
        )


STORES: dict[str, Callable[[Clock], Durable]] = {"memory": DurableMemory, "sqlite": DurableSqlite}
"""How to make each store that can be simulated, by name. One in a database is added by whoever has the database."""
