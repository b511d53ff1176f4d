"""What all processes of an installation have added up since this one began: what is scraped from any of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from segue.core.figures import Figures, Span
from segue.ports.metrics import MetricFilter, MetricPoint, MetricStore
from segue.ports.outside import Clock

_MINUTE_MS = 60_000
# After so many minutes nothing is added to a minute any more, unless the store was away for so long.
_OPEN_MINUTES = 2
_MOST = 100_000

Place = tuple[str, int, str]
"""A process, the number of a version, and a node or "" for the version's instances."""


class FigureTotals:
    """Sums that never fall, as scrapes want them: over the minutes in the store, whoever has rolled them up.

    What comes to a minute later than two minutes after its end is not in them; in the store it is.
    """

    def __init__(self, store: MetricStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._open_from = _minute(clock.now())
        self._closed: dict[Place, Figures] = {}
        self._reading = asyncio.Lock()

    async def read(self) -> Mapping[Place, Figures]:
        """Return the sums of now."""
        async with self._reading:
            now = self._clock.now()
            until = _minute(now) + _MINUTE_MS
            points = [*await self._points(until, None), *await self._points(until, "")]
            open_from = max(self._open_from, _minute(now) - _OPEN_MINUTES * _MINUTE_MS)
            for point in points:
                if point.at < open_from:
                    _add(self._closed, point)
            self._open_from = open_from
            still_open: dict[Place, Figures] = {}
            for point in points:
                if point.at >= open_from:
                    _add(still_open, point)
            for place in still_open.keys() & self._closed.keys():
                still_open[place].merge(self._closed[place])
            return self._closed | still_open

    async def _points(self, until: int, node: str | None) -> list[MetricPoint]:
        wanted = MetricFilter(span=Span.MINUTE, since=self._open_from, until=until, node=node, limit=_MOST)
        return await self._store.metrics(wanted)


def _minute(at: int) -> int:
    return at - at % _MINUTE_MS


def _add(sums: dict[Place, Figures], point: MetricPoint) -> None:
    sums.setdefault((point.process, point.version, point.node), Figures()).merge(point.figures)
