"""The contracts of the store's ports, on the embedded store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from segue.adapters.sql import views
from segue.adapters.sqlite.settings import SqliteSettings
from segue.model.versions import InstanceState
from segue.ports.views import InstanceFilter
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
from tests.adapters.sqlite.world import SqliteWorld, use_faulty_connections

SETTINGS = {
    "usual": SqliteSettings(),
    # So little is kept in memory that every queue is read from the file all the time; few transitions share a commit.
    "tight": SqliteSettings(front_messages=4, front_bytes=3_000, fronts_bytes=9_000, batch=7),
}


@pytest.fixture(params=SETTINGS)
async def world(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[StoreWorld]:
    use_faulty_connections(monkeypatch)
    world = SqliteWorld(tmp_path, SETTINGS[request.param])
    yield world
    await world.close()


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


class TestSearching(SearchContract):
    pass


async def test_those_that_went_wrong_are_found_behind_many_of_others(
    world: StoreWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the newest that went wrong are those of other processes, those of one are found all the same."""
    monkeypatch.setattr(views, "_LOOKED_THROUGH", 1)
    player = Player(world)
    version = await player.enable()
    mine = [(await player.in_trash(version, "a")).instance for _ in range(3)]
    await player.in_trash(await player.enable("returns"), "a")
    for limit in (1, 2, 9):
        wanted = InstanceFilter(process=version.process, state=InstanceState.FAILED, limit=limit)
        found = await player.store.instances(wanted)
        assert [each.id for each in found] == mine[::-1][:limit]
        older = await player.store.instances(replace(wanted, before=mine[2]))
        assert [each.id for each in older] == mine[1::-1][:limit]


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
