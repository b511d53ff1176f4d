"""Metrics in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from segue.adapters.memory.state import State
from segue.core.figures import Figures, Span
from segue.ports.metrics import Measures, MetricFilter, MetricPoint, Minute

_SPANS = (Span.MINUTE, Span.HOUR, Span.DAY)


class MemoryMetrics:
    """Implements `MetricStore`."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._figures: dict[tuple[Span, int, str, int], Figures] = {}

    async def measures(self, after: int, limit: int) -> list[Measures]:
        """See `MetricStore`."""
        return [each for seq, each in self._state.measures.items() if seq > after][:limit]

    async def places(self, queues: Sequence[int]) -> Mapping[int, tuple[int, str]]:
        """See `MetricStore`."""
        known = {number: place for place, number in self._state.queue_numbers.items()}
        return {queue: known[queue] for queue in queues if queue in known}

    async def roll(self, measures: Sequence[int], minutes: Sequence[Minute]) -> bool:
        """See `MetricStore`."""
        self._state.check()
        if not all(seq in self._state.measures for seq in measures):
            return False
        for seq in measures:
            del self._state.measures[seq]
        for minute in minutes:
            for span in _SPANS:
                key = (span, minute.version, minute.node, minute.at - minute.at % (span * 1000))
                self._figures.setdefault(key, Figures()).merge(minute.figures)
        return True

    async def metrics(self, filter: MetricFilter) -> list[MetricPoint]:
        """See `MetricStore`."""
        found = []
        for (span, key, node, at), figures in self._figures.items():
            owner = self._state.versions[key].version
            if (
                span is filter.span
                and filter.since <= at < filter.until
                and filter.process in {None, owner.process}
                and filter.version in {None, owner.number}
                and (node != "" if filter.node is None else node == filter.node)
            ):
                copy = Figures()
                copy.merge(figures)
                found.append(MetricPoint(process=owner.process, version=owner.number, node=node, at=at, figures=copy))
        found.sort(key=lambda point: (point.at, point.process, point.version, point.node))
        return found[: filter.limit]

    async def prune_metrics(self, span: Span, before: int, limit: int) -> int:
        """See `MetricStore`."""
        self._state.check()
        old = [key for key in self._figures if key[0] is span and key[3] < before][:limit]
        for key in old:
            del self._figures[key]
        return len(old)
