"""What is kept of limits, so that they hold across restarts (P7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from segue.core.limits import Slot


class LimitCatalog(Protocol):
    """The slots that calls hold.

    L1 What `put_slots` was given is durable when it answers; a slot with the same key and holder is replaced.
    L2 `forget_slots` removes only slots of the key that ended before the instant.
    """

    async def slots(self) -> list[Slot]:
        """All slots, in the order of their grants."""
        ...

    async def put_slots(self, slots: Sequence[Slot]) -> None:
        """Store slots, all or none. Raises StoreUnavailable."""
        ...

    async def forget_slots(self, key: str, before: int) -> None:
        """Remove the key's slots that ended before this instant."""
        ...
