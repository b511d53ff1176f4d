"""One seed, one trace, on whatever store a world stands. SEGUE_STORE_SEEDS asks for more seeds."""

from __future__ import annotations

import asyncio
import os
from functools import partial

import pytest

from segue.adapters.postgres.address import Address
from segue.testing.postgres import empty
from segue.testing.rabbitmq import Rabbit
from segue.testing.simulation import stores
from segue.testing.simulation.settings import Settings
from segue.testing.simulation.world import Outcome, World

SEEDS = int(os.environ.get("SEGUE_STORE_SEEDS", "4"))


def live(seed: int, store: str) -> Outcome:
    """Let a world live on a store; nothing may be broken."""
    outcome = World(seed, Settings(store=store)).run()
    assert outcome.breach is None, f"seed {seed} on {store}: {outcome.breach}"
    return outcome


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(SEEDS))
def test_the_embedded_store_gives_the_same_trace_as_memory(seed: int) -> None:
    assert live(seed, "sqlite").digest == live(seed, "memory").digest


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range((SEEDS + 1) // 2))
def test_postgresql_gives_the_same_trace_as_memory(
    seed: int, database: Address, monkeypatch: pytest.MonkeyPatch
) -> None:
    asyncio.run(empty(database))
    monkeypatch.setitem(stores.STORES, "postgres", partial(stores.DurablePostgres, address=database))
    assert live(seed, "postgres").digest == live(seed, "memory").digest


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [4, 6][: 1 + SEEDS // 8])
def test_postgresql_with_rabbitmq_breaks_no_promise(
    seed: int, database: Address, rabbit: Rabbit, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When a ticket comes is up to the broker, so a world on it is not the same as in memory, nor twice the same; these
    have servers that crash all the time."""
    asyncio.run(empty(database))
    make = partial(stores.DurableTickets, address=database, url=rabbit.url(), prefix=f"world{os.getpid()}-{seed}")
    monkeypatch.setitem(stores.STORES, "rabbitmq", make)
    outcome = live(seed, "rabbitmq")
    assert outcome.instances > 0
    assert outcome.lives > 1
