"""What people look at, as scripts."""

from __future__ import annotations

import time

from segue.adapters.sql import audit, groups, history, views
from segue.adapters.sql.ports.scripted import Scripted
from segue.core.searching import Match
from segue.core.statistics import Timing
from segue.model.events import Event
from segue.model.ledger import Audit, QueueState
from segue.model.message import Message, Place
from segue.model.operations import Act
from segue.model.versions import Instance, Step
from segue.ports.views import (
    Cause,
    Content,
    Found,
    InstanceFilter,
    Minute,
    NodeCount,
    Passed,
    PlacedFilter,
    PlacedMessage,
    StoredLog,
)


class StoredViews(Scripted):
    """Implements `Views`; every answer is read in one snapshot of the file, beside the writer."""

    def in_flight(self) -> dict[tuple[int, str], int]:
        """How many messages of each queue are taken; a store that only looks at the file knows of none."""
        return {}

    async def instances(self, filter: InstanceFilter) -> list[Instance]:
        """See `Views`."""
        return await self._read(lambda: views.instances(filter))

    async def instance(self, id: str) -> Instance | None:
        """See `Views`."""
        return await self._read(lambda: views.find_instance(id))

    async def search(self, filter: InstanceFilter, match: Match, budget_ms: int) -> Found:
        """See `Views`."""
        until = time.monotonic() + budget_ms / 1000
        return await self._read(lambda: history.search(filter, match, lambda: time.monotonic() >= until))

    async def recent_steps(self, version: int, bound: int) -> list[Timing]:
        """See `Views`."""
        return await self._read(lambda: history.recent_steps(version, bound))

    async def passed(self, version: int, node: str, bound: int, limit: int) -> list[Passed]:
        """See `Views`."""
        return await self._read(lambda: history.passed(version, node, bound, limit))

    async def traffic(self, process: str | None, since: int) -> list[Minute]:
        """See `Views`."""
        return await self._read(lambda: history.traffic(process, since))

    async def message_content(self, instance: str, message: str) -> Content | None:
        """See `Views`."""
        return await self._read(lambda: history.message_content(instance, message))

    async def instance_messages(self, id: str, limit: int = 1000) -> list[Message]:
        """See `Views`."""
        return await self._read(lambda: views.instance_messages(id, limit, self._clock.now()))

    async def instance_steps(self, id: str, limit: int = 1000) -> list[Step]:
        """See `Views`."""
        return await self._read(lambda: views.instance_steps(id, limit))

    async def queues(self, process: str | None, now: int) -> list[QueueState]:
        """See `Views`."""
        in_flight = self.in_flight()
        return await self._read(lambda: views.queues(process, now, in_flight))

    async def placed(self, filter: PlacedFilter) -> list[PlacedMessage]:
        """See `Views`."""
        return await self._read(lambda: views.placed(filter, self._clock.now()))

    async def placed_message(self, id: str, place: Place) -> PlacedMessage | None:
        """See `Views`."""
        return await self._read(lambda: views.placed_message(id, place, self._clock.now()))

    async def placed_count(self, filter: PlacedFilter) -> tuple[int, int]:
        """See `Views`."""
        return await self._read(lambda: views.placed_count(filter))

    async def causes(self, filter: PlacedFilter) -> list[Cause]:
        """See `Views`."""
        return await self._read(lambda: groups.causes(filter))

    async def placed_nodes(self, filter: PlacedFilter) -> list[NodeCount]:
        """See `Views`."""
        return await self._read(lambda: groups.placed_nodes(filter))

    async def acts(self, message: str) -> list[Act]:
        """See `Views`."""
        return await self._read(lambda: views.acts(message))

    async def logs(self, instance: str | None, process: str | None, after: int, limit: int) -> list[StoredLog]:
        """See `Views`."""
        return await self._read(lambda: views.logs(instance, process, after, limit))

    async def events(self, after: int, limit: int) -> list[Event]:
        """See `Views`."""
        return await self._read(lambda: views.events(after, limit))

    async def audit(self, now: int) -> Audit:
        """See `Views`."""
        return await self._read(lambda: audit.audit(now))
