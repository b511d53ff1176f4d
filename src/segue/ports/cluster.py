"""What the processes that share one store know of each other, and who of them leads."""

from __future__ import annotations

from typing import Protocol

from segue.model.services import Member


class Cluster(Protocol):
    """The members of an installation. All instants here are those of the store's clock, so that hosts whose clocks
    differ agree.

    G1 A lease has one holder at a time: `lead` answers True to one of those who ask for a name.
    G2 A lease that was not renewed in its time can be taken by another; one that was given up at once.
    G3 A member that beats is listed with what it said last; one that left, or was silent for long, is not.
    """

    async def lead(self, name: str, holder: str, for_ms: int) -> bool:
        """Hold the lease `name` from now on for so long, if nobody else does; whether it is so."""
        ...

    async def resign(self, name: str, holder: str) -> None:
        """Give up the lease, if this holder has it."""
        ...

    async def beat(self, member: Member) -> None:
        """Say that the member is there, and what it does."""
        ...

    async def leave(self, id: str) -> None:
        """The member is gone in order."""
        ...

    async def members(self, within_ms: int) -> list[Member]:
        """The members heard of within this time, oldest first; who was silent for very long is forgotten."""
        ...

    async def last_event(self) -> int:
        """The number of the newest event; 0 when there is none."""
        ...

    async def ping(self) -> None:
        """Raises StoreUnavailable when nothing can be written now."""
        ...
