"""The store in memory put together."""

from __future__ import annotations

from segue.adapters.memory.activity import MemoryActivity
from segue.adapters.memory.catalog import MemoryCatalog
from segue.adapters.memory.cluster import MemoryCluster
from segue.adapters.memory.documents import MemoryDocuments
from segue.adapters.memory.given_limits import MemoryGivenLimits
from segue.adapters.memory.limits import MemoryLimits
from segue.adapters.memory.log_book import MemoryLogBook
from segue.adapters.memory.messages import MemoryMessages
from segue.adapters.memory.metrics import MemoryMetrics
from segue.adapters.memory.notices import MemoryNotices
from segue.adapters.memory.operations import MemoryOperations
from segue.adapters.memory.state import Run, State
from segue.adapters.memory.views import MemoryViews
from segue.model.ledger import LedgerLine
from segue.ports.outside import Clock


class MemoryStore(
    MemoryMessages,
    MemoryCatalog,
    MemoryDocuments,
    MemoryLimits,
    MemoryOperations,
    MemoryGivenLimits,
    MemoryViews,
    MemoryActivity,
    MemoryNotices,
    MemoryLogBook,
    MemoryMetrics,
    MemoryCluster,
):
    """Implements `Store`.

    What it holds is what would be durable. `crash` is what a restart does to it. While `break_writes` holds, nothing
    can be changed, as if the disk were full.
    """

    def __init__(self, clock: Clock) -> None:
        state = State()
        MemoryMessages.__init__(self, state, clock)
        MemoryCatalog.__init__(self, state, clock, self._tell_all)
        MemoryDocuments.__init__(self, state)
        MemoryLimits.__init__(self, state, clock)
        MemoryOperations.__init__(self, state)
        MemoryGivenLimits.__init__(self, state)
        MemoryViews.__init__(self, state, clock)
        MemoryActivity.__init__(self, state)
        MemoryMetrics.__init__(self, state)
        MemoryNotices.__init__(self, state, self._tell_all, self)
        MemoryLogBook.__init__(self, state)
        MemoryCluster.__init__(self, state, clock)

    def break_writes(self, reason: str) -> None:
        """Refuse every change with StoreUnavailable until mended."""
        self._state.trouble = reason

    def mend_writes(self) -> None:
        """Take changes again."""
        self._state.trouble = None

    async def prune(self, before: int, limit: int) -> int:
        """Remove up to `limit` instances that ended before this instant; how many there were."""
        state = self._state
        state.check()
        ended = [run for run in state.runs.values() if run.finished is not None and run.finished < before][:limit]
        for run in ended:
            self._carry(run)
        gone = {run.id for run in ended}
        last = state.events[-1:]
        state.events = [event for event in state.events if event.instance not in gone]
        if last and last != state.events[-1:]:
            state.events += last
        state.drop_logs([line for line in state.logs if line.instance in gone])
        state.acts = [(key, act) for key, act in state.acts if key not in gone]
        state.keys = {key: made for key, made in state.keys.items() if made.instance not in gone}
        return len(ended)

    def _carry(self, run: Run) -> None:
        state = self._state
        done = {seq: item for seq, item in state.done.items() if item.instance == run.id}
        was = state.carried.get(run.version)
        state.carried[run.version] = LedgerLine(
            process="",
            version=run.version,
            accepted=(was.accepted if was else 0) + 1,
            produced=(was.produced if was else 0) + sum(item.step.produced for item in done.values()),
            consumed=(was.consumed if was else 0) + len(done),
            queued=0,
            delayed=0,
            waiting=0,
            trash=0,
        )
        for seq in done:
            del state.done[seq]
        del state.runs[run.id]

    async def close(self) -> None:
        """Nothing is pending here."""
