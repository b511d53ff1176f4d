"""The contracts of the store's ports, on the store on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from segue.adapters.postgres.address import Address
from segue.adapters.postgres.settings import PostgresSettings
from segue.testing.contracts.accepting import AcceptingContract
from segue.testing.contracts.activity import ActivityContract
from segue.testing.contracts.catalog import KeepingContract, ProcessCatalogContract
from segue.testing.contracts.cluster import ClusterContract, SharedLimitContract
from segue.testing.contracts.documents import DocumentContract
from segue.testing.contracts.failing import BacklogContract, FailingContract
from segue.testing.contracts.log_book import LogBookContract
from segue.testing.contracts.meeting import MeetingContract
from segue.testing.contracts.metrics import MetricContract
from segue.testing.contracts.notices import NoticeContract
from segue.testing.contracts.operations import OperationContract
from segue.testing.contracts.queues import QueuesContract
from segue.testing.contracts.searching import SearchContract
from segue.testing.contracts.settling import SettlingContract
from segue.testing.contracts.spreading import SpreadingContract
from segue.testing.contracts.store_world import Player, StoreWorld
from segue.testing.contracts.upkeep import GivenLimitContract, LimitContract, RetentionContract
from segue.testing.contracts.views import ViewsContract
from tests.postgres import PostgresWorld


@pytest.fixture
async def world(database: Address) -> AsyncIterator[StoreWorld]:
    world = await PostgresWorld(database).open()
    yield world
    await world.close()


@pytest.fixture
async def tight(database: Address) -> AsyncIterator[StoreWorld]:
    """So little is kept in memory that every queue is read from the database all the time; few share a commit."""
    settings = PostgresSettings(gone_s=0.0, own_clock=False, front_messages=4, fronts_messages=9, claim=3, batch=7)
    world = await PostgresWorld(database, settings).open()
    yield world
    await world.close()


class Tight:
    """Has the suites run on the tight store."""

    @pytest.fixture
    def player(self, tight: StoreWorld) -> Player:
        return Player(tight)


class TestTightQueues(Tight, QueuesContract):
    pass


class TestTightBacklog(Tight, BacklogContract):
    pass


class TestAccepting(AcceptingContract):
    pass


class TestQueues(QueuesContract):
    pass


class TestSettling(SettlingContract):
    pass


class TestMeeting(MeetingContract):
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


class TestNotices(NoticeContract):
    pass


class TestSearching(SearchContract):
    pass


class TestViews(ViewsContract):
    pass


class TestLogBook(LogBookContract):
    pass


class TestRetention(RetentionContract):
    pass


class TestLimits(LimitContract):
    pass


class TestDocuments(DocumentContract):
    pass


class TestMetrics(MetricContract):
    pass


class TestOperations(OperationContract):
    pass


class TestSpreading(SpreadingContract):
    pass


class TestGivenLimits(GivenLimitContract):
    pass


class TestCluster(ClusterContract):
    pass


class TestSharedLimits(SharedLimitContract):
    pass
