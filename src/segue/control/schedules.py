"""Schedules: which timers start processes, when they did last and will next; and starting one now."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from segue.core.timers import next_tick
from segue.model.errors import NotFound
from segue.model.graph import NodeKind, Timer
from segue.model.versions import Version, VersionState
from segue.ports.catalog import ProcessCatalog, ScheduleCatalog
from segue.ports.outside import Clock

_AHEAD = 5
# A tick that passed longer ago than this (ms) was due and did not fire.
_LATE_MS = 60_000


class ScheduleView(Struct, frozen=True, kw_only=True):
    """A timer start event. `active`: its version takes new messages, so it fires. `last` is the tick decided last.

    `next` are the coming ticks, soonest first; `late` that one is due since more than a minute and did not fire.
    """

    process: str
    version: int
    node: str
    name: str
    kind: str
    value: str
    zone: str
    missed: str
    body: str
    active: bool
    last: int | None
    next: tuple[int, ...]
    late: bool


class Starter(Protocol):
    """Starts an instance at a start node of the version that takes new messages; answers the instance's id."""

    async def __call__(self, process: str, node: str, body: bytes) -> str: ...


class _Timer(Struct, frozen=True, kw_only=True):
    """A timer start event of a version."""

    node: str
    name: str
    timer: Timer


class Schedules:
    """Look at schedules, and start one now."""

    def __init__(self, catalog: ProcessCatalog, states: ScheduleCatalog, clock: Clock) -> None:
        self._catalog = catalog
        self._states = states
        self._clock = clock
        # A published version never changes, and reading a thousand of them takes its time.
        self._timers: dict[int, list[_Timer]] = {}

    async def find(self, process: str | None = None) -> list[ScheduleView]:
        """Every schedule of the version that takes new messages, or else of the newest published one."""
        states = {(state.process, state.node): state.tick for state in await self._states.schedule_states()}
        now = self._clock.now()
        found = []
        published = await self._catalog.published()
        for version in _shown(published):
            if process in {None, version.process}:
                timers = await self._timers_of(version)
                found += [_view(version, one, states.get((version.process, one.node)), now) for one in timers]
        known = {version.id for version in published}
        self._timers = {key: timers for key, timers in self._timers.items() if key in known}
        return sorted(found, key=lambda one: (one.process, one.name))

    async def run(self, process: str, node: str, start: Starter) -> str:
        """Start an instance as the schedule would, now and besides its ticks; the instance's id. Raises NotFound."""
        for one in await self.find(process):
            if one.node == node and one.active:
                return await start(process, node, one.body.encode() or b"{}")
        raise NotFound(f"Process {process[:100]} has no schedule {node[:100]} that is enabled")

    async def _timers_of(self, version: Version) -> list[_Timer]:
        if version.id not in self._timers:
            graph = (await self._catalog.content(version.id)).graph
            self._timers[version.id] = [
                _Timer(node=node.id, name=node.label, timer=node.timer)
                for node in graph.nodes
                if node.kind is NodeKind.START and node.timer is not None
            ]
        return self._timers[version.id]


def _shown(published: list[Version]) -> list[Version]:
    """Of each process the version that takes new messages, or else its newest."""
    found: dict[str, Version] = {}
    for version in published:
        other = found.get(version.process)
        rank = (version.state is VersionState.ENABLED, version.number)
        if other is None or rank > (other.state is VersionState.ENABLED, other.number):
            found[version.process] = version
    return list(found.values())


def _view(version: Version, start: _Timer, last: int | None, now: int) -> ScheduleView:
    timer = start.timer
    active = version.state is VersionState.ENABLED
    coming: list[int] = []
    while active and len(coming) < _AHEAD:
        tick = next_tick(timer, coming[-1] if coming else now)
        if tick is None:
            break
        coming.append(tick)
    due = next_tick(timer, last) if active and last is not None else None
    return ScheduleView(
        process=version.process,
        version=version.number,
        node=start.node,
        name=start.name,
        kind=timer.kind.value,
        value=timer.value,
        zone=timer.zone or "UTC",
        missed=timer.missed.value,
        body=timer.body,
        active=active,
        last=last,
        next=tuple(coming),
        late=due is not None and due < now - _LATE_MS,
    )
