"""The contracts of the store's ports, on the store on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.settings import PostgresSettings
from segue.testing.contracts.accepting import AcceptingContract
from segue.testing.contracts.activity import ActivityContract
from segue.testing.contracts.catalog import KeepingContract, ProcessCatalogContract
from segue.testing.contracts.documents import DocumentContract
from segue.testing.contracts.failing import BacklogContract, FailingContract
from segue.testing.contracts.queues import QueuesContract
from segue.testing.contracts.settling import SettlingContract
from segue.testing.contracts.store_world import StoreWorld
from segue.testing.contracts.upkeep import LimitContract, RetentionContract
from segue.testing.contracts.views import ViewsContract
from tests.postgres import AT_ONCE, PostgresWorld

SETTINGS = {
    "usual": AT_ONCE,
    # So little is kept in memory that every queue is read from the database all the time; few share a commit.
    "tight": PostgresSettings(gone_s=0.0, front_messages=4, fronts_messages=9, claim=3, batch=7),
}


@pytest.fixture(params=SETTINGS)
async def world(request: pytest.FixtureRequest, database: Address) -> AsyncIterator[StoreWorld]:
    world = await PostgresWorld(database, SETTINGS[request.param]).open()
    yield world
    await world.close()


class TestAccepting(AcceptingContract):
    pass


class TestQueues(QueuesContract):
    pass


class TestSettling(SettlingContract):
    pass


class TestFailing(FailingContract):
    pass


class TestBacklog(BacklogContract):
    pass


class TestProcesses(ProcessCatalogContract):
    pass


class TestKeeping(KeepingContract):
    pass


class TestActivity(ActivityContract):
    pass


class TestViews(ViewsContract):
    pass


class TestRetention(RetentionContract):
    pass


class TestLimits(LimitContract):
    pass


class TestDocuments(DocumentContract):
    pass
