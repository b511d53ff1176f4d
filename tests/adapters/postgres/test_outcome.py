"""Commits whose answer is lost: with the connection, in a crash of the database, and when nobody can be asked."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from msgspec.structs import replace

from segue.adapters.postgres.address import Address, read_address
from segue.adapters.postgres.connect import Connection
from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.store import PostgresStore
from segue.model.errors import StoreUnavailable
from segue.testing.contracts.store_world import PlainSecrets, Player, passed
from segue.testing.postgres import Cluster, running
from tests.postgres import AT_ONCE, FaultyConnection, PostgresWorld, needs_postgres


async def opened(address: Address, kind: type[Connection], settings: PostgresSettings = AT_ONCE) -> PostgresWorld:
    """A world whose store has connections of this kind."""
    world = PostgresWorld(address, settings)
    world.store = world.postgres = await PostgresStore.open(
        address, clock=world.clock, secrets=PlainSecrets(), settings=settings, connection_class=kind
    )
    return world


class Cut(FaultyConnection):
    """A connection that is lost at the next commit: before the database has got it, or after."""

    after: bool | None = None

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
        if query != "COMMIT" or Cut.after is None:
            return await super().execute(query, *args, timeout=timeout)
        after, Cut.after = Cut.after, None
        if after:
            await super().execute(query, *args, timeout=timeout)
        self.terminate()
        raise ConnectionResetError("the line was cut")


@pytest.mark.parametrize("after", [False, True])
async def test_of_a_commit_whose_answer_is_lost_callers_hear_the_truth(database: Address, after: bool) -> None:
    """Committed or not: the store asks the database, and nothing is done twice."""
    world = await opened(database, Cut)
    player = Player(world)
    version = await player.enable()
    Cut.after = after
    accepted = await player.start(key="k")
    assert not accepted.repeated
    message = await player.take_one(version, "a")
    Cut.after = after
    assert await player.settle(message, passed(message, "b"))
    assert not await player.settle(message, passed(message, "b"))
    assert (await player.start(key="k")).repeated
    assert len(await player.take(version, "b")) == 1
    await player.check_ledger()
    await world.close()


class Crash(Connection):
    """A connection whose next commit meets a crash of the database, after which others begin transactions."""

    cluster: Cluster | None = None

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
        if query != "COMMIT" or Crash.cluster is None:
            return await super().execute(query, *args, timeout=timeout)
        cluster, Crash.cluster = Crash.cluster, None
        number = await self.fetchval("SELECT pg_current_xact_id()::text::bigint")
        cluster.kill()
        cluster.start()
        other = await asyncpg.connect(cluster.url(), password=cluster.password)
        try:
            given = 0
            while given < number:
                given = await other.fetchval("SELECT pg_current_xact_id()::text::bigint")
                assert given <= number, "the log had reached the disk: this shows nothing"
        finally:
            await other.close()
        self.terminate()
        raise ConnectionResetError("the line was cut")


@pytest.mark.timeout(60)
async def test_the_number_of_a_transaction_that_a_crash_has_lost_says_nothing() -> None:
    """PostgreSQL gives the numbers of transactions away again that had not come to its log: somebody else's success
    is not ours. The start is accepted once, and is there."""
    needs_postgres()
    with running(["wal_writer_delay = 10s", "autovacuum = off"]) as cluster:
        # A beat in between would bring to the disk what the log holds.
        settings = replace(AT_ONCE, beat_s=60.0, fence_s=120.0)
        world = await opened(read_address(cluster.url()), Crash, settings)
        player = Player(world)
        await player.enable()
        Crash.cluster = cluster
        accepted = await player.start(key="k")
        found = await player.store.instance(accepted.instance)
        assert found is not None, "it was answered, and is lost"
        assert (await player.start(key="k")).instance == accepted.instance
        await world.close()


class Silent(FaultyConnection):
    """A connection that is lost after the next commit, and after which nobody can connect for some time."""

    cut = False
    away = False

    async def execute(self, query: str, *args: object, timeout: float | None = None) -> str:
        done = await super().execute(query, *args, timeout=timeout)
        if query == "COMMIT" and Silent.cut:
            Silent.cut, Silent.away = False, True
            self.terminate()
            raise ConnectionResetError("the line was cut")
        return done

    async def fetchval(self, query: str, *args: object, **more: Any) -> Any:
        if Silent.away and "pg_xact_status" in query:
            raise ConnectionResetError("the line is cut")
        return await super().fetchval(query, *args, **more)


@pytest.mark.timeout(20)
async def test_what_came_of_a_commit_that_nobody_could_be_asked_about_in_time_is_handled(database: Address) -> None:
    """It was committed, and its message is held by a process that does not know of it, which gives up all it holds."""
    world = await opened(database, Silent, replace(AT_ONCE, unsure_s=0.0))
    player = Player(world)
    version = await player.enable()
    assert await player.take(version, "a") == []
    Silent.cut = True
    with pytest.raises(StoreUnavailable):
        await player.start(key="k")
    Silent.away = False
    assert (await player.start(key="k")).repeated
    await world.postgres._parts.heart.beat()
    [message] = await player.take(version, "a")
    assert await player.settle(message, passed(message))
    await player.check_ledger()
    await world.close()
