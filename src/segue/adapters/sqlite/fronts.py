"""The front of each queue in memory, within a bound; what does not fit is read from the file when it is needed.

Only the event loop touches these. A front holds two streams: messages that were ready when they came, by arrival, and
messages with a due time, by that. An ordered queue has one stream only: all messages, by arrival. Of each stream
memory holds the beginning, up to its edge; the stream is whole when nothing lies beyond.
"""

from __future__ import annotations

import heapq
from collections import OrderedDict
from collections.abc import Callable, Sequence

from msgspec import Struct

from segue.adapters.sql.live import Held
from segue.model.message import Place

# What a message costs in memory besides its body, roughly: the object, its ids, its headers.
OVERHEAD = 700
_FOREVER = (1 << 62, 0)
# Messages that fell due and wait among the ready ones in memory; the others stay where they are meanwhile.
_FALLEN = 128


class Budget:
    """How much one front may hold (`messages`, `size` in bytes), and all together (`limit` bytes, of which `used`)."""

    __slots__ = ("limit", "messages", "size", "used")

    def __init__(self, messages: int, size: int, limit: int) -> None:
        self.messages = messages
        self.size = size
        self.limit = limit
        self.used = 0


class Front:
    """The front of one queue. `last` is the highest number of a message that was ever put into it.

    `loading` is true while rows are being read. What happens meanwhile is noted, since the rows may be older:
    `touched` numbers are not taken from the rows, `late` messages are added after them, and `redo` says that they are
    of no use.
    """

    __slots__ = (
        "_back",
        "_budget",
        "_delayed",
        "_heap",
        "_order",
        "_ready",
        "_size",
        "due_edge",
        "edge",
        "last",
        "late",
        "late_due",
        "loading",
        "node",
        "ordered",
        "redo",
        "touched",
        "version",
    )

    def __init__(self, version: int, node: str, budget: Budget) -> None:
        self.version = version
        self.node = node
        self.ordered: bool | None = None
        self.edge = 0
        self.due_edge = _FOREVER
        self.last = 0
        self.loading = False
        self.redo = False
        self.touched: set[int] = set()
        self.late: dict[int, Held] = {}
        self.late_due: dict[int, Held] = {}
        self._ready: OrderedDict[int, Held] = OrderedDict()
        self._back: dict[int, Held] = {}
        self._delayed: dict[int, Held] = {}
        self._heap: list[tuple[int, int]] = []
        self._order: list[int] = []
        self._budget = budget
        self._size = 0

    @property
    def whole(self) -> bool:
        """Whether nothing of the stream by arrival lies beyond its edge."""
        return self.edge >= self.last

    @property
    def due_whole(self) -> bool:
        """Whether nothing of the stream by due time lies beyond its edge."""
        return self.due_edge == _FOREVER

    @property
    def has_room(self) -> bool:
        """Whether another message may be kept in memory."""
        budget = self._budget
        count = len(self._ready) + len(self._delayed)
        return count < budget.messages and self._size < budget.size and budget.used < budget.limit

    @property
    def starved(self) -> bool:
        """Whether what is to be taken next may be in the file only."""
        if self.ordered:
            return not self.whole and not self._ready and not self._back
        return (not self.whole and not self._ready) or (not self.due_whole and not self._delayed)

    @property
    def low(self) -> bool:
        """Whether it is time to read on, though something is left."""
        return not self.whole and len(self._ready) < self._budget.messages // 4 and self._size < self._budget.size // 4

    def expect(self, last: int, due: bool) -> None:
        """Say what the file holds when the store opens: its highest number, and whether some have a due time."""
        self.last = last
        if due:
            self.due_edge = (0, 0)

    # -- coming and going ---------------------------------------------------------------------------------------------

    def arrive(self, held: Held) -> None:
        """A message was committed: a new one, or one that goes back to its place."""
        new = held.seq > self.last
        if not new:
            self._touch(held.seq)
        if held.due and not self.ordered:
            self._arrive_due(held, new)
        elif not new:
            self._put_back(held)
        elif self.whole and self.has_room:
            self._ready[held.seq] = held
            self._count(held, 1)
            self.edge = self.last = held.seq
        else:
            self.last = held.seq
            if self.loading and len(self.late) < self._budget.messages:
                self.late[held.seq] = held

    def _arrive_due(self, held: Held, new: bool) -> None:
        if new:
            if self.whole:
                self.edge = held.seq
            self.last = held.seq
        key = (held.due, held.seq)
        if key < self.due_edge:
            heapq.heappush(self._heap, key)
            self._delayed[held.seq] = held
            self._count(held, 1)
            if not self.has_room and len(self._delayed) > 16:
                self._shed()
        elif self.loading:
            self.late_due[held.seq] = held
            self.redo = self.redo or len(self.late_due) > self._budget.messages

    def _touch(self, seq: int) -> None:
        if self.loading:
            self.touched.add(seq)

    def _put_back(self, held: Held) -> None:
        if held.seq <= self.edge:
            self._back[held.seq] = held
            heapq.heappush(self._order, held.seq)
            self._count(held, 1)
        elif self.loading:
            self.redo = True

    def _shed(self) -> None:
        """Leave the later half of the delayed messages to the file."""
        keys = sorted((held.due, seq) for seq, held in self._delayed.items())
        kept = keys[: len(keys) // 2]
        for _, seq in keys[len(keys) // 2 :]:
            self._count(self._delayed.pop(seq), -1)
        self.due_edge = keys[len(keys) // 2]
        self._heap = kept

    def remove(self, seq: int) -> None:
        """A message left its place in the queue without having been taken."""
        held = self._ready.pop(seq, None) or self._back.pop(seq, None) or self._delayed.pop(seq, None)
        if held is not None:
            self._count(held, -1)
            if seq in self._order:
                self._order.remove(seq)
                heapq.heapify(self._order)
        if self.loading:
            self.late.pop(seq, None)
            self.late_due.pop(seq, None)
            self.touched.add(seq)

    def change(self, held: Held) -> None:
        """A message in the queue was edited."""
        for place in (self._ready, self._back, self._delayed):
            if held.seq in place:
                place[held.seq] = held
        self.redo = self.loading

    def clear(self) -> None:
        """All messages left the queue."""
        self._drop()
        self.edge = self.last
        self.due_edge = _FOREVER
        self.redo = self.loading

    def _drop(self) -> None:
        for place in (self._ready, self._back, self._delayed):
            for held in place.values():
                self._count(held, -1)
            place.clear()
        self._heap.clear()
        self._order.clear()

    def set_ordered(self, ordered: bool) -> None:
        """Say whether the queue is ordered; when that changes, what is in memory is arranged anew."""
        if self.ordered is ordered:
            return
        if self.ordered is None and not ordered:
            self.ordered = ordered
            return
        held = sorted([*self._ready.values(), *self._back.values(), *self._delayed.values()], key=lambda h: h.seq)
        all_here = self.whole and self.due_whole
        self._drop()
        self.ordered = ordered
        self.redo = self.loading
        if all_here:
            last, self.last, self.edge = self.last, 0, 0
            for message in held:
                self.arrive(message)
            self.edge = self.last = last
        else:
            self.edge = 0
            self.due_edge = _FOREVER if ordered else (0, 0)

    def _count(self, held: Held, sign: int) -> None:
        size = sign * (len(held.body) + OVERHEAD)
        self._size += size
        self._budget.used += size

    # -- taking -------------------------------------------------------------------------------------------------------

    def take(self, limit: int, now: int) -> list[Held]:
        """Take up to `limit` ready messages out of memory, in order."""
        taken: list[Held] = []
        while len(taken) < limit:
            held = self._next(now)
            if held is None:
                break
            self._count(held, -1)
            held.place = Place.QUEUED
            taken.append(held)
        return taken

    def _next(self, now: int) -> Held | None:
        if self.ordered:
            head = self._head()
            if head is None or head.due > now:
                return None
        else:
            self._fall_due(now)
        ready = next(iter(self._ready), None)
        if self._order and (ready is None or self._order[0] < ready):
            return self._back.pop(heapq.heappop(self._order))
        return None if ready is None else self._ready.popitem(last=False)[1]

    def _fall_due(self, now: int) -> None:
        """Put messages that have fallen due among the ready ones, where their arrival has its place."""
        self._prune_heap()
        while self._heap and self._heap[0][0] <= now and len(self._back) < _FALLEN:
            _, seq = heapq.heappop(self._heap)
            self._back[seq] = self._delayed.pop(seq)
            heapq.heappush(self._order, seq)
            self._prune_heap()

    def _prune_heap(self) -> None:
        heap = self._heap
        while heap:
            held = self._delayed.get(heap[0][1])
            if held is not None and held.due == heap[0][0]:
                return
            heapq.heappop(heap)

    def has_ready(self, now: int) -> bool:
        """Whether memory holds a message that could be taken."""
        if self.ordered:
            head = self._head()
            return head is not None and head.due <= now
        self._prune_heap()
        return bool(self._back or self._ready or (self._heap and self._heap[0][0] <= now))

    def next_due(self, now: int) -> int | None:
        """The earliest due instant after `now` of what memory holds."""
        if self.ordered:
            places = (*self._ready.values(), *self._back.values())
            return min((held.due for held in places if held.due > now), default=None)
        return min((held.due for held in self._delayed.values() if held.due > now), default=None)

    def _head(self) -> Held | None:
        ready = next(iter(self._ready), None)
        if self._order and (ready is None or self._order[0] < ready):
            return self._back[self._order[0]]
        return None if ready is None else self._ready[ready]

    # -- reading on ---------------------------------------------------------------------------------------------------

    def begin_load(self) -> Load:
        """Note that rows are being read from now on, and return which."""
        self.loading, self.redo = True, False
        self.touched.clear()
        self.late.clear()
        self.late_due.clear()
        budget = self._budget
        room = max(16, budget.messages - len(self._ready))
        if budget.used >= budget.limit:
            room = 16
        return Load(
            version=self.version,
            node=self.node,
            ordered=bool(self.ordered),
            edge=self.edge,
            due_edge=self.due_edge,
            last=self.last,
            room=room,
            size=budget.size,
            ready=not self.whole,
            due=not self.due_whole and not self._delayed,
        )

    def end_load(self, load: Load, ready: Rows | None, due: Rows | None, is_taken: Callable[[int], bool]) -> None:
        """Add what was read: of each stream the messages, and whether that was all. None: nothing was read."""
        self.loading = False
        if self.redo:
            return
        if ready is not None:
            self.edge = load.last if ready.all else ready.messages[-1].seq
            self._add_ready(ready.messages, is_taken)
            if ready.all:
                self._add_late()
        if due is not None:
            self.due_edge = _FOREVER if due.all else (due.messages[-1].due, due.messages[-1].seq + 1)
            self._add_due(due.messages, is_taken)
            for held in self.late_due.values():
                self._arrive_due(held, new=False)

    def _add_ready(self, messages: Sequence[Held], is_taken: Callable[[int], bool]) -> None:
        for held in messages:
            seq = held.seq
            if seq in self.touched or seq in self._ready or seq in self._back or is_taken(seq):
                continue
            self._ready[seq] = held
            self._count(held, 1)

    def _add_due(self, messages: Sequence[Held], is_taken: Callable[[int], bool]) -> None:
        for held in messages:
            seq = held.seq
            if seq in self.touched or seq in self._delayed or seq in self._back or is_taken(seq):
                continue
            heapq.heappush(self._heap, (held.due, seq))
            self._delayed[seq] = held
            self._count(held, 1)

    def _add_late(self) -> None:
        """Add what came while the rows were read; it follows on them without a gap."""
        for held in self.late.values():
            if not self.has_room:
                return
            self._ready[held.seq] = held
            self._count(held, 1)
            self.edge = held.seq


class Load(Struct, frozen=True, kw_only=True):
    """Which rows of a queue are to be read: those beyond the edges, no newer than `last`; of which streams; at most
    `room` of each, or about `size` bytes."""

    version: int
    node: str
    ordered: bool
    edge: int
    due_edge: tuple[int, int]
    last: int
    room: int
    size: int
    ready: bool
    due: bool


class Rows(Struct, frozen=True):
    """What was read of a stream; `all` when nothing was left of it."""

    messages: Sequence[Held]
    all: bool
