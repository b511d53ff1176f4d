"""RabbitMQ for tests: one node for all of a run, begun by the first who needs it; each test has queues of its own."""

from __future__ import annotations

import fcntl
import itertools
import os

import pytest

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.asking import BrokerSettings
from segue.adapters.postgres.brokered import BrokeredStore
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.rabbitmq.address import read_address
from segue.adapters.rabbitmq.broker import RabbitBroker
from segue.testing.contracts.store_world import PlainSecrets
from segue.testing.postgres import abandon
from segue.testing.rabbitmq import NoRabbit, Rabbit, find_programs, started
from tests.postgres import AT_ONCE, Faults, FaultyConnection, PostgresWorld

_FILE = "rabbit.json"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Rabbit:
    """The node. All test processes use the same one."""
    try:
        find_programs()
    except NoRabbit as missing:
        pytest.skip(str(missing))
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "rabbit.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        file = shared / _FILE
        if not file.exists():
            started().save(file)
        return Rabbit.load(file)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End the node once all test processes have ended."""
    factory = getattr(config, "_tmp_path_factory", None)
    if hasattr(config, "workerinput") or factory is None or factory._basetemp is None:
        return
    file = factory._basetemp / _FILE
    if file.exists():
        Rabbit.load(file).remove()
        file.unlink()


class RabbitWorld(PostgresWorld):
    """A store on PostgreSQL with RabbitMQ, and what can happen to it. Implements `StoreWorld`."""

    store: BrokeredStore
    postgres: BrokeredStore
    broker: RabbitBroker

    def __init__(
        self,
        address: Address,
        rabbit: Rabbit,
        settings: PostgresSettings = AT_ONCE,
        tickets: BrokerSettings | None = None,
    ) -> None:
        super().__init__(address, settings)
        self.rabbit = rabbit
        self.tickets = tickets or BrokerSettings(prefix=f"test{os.getpid()}-{next(_numbers)}")

    async def another(self) -> BrokeredStore:
        """One more process on the same database and the same broker."""
        self.broker = RabbitBroker(read_address(self.rabbit.url()))
        return await BrokeredStore.open_with(
            self.address,
            self.broker,
            clock=self.clock,
            secrets=PlainSecrets(),
            settings=self._settings,
            tickets=self.tickets,
            connection_class=FaultyConnection,
        )

    async def crash(self) -> None:
        """The process is gone at once; another one starts."""
        Faults.at = None
        await self.postgres.halt()
        await self.broker.abandon()
        await abandon(self.postgres, self.address)
        await self.open()
