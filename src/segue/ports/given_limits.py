"""What is kept of the limits that people give, and who waits for limits."""

from __future__ import annotations

from typing import Protocol

from segue.model.limits import GivenLimit, LimitedQueue


class GivenLimitCatalog(Protocol):
    """Limits given by people.

    G1 One key has one given limit; another one for it takes its place, durably when `put_given_limit` answers.
    """

    async def given_limits(self) -> list[GivenLimit]:
        """All of them, by key."""
        ...

    async def put_given_limit(self, limit: GivenLimit) -> None:
        """Raises StoreUnavailable."""
        ...

    async def delete_given_limit(self, key: str) -> bool:
        """Take a given limit away; whether there was one."""
        ...

    async def limited_queues(self) -> list[LimitedQueue]:
        """The messages that wait for limits of their own, by queue and reason."""
        ...
