"""Schedules: timer start events of enabled versions, each tick fired once."""

from __future__ import annotations

import asyncio
import contextlib

from msgspec import Struct

from segue.core.timers import next_tick, ticks_to_fire
from segue.model.errors import NoEnabledVersion, NotFound, SegueError
from segue.model.events import Event, EventKind
from segue.model.graph import NodeKind, Timer
from segue.model.versions import Version, VersionState
from segue.ports.catalog import ProcessCatalog, ScheduleCatalog, ScheduleState
from segue.ports.outside import Clock
from segue.runtime.accept import Acceptor, StartRequest
from segue.runtime.herald import Herald

_LONGEST_SLEEP_MS = 60_000
_RETRY_MS = 1_000


class Schedule(Struct, kw_only=True):
    """One timer start event of the version that takes new messages. `last` is the tick decided last."""

    process: str
    version: int
    node: str
    timer: Timer
    last: int


class Scheduler:
    """Fires the schedules of each process' highest enabled version.

    A tick is fired through the accepting transaction, which records it and refuses one that is not later than the
    last: so neither a restart nor a switch of versions fires a tick twice.
    """

    def __init__(
        self,
        catalog: ProcessCatalog,
        schedules: ScheduleCatalog,
        acceptor: Acceptor,
        clock: Clock,
        herald: Herald,
    ) -> None:
        self._catalog = catalog
        self._states = schedules
        self._acceptor = acceptor
        self._clock = clock
        self._herald = herald
        self._schedules: dict[tuple[str, str], Schedule] = {}
        self._loaded = False
        self._changed = asyncio.Event()
        self._reloading = asyncio.Lock()

    async def reload(self) -> None:
        """Read again which schedules there are; after a publish, enable, disable or retire.

        A schedule that was not there before begins now: what passed while no enabled version had it was not missed.
        """
        async with self._reloading:  # one after the other, or what was read first could be kept last
            await self._reload()

    async def _reload(self) -> None:
        states = await self._states.schedule_states()
        known = {(state.process, state.node): state.tick for state in states}
        now = self._clock.now()
        found: dict[tuple[str, str], Schedule] = {}
        for version in _takers(await self._catalog.published()):
            content = await self._catalog.content(version.id)
            for node in content.graph.nodes:
                if node.kind is not NodeKind.START or node.timer is None:
                    continue
                key = (version.process, node.id)
                goes_on = key in known and (key in self._schedules or not self._loaded)
                last = known[key] if goes_on else now
                if not goes_on:
                    await self._record(key, last)
                found[key] = Schedule(
                    process=version.process,
                    version=version.number,
                    node=node.id,
                    timer=node.timer,
                    last=last,
                )
        self._schedules = found
        self._loaded = True
        self._changed.set()

    async def _record(self, key: tuple[str, str], tick: int) -> None:
        await self._states.skip_ticks(ScheduleState(process=key[0], node=key[1], tick=tick))

    async def run(self) -> None:
        """Fire ticks as they fall due, until cancelled."""
        while True:
            self._changed.clear()
            try:
                due = await self.step()
            except SegueError:  # the store cannot write now; ticks are decided once it can
                due = self._clock.now() + _RETRY_MS
            delay_ms = _LONGEST_SLEEP_MS if due is None else due - self._clock.now()
            delay_ms = min(max(delay_ms, 0), _LONGEST_SLEEP_MS)
            # Not wait_for: until Python 3.12 it swallows a cancel that comes together with the change.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay_ms / 1000):
                    await self._changed.wait()

    async def step(self) -> int | None:
        """Fire what is due now. The instant of the next tick; None when nothing is scheduled."""
        soonest: int | None = None
        for schedule in list(self._schedules.values()):
            due = await self._step(schedule)
            if due is not None and (soonest is None or due < soonest):
                soonest = due
        return soonest

    async def _step(self, schedule: Schedule) -> int | None:
        now = self._clock.now()
        decision = ticks_to_fire(schedule.timer, schedule.last, now)
        if decision.skipped:
            self._tell_missed(schedule, decision.skipped)
        for tick in decision.fire:
            if not await self._fire(schedule, tick):
                return now + _RETRY_MS
        if decision.last > schedule.last:
            await self._record((schedule.process, schedule.node), decision.last)
            schedule.last = decision.last
        return next_tick(schedule.timer, schedule.last)

    async def _fire(self, schedule: Schedule, tick: int) -> bool:
        """Start an instance for the tick; False when it could not be accepted now and is to be tried again."""
        request = StartRequest(
            process=schedule.process,
            node=schedule.node,
            body=schedule.timer.body.encode() or b"{}",
            headers={},
            tick=tick,
        )
        try:
            await self._acceptor.start(request)
        except (NotFound, NoEnabledVersion):  # switched meanwhile; a reload is on its way
            return True
        except SegueError:
            return False
        schedule.last = tick
        return True

    def _tell_missed(self, schedule: Schedule, count: int) -> None:
        event = Event(
            kind=EventKind.SCHEDULE_MISSED,
            at=self._clock.now(),
            process=schedule.process,
            version=schedule.version,
            node=schedule.node,
            detail=f"{count} ticks passed while nothing could fire them",
        )
        self._herald.tell(event)


def _takers(published: list[Version]) -> list[Version]:
    """The highest enabled version of each process: the one that takes new messages (P4)."""
    highest: dict[str, Version] = {}
    for version in published:
        if version.state is VersionState.ENABLED:
            other = highest.get(version.process)
            if other is None or other.number < version.number:
                highest[version.process] = version
    return list(highest.values())
