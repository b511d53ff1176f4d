"""The meter: adds what settles measured to the figures of minutes, hours and days.

Settles leave their measures in the store, so counts are those of the rows, whatever crashes. What is not a row is kept
here until the next roll: sizes of queues, waiting for limits, CPU time of the engine; a crash loses some seconds of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import chain

from segue.core.figures import DEPTH, ENGINE, LIMITED, OLDEST, REMOTE, Figures, Gathered
from segue.model.errors import SegueError
from segue.model.ledger import QueueState
from segue.model.message import RemoteCall
from segue.ports.catalog import ProcessCatalog
from segue.ports.metrics import MetricStore, Minute
from segue.ports.outside import Clock
from segue.ports.views import Views

log = logging.getLogger(__name__)

_EVERY_S = 2.0
_RETRY_S = 5.0
# Commits read at once, and handlings after which others get their turn: few enough that nobody waits for it.
_BITE = 50
_MOST = 20_000
_SAMPLE_MS = 5_000
# Samples by which one sees whether a queue grows: a minute of them, less while somebody looks.
_TREND = 12
_LOOK_MS = 500
_MINUTE_MS = 60_000


class Meter:
    """Rolls measures up. `poke` says that something was settled.

    `called` hears of the workers' own calls: version, node, host, and how many were answered with which status.
    """

    def __init__(
        self,
        store: MetricStore,
        views: Views,
        processes: ProcessCatalog,
        clock: Clock,
        cpu_us: Callable[[], int] = lambda: time.process_time_ns() // 1000,
        *,
        called: Callable[[int, str, str, Mapping[int, int]], None] | None = None,
    ) -> None:
        self._store = store
        self._views = views
        self._processes = processes
        self._clock = clock
        self._cpu_us = cpu_us
        self._called = called
        self._poked = asyncio.Event()
        self._rolling = asyncio.Lock()
        self._beside: dict[tuple[int, str, int], Figures] = {}
        self._cpu_before = cpu_us()
        self._sampled_at = 0
        self._versions: dict[tuple[str, int], int] = {}
        # All that this process has added up, by version and node: what is scraped.
        self.totals: dict[tuple[int, str], Figures] = {}
        self._depths: dict[tuple[str, int, str], deque[tuple[int, int]]] = {}

    def poke(self) -> None:
        """Something was settled."""
        if not self._poked.is_set():
            self._poked.set()

    def limited(self, version: int, node: str, at: int, wait_ms: int) -> None:
        """A node waits for a limit."""
        self._extra(version, node, at).sketch(LIMITED).add([wait_ms])
        self.poke()

    def remote(self, version: int, node: str, call: RemoteCall) -> None:
        """A worker said beside its answer that it called another host."""
        figures = self._extra(version, node, self._clock.now())
        figures.called([call])
        figures.sketch(REMOTE).add([call.took_us])
        self.poke()

    async def run(self) -> None:
        """Roll while there is something, until cancelled; trouble of the store waits."""
        delay_s = 0.0
        self._cpu_before = self._cpu_us()  # what the start has cost is no node's
        while True:
            await self._poked.wait()
            await asyncio.sleep(delay_s)
            self._poked.clear()
            delay_s = _EVERY_S
            try:
                await self.step()
            except SegueError as error:
                log.warning("Figures wait: %s", error.detail)
                self._poked.set()
                delay_s = _RETRY_S

    async def step(self) -> None:
        """Bring the figures up to date: afterwards all that was settled before is in them."""
        async with self._rolling:
            await self._sample()
            while await self._roll():
                pass

    async def _roll(self) -> bool:
        """Roll a bite; True when there may be more."""
        gathered, seqs, count, more = Gathered(), list[int](), 0, True
        while more and count < _MOST:
            found = await self._store.measures(seqs[-1] if seqs else 0, _BITE)
            more = len(found) == _BITE
            gathered.handled(list(chain.from_iterable(measures.handled for measures in found)))
            gathered.started(list(chain.from_iterable(measures.started for measures in found)))
            gathered.ended(list(chain.from_iterable(measures.ended for measures in found)))
            seqs += [measures.seq for measures in found]
            count += sum(measures.size() for measures in found)
            await asyncio.sleep(0)
        beside, self._beside = self._beside, {}
        if not seqs and not beside:
            return False
        rolled = False
        try:
            minutes = await self._minutes(gathered, beside)
            rolled = await self._store.roll(seqs, minutes)
            if rolled:
                for minute in minutes:
                    self.totals.setdefault((minute.version, minute.node), Figures()).merge(minute.figures)
                    self._tell_called(minute)
        finally:
            if not rolled:  # they wait for the next time; the measures are in the store
                for key, figures in self._beside.items():
                    beside.setdefault(key, Figures()).merge(figures)
                self._beside = beside
        return more and rolled

    def _tell_called(self, minute: Minute) -> None:
        if self._called is not None:
            for host, remote in minute.figures.remote.items():
                self._called(minute.version, minute.node, host, remote.statuses)

    async def _minutes(self, gathered: Gathered, beside: dict[tuple[int, str, int], Figures]) -> list[Minute]:
        places = await self._store.places(sorted({key for key, _ in gathered.by_key if key > 0}))
        figures: dict[tuple[int, str, int], Figures] = {}
        for (key, minute), found in gathered.by_key.items():
            version, node = places[key] if key > 0 else (-key, "")
            figures[version, node, minute] = found
        self._share_cpu(figures)
        for place, extra in beside.items():
            figures.setdefault(place, Figures()).merge(extra)
        return [
            Minute(version=version, node=node, at=minute * _MINUTE_MS, figures=found)
            for (version, node, minute), found in figures.items()
        ]

    def _share_cpu(self, figures: dict[tuple[int, str, int], Figures]) -> None:
        """Share the CPU time of this process since the last roll out by messages handled: what one costs at one node
        cannot be told from what it costs at another without measuring each step of it, which would cost more."""
        now = self._cpu_us()
        spent, self._cpu_before = now - self._cpu_before, now
        handled = {key: found.executed() for key, found in figures.items() if key[1]}
        total = sum(handled.values())
        for key, count in handled.items():
            if count:
                figures[key].sums[ENGINE] = figures[key].sums.get(ENGINE, 0) + spent * count // total

    async def _sample(self) -> None:
        """Note how long the queues are now and how old their oldest message."""
        now = self._clock.now()
        if now - self._sampled_at < _SAMPLE_MS:
            return
        self._sampled_at = now
        found = await self._views.queues(None, now)
        self._note_depths(found, now)
        for queue in found:
            version = await self._version(queue.process, queue.version)
            if version is not None:
                figures = self._extra(version, queue.node, now)
                figures.sketch(DEPTH).add([queue.depth + queue.in_flight])
                figures.sketch(OLDEST).add([queue.oldest_ms])

    def _note_depths(self, queues: Sequence[QueueState], now: int) -> None:
        depths = {(queue.process, queue.version, queue.node): queue.depth + queue.in_flight for queue in queues}
        for key in depths.keys() - self._depths.keys():
            self._depths[key] = deque(maxlen=_TREND)
        for key, samples in list(self._depths.items()):
            samples.append((now, depths.get(key, 0)))
            if not any(depth for _, depth in samples):
                del self._depths[key]

    def grows(self, process: str, version: int, node: str, depth: int) -> float:
        """By how many messages a second the queue has grown lately; `depth` is its length now, which is noted."""
        now = self._clock.now()
        samples = self._depths.setdefault((process, version, node), deque(maxlen=_TREND))
        if not samples or now - samples[-1][0] >= _LOOK_MS:
            samples.append((now, depth))
        at, before = samples[0]
        # The longest time before which it was at least as long as ever since: a burst is seen to be worked off. From
        # one look to the next is the shortest: in less, what arrives in bursts always shrinks.
        for sampled_at, sampled in samples:
            if sampled >= before and now - sampled_at >= _LOOK_MS:
                at, before = sampled_at, sampled
        seconds = (now - at) / 1000
        return (depth - before) / seconds if seconds > 0 else 0.0

    async def _version(self, process: str, number: int) -> int | None:
        if (process, number) not in self._versions:
            with contextlib.suppress(SegueError):
                for version in (await self._processes.process(process)).versions:
                    self._versions[process, version.number] = version.id
        return self._versions.get((process, number))

    def _extra(self, version: int, node: str, at: int) -> Figures:
        return self._beside.setdefault((version, node, at // _MINUTE_MS), Figures())
