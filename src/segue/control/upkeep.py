"""Upkeep: what the store needs from time to time so that it does not grow for ever."""

from __future__ import annotations

from segue.ports.notices import NoticeCatalog
from segue.ports.outside import Clock
from segue.ports.retention import Retention

_DAY_MS = 86_400_000
_BITE = 1_000


class Upkeep:
    """Forgets finished instances, and notices that are over, older than the retention. With 0 days nothing is
    forgotten."""

    def __init__(self, store: Retention, notices: NoticeCatalog, clock: Clock, retention_days: int) -> None:
        self._store = store
        self._notices = notices
        self._clock = clock
        self._retention_ms = retention_days * _DAY_MS

    async def step(self) -> bool:
        """Forget one bounded bite; True when there may be more."""
        if self._retention_ms == 0:
            return False
        before = self._clock.now() - self._retention_ms
        more = await self._notices.prune_notices(before, _BITE) >= _BITE
        return await self._store.prune(before, _BITE) >= _BITE or more
