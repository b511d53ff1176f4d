"""Parts of a simulated machine: a clock, cores, event loops, a disk's log, a lock. No time of the real one's."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush

Then = Callable[[], None]


class Clock:
    """The events to come, in the order of their instants."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Then]] = []
        self._count = 0

    def after(self, seconds: float, then: Then) -> None:
        """Have something done later."""
        self._count += 1
        heappush(self._events, (self.now + seconds, self._count, then))

    def step(self) -> None:
        """Go on to the next event."""
        self.now, _, then = heappop(self._events)
        then()


class Servers:
    """So many of the same (cores, a wire) that do one piece of work each, in the order it comes. What is told to go
    `first` does, as a system lets go first who has mostly waited."""

    def __init__(self, clock: Clock, count: int, slower: float = 1.0) -> None:
        self._clock = clock
        self._idle = count
        self._slower = slower
        self._first: deque[tuple[float, Then]] = deque()
        self._waiting: deque[tuple[float, Then]] = deque()
        self.count = count
        self.spent = 0.0

    def do(self, seconds: float, then: Then, *, first: bool = False) -> None:
        """Work, then go on."""
        (self._first if first else self._waiting).append((seconds * self._slower, then))
        if self._idle:
            self._idle -= 1
            self._next()

    def _next(self) -> None:
        seconds, then = (self._first or self._waiting).popleft()
        self.spent += seconds
        self._clock.after(seconds, partial(self._done, then))

    def _done(self, then: Then) -> None:
        if self._first or self._waiting:
            self._next()
        else:
            self._idle += 1
        then()


class Loop:
    """An event loop: one thing after the other, each on a core of its host."""

    def __init__(self, cores: Servers) -> None:
        self._cores = cores
        self._waiting: deque[tuple[float, Then]] = deque()
        self._busy = False
        self.spent = 0.0

    def do(self, seconds: float, then: Then) -> None:
        """Work when it is our turn, then go on."""
        self._waiting.append((seconds, then))
        if not self._busy:
            self._next()

    def _next(self) -> None:
        seconds, then = self._waiting.popleft()
        self._busy = True
        self.spent += seconds
        self._cores.do(seconds, partial(self._done, then))

    def _done(self, then: Then) -> None:
        then()
        if self._waiting:
            self._next()
        else:
            self._busy = False


class Disk:
    """A log that is written by one at a time: who comes meanwhile shares the next writing."""

    def __init__(self, clock: Clock, wait_s: float, bytes_s: float) -> None:
        self._clock, self._wait_s, self._bytes_s = clock, wait_s, bytes_s
        self._waiting: list[Then] = []
        self._bytes = 0.0
        self._busy = False
        self.spent = 0.0

    def flush(self, size: float, then: Then) -> None:
        """Have so many bytes on the disk, then go on."""
        self._waiting.append(then)
        self._bytes += size
        if not self._busy:
            self._write()

    def _write(self) -> None:
        told, self._waiting = self._waiting, []
        moved, self._bytes = self._bytes / self._bytes_s, 0.0
        self._busy = True
        # The wait of the disk is shared by all who wait; what counts as its work is what more of it would add.
        self.spent += moved
        self._clock.after(self._wait_s + moved, partial(self._written, told))

    def _written(self, told: list[Then]) -> None:
        self._busy = False
        for then in told:
            then()
        if self._waiting and not self._busy:
            self._write()


class Gate:
    """A lock that many share or one has alone, in the order in which they ask."""

    def __init__(self) -> None:
        self._inside = 0
        self._alone = False
        self._waiting: deque[tuple[bool, Then]] = deque()

    def enter(self, then: Then, *, alone: bool = False) -> None:
        """Go on when we have it."""
        self._waiting.append((alone, then))
        self._admit()

    def leave(self) -> None:
        """Give it back."""
        self._inside -= 1
        self._alone = False
        self._admit()

    def _admit(self) -> None:
        while self._waiting:
            alone, then = self._waiting[0]
            if self._alone or (alone and self._inside):
                return
            self._waiting.popleft()
            self._inside += 1
            self._alone = alone
            then()
