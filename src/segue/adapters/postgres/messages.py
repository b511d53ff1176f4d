"""The data path's store on PostgreSQL, as the event loop sees it: accepting, taking, settling."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from functools import cached_property

from msgspec.structs import replace

from segue.adapters.postgres.claims import LIVING
from segue.adapters.postgres.hints import INSTANCES
from segue.adapters.postgres.lane import SharedReport
from segue.adapters.postgres.parts import Parts
from segue.adapters.postgres.shelf import UNKNOWN, Shelf, Stock
from segue.adapters.sql.changes import Changes
from segue.adapters.sql.live import Held
from segue.adapters.sql.operations import AcceptOperation, CallOperation, SettleOperation
from segue.adapters.sql.rows import Cursor
from segue.adapters.sql.spreading import Spreads
from segue.model.events import INSTANCE_KINDS, EventKind
from segue.model.message import Child, Consumed, Edited, Message, Staged, Transition
from segue.model.start import Accepted, Start
from segue.ports.messages import EventListener, ReadyListener, told_of

log = logging.getLogger(__name__)

_NEXT_DUE = (
    "SELECT min(d.due) FROM queue q CROSS JOIN LATERAL (SELECT due FROM message m WHERE m.queue = q.id AND m.place = 0"
    " AND m.due > $2 ORDER BY m.due LIMIT 1) d WHERE q.version = $1"
)
_FREE_UNKNOWN = "UPDATE message SET holder = 0 WHERE queue = ? AND place = 0 AND holder = ? AND seq <> ALL(?::bigint[])"
_WAITS = f"SELECT 1 FROM message m WHERE m.queue = q.id AND m.place = 0 AND m.holder <> ALL({LIVING})"  # noqa: S608
READY = (
    f"SELECT q.version, q.node, EXISTS ({_WAITS} AND m.due = 0) AS ready,"  # noqa: S608
    f" EXISTS ({_WAITS} AND m.due > 0 AND m.due <= $2) AS due FROM queue q WHERE q.version = ANY($1::bigint[])"
)


class SharedMessages:
    """Implements `MessageStore`. A message is on the shelf of its queue, taken, or being settled, or it is somewhere
    in the database: free, or with another process."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.spreads = Spreads(parts.writer.submit, lambda: parts.heart.id)
        self._shelves: dict[int, dict[str, Shelf]] = {}
        self._taken: dict[int, Held] = {}
        self._settling: dict[int, bool] = {}
        # Taken under a number of this process that others have buried since: it is not ours to put back.
        self._lost: set[int] = set()
        self._loads: dict[Shelf, asyncio.Future[None]] = {}
        self._ahead: set[Shelf] = set()
        self._stock = Stock()
        self._ready: list[ReadyListener] = []
        self._events: list[EventListener] = []
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
                await self.spreads.move(transition.effect.staged)
        return settled

    async def begin_spread(self) -> Staged:
        """See `MessageStore.begin_spread`."""
        return await self.spreads.begin()

    async def stage(self, staged: Staged, parent: Message, children: Sequence[Child]) -> Staged:
        """See `MessageStore.stage`."""
        return await self.spreads.stage(staged, parent, children)

    async def drop_spread(self, staged: Staged) -> None:
        """See `MessageStore.drop_spread`."""
        await self.spreads.drop(staged)

    async def take(self, version: int, node: str, limit: int, now: int, ordered: bool) -> list[Message]:
        """See `MessageStore.take`. Does not wait when memory holds what is asked for."""
        shelf = self.shelf(version, node)
        shelf.asked = self._loop.time()
        if shelf.ordered is not ordered:
            await self._turn(shelf, ordered)
        heart = self._parts.heart
        if heart.others and not heart.sure:
            await heart.confirm()
        if ordered and not shelf.leased:
            await asyncio.shield(self._load(shelf, limit, now))
            if not shelf.leased:  # another process has the queue
                return []
        while self._wants_more(shelf, limit, now):
            await asyncio.shield(self._load(shelf, limit, now))
        if heart.others and not heart.sure:  # what was read may have been long on its way
            await heart.confirm()
        messages = shelf.take(limit, now)
        for held in messages:
            self._taken[held.seq] = held
        settings = self._parts.settings
        shelf.measure(len(messages), shelf.asked, settings.ahead_s, settings.claim)
        if shelf.more and len(shelf) < self._at_once(shelf) // 4 and (shelf.leased or not ordered):
            self._load(shelf, limit, now, ahead=True)
        return list(messages)

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
        async with self._parts.takers.connection() as connection:
            [[due]] = await connection.rows(_NEXT_DUE, version, now)
        found: int | None = due
        return found

    async def nodes_ready(self, version: int, now: int) -> list[str]:
        """See `MessageStore.nodes_ready`."""
        waiting = await self.look([version], now)
        ready = []
        for shelf in list(self._shelves.get(version, {}).values()):
            if shelf.ordered:
                moves = await self._line_moves(shelf, now)
            else:
                moves = shelf in waiting or shelf.has_ready(now)
            if moves:
                ready.append(shelf.node)
        return sorted(ready)

    def on_ready(self, listener: ReadyListener) -> None:
        """See `MessageStore.on_ready`."""
        self._ready.append(listener)

    def on_events(self, listener: EventListener, kinds: Collection[EventKind] = ()) -> None:
        """See `MessageStore.on_events`."""
        self._events.append(told_of(kinds, listener))
        if not kinds or not INSTANCE_KINDS.isdisjoint(kinds):
            self._parts.heart.tune(INSTANCES, wanted=True)

    # -- for the other parts ------------------------------------------------------------------------------------------

    def in_flight(self) -> dict[tuple[int, str], int]:
        """Count the taken messages of each queue, those being settled excluded; those of this process alone."""
        counts: dict[tuple[int, str], int] = {}
        for held in self._taken.values():
            key = (held.version, held.node)
            counts[key] = counts.get(key, 0) + 1
        return counts

    def shelf(self, version: int, node: str) -> Shelf:
        """The shelf of a queue; made when there is none yet, knowing of nothing in the database."""
        shelves = self._shelves.get(version)
        if shelves is None:
            shelves = self._shelves[version] = {}
        shelf = shelves.get(node)
        if shelf is None:
            shelf = shelves[node] = Shelf(version, node, self._parts.settings.claim, self._stock)
        return shelf

    def shelves(self) -> Iterator[Shelf]:
        """All shelves."""
        for shelves in list(self._shelves.values()):
            yield from list(shelves.values())

    def busy(self, shelf: Shelf) -> bool:
        """Whether messages of a queue are in somebody's hands here."""
        mine = (held for seq, held in self._taken.items() if seq not in self._lost)
        return any(held.version == shelf.version and held.node == shelf.node for held in mine)

    async def look(self, versions: Sequence[int], now: int) -> list[Shelf]:
        """Look into the database which queues of these versions have something to take here; they are marked so."""
        async with self._parts.takers.connection() as connection:
            rows = await connection.rows(READY, versions, now)
        found = []
        for version, node, ready, due in rows:
            shelf = self.shelf(version, node)
            for_us = ready and not self.leaves(shelf)
            if for_us:
                shelf.more = True
            if due:
                shelf.due_at = UNKNOWN
            if for_us or due:
                found.append(shelf)
        return found

    def leaves(self, _shelf: Shelf) -> bool:
        """Whether what is ready in a queue is for another process to take."""
        return False

    def keeps(self, held: Held) -> bool:
        """Decide whether a message that comes into being is for this process: it works on that queue, has handed out
        all that came before, and has room. Of what is alone here all is for it."""
        if held.due:
            return False
        shelf = self.shelf(held.version, held.node)
        settings = self._parts.settings
        if shelf.ordered or shelf.more or (shelf.ordered is None and self._parts.heart.others):
            return False
        bound = self._at_once(shelf) if self._parts.heart.others else settings.front_messages
        if len(shelf) + shelf.coming >= bound or self._stock.count >= settings.fronts_messages:
            return False
        shelf.coming += 1
        return True

    def let_go(self, kept: Iterable[Held]) -> None:
        """The transaction of messages that were kept is over: they are on their shelves at once, or nowhere."""
        for held in kept:
            self.shelf(held.version, held.node).coming -= 1

    def evicted(self) -> None:
        """Others took over what this process held: forget it. What is in somebody's hands is settled or stale."""
        self._lost.update(self._taken, self._settling)
        for shelf in self.shelves():
            shelf.clear()
            self.tell_ready(shelf.version, shelf.node)

    def tell_ready(self, version: int, node: str) -> None:
        """Say that something may be ready in a queue."""
        for listener in self._ready:
            self._guarded(listener, version, node)

    # -- reports of the writer ----------------------------------------------------------------------------------------

    def _report(self, report: SharedReport) -> None:
        """Bring memory to what the transaction made true, then tell and answer. One failure must not stop the rest."""
        woken = self._rearrange(report)
        if report.events:
            for listener in self._events:
                self._guarded(listener, report.events)
        for operation in report.operations:
            self._guarded(operation.answer)
        for version, node in woken:
            self.tell_ready(version, node)
        if report.holders > 1:
            self._hint(report)

    def _rearrange(self, report: SharedReport) -> dict[tuple[int, str], None]:
        """Move messages as the transaction has moved them; the queues that were put into."""
        for version in report.discarded:
            self._forget_version(version)
        for version, node, seq in report.departed:
            self._taken.pop(seq, None)
            self.shelf(version, node).remove(seq)
        for operation in report.operations:
            if isinstance(operation, SettleOperation):
                self._settled(operation)
        woken: dict[tuple[int, str], None] = {}
        for held in report.arrived:
            self._arrive(held, report)
            woken[held.version, held.node] = None
        for held in report.edited:
            self.shelf(held.version, held.node).change(held)
        return woken

    def _arrive(self, held: Held, report: SharedReport) -> None:
        shelf = self.shelf(held.version, held.node)
        shelf.queue = held.queue
        if shelf.ordered:
            # What was in hand here is the head of the line. A new one may have others before it, if there are others.
            head = held.place.value == 1 and held.seq not in report.owned
            if shelf.leased and (head or (report.holders == 1 and not shelf.more)):
                shelf.put(held)
            else:
                shelf.more = True
        elif held.seq in report.owned:
            shelf.put(held)
        elif held.due:
            shelf.note_due(held.due)
        else:
            shelf.more = True

    def _hint(self, report: SharedReport) -> None:
        hints = self._parts.hints
        for held in report.arrived:
            if held.seq not in report.owned:
                hints.give("ready", f"{held.version}:{held.due}:{held.node}")
        for version, node, seq in report.departed:
            hints.give("gone", f"{version}:{seq}:{node}")
        for version in report.discarded:
            hints.give("discarded", str(version))
        if report.events:
            of_instances = all(event.kind in INSTANCE_KINDS for event in report.events)
            hints.give("instances" if of_instances else "events")

    def _settled(self, operation: SettleOperation) -> None:
        """Take the messages of an operation out of what is being settled; back to taken when it failed."""
        for transition, sure in zip(operation.transitions, operation.taken, strict=True):
            message = transition.message
            if not sure:
                continue
            released = self._settling.pop(message.seq, False)
            if operation.error is None and not isinstance(transition.effect, Edited):
                self._lost.discard(message.seq)
                continue
            if not isinstance(message, Held):
                continue
            if released:
                self._put_back(message)
            else:
                self._taken[message.seq] = message

    def _forget_version(self, version: int) -> None:
        for shelf in self._shelves.get(version, {}).values():
            shelf.clear()
            shelf.more, shelf.due_at = False, None
        for held in [held for held in self._taken.values() if held.version == version]:
            del self._taken[held.seq]

    @staticmethod
    def _guarded(function: Callable[..., None], *arguments: object) -> None:
        try:
            function(*arguments)
        except Exception:
            log.exception("A listener of the store failed")

    # -- shelves ------------------------------------------------------------------------------------------------------

    def _wants_more(self, shelf: Shelf, limit: int, now: int) -> bool:
        """Whether the database has to be asked before something is handed out."""
        if shelf.ordered:
            return shelf.leased and shelf.more and len(shelf) < limit and self._reaches_end(shelf, now)
        return shelf.falls_due(now) or (shelf.more and len(shelf) < limit and not self.leaves(shelf))

    def _at_once(self, shelf: Shelf) -> int:
        """How many messages of a queue this process takes for itself at once: what would wait here goes to others."""
        shared = self._parts.heart.others and not shelf.ordered
        return shelf.claim if shared else self._parts.settings.claim

    @staticmethod
    def _reaches_end(shelf: Shelf, now: int) -> bool:
        return all(held.due <= now for held in shelf)

    def _put_back(self, held: Held) -> None:
        """Put a message that was taken back into its place; as another object, so that its last holder has no say."""
        shelf = self.shelf(held.version, held.node)
        if held.seq in self._lost:
            self._lost.discard(held.seq)
            shelf.more = True
        else:
            shelf.put(replace(held))

    async def _turn(self, shelf: Shelf, ordered: bool) -> None:
        """Say whether a queue is ordered. When that changes, what is on the shelf goes back first."""
        before, shelf.ordered = shelf.ordered, ordered
        if before is None and not ordered:
            return
        mine = [held.seq for held in shelf]
        shelf.clear()
        if mine:
            await self._parts.claims.give_back(mine, self._parts.heart.id)

    def _load(self, shelf: Shelf, limit: int, now: int, *, ahead: bool = False) -> asyncio.Future[None]:
        """Read on in the database, once at a time for each shelf; `ahead` of whoever needs it, so that nobody waits and
        a hint has to follow."""
        if ahead:
            self._ahead.add(shelf)
        loading = self._loads.get(shelf)
        # One that is done stays here until its callback runs. To wait for it takes no turn of the event loop, so who
        # wants more and asks again and again would never let that callback run.
        if loading is None or loading.done():
            loading = self._loads[shelf] = asyncio.ensure_future(self._read_on(shelf, limit, now))
            loading.add_done_callback(lambda done: self._loaded(shelf, done))
        return loading

    def _loaded(self, shelf: Shelf, done: asyncio.Future[None]) -> None:
        if self._loads.get(shelf) is done:
            del self._loads[shelf]
        ahead = shelf in self._ahead
        self._ahead.discard(shelf)
        if not done.cancelled() and done.exception() is None and ahead and len(shelf):
            self.tell_ready(shelf.version, shelf.node)

    async def _read_on(self, shelf: Shelf, limit: int, now: int) -> None:
        claims, holder = self._parts.claims, self._parts.heart.id
        count = max(limit, self._at_once(shelf))
        if shelf.doubtful:
            await self._make_sure(shelf)
        if not shelf.ordered:
            shelf.doubtful = True  # until the answer is there: the database may have done it without
            found = await claims.claim(shelf, holder, count, now)
            shelf.doubtful = False
        else:
            if not shelf.leased:
                shelf.leased = await claims.lease(shelf, holder)
                shelf.more = shelf.leased
            found = await claims.line(shelf, holder, count, now, self._known(shelf)) if shelf.leased else []
        if holder == self._parts.heart.id:
            shelf.put_all(found)

    async def _make_sure(self, shelf: Shelf) -> None:
        """Give back what rows say that we hold, and is not in our hands: an answer was lost."""

        def free(cursor: Cursor, changes: Changes) -> None:
            # In line with all commits of this process, and nothing of this queue is being read meanwhile.
            known = [*self._known(shelf), *(held.seq for held in changes.report.arrived)]
            cursor.execute(_FREE_UNKNOWN, (shelf.queue, self._parts.heart.id, known))

        future: asyncio.Future[None] = self._loop.create_future()
        self._parts.writer.submit(CallOperation(free, future, versions=False, alone=True))
        await future
        shelf.doubtful, shelf.more = False, True

    def _known(self, shelf: Shelf) -> list[int]:
        known = [held.seq for held in shelf]
        known += [seq for seq, held in self._taken.items() if held.queue == shelf.queue]
        return known + list(self._settling)

    async def _line_moves(self, shelf: Shelf, now: int) -> bool:
        """Whether the first message of an ordered queue could be taken here."""
        if not shelf.leased or (shelf.more and not len(shelf)):
            await asyncio.shield(self._load(shelf, 1, now))
        return shelf.leased and shelf.has_ready(now)
