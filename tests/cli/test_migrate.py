"""Moving house, with everything in flight: from a data folder to PostgreSQL, and back."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from segue.adapters.clock import SystemClock
from segue.adapters.postgres.address import Address
from segue.adapters.postgres.store import PostgresStore
from segue.adapters.secrets_file import FileSecrets
from segue.adapters.sqlite.store import SqliteStore
from segue.bootstrap import offline
from segue.config import Settings
from segue.model.errors import Conflict, Invalid, StoreUnavailable
from segue.model.message import Outcome
from segue.model.workers import Worker
from segue.ports.store import Store
from segue.ports.views import InstanceFilter
from segue.testing.contracts.store_world import Player, failed, kept, passed
from segue.testing.postgres import Cluster

SECRET = {"authorization": "very secret"}


@pytest.fixture
def house(cluster: Cluster, database: Address) -> Iterator[Address]:
    """An empty database, which is open to everybody again afterwards."""
    yield database
    cluster.sql("DELETE FROM fact WHERE name = 'moved'", "segue")


class Here:
    """A store that lives on the clock of this machine."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = SystemClock()


def embedded(folder: Path) -> SqliteStore:
    folder.mkdir(exist_ok=True)
    return SqliteStore.open(folder, clock=SystemClock(), secrets=FileSecrets(folder))


def with_password(address: Address) -> str:
    return address.url if address.password is None else address.url.replace("@", f":{address.password}@", 1)


async def shared(address: Address, folder: Path) -> PostgresStore:
    return await PostgresStore.open(address, clock=SystemClock(), secrets=FileSecrets(folder))


async def fill(store: Store) -> None:
    """Messages in every place, and history."""
    player = Player(Here(store))
    version = await player.enable()
    await store.put_worker(Worker(name="w", url="http://w", headers=SECRET, created=1))
    for n in range(40):
        await player.start(key=f"key {n}", headers={"n": str(n), "text": "a\x00b"})
    messages = await player.take(version, "a", 30)
    for n, message in enumerate(messages):
        if n < 10:
            effect: Any = passed(message)
        elif n < 20:
            effect = passed(message, "b", "c")
        elif n < 25:
            effect = failed()
        else:
            effect = kept(player.now + 3_600_000, outcome=Outcome.OUTAGE)
        assert await player.settle(message, effect)


async def moved(settings: Settings, to: str) -> dict[str, Any]:
    said: list[str] = []
    found = await offline.migrate(settings, to, 5.0, said.append)
    assert len(said) == 1
    return found


async def seen(store: Store) -> dict[str, Any]:
    """What matters, as it is."""
    [version] = await store.published()
    left = await Player(Here(store)).left(version)
    instances = {}
    for key in [each.id for each in await store.instances(InstanceFilter(limit=1000))]:
        steps = await store.instance_steps(key)
        instances[key] = [step.message for step in steps]
    return {
        "left": {node: len(bodies) for node, bodies in left.items()},
        "instances": instances,
        "workers": await store.workers(),
        "audit": (await store.audit(1)).versions,
        "repeated": (await Player(Here(store)).start(key="key 7")).repeated,
    }


async def test_everything_moves_to_the_database_and_back(tmp_path: Path, house: Address) -> None:
    folder, back = tmp_path / "data", tmp_path / "back"
    store = embedded(folder)
    await fill(store)
    before = await seen(store)
    await store.close()
    url = with_password(house)
    there = await moved(Settings(data=str(folder)), url)
    assert there["before"] == there["after"]
    assert there["after"]["balanced"]
    assert there["rows_before"] > 10
    with pytest.raises(StoreUnavailable, match="was moved to postgresql://"):
        embedded(folder)
    held = await shared(house, folder)
    assert await seen(held) == before
    assert (await held.workers())[0].headers == SECRET
    await Player(Here(held)).start(key="new")
    after = await seen(held)
    await held.close()
    again = await moved(Settings(data=str(folder), store=url), f"sqlite:{back}")
    assert again["before"] == again["after"]
    store = embedded(back)
    assert await seen(store) == after
    await store.close()
    with pytest.raises(StoreUnavailable, match="was moved to"):
        await shared(house, folder)


async def test_a_target_that_holds_something_is_refused(tmp_path: Path, house: Address) -> None:
    store = embedded(tmp_path / "data")
    await fill(store)
    await store.close()
    url = with_password(house)
    held = await shared(house, tmp_path / "data")
    await held.create_process("other", "", 1)
    await held.close()
    with pytest.raises(Conflict, match=r"not empty: it has rows in .*process"):
        await moved(Settings(data=str(tmp_path / "data")), url)
    with pytest.raises(Conflict, match="not empty"):
        await moved(Settings(data=str(tmp_path / "data"), store=url), f"sqlite:{tmp_path / 'data'}")
    with pytest.raises(Invalid, match="A move goes from"):
        await moved(Settings(data=str(tmp_path / "data")), f"sqlite:{tmp_path / 'new'}")
    await embedded(tmp_path / "data").close()


async def test_a_server_that_does_not_stop_keeps_everything_where_it_is(tmp_path: Path, house: Address) -> None:
    folder = tmp_path / "data"
    store = embedded(folder)
    await fill(store)
    url = with_password(house)
    with pytest.raises(StoreUnavailable, match="was not stopped within 0 s"):
        await offline.migrate(Settings(data=str(folder)), url, 0.0, lambda _: None)
    with pytest.raises(StoreUnavailable, match="is being filled"):
        await shared(house, folder)
    await Player(Here(store)).start(key="meanwhile")
    stopping = asyncio.create_task(asyncio.to_thread(asyncio.run, moved(Settings(data=str(folder)), url)))
    await store.close()
    there = await stopping
    assert json.dumps(there["before"]) == json.dumps(there["after"])
