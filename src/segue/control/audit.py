"""The audit: the account of P3, proven from stored rows."""

from __future__ import annotations

from segue.model.ledger import Audit
from segue.ports.outside import Clock
from segue.ports.views import Views


class Auditing:
    """Prove the ledger."""

    def __init__(self, views: Views, clock: Clock) -> None:
        self._views = views
        self._clock = clock

    async def audit(self) -> Audit:
        """Count every version's account in one snapshot."""
        return await self._views.audit(self._clock.now())
