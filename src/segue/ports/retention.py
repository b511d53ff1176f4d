"""Forgetting what is finished and old."""

from __future__ import annotations

from typing import Protocol


class Retention(Protocol):
    """R1 What is pruned is gone whole, and the account balances without it (P3). R2 What has not ended stays."""

    async def prune(self, before: int, limit: int) -> int:
        """Remove up to `limit` instances that ended before this instant, with steps, lines, keys and events; how many
        there were. Raises StoreUnavailable."""
        ...
