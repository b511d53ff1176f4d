"""The port of forgetting what is finished and old, as scripts."""

from __future__ import annotations

from functools import partial

from segue.adapters.sql import retention
from segue.adapters.sql.ports.scripted import Scripted

# Events looked at in one transaction: few enough that what waits for the writer does not notice.
_BITE = 100


class Pruning(Scripted):
    """Implements `Retention`."""

    async def prune(self, before: int, limit: int) -> int:
        """See `Retention`."""
        pruned, more = 0, True
        while more and pruned < limit:
            bite = min(_BITE, limit - pruned)
            count, more = await self._change(partial(retention.prune, before, bite))
            pruned += count
        return pruned
