"""The engine: everything that runs on its own, put together."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from segue.core.figures import Figures
from segue.core.log_lines import HIDDEN_FIELDS, LineRules, Redactor
from segue.model.events import Event
from segue.model.graph import LimitRule
from segue.model.message import LogLine, RemoteCall
from segue.model.versions import Version
from segue.ports.notifier import Notifier
from segue.ports.outside import ApplicationWorkers, Chance, Clock, WorkerTransport
from segue.ports.store import Store
from segue.ports.telemetry import Telemetry
from segue.runtime.accept import Acceptor
from segue.runtime.control_service import LARGE_ANSWER, Surroundings
from segue.runtime.directory import ActionAddresses
from segue.runtime.events import EventBus
from segue.runtime.fair_limits import FairLimits
from segue.runtime.herald import Herald
from segue.runtime.lane import LaneState
from segue.runtime.limiter import Limiter
from segue.runtime.log_lines import LogLines
from segue.runtime.meter import Meter
from segue.runtime.schedules import Scheduler
from segue.runtime.service_watch import ServiceWatch
from segue.runtime.spreading import PIECE
from segue.runtime.status_service import StatusService
from segue.runtime.supervisor import ServiceState, Supervised
from segue.runtime.system_events import SystemEvents
from segue.runtime.tracer import Tracer
from segue.runtime.worker_limits import WorkerLimits


class Engine:
    """Accepts instances and runs the control services of all published versions, in this process."""

    def __init__(
        self,
        store: Store,
        transport: WorkerTransport,
        clock: Clock,
        chance: Chance,
        *,
        notifier: Notifier | None = None,
        applications: ApplicationWorkers | None = None,
        rules: LineRules | None = None,
        telemetry: Telemetry | None = None,
        large_answer: int = LARGE_ANSWER,
        piece: int = PIECE,
    ) -> None:
        self.bus = EventBus()
        self.herald = Herald(store)
        self._away = ServiceWatch(self.herald.tell, self._place, clock)
        self.meter = Meter(store, store, store, clock, called=self._away.called)
        self._store = store
        self._directory = ActionAddresses(store)
        self._worker_limits: WorkerLimits | None = None
        if applications is not None:
            self._worker_limits = WorkerLimits(store, applications, self._directory.worker, clock)
        self.acceptor = Acceptor(store, store, clock, chance, self._worker_limits)
        self._system_events = SystemEvents(store, self.acceptor, clock)
        self._scheduler = Scheduler(store, store, self.acceptor, clock, self.herald)
        self._lines = LogLines(store, rules or LineRules("info", Redactor(HIDDEN_FIELDS)))
        self._limits = FairLimits(Limiter(store, clock), store, clock)
        self._around = Surroundings(
            store=store,
            transport=transport,
            directory=self._directory,
            limits=self._limits,
            clock=clock,
            chance=chance,
            herald=self.herald,
            lines=self._lines,
            meter=self.meter,
            tracer=None if telemetry is None else Tracer(telemetry),
            large_answer=large_answer,
            piece=piece,
        )
        self._status = None if notifier is None else StatusService(store, store, notifier, clock, chance)
        self._services: dict[int, Supervised] = {}
        self._leaving: list[Supervised] = []
        self._background: list[asyncio.Task[None]] = []
        store.on_ready(self._ready)
        store.on_events(self._events)

    async def start(self) -> None:
        """Start a control service for every published version, and the schedules."""
        await self._directory.reload()
        await self._lines.reload()
        for version in await self._store.published():
            service = self._services[version.id] = Supervised(version, self._store, self._around)
            await service.prepare()
        await self._limits.load()
        for service in list(self._services.values()):  # one may be published meanwhile
            await service.begin()
        await self._scheduler.reload()
        loop = asyncio.get_running_loop()
        self._background.append(loop.create_task(self._scheduler.run()))
        self._background.append(loop.create_task(self._system_events.run()))
        self._background.append(loop.create_task(self.meter.run()))
        if self._status is not None:
            self._background.append(loop.create_task(self._status.run()))

    async def stop(self, grace_s: float) -> None:
        """Fire no more schedules; stop every control service, each within the same grace."""
        self.acceptor.let_go()
        for task in self._background:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._background.clear()
        await asyncio.gather(*(each.stop(grace_s) for each in (*self._services.values(), *self._leaving)))
        self._services.clear()
        await self.herald.stop(grace_s=1.0)

    async def ensure_service(self, version: Version) -> None:
        """Start the control service of a published version, if it does not run yet."""
        if version.id not in self._services:
            service = Supervised(version, self._store, self._around)
            self._services[version.id] = service
            await service.start()

    async def drop_service(self, version_id: int, grace_s: float = 5.0) -> None:
        """Stop the control service of a retired version."""
        service = self._services.pop(version_id, None)
        if service is None:
            return
        self._leaving.append(service)
        try:
            await service.stop(grace_s)
        finally:
            self._leaving.remove(service)

    async def reload_workers(self) -> None:
        """Use the workers as they are registered now."""
        await self._directory.reload()

    def kept_lines(self, process: str, lines: Sequence[LogLine]) -> tuple[LogLine, ...]:
        """The lines to store of those that somebody sent about messages of a process."""
        return self._lines.kept(process, lines)

    async def reload_log_levels(self) -> None:
        """Use the levels of processes as they are stored now."""
        await self._lines.reload()

    async def reload_limits(self) -> None:
        """Use the limits that people have given by now."""
        await self._limits.reload()

    def told_limits(self) -> list[LimitRule]:
        """The rules that workers wrote into messages since this process began."""
        return self._limits.told()

    def waiting_for(self, key: str) -> list[str]:
        """The processes that wait for a limit key."""
        return self._limits.waiting(key)

    async def reload_schedules(self) -> None:
        """Use the schedules of the versions that are enabled now."""
        await self._scheduler.reload()

    def tell(self, event: Event) -> None:
        """Store an event that no settle caused, and tell it."""
        self.herald.tell(event)

    async def reload_notices(self) -> None:
        """Use the senders and rules as they are now."""
        if self._status is not None:
            await self._status.reload()

    def note_remote(self, version_id: int, node: str, host: str, took_us: int, status: int) -> None:
        """A worker says by itself that a node's action called another host; of nodes that are not here nothing is
        kept."""
        if any(lane.node == node for lane in self.lanes_of(version_id)):
            self.meter.remote(version_id, node, RemoteCall(host, took_us, status))

    def figure_totals(self) -> dict[tuple[str, int, str], Figures]:
        """All that this process has added up, by process, version and node."""
        names = {service.version.id: service.version for service in self._services.values()}
        return {
            (names[version].process, names[version].number, node): figures
            for (version, node), figures in self.meter.totals.items()
            if version in names
        }

    async def roll_figures(self) -> None:
        """Bring the figures up to date with what was settled."""
        await self.meter.step()

    def _place(self, version_id: int) -> tuple[str, int] | None:
        service = self._services.get(version_id)
        return None if service is None else (service.version.process, service.version.number)

    def lanes_of(self, version_id: int) -> Sequence[LaneState]:
        """The lanes of a version's control service; none when it does not run here."""
        service = self._services.get(version_id)
        return service.state().lanes if service is not None else ()

    def grows(self, process: str, version: int, node: str, depth: int) -> float:
        """By how many messages a second a queue has grown lately; `depth` is its length now."""
        return self.meter.grows(process, version, node, depth)

    def services(self) -> list[ServiceState]:
        """The control services as people see them."""
        return [service.state() for service in self._services.values()]

    def _ready(self, version: int, node: str) -> None:
        service = self._services.get(version)
        if service is not None:
            service.wake(node)

    def _events(self, events: Sequence[Event]) -> None:
        self.acceptor.note(events)
        if self._worker_limits is not None:
            self._worker_limits.note(events)
        self._system_events.note(events)
        self.bus.publish(events)
        if self._status is not None:
            self._status.note(events)
