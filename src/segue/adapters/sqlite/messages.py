"""The data path's store, as the event loop sees it: accepting, taking, settling."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from functools import cached_property

from msgspec.structs import replace

from segue.adapters.sql.live import Held
from segue.adapters.sql.operations import AcceptOperation, Report, SettleOperation
from segue.adapters.sql.spreading import Spreads
from segue.adapters.sqlite.fronts import Budget, Front, Rows
from segue.adapters.sqlite.measured import Measured
from segue.adapters.sqlite.parts import Parts
from segue.model.errors import StoreUnavailable
from segue.model.events import EventKind
from segue.model.message import Child, Consumed, Edited, Message, Staged, Transition
from segue.model.start import Accepted, Start
from segue.ports.messages import EventListener, ReadyListener, told_of

log = logging.getLogger(__name__)


class SqliteMessages:
    """Implements `MessageStore`. Everything here runs in the event loop; the file is touched by other threads only."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        settings = parts.settings
        self._spreads = Spreads(parts.writer.submit, lambda: 0)
        self._budget = Budget(settings.front_messages, settings.front_bytes, settings.fronts_bytes)
        self._fronts: dict[int, dict[str, Front]] = {}
        self._taken: dict[int, Held] = {}
        self._settling: dict[int, bool] = {}
        self._loads: dict[Front, asyncio.Future[None]] = {}
        self._ahead: set[Front] = set()
        self._ready: list[ReadyListener] = []
        self._events: list[EventListener] = []
        self._measured = Measured()
        for version, node, last, due in parts.queues_at_start:
            self._front(version, node).expect(last, due)
        parts.writer.on_report(self._report)

    @cached_property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The loop that everything here runs in. Asking for the running one costs a call of the system each time."""
        return asyncio.get_running_loop()

    # -- the port -----------------------------------------------------------------------------------------------------

    async def accept(self, start: Start) -> Accepted:
        """See `MessageStore.accept`."""
        writer = self._parts.writer
        writer.check_intake()
        future: asyncio.Future[Accepted] = self._loop.create_future()
        writer.submit(AcceptOperation(start, future))
        return await future

    async def settle(self, transitions: Sequence[Transition]) -> list[bool]:
        """See `MessageStore.settle`."""
        taken = []
        for transition in transitions:
            message = transition.message
            sure = self._taken.get(message.seq) is message
            if sure:
                del self._taken[message.seq]
                self._settling[message.seq] = False
            taken.append(sure)
        future: asyncio.Future[list[bool]] = self._loop.create_future()
        self._parts.writer.submit(SettleOperation(transitions, taken, future))
        settled = await future
        for transition, true in zip(transitions, settled, strict=True):
            if true and isinstance(transition.effect, Consumed) and transition.effect.staged is not None:
                await self._spreads.move(transition.effect.staged)
        return settled

    async def begin_spread(self) -> Staged:
        """See `MessageStore.begin_spread`."""
        return await self._spreads.begin()

    async def stage(self, staged: Staged, parent: Message, children: Sequence[Child]) -> Staged:
        """See `MessageStore.stage`."""
        return await self._spreads.stage(staged, parent, children)

    async def drop_spread(self, staged: Staged) -> None:
        """See `MessageStore.drop_spread`."""
        await self._spreads.drop(staged)

    async def take(self, version: int, node: str, limit: int, now: int, ordered: bool) -> list[Message]:
        """See `MessageStore.take`. Does not wait when memory holds what is asked for."""
        front = self._front(version, node)
        if front.ordered is not ordered:
            front.set_ordered(ordered)
        while True:
            messages = front.take(limit, now)
            for held in messages:
                self._taken[held.seq] = held
            if messages or not front.starved:
                if front.low or front.starved:
                    self._load(front, ahead=True)
                return list(messages)
            await asyncio.shield(self._load(front))

    def release(self, message: Message) -> None:
        """See `MessageStore.release`. While the message is being settled, it goes back if that fails."""
        held = self._taken.get(message.seq)
        if held is message:
            del self._taken[held.seq]
            self._put_back(held)
        elif message.seq in self._settling:
            self._settling[message.seq] = True

    async def next_due(self, version: int, now: int) -> int | None:
        """See `MessageStore.next_due`."""
        found = []
        for front in list(self._fronts.get(version, {}).values()):
            due = front.next_due(now)
            if due is None and (front.starved or not front.due_whole):
                due = await self._parts.loaders.run(self._parts.queries.next_due, version, front.node, now)
            if due is not None:
                found.append(due)
        return min(found, default=None)

    async def nodes_ready(self, version: int, now: int) -> list[str]:
        """See `MessageStore.nodes_ready`."""
        ready = []
        for front in list(self._fronts.get(version, {}).values()):
            while not front.has_ready(now) and front.starved:
                await asyncio.shield(self._load(front))
            if front.has_ready(now):
                ready.append(front.node)
        return sorted(ready)

    def on_ready(self, listener: ReadyListener) -> None:
        """See `MessageStore.on_ready`."""
        self._ready.append(listener)

    def on_events(self, listener: EventListener, kinds: Collection[EventKind] = ()) -> None:
        """See `MessageStore.on_events`."""
        self._events.append(told_of(kinds, listener))

    # -- for the other parts ------------------------------------------------------------------------------------------

    def in_flight(self) -> dict[tuple[int, str], int]:
        """Count the taken messages of each queue, those being settled excluded."""
        counts: dict[tuple[int, str], int] = {}
        for held in self._taken.values():
            key = (held.version, held.node)
            counts[key] = counts.get(key, 0) + 1
        return counts

    def _forget_version(self, version: int) -> None:
        for front in self._fronts.get(version, {}).values():
            front.clear()
        for held in [held for held in self._taken.values() if held.version == version]:
            del self._taken[held.seq]

    # -- reports of the writer ----------------------------------------------------------------------------------------

    def _report(self, report: Report) -> None:
        """Bring memory to what the transaction made true, then tell and answer. One failure must not stop the rest."""
        for version in report.discarded:
            self._forget_version(version)
        for version, node, seq in report.departed:
            self._taken.pop(seq, None)
            self._front(version, node).remove(seq)
        for operation in report.operations:
            if isinstance(operation, SettleOperation):
                self._settled(operation)
            if isinstance(operation.error, StoreUnavailable):
                self._measured.forget()
        self._measured.add(report.measures)
        woken: dict[tuple[int, str], None] = {}
        for held in report.arrived:
            self._front(held.version, held.node).arrive(held)
            woken[held.version, held.node] = None
        for held in report.edited:
            self._front(held.version, held.node).change(held)
        if report.events:
            for listener in self._events:
                self._guarded(listener, report.events)
        for operation in report.operations:
            self._guarded(operation.answer)
        for version, node in woken:
            self._tell_ready(version, node)

    def _settled(self, operation: SettleOperation) -> None:
        """Take the messages of an operation out of what is being settled; back to taken when it failed."""
        for transition, sure in zip(operation.transitions, operation.taken, strict=True):
            message = transition.message
            if not sure:
                continue
            released = self._settling.pop(message.seq, False)
            if operation.error is None and not isinstance(transition.effect, Edited):
                continue
            if not isinstance(message, Held):
                continue
            if released:
                self._put_back(message)
            else:
                self._taken[message.seq] = message

    def _tell_ready(self, version: int, node: str) -> None:
        for listener in self._ready:
            self._guarded(listener, version, node)

    @staticmethod
    def _guarded(function: Callable[..., None], *arguments: object) -> None:
        try:
            function(*arguments)
        except Exception:
            log.exception("A listener of the store failed")

    # -- fronts -------------------------------------------------------------------------------------------------------

    def _front(self, version: int, node: str) -> Front:
        fronts = self._fronts.get(version)
        if fronts is None:
            fronts = self._fronts[version] = {}
        front = fronts.get(node)
        if front is None:
            front = fronts[node] = Front(version, node, self._budget)
        return front

    def _put_back(self, held: Held) -> None:
        """Put a message that was taken back into its place; as another object, so that its last holder has no say."""
        self._front(held.version, held.node).arrive(replace(held))

    def _load(self, front: Front, *, ahead: bool = False) -> asyncio.Future[None]:
        """Read on in the file, once at a time for each front; `ahead`: nobody waits for it, so a hint has to follow."""
        if ahead:
            self._ahead.add(front)
        loading = self._loads.get(front)
        if loading is None or loading.done():  # a done one is kept until the loop's next turn, and awaiting it is none
            loading = self._loads[front] = asyncio.ensure_future(self._read_on(front))
            loading.add_done_callback(lambda done: self._loaded(front, done))
        return loading

    def _loaded(self, front: Front, done: asyncio.Future[None]) -> None:
        if self._loads.get(front) is done:
            del self._loads[front]
        ahead = front in self._ahead
        self._ahead.discard(front)
        if ahead and not done.cancelled() and done.exception() is None:
            self._tell_ready(front.version, front.node)

    async def _read_on(self, front: Front) -> None:
        load = front.begin_load()
        ready: Rows | None = None
        due: Rows | None = None
        try:
            ready, due = await self._parts.loaders.run(self._parts.queries.load, load)
        except BaseException:
            front.redo = True
            raise
        finally:
            front.end_load(load, ready, due, self._is_held)

    def _is_held(self, seq: int) -> bool:
        return seq in self._taken or seq in self._settling
