"""The contracts of the store's ports, on PostgreSQL with RabbitMQ as the broker.

Suites about what stands in no queue run on PostgreSQL alone: the code is the same. Those in which tickets meet little
that is not in the others run where tests gate a change.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.settings import PostgresSettings
from segue.testing.contracts.accepting import AcceptingContract
from segue.testing.contracts.failing import BacklogContract, FailingContract
from segue.testing.contracts.meeting import MeetingContract
from segue.testing.contracts.operations import OperationContract
from segue.testing.contracts.queues import QueuesContract
from segue.testing.contracts.settling import SettlingContract
from segue.testing.contracts.spreading import SpreadingContract
from segue.testing.contracts.store_world import Player, StoreWorld
from segue.testing.rabbitmq import Rabbit
from tests.rabbit import RabbitWorld
from tests.skipping import strict


@pytest.fixture
async def world(database: Address, rabbit: Rabbit) -> AsyncIterator[StoreWorld]:
    world = await RabbitWorld(database, rabbit).open()
    yield world
    await world.close()


@pytest.fixture
async def tight(database: Address, rabbit: Rabbit) -> AsyncIterator[StoreWorld]:
    """So little is kept in memory that every queue is read from the database all the time; few share a commit."""
    settings = PostgresSettings(gone_s=0.0, own_clock=False, front_messages=4, fronts_messages=9, claim=3, batch=7)
    world = await RabbitWorld(database, rabbit, settings).open()
    yield world
    await world.close()


class Tight:
    """Has the suites run on the tight store."""

    @pytest.fixture
    def player(self, tight: StoreWorld) -> Player:
        return Player(tight)


thorough = pytest.mark.skipif(not strict(), reason="it takes long; with SEGUE_CI=1 it is run with RabbitMQ as well")


@thorough
class TestTightQueues(Tight, QueuesContract):
    pass


class TestAccepting(AcceptingContract):
    pass


class TestQueues(QueuesContract):
    pass


class TestSettling(SettlingContract):
    pass


@thorough
class TestMeeting(MeetingContract):
    pass


class TestFailing(FailingContract):
    pass


class TestBacklog(BacklogContract):
    pass


@thorough
class TestOperations(OperationContract):
    pass


class TestSpreading(SpreadingContract):
    pass
