"""Which of several processes takes what comes to the queues of a version: the oldest, for as long as it is enough.

Several that all take at once each get a share of what comes, in groups as many times smaller, and a group costs as much
however small it is. So a process says now and then which versions it takes for, and how busy it is with each: how much
of a processor it uses, or all of it where messages wait for room, since it makes only so many calls at a time. Younger
ones stand by as long as one could do with ease what all of them do together. Beyond that they take as well, but where
their host has no processor left, which could only make groups smaller; where messages wait for room, also there.

Who stands by is not told what comes, and only looks now and then what has been left lying since the last look; it takes
part as long as there is such. Nothing but time depends on it: who hears nothing takes at once, and everybody looks into
the queues now and then.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Iterable
from pathlib import Path

from msgspec import Struct

from segue.adapters.postgres.settings import PostgresSettings
from segue.adapters.postgres.shelf import Shelf

TOPIC = "takes"
SAYS_S = 2.0
"""How often a process says that it takes: each is heard by all, so no more often than is needed to be believed."""
JUDGES_S = (0.5, 1.0)
"""How often it is judged whether a host is full now, as work may have begun a moment ago, and whether one still is."""
EASE = (0.3, 0.15)
"""From which share of a processor, all processes together, work is shared, and below which it is not any more."""
SHARES_S = 20.0
"""How long work is shared after there was too much for one: when it is shared, there seems to be enough room."""
FULL = (0.7, 0.55)
"""From which share of its processors a host has none left, and below which it has one again."""
_QUIET = 5  # times as long between looks where nothing has come

NOTHING = -1
"""A mark before all messages."""


class Lying(Struct, frozen=True):
    """What lies in queues: `mark` is the number of the newest message there is anywhere, `queues` are those (version,
    node) in which there is something ready that is nobody's, and no newer than the mark that was asked for."""

    mark: int
    queues: tuple[tuple[int, str], ...]


LeftLying = Callable[[Collection[int], int], Awaitable[Lying]]
"""What lies in the queues of these versions that is no newer than a mark. Raises StoreUnavailable."""


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
        self._crowded: dict[int, float] = {}
        self._waits: set[int] = set()
        self._said = -SAYS_S
        self._heard: dict[int, dict[int, tuple[float, float]]] = {}
        self._helping: dict[Shelf, float] = {}
        self._looked = self._judged = float("-inf")
        self._quiet = False
        self._mark = NOTHING

    @property
    def full(self) -> bool:
        """Whether this process' host has no processor left."""
        return self._full.now

    def tell(self, taken: Iterable[Shelf], now: float) -> None:
        """Say for which versions this process takes, from these queues, and how busy it is with each; judge what it
        heard of the others. To be called often."""
        if now - self._said < SAYS_S:
            return
        self._said = now
        share = self._own.look()
        crowded: dict[int, bool] = {}
        for shelf in taken:
            crowded[shelf.version] = shelf.was_crowded() or crowded.get(shelf.version, False)
        before, self._waits = self._waits, {version for version, waits in crowded.items() if waits}
        for version in crowded:
            # Twice in line: what has just begun to come, all at once, waits for a moment in any case.
            own = 1.0 if version in self._waits & before else share
            self._say(f"{version}:{own:.2f}")
            heard = {key: said for key, said in self._heard.get(version, {}).items() if self._is_new(said[0], now)}
            self._heard[version] = heard  # of those that have left nothing stays
            busy = [own, *(each for _, each in heard.values())]
            if max(busy) >= 1.0:
                self._crowded[version] = now
            self._shared.setdefault(version, High(*EASE)).judge(sum(busy))

    def hear(self, process: int, text: str, now: float) -> None:
        """Another process has said so."""
        version, share = text.split(":")
        self._heard.setdefault(int(version), {})[process] = (now, float(share))

    def forget(self) -> None:
        """A process has died, perhaps one that was to take: know of none."""
        self._heard.clear()

    def stands_by(self, shelf: Shelf, now: float) -> bool:
        """Whether this process leaves what comes to a queue to an older one."""
        return self._helping.get(shelf, 0.0) <= now and self._is_anothers(shelf, now)

    def _is_anothers(self, shelf: Shelf, now: float) -> bool:
        """Whether what comes to a queue is for an older process to take, as long as that does."""
        if self._is_shared(shelf.version, now):
            return False
        mine, heard = self._mine(), self._heard.get(shelf.version, {})
        return any(process < mine and self._is_new(at, now) for process, (at, _) in heard.items())

    def _is_shared(self, version: int, now: float) -> bool:
        if self._crowded.get(version, float("-inf")) > now - SHARES_S:
            return True
        shared = self._shared.get(version)
        return shared is not None and shared.now and not self._full.now

    def _is_new(self, at: float, now: float) -> bool:
        return at > now - self._settings.takes_s

    async def look(self, shelves: Iterable[Shelf], now: float) -> None:
        """See whether what was in these queues at the last look still is, if they are left to an older process: take
        part then for a while, which goes on as long as there is such. To be called every `look_s`; it does not look
        each time. Raises StoreUnavailable."""
        self._judge_host(now)
        if now - self._looked < self._rest_s():
            return
        self._looked = now
        left = {(shelf.version, shelf.node): shelf for shelf in shelves if self._is_anothers(shelf, now)}
        self._helping = {shelf: until for shelf, until in self._helping.items() if until > now}
        if not left:
            self._mark, self._quiet = NOTHING, False
            return
        lying = await self._left_lying({version for version, _ in left}, self._mark)
        self._quiet = lying.mark == self._mark
        self._mark = lying.mark
        for queue in lying.queues:
            if (shelf := left.get(queue)) is not None:
                self._helping[shelf] = now + self._settings.helps_s
                self._take(shelf)

    def _judge_host(self, now: float) -> None:
        if now - self._judged >= JUDGES_S[self._full.now]:
            self._judged = now
            self._full.judge(self._host.look())

    def _rest_s(self) -> float:
        """How long it rests between looks: longer on a host that is full, where all waits a little and who looks takes
        the time of somebody who works, and where nothing comes."""
        if self._full.now:
            return self._settings.poll_s
        return self._settings.look_s * _QUIET if self._quiet else 0.0
