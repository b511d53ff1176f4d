"""Statistics of what happened lately: each node of a version, and instances by the minute."""

from __future__ import annotations

from msgspec import Struct

from segue.core.statistics import NodeStatistics, statistics_of
from segue.ports.outside import Clock
from segue.ports.views import Minute, Passed, Views

_STEPS = 20_000
_MINUTES = 60
_MINUTE_MS = 60_000


class Recent(Struct, frozen=True, kw_only=True):
    """The nodes of a version over its newest steps; `since` is when the first of these ended, None without any."""

    steps: int
    since: int | None
    until: int
    nodes: list[NodeStatistics]


class Statistics:
    """Look at what happened lately. Bounded: the newest 20,000 steps of everything, and one hour of instances."""

    def __init__(self, views: Views, clock: Clock) -> None:
        self._views = views
        self._clock = clock

    async def recent(self, version: int) -> Recent:
        """How each node of a version (its number in the store) did lately."""
        steps = await self._views.recent_steps(version, _STEPS)
        since = min((step.ended for step in steps), default=None)
        return Recent(steps=len(steps), since=since, until=self._clock.now(), nodes=statistics_of(steps))

    async def passed(self, version: int, node: str, limit: int) -> list[Passed]:
        """The messages that left a node last, newest first."""
        return await self._views.passed(version, node, _STEPS, limit)

    async def traffic(self, process: str | None) -> list[Minute]:
        """Instances by the minute they were started in, the last hour, oldest first; minutes without any too."""
        last = self._clock.now() // _MINUTE_MS
        first = last - _MINUTES + 1
        found = {minute.at: minute for minute in await self._views.traffic(process, first * _MINUTE_MS)}
        minutes = [each * _MINUTE_MS for each in range(first, last + 1)]
        return [found.get(at) or Minute(at=at, started=0, failed=0) for at in minutes]
