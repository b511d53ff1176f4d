"""Which of several processes takes what comes to the queues of a version: the oldest, for as long as it is enough.

Several that all take at once each get a share of what comes, in groups as many times smaller, and a group costs as much
however small it is. So a process says now and then which versions it takes for, unless it is busy. Whoever hears that
of an older one stands by: it looks only what has been left lying for a moment, and takes part as long as there is such.
Nothing but time depends on it: who hears nothing takes at once, and everybody looks into the queues now and then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable

from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.shelf import Shelf
from segue.model.errors import StoreUnavailable

TOPIC = "takes"
# Every process hears of each, so no more often than is needed to be believed.
_SAYS_S = 2.0

LeftLying = Callable[[Shelf, float], Awaitable[bool]]
"""Whether something that is in a queue now is still free after so many seconds. Raises StoreUnavailable."""


class Busy:
    """Whether this process uses so much of a processor that others had better help; looked at now and then.

    Between the two shares it stays as it was: two that share the work are not asked in turns to leave it to one.
    """

    FROM, UNTIL = 0.8, 0.4

    def __init__(self, cpu_s: Callable[[], float] = time.process_time) -> None:
        self._cpu_s = cpu_s
        self._seen: tuple[float, float] | None = None
        self._is = False

    def look(self, now: float) -> bool:
        """Judge by what was used since the last look, at `now` in seconds."""
        used = self._cpu_s()
        if self._seen is not None and now > self._seen[0]:
            share = (used - self._seen[1]) / (now - self._seen[0])
            self._is = share > (self.UNTIL if self._is else self.FROM)
        self._seen = (now, used)
        return self._is


class Standby:
    """Knows who takes for which version. `mine` is the number of this process; the older, the lower. `say` tells the
    others a version that this process takes for; `take` is called for a queue where help is wanted."""

    def __init__(
        self,
        settings: PostgresSettings,
        *,
        mine: Callable[[], int],
        say: Callable[[str], None],
        left_lying: LeftLying,
        take: Callable[[Shelf], None],
        busy: Busy | None = None,
    ) -> None:
        self._settings = settings
        self._mine = mine
        self._say = say
        self._left_lying = left_lying
        self._take = take
        self._busy = Busy() if busy is None else busy
        self._said = -_SAYS_S
        self._heard: dict[int, dict[int, float]] = {}
        self._helping: dict[Shelf, float] = {}
        self._looking: dict[Shelf, asyncio.Task[None]] = {}
        self._again: set[Shelf] = set()

    def tell(self, versions: Iterable[int], now: float) -> None:
        """Say that this process takes for these versions, unless it is busy; to be called often."""
        if now - self._said < _SAYS_S:
            return
        self._said = now
        if not self._busy.look(now):
            for version in versions:
                self._say(str(version))

    def hear(self, process: int, version: int, now: float) -> None:
        """Another process takes for a version."""
        self._heard.setdefault(version, {})[process] = now

    def forget(self) -> None:
        """A process has died, perhaps one that was to take: know of none."""
        self._heard.clear()

    def stands_by(self, shelf: Shelf, now: float) -> bool:
        """Whether this process leaves what comes to a queue to an older one."""
        if self._helping.get(shelf, 0.0) > now:
            return False
        since, mine = now - self._settings.takes_s, self._mine()
        return any(process < mine and at > since for process, at in self._heard.get(shelf.version, {}).items())

    def look_later(self, shelf: Shelf) -> None:
        """Something has come to a queue: see whether it is still there in a moment."""
        self._again.add(shelf)
        if shelf not in self._looking:
            self._looking[shelf] = asyncio.get_running_loop().create_task(self._look(shelf))

    async def close(self) -> None:
        """Look no more."""
        for task in list(self._looking.values()):
            task.cancel()
        if self._looking:
            await asyncio.wait(self._looking.values())

    async def _look(self, shelf: Shelf) -> None:
        loop = asyncio.get_running_loop()
        try:
            while shelf in self._again:
                self._again.discard(shelf)
                if await self._left_lying(shelf, self._settings.lying_s):
                    self._helping[shelf] = loop.time() + self._settings.helps_s
                    self._take(shelf)
                    return
        except StoreUnavailable:  # everybody looks into the queues again when the database is back
            pass
        finally:
            self._again.discard(shelf)
            del self._looking[shelf]
