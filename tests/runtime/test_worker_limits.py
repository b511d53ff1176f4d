"""What workers say of limits: how often the store is asked which applications a process uses."""

from __future__ import annotations

import asyncio

from segue.model.graph import ProcessGraph
from segue.model.versions import Version, VersionContent, VersionState
from segue.runtime.worker_limits import WorkerLimits
from segue.testing.contracts.store_world import ManualClock

PROCESS = "orders"


class SlowCatalog:
    """A catalog that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()

    async def published(self, process: str) -> list[Version]:
        self.asked += 1
        await self.answers.wait()
        version = Version(
            id=1,
            process=process,
            number=1,
            state=VersionState.ENABLED,
            created=0,
            author="",
            note="",
            semantic_hash="",
        )
        return [version]

    async def content(self, _: int) -> VersionContent:
        return VersionContent(source=b"", dialect="", graph=ProcessGraph(key=PROCESS, name="", nodes=(), flows=()))


async def test_many_starts_at_once_ask_the_store_once() -> None:
    """Each answer is believed for a while; when it is old, hundreds of starts may be under way."""
    catalog, clock = SlowCatalog(), ManualClock()
    limits = WorkerLimits(catalog, None, lambda _: None, clock)  # type: ignore[arg-type]
    for asked in (1, 2):
        catalog.answers.clear()
        starts = [asyncio.create_task(limits.key(PROCESS, None, "me")) for _ in range(50)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        catalog.answers.set()
        assert await asyncio.gather(*starts) == [""] * 50
        assert catalog.asked == asked
        clock.advance(60_000)
