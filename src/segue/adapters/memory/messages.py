"""The data path's store in memory."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from msgspec.structs import replace

from segue.adapters.memory.settle import Settling
from segue.adapters.memory.state import Live, State, copy_message
from segue.model.events import Event, EventKind
from segue.model.message import Child, Message, Place, Staged, Transition
from segue.model.start import Accepted, Start
from segue.ports.messages import EventListener, ReadyListener, told_of
from segue.ports.outside import Clock

log = logging.getLogger(__name__)


class MemoryMessages:
    """Implements `MessageStore`."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._ready: list[ReadyListener] = []
        self._events: list[EventListener] = []
        # Whether a queue is one line is said by whoever takes from it.
        self._ordered: dict[tuple[int, str], bool] = {}

    async def accept(self, start: Start) -> Accepted:
        """See `MessageStore.accept`."""
        self._state.check()
        work = Settling(self._state)
        accepted = work.accept(start)
        work.finish()
        self._tell(work)
        return accepted

    async def settle(self, transitions: Sequence[Transition]) -> list[bool]:
        """See `MessageStore.settle`."""
        self._state.check()
        work = Settling(self._state)
        for transition in transitions:
            work.check_starts(transition)
        results = [work.settle(transition) for transition in transitions]
        work.finish()
        self._tell(work)
        return results

    async def begin_spread(self) -> Staged:
        """See `MessageStore.begin_spread`."""
        self._state.check()
        staged = Staged(spread=self._state.number("message"))
        self._state.spreads[staged.spread] = []
        return staged

    async def stage(self, staged: Staged, parent: Message, children: Sequence[Child]) -> Staged:
        """See `MessageStore.stage`."""
        self._state.check()
        stored = self._state.spread(staged)
        stored += children
        trash = sum(child.place is Place.TRASH for child in children)
        return Staged(spread=staged.spread, count=len(stored), trash=staged.trash + trash)

    async def drop_spread(self, staged: Staged) -> None:
        """See `MessageStore.drop_spread`."""
        self._state.check()
        self._state.spreads.pop(staged.spread, None)

    async def take(self, version: int, node: str, limit: int, now: int, ordered: bool) -> list[Message]:
        """See `MessageStore.take`."""
        state = self._state
        self._ordered[version, node] = ordered
        taken: list[Message] = []
        for seq, live in sorted(state.queues.get((version, node), {}).items()):
            if len(taken) >= limit:
                break
            if seq in state.taken:
                continue
            if live.message.due > now:
                if ordered:
                    break
                continue
            message = replace(copy_message(live.message, now), place=Place.QUEUED)
            state.taken[seq] = message
            taken.append(message)
        return taken

    def release(self, message: Message) -> None:
        """See `MessageStore.release`."""
        if self._state.taken.get(message.seq) is message:
            del self._state.taken[message.seq]

    async def next_due(self, version: int, now: int) -> int | None:
        """See `MessageStore.next_due`."""
        return min((live.message.due for live in self._waiting(version) if live.message.due > now), default=None)

    async def nodes_ready(self, version: int, now: int) -> list[str]:
        """See `MessageStore.nodes_ready`."""
        ready = set()
        blocked = set()
        for live in self._waiting(version):
            node = live.message.node
            if live.message.due > now:
                if self._ordered.get((version, node)):
                    blocked.add(node)
            elif node not in blocked:
                ready.add(node)
        return sorted(ready)

    def on_ready(self, listener: ReadyListener) -> None:
        """See `MessageStore.on_ready`."""
        self._ready.append(listener)

    def on_events(self, listener: EventListener, kinds: Collection[EventKind] = ()) -> None:
        """See `MessageStore.on_events`."""
        self._events.append(told_of(kinds, listener))

    def crash(self) -> None:
        """Forget what a store that is opened again does not know: who had taken what, and who listened."""
        self._state.taken.clear()
        self._state.spreads.clear()
        self._state.running_calls.clear()
        self._ordered.clear()
        self._ready.clear()
        self._events.clear()

    def _waiting(self, version: int) -> list[Live]:
        """The messages in the version's queues that are not taken."""
        return [
            live
            for (owner, _), queue in self._state.queues.items()
            if owner == version
            for seq, live in sorted(queue.items())
            if seq not in self._state.taken
        ]

    def _tell(self, work: Settling) -> None:
        if work.events:
            self._tell_all(work.events)
        for version, node in work.woken:
            for wake in self._ready:
                try:
                    wake(version, node)
                except Exception:
                    log.exception("A listener of the store failed")

    def _tell_all(self, events: Sequence[Event]) -> None:
        for listener in self._events:
            try:
                listener(events)
            except Exception:
                log.exception("A listener of the store failed")
