"""P7 over processes: two of them, each with a connection of its own to one PostgreSQL, ask for the same limit."""

from __future__ import annotations

import asyncio
from itertools import count
from time import monotonic

from segue.adapters.clock import SystemClock
from segue.adapters.postgres.address import Address
from segue.adapters.postgres.store import PostgresStore
from segue.model.graph import LimitRule
from segue.runtime.shared_limiter import SharedLimiter
from segue.testing.contracts.store_world import PlainSecrets

# The second window is the stricter one in the long run, and only one of the two processes knows of it.
SHORT = LimitRule(key="k", calls=10, per_ms=200)
LONG = LimitRule(key="k", calls=25, per_ms=1_000)
CALLS = 60


async def test_every_sliding_window_holds_over_two_processes(database: Address) -> None:
    clock = SystemClock()
    stores = [await PostgresStore.open(database, clock=clock, secrets=PlainSecrets()) for _ in range(2)]
    limiters = [SharedLimiter(store, clock) for store in stores]
    numbers = count()
    calls: list[float] = []
    try:
        await limiters[0].declare(0, [SHORT])
        await limiters[1].declare(0, [LONG])
        async with asyncio.TaskGroup() as group:
            for limiter in limiters:
                for _ in range(8):
                    group.create_task(_call(limiter, clock, numbers, calls))
    finally:
        for limiter in limiters:
            await limiter.close()
        for store in stores:
            await store.close()
    assert len(calls) >= CALLS
    for rule in (SHORT, LONG):
        for first, other in zip(calls, calls[rule.calls :], strict=False):
            assert other - first >= rule.per_ms / 1000, rule


async def _call(limiter: SharedLimiter, clock: SystemClock, numbers: count[int], calls: list[float]) -> None:
    """Make calls, each as soon as the limit allows, until there are enough of all."""
    while len(calls) < CALLS:
        holder = str(next(numbers))
        until = await limiter.acquire(holder, [SHORT, LONG], lambda: None)
        if until is not None:
            await asyncio.sleep((until - clock.now()) / 1000)  # not synchronisation: the limit says when to ask again
            continue
        calls.append(monotonic())
        limiter.ended(holder)
