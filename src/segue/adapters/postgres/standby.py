"""Which of several processes takes what comes to the queues of a version: the oldest, for as long as it is enough.

Several that all take at once each get a share of what comes, in groups as many times smaller, and a group costs as much
however small it is. So a process says now and then which versions it takes for, and how much of a processor it uses.
Younger ones stand by as long as one could do with ease what all of them do together; beyond that they take as well,
but for those on hosts without a processor left, which could only make groups smaller. Who stands by looks only what has
been left lying for a moment, and takes part as long as there is such. Nothing but time depends on it: who hears nothing
takes at once, and everybody looks into the queues now and then.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.shelf import Shelf
from segue.model.errors import StoreUnavailable

TOPIC = "takes"
SAYS_S = 2.0
"""How often a process says that it takes: each is heard by all, so no more often than is needed to be believed."""
EASE = (0.3, 0.15)
"""From which share of a processor, all processes together, work is shared, and below which it is not any more."""
FULL = (0.7, 0.55)
"""From which share of its processors a host has none left, and below which it has one again."""

LeftLying = Callable[[Shelf, float], Awaitable[bool]]
"""Whether something that is in a queue now is still free after so many seconds. Raises StoreUnavailable."""


class Share:
    """What share of something was used between the last two looks. `used` gives how much in all, and of how much."""

    def __init__(self, used: Callable[[], tuple[float, float]]) -> None:
        self._used = used
        self._seen: tuple[float, float] | None = None
        self.last = 0.0

    def look(self) -> float:
        """Look again."""
        used, whole = self._used()
        if self._seen is not None and whole > self._seen[1]:
            self.last = (used - self._seen[0]) / (whole - self._seen[1])
        self._seen = (used, whole)
        return self.last


class High:
    """Whether something is high: from one bound on, and until it is below the other. Between them it stays as it was,
    so that nobody is told one thing and the other in turns."""

    def __init__(self, high: float, low: float) -> None:
        self._high, self._low = high, low
        self.now = False

    def judge(self, value: float) -> None:
        """Look at a value."""
        self.now = value > (self._low if self.now else self._high)


def own_processor() -> tuple[float, float]:
    """Seconds of a processor that this process has used, and how long it could have."""
    return time.process_time(), time.monotonic()


def host_processors() -> tuple[float, float]:
    """How much of its processors the host has used, and of how much (proc_stat(5)); nothing where it does not say."""
    try:
        words = Path("/proc/stat").read_text(encoding="ascii").split(maxsplit=9)[1:9]
    except (OSError, ValueError):
        return 0.0, 0.0
    ticks = [int(word) for word in words]
    return float(sum(ticks) - ticks[3] - ticks[4]), float(sum(ticks))


class Standby:
    """Knows who takes for which version. `mine` is the number of this process; the older, the lower. `say` tells the
    others a version that this process takes for; `take` is called for a queue where help is wanted. `own` is
    what share of a processor this process uses, `host` what share of its processors its host does."""

    def __init__(
        self,
        settings: PostgresSettings,
        *,
        mine: Callable[[], int],
        say: Callable[[str], None],
        left_lying: LeftLying,
        take: Callable[[Shelf], None],
        own: Share | None = None,
        host: Share | None = None,
    ) -> None:
        self._settings = settings
        self._mine = mine
        self._say = say
        self._left_lying = left_lying
        self._take = take
        self._own = Share(own_processor) if own is None else own
        self._host = Share(host_processors) if host is None else host
        self._full = High(*FULL)
        self._shared: dict[int, High] = {}
        self._said = -SAYS_S
        self._heard: dict[int, dict[int, tuple[float, float]]] = {}
        self._helping: dict[Shelf, float] = {}
        self._looking: dict[Shelf, asyncio.Task[None]] = {}
        self._again: set[Shelf] = set()

    @property
    def full(self) -> bool:
        """Whether this process' host has no processor left."""
        return self._full.now

    def tell(self, versions: Iterable[int], now: float) -> None:
        """Say that this process takes for these versions, and judge what it heard of the others; to be called often."""
        if now - self._said < SAYS_S:
            return
        self._said = now
        self._full.judge(self._host.look())
        own = self._own.look()
        for version in versions:
            self._say(f"{version}:{own:.2f}")
            heard = {key: said for key, said in self._heard.get(version, {}).items() if self._is_new(said[0], now)}
            self._heard[version] = heard  # of those that have left nothing stays
            self._shared.setdefault(version, High(*EASE)).judge(own + sum(share for _, share in heard.values()))

    def hear(self, process: int, text: str, now: float) -> None:
        """Another process has said so."""
        version, share = text.split(":")
        self._heard.setdefault(int(version), {})[process] = (now, float(share))

    def forget(self) -> None:
        """A process has died, perhaps one that was to take: know of none."""
        self._heard.clear()

    def stands_by(self, shelf: Shelf, now: float) -> bool:
        """Whether this process leaves what comes to a queue to an older one."""
        if self._helping.get(shelf, 0.0) > now:
            return False
        shared = self._shared.get(shelf.version)
        if shared is not None and shared.now and not self._full.now:
            return False
        mine, heard = self._mine(), self._heard.get(shelf.version, {})
        return any(process < mine and self._is_new(at, now) for process, (at, _) in heard.items())

    def _is_new(self, at: float, now: float) -> bool:
        return at > now - self._settings.takes_s

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
