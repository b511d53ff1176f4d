"""The contracts of the store's ports, on the embedded store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from segue.testing.contracts.accepting import AcceptingContract
from segue.testing.contracts.catalog import KeepingContract, ProcessCatalogContract
from segue.testing.contracts.failing import BacklogContract, FailingContract
from segue.testing.contracts.queues import QueuesContract
from segue.testing.contracts.settling import SettlingContract
from segue.testing.contracts.store_world import StoreWorld
from segue.testing.contracts.views import ViewsContract
from tests.adapters.sqlite.world import SqliteWorld, use_faulty_connections


@pytest.fixture
async def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StoreWorld]:
    use_faulty_connections(monkeypatch)
    world = SqliteWorld(tmp_path)
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


class TestViews(ViewsContract):
    pass
