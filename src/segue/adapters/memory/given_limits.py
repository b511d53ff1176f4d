"""Limits given by people, in memory."""

from __future__ import annotations

from segue.adapters.memory.state import State
from segue.core.limit_rules import REASON
from segue.model.limits import GivenLimit, LimitedQueue
from segue.model.message import Place


class MemoryGivenLimits:
    """Implements `GivenLimitCatalog`."""

    def __init__(self, state: State) -> None:
        self._state = state

    async def given_limits(self) -> list[GivenLimit]:
        """See `GivenLimitCatalog`."""
        return [limit for _, limit in sorted(self._state.given_limits.items())]

    async def put_given_limit(self, limit: GivenLimit) -> None:
        """See `GivenLimitCatalog`."""
        self._state.check()
        self._state.given_limits[limit.key] = limit

    async def delete_given_limit(self, key: str) -> bool:
        """See `GivenLimitCatalog`."""
        self._state.check()
        return self._state.given_limits.pop(key, None) is not None

    async def limited_queues(self) -> list[LimitedQueue]:
        """See `GivenLimitCatalog`."""
        found: dict[tuple[str, int, str, str], tuple[int, int]] = {}
        for live in self._state.live.values():
            message = live.message
            if message.place >= Place.WAITING or not (message.reason or "").startswith(REASON):
                continue
            owner = self._state.versions[message.version].version
            key = (owner.process, owner.number, message.node, message.reason or "")
            count, latest = found.get(key, (0, 0))
            found[key] = (count + 1, max(latest, message.due))
        return [
            LimitedQueue(process=process, version=version, node=node, reason=reason, count=count, latest=latest)
            for (process, version, node, reason), (count, latest) in sorted(found.items())
        ]
