"""What a process has in memory of one queue: messages that it holds and that nobody has been given yet.

A queue that is not ordered may be worked on by several processes: each holds the messages on its shelf, as their rows
say, and nobody else takes them. An ordered queue belongs, whole, to the process that has its lease.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from segue.adapters.sql.live import Held
from segue.model.message import Place

UNKNOWN = 0
"""A due time that has to be looked up."""

# Over how long it is measured how much is handled, and how many are claimed at once however slow that is.
_MEASURED_S = 0.2
FEWEST = 4
CROWDED = 0.75
"""Which part of takes has to leave something for a queue to be crowded. Of one whose messages wait for room nine of ten
do; of one that is only busy, every second."""


class Stock:
    """How many messages lie on all shelves together."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


class Shelf:
    """Messages by arrival. `more`: the database may have ready ones besides; `due_at`: when the next delayed one there
    falls due (None: there is none). `ordered` is None until somebody takes. `queue` is the number of the queue, 0 while
    it is not known. `leased`: this process has the lease of the ordered queue. `asked` is when somebody took last;
    `coming` counts messages that the transactions under way bring; `claim` is how many are taken out of the database at
    once. `doubtful`: rows may say that we hold messages that are not in our hands."""

    __slots__ = (
        "_heap",
        "_held",
        "_left",
        "_since",
        "_taken",
        "_takes",
        "asked",
        "claim",
        "coming",
        "doubtful",
        "due_at",
        "leased",
        "more",
        "node",
        "ordered",
        "queue",
        "stock",
        "version",
    )

    def __init__(self, version: int, node: str, claim: int, stock: Stock) -> None:
        self.stock = stock
        self.version = version
        self.node = node
        self.queue = 0
        self.ordered: bool | None = None
        self.leased = False
        self.more = False
        self.due_at: int | None = None
        self.asked = 0.0
        self.claim = claim
        self.coming = 0
        self.doubtful = False
        self._held: dict[int, Held] = {}
        self._heap: list[int] = []
        self._taken = self._takes = self._left = 0
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Held]:
        return iter(list(self._held.values()))

    def __contains__(self, seq: object) -> bool:
        return seq in self._held

    def put(self, held: Held) -> None:
        """Put a message on the shelf, at its place."""
        if held.seq not in self._held:
            heapq.heappush(self._heap, held.seq)
            self.stock.count += 1
        self._held[held.seq] = held

    def put_all(self, messages: Iterable[Held]) -> None:
        """Put messages on the shelf."""
        for held in messages:
            self.put(held)

    def remove(self, seq: int) -> None:
        """A message is not there any more, if it was."""
        if self._held.pop(seq, None) is not None:
            self.stock.count -= 1

    def change(self, held: Held) -> None:
        """A message was edited where it is."""
        if held.seq in self._held:
            self._held[held.seq] = held

    def head(self) -> Held | None:
        """The first message, or None."""
        heap, known = self._heap, self._held
        while heap:
            held = known.get(heap[0])
            if held is not None:
                return held
            heapq.heappop(heap)
        return None

    def take(self, limit: int, now: int) -> list[Held]:
        """Take up to `limit` messages in the order of their arrival, none behind one that is not due."""
        taken: list[Held] = []
        while len(taken) < limit:
            held = self.head()
            if held is None or held.due > now:
                break
            heapq.heappop(self._heap)
            del self._held[held.seq]
            self.stock.count -= 1
            held.place = Place.QUEUED
            taken.append(held)
        return taken

    def measure(self, taken: int, now: float, ahead_s: float, most: int) -> None:
        """Note that so many were taken at `now`, in seconds: what is claimed at once follows what is handled in
        `ahead_s`, so that others get what would wait here. How often something was left is counted."""
        self._taken += taken
        self._takes += 1
        self._left += bool(self._held)
        passed = now - self._since
        if passed >= _MEASURED_S:
            if self._since:
                self.claim = max(FEWEST, min(most, int(self._taken / passed * ahead_s)))
            self._taken, self._since = 0, now

    def was_crowded(self) -> bool:
        """Whether nearly always, since this was asked last, something was left here until whoever takes has room."""
        crowded = self._left > CROWDED * self._takes
        self._left = self._takes = 0
        return crowded

    def has_ready(self, now: int) -> bool:
        """Whether the first message could be taken."""
        held = self.head()
        return held is not None and held.due <= now

    def falls_due(self, now: int) -> bool:
        """Whether a delayed message in the database may be ready by now."""
        return self.due_at is not None and self.due_at <= now

    def note_due(self, due: int) -> None:
        """A message that falls due then is in the database."""
        if self.due_at is None or due < self.due_at:
            self.due_at = due

    def clear(self) -> None:
        """Know nothing of the queue any more."""
        self.stock.count -= len(self._held)
        self._held.clear()
        self._heap.clear()
        self.more = True
        self.due_at = UNKNOWN
        self.leased = False
