"""The contracts of the store's ports, on the store in memory."""

from __future__ import annotations

import pytest

from segue.adapters.memory.store import MemoryStore
from segue.ports.store import Store
from segue.testing.contracts.accepting import AcceptingContract
from segue.testing.contracts.activity import ActivityContract
from segue.testing.contracts.catalog import KeepingContract, ProcessCatalogContract
from segue.testing.contracts.cluster import ClusterContract, SharedLimitContract
from segue.testing.contracts.documents import DocumentContract
from segue.testing.contracts.failing import FailingContract
from segue.testing.contracts.log_book import LogBookContract
from segue.testing.contracts.meeting import MeetingContract
from segue.testing.contracts.metrics import MetricContract
from segue.testing.contracts.notices import NoticeContract
from segue.testing.contracts.operations import OperationContract
from segue.testing.contracts.queues import QueuesContract
from segue.testing.contracts.searching import SearchContract
from segue.testing.contracts.settling import SettlingContract
from segue.testing.contracts.spreading import SpreadingContract
from segue.testing.contracts.store_world import ManualClock, StoreWorld
from segue.testing.contracts.upkeep import GivenLimitContract, LimitContract, RetentionContract
from segue.testing.contracts.views import ViewsContract


class MemoryWorld:
    """A store in memory, and what can happen to it."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.memory = MemoryStore(self.clock)
        self.store: Store = self.memory

    async def crash(self) -> None:
        self.mend_writes()
        self.memory.crash()

    def break_writes(self) -> None:
        self.memory.break_writes("the disk is full")

    def break_commits(self) -> None:
        self.break_writes()

    def mend_writes(self) -> None:
        self.memory.mend_writes()


@pytest.fixture
def world() -> StoreWorld:
    return MemoryWorld()


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


class TestProcesses(ProcessCatalogContract):
    pass


class TestKeeping(KeepingContract):
    pass


class TestActivity(ActivityContract):
    pass


class TestSearching(SearchContract):
    pass


class TestViews(ViewsContract):
    pass


class TestRetention(RetentionContract):
    pass


class TestLimits(LimitContract):
    pass


class TestDocuments(DocumentContract):
    pass


class TestNotices(NoticeContract):
    pass


class TestLogBook(LogBookContract):
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
