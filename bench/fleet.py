"""What processes cost because they are there: hearts that beat, hints that all hear, looking, reading events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from bench.postgres import Spent, database, open_postgres
from bench.store import CLOCK, publish, run_flow
from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.connect import Connection, Link
from segue.adapters.postgres.hints import CHANNEL, Hints
from segue.adapters.postgres.holders import Heart
from segue.adapters.postgres.schema import newest
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.model.events import EventKind
from segue.model.services import Member, Role
from segue.testing.postgres import Cluster

Found = dict[str, Any]
_EVENTS = 6_000
_RARE = sorted((EventKind.VERSION_ENABLED, EventKind.WORKERS_CHANGED, EventKind.RESTART_ASKED))


def rested() -> None:
    """Let PostgreSQL tell what it has counted, which it does a second later."""
    time.sleep(1.3)


async def cost(cluster: Cluster, times: int, act: Callable[[], Coroutine[Any, Any, object]]) -> Found:
    """Processor time of one act, here and in PostgreSQL."""
    await act()
    meter = Spent(cluster)
    for _ in range(times):
        await act()
    return meter.per(times)


class Listeners:
    """So many hearts with nobody behind them. All in this process, which counts the hints they hear."""

    def __init__(self, address: Address) -> None:
        self._address = address
        self._settings = PostgresSettings(beat_s=3600.0, silent_s=3600.0, gone_s=3600.0)
        self.hearts: list[Heart] = []
        self.heard = 0
        self._hints = Hints(self._send, self._hear, lambda: -1, lambda: len(self.hearts))

    async def _send(self, _channel: str, _payload: str) -> None:
        raise NotImplementedError("they only hear")

    def _hear(self, _process: int, _topic: str, _texts: Sequence[str]) -> None:
        self.heard += 1

    async def grow(self, count: int) -> None:
        """Be so many."""
        while len(self.hearts) < count:
            heart = Heart(
                Link(self._address, self._settings, Connection), self._settings, "bench:1", newest(),
                on_evicted=lambda: None, on_freed=lambda: None, on_notice=self._hints.take,
            )  # fmt: skip
            await heart.start()
            self.hearts.append(heart)

    async def beat(self) -> None:
        """Each beats once."""
        for heart in self.hearts:
            await heart.beat()

    async def tell(self, times: int) -> None:
        """One tells something so often, and all have heard it."""
        self.heard = 0
        for _ in range(times):
            await self.hearts[0].notify(CHANNEL, '[1, "events", ""]')
        while self.heard < times * len(self.hearts):  # noqa: ASYNC110 - each comes over another connection
            await asyncio.sleep(0.002)

    async def stop(self) -> None:
        """All leave."""
        for heart in self.hearts:
            await heart.stop()


async def fleet(cluster: Cluster, sizes: Sequence[int]) -> Found:
    """A beat and a hint, by how many processes there are."""
    address = read_address(cluster.url(database(cluster, "fleet")))
    store = await open_postgres(address)  # makes the schema
    await store.close()
    all_of_them = Listeners(address)
    beats, hints = [], []
    for size in sizes:
        await all_of_them.grow(size)
        rounds = max(1, 400 // size)
        found = await cost(cluster, rounds, all_of_them.beat)
        beats.append({"processes": size} | {name: round(us / size, 1) for name, us in found.items()})
        times = max(60, 1_000 // size)
        found = await cost(cluster, 1, lambda times=times: all_of_them.tell(times))  # type: ignore[misc]
        hints.append({"processes": size} | {name: round(us / times, 1) for name, us in found.items()})
    await all_of_them.stop()
    return {"beat_us": beats, "hint_us": hints}


async def seats(cluster: Cluster) -> Found:
    """What one process does all the time whether there is work or not, and reading of events by how many there are."""
    store = await open_postgres(read_address(cluster.url(database(cluster, "seats"))))
    version = await publish(store, "p")
    await run_flow(store, version, _EVENTS, 256)
    shelf = store.shelf(version.id, "a")
    claims = store._parts.claims  # noqa: SLF001 - what it does inside is what is measured
    member = Member(id="m", host="h", pid=1, roles=tuple(Role), release="1", started=1)
    found: Found = {
        "look_us": await cost(cluster, 300, lambda: store.look([version.id], CLOCK.now())),
        "lead_us": await cost(cluster, 300, lambda: store.lead("timers", "m", 3_000)),
        "say_us": await cost(cluster, 300, lambda: store.beat(member)),
        "members_us": await cost(cluster, 300, lambda: store.members(10_000)),
        "empty_claim_us": await cost(cluster, 300, lambda: claims.claim(shelf, store.holder, 250, CLOCK.now())),
    }
    last = await store.last_event()
    found["events_us"] = await _reading(cluster, lambda count: store.events(last - count, 1_000))
    found["scan_us"] = await _reading(cluster, lambda count: store.scan_events(last - count, _RARE, 10_000))
    found |= await _disk(cluster, store)
    await store.close()
    return found


async def _reading(cluster: Cluster, read: Callable[[int], Coroutine[Any, Any, object]]) -> list[Found]:
    return [{"events": count} | await cost(cluster, 200, lambda: read(count)) for count in (0, 10, 100, 1_000)]  # noqa: B023


async def _disk(cluster: Cluster, store: PostgresStore) -> Found:
    """How long a commit waits for the disk: a small one beside a statement that writes nothing."""
    connection = await Link(read_address(cluster.url("seats")), PostgresSettings(), Connection).get()
    await connection.execute("CREATE TABLE IF NOT EXISTS scrap (n bigint)")

    async def took(text: str) -> list[float]:
        times = []
        for _ in range(300):
            begun = time.perf_counter()
            await connection.rows(text)
            times.append((time.perf_counter() - begun) * 1000)
        return sorted(times)

    plain, durable = await took("SELECT 1"), await took("INSERT INTO scrap VALUES (1) RETURNING 1")
    await connection.close()
    return {
        "way_ms": round(plain[150], 3),
        "disk_ms": {"p50": round(durable[150] - plain[150], 3), "p99": round(durable[297] - plain[150], 3)},
    }
