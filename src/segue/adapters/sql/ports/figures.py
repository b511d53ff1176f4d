"""Measures and figures, as scripts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segue.adapters.sql import metrics
from segue.adapters.sql.ports.scripted import Scripted
from segue.core.figures import Span
from segue.ports.metrics import Measures, MetricFilter, MetricPoint, Minute


class Figures(Scripted):
    """Implements `MetricStore`."""

    async def measures(self, after: int, limit: int) -> list[Measures]:
        """See `MetricStore`."""
        return await self._read(lambda: metrics.measures(after, limit))

    async def places(self, queues: Sequence[int]) -> Mapping[int, tuple[int, str]]:
        """See `MetricStore`."""
        return await self._read(lambda: metrics.places(queues))

    async def roll(self, measures: Sequence[int], minutes: Sequence[Minute]) -> bool:
        """See `MetricStore`."""
        return await self._change(lambda: metrics.roll(measures, minutes))

    async def metrics(self, filter: MetricFilter) -> list[MetricPoint]:
        """See `MetricStore`."""
        return await self._read(lambda: metrics.metrics(filter))

    async def prune_metrics(self, span: Span, before: int, limit: int) -> int:
        """See `MetricStore`."""
        return await self._change(lambda: metrics.prune_metrics(span, before, limit))
