"""Members and leases in memory."""

from __future__ import annotations

from msgspec.structs import replace

from segue.adapters.memory.state import State
from segue.model.services import Member
from segue.ports.outside import Clock


class MemoryCluster:
    """Implements `Cluster`."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._lease_clock = clock

    async def lead(self, name: str, holder: str, for_ms: int) -> bool:
        """See `Cluster`."""
        self._state.check()
        now = self._lease_clock.now()
        other, until = self._state.leases.get(name, (holder, 0))
        if other != holder and until > now:
            return False
        self._state.leases[name] = (holder, now + for_ms)
        return True

    async def resign(self, name: str, holder: str) -> None:
        """See `Cluster`."""
        self._state.check()
        if self._state.leases.get(name, ("", 0))[0] == holder:
            del self._state.leases[name]

    async def beat(self, member: Member) -> None:
        """See `Cluster`."""
        self._state.check()
        self._state.members[member.id] = replace(member, seen=self._lease_clock.now())

    async def leave(self, id: str) -> None:
        """See `Cluster`."""
        self._state.check()
        self._state.members.pop(id, None)

    async def members(self, within_ms: int) -> list[Member]:
        """See `Cluster`."""
        after = self._lease_clock.now() - within_ms
        found = [member for member in self._state.members.values() if member.seen > after]
        return sorted(found, key=lambda member: (member.started, member.id))

    async def last_event(self) -> int:
        """See `Cluster`."""
        return self._state.events[-1].seq if self._state.events else 0

    async def ping(self) -> None:
        """See `Cluster`."""
        self._state.check()
