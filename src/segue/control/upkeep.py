"""Upkeep: what the store needs from time to time so that it does not grow for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from segue.core.figures import Span
from segue.ports.metrics import MetricStore
from segue.ports.notices import NoticeCatalog
from segue.ports.outside import Clock
from segue.ports.retention import Retention

_DAY_MS = 86_400_000
_BITE = 1_000


class Growing(Retention, NoticeCatalog, MetricStore, Protocol):
    """What grows."""


class Upkeep:
    """Forgets finished instances, and notices that are over, older than the retention; and figures of minutes, hours
    and days each after their own time. What has 0 days is kept."""

    def __init__(self, store: Growing, clock: Clock, retention_days: int, figure_days: Mapping[Span, int]) -> None:
        self._store = store
        self._clock = clock
        self._retention_ms = retention_days * _DAY_MS
        self._figure_ms = {span: days * _DAY_MS for span, days in figure_days.items()}

    async def step(self) -> bool:
        """Forget one bounded bite of each; True when there may be more."""
        now = self._clock.now()
        more = False
        for span, kept_ms in self._figure_ms.items():
            if kept_ms:
                more = await self._store.prune_metrics(span, now - kept_ms, _BITE) >= _BITE or more
        if self._retention_ms:
            before = now - self._retention_ms
            more = await self._store.prune_notices(before, _BITE) >= _BITE or more
            more = await self._store.prune(before, _BITE) >= _BITE or more
        return more
