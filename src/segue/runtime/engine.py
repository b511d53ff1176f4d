"""The engine: everything that runs on its own, put together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from time import monotonic

from segue.core.copies import together
from segue.core.figures import Figures
from segue.core.log_lines import HIDDEN_FIELDS, LineRules, Redactor
from segue.model.errors import NotFound, SegueError
from segue.model.events import Event, EventKind
from segue.model.graph import LimitRule
from segue.model.message import LogLine, RemoteCall
from segue.model.services import DeployerKind, LaneState, Member, Role, ServiceSeen, ServiceState
from segue.model.versions import Version
from segue.ports.deployer import Deployer
from segue.ports.notifier import Notifier
from segue.ports.outside import ApplicationWorkers, Chance, Clock, WorkerTransport
from segue.ports.store import Store
from segue.ports.telemetry import Telemetry
from segue.runtime.accept import Acceptor
from segue.runtime.control_service import LARGE_ANSWER, Surroundings
from segue.runtime.deployment import Deployment
from segue.runtime.directory import ActionAddresses
from segue.runtime.events import EventBus
from segue.runtime.fair_limits import FairLimits
from segue.runtime.figure_totals import FigureTotals
from segue.runtime.following import Following
from segue.runtime.herald import Herald
from segue.runtime.leadership import Lead, Running, Work
from segue.runtime.limiter import Limiter
from segue.runtime.log_lines import LogLines
from segue.runtime.meter import Meter
from segue.runtime.own_process import OwnProcess
from segue.runtime.schedules import Scheduler
from segue.runtime.service_watch import ServiceWatch
from segue.runtime.shape import ALONE, Shape
from segue.runtime.shared_limiter import SharedLimiter
from segue.runtime.spreading import PIECE
from segue.runtime.status_service import StatusService
from segue.runtime.supervisor import InlineDeployer
from segue.runtime.system_events import SystemEvents
from segue.runtime.tracer import Tracer
from segue.runtime.worker_limits import WorkerLimits
from segue.tasks import end

log = logging.getLogger(__name__)

_TICK_S = 1.0
_MATCH_EVERY_S = 15.0
_BEAT_EVERY = 2
_SILENT_MS = 10_000
_VERSIONS = frozenset(
    {
        EventKind.VERSION_PUBLISHED,
        EventKind.VERSION_ENABLED,
        EventKind.VERSION_DISABLED,
        EventKind.VERSION_RETIRED,
        EventKind.DEPLOYER_CHANGED,
        EventKind.LIMITS_CHANGED,
    }
)
_CONCERNS = _VERSIONS | {EventKind.VERSION_SWITCHED, EventKind.WORKERS_CHANGED, EventKind.RESTART_ASKED}


class Engine:
    """What of Segue runs in this process, by its roles: accepting, control services, schedules.

    A process that has its store alone does everything itself. One among others (`shape.alone` is False) reads on in
    the stored events to learn what the others did, says now and then that it is there, and leads in what one does for
    all.
    """

    # The nodes that are run anywhere in the installation; of one that is alone nobody needs to know.
    _elsewhere: frozenset[tuple[int, str]] = frozenset()

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
        shape: Shape = ALONE,
        deployers: Sequence[Callable[[Surroundings], Deployer]] = (),
    ) -> None:
        self.bus = EventBus()
        self.shape = shape
        self.herald = Herald(store)
        self._away = ServiceWatch(self.herald.tell, self._place, clock)
        self.meter = Meter(store, store, store, clock, called=self._away.called)
        self._store = store
        self._clock = clock
        self._directory = ActionAddresses(store)
        self._worker_limits = self._limits_of_workers(applications)
        self.acceptor = Acceptor(store, store, clock, chance, self._worker_limits)
        self._system_events = SystemEvents(store, self.acceptor, clock)
        self._status = None if notifier is None else StatusService(store, store, notifier, clock, chance)
        self._limiter = Limiter(store, clock) if shape.alone else SharedLimiter(store, clock)
        self._lines = LogLines(store, rules or LineRules("info", Redactor(HIDDEN_FIELDS)))
        self._limits = FairLimits(self._limiter, store, clock)
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
            alone=shape.alone,
        )
        self._deployment = self._deploying(deployers)
        self._scheduler = self._new_scheduler()
        self._listen()

    def _limits_of_workers(self, applications: ApplicationWorkers | None) -> WorkerLimits | None:
        if applications is None:
            return None
        return WorkerLimits(self._store, applications, self._directory.worker, self._clock)

    def _listen(self) -> None:
        """Hear what the store tells; nothing runs yet."""
        container = self.shape.member.container
        self._own = None if container is None else OwnProcess(container)
        self._added_up = FigureTotals(self._store, self._clock)
        self._stale = asyncio.Event()
        self._restarts: list[int] = []
        self._leads: list[Lead] = []
        self._background: list[asyncio.Task[None]] = []
        self._store.on_ready(self._deployment.wake)
        self._follow()

    def _deploying(self, deployers: Sequence[Callable[[Surroundings], Deployer]]) -> Deployment:
        """The control services of this process; none without their role."""
        made: dict[DeployerKind, Deployer] = {}
        if Role.CONTROL in self.shape.roles:
            inline = InlineDeployer(self._store, self._around)
            made = {each.kind: each for each in (inline, *(make(self._around) for make in deployers))}
        return Deployment(self._store, made, self.shape.deployer, self.shape.only)

    def _follow(self) -> None:
        """Who answers starts and tells of what happened needs every event, and soon; the others a few kinds of them."""
        every = self.shape.alone or {Role.API, Role.STATUS} & self.shape.roles
        kinds = () if every else tuple(sorted(_CONCERNS))
        poll = self.shape.poll_s
        self._following = Following(
            self._store, self._heard, poll, kinds=kinds, rest_s=poll / 50 if every else poll / 2
        )
        self._store.on_events(self._events, kinds)

    # -- life ---------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start what the roles of this process say: control services, schedules."""
        if not self.shape.alone:
            await self._following.begin()
        await self._directory.reload()
        await self._lines.reload()
        await self._deployment.prepare()
        await self._limits.load()
        await self._deployment.begin()
        self._run(self.meter.run())
        if self.shape.alone:
            await self._scheduler.reload()
            self._run(self._scheduler.run())
            for work in self._outward():
                self._run(work())
        else:
            await self._join()

    async def _join(self) -> None:
        """Become one of the installation's processes."""
        await self._beat()
        self._run(self._following.run())
        self._run(self._match())
        self._run(self._tick())
        if Role.TIMERS in self.shape.roles:
            self._lead("timers", self._fire_schedules)
        if Role.STATUS in self.shape.roles:
            for number, work in enumerate(self._outward()):
                self._lead(f"status-{number}", work)

    def _outward(self) -> list[Work]:
        """What tells the outside of what happened; one process does it for all."""
        return [self._system_events.run, *([] if self._status is None else [self._status.run])]

    async def stop(self, grace_s: float) -> None:
        """Fire no more schedules; stop every control service, each within the same grace."""
        self.acceptor.let_go()
        await end(*self._background)
        for lead in self._leads:
            await lead.resign()
        self._leads.clear()
        await self._deployment.leave(grace_s)
        await self._limiter.close()
        if not self.shape.alone:
            with contextlib.suppress(SegueError):
                await self._store.leave(self.shape.member.id)
        await self.herald.stop(grace_s=1.0)

    def lead(self, name: str, work: Work) -> None:
        """Have one process of the installation do this work; call it after `start`."""
        if self.shape.alone:
            self._run(work())
        else:
            self._lead(name, work)

    # -- what people's actions need -----------------------------------------------------------------------------------

    async def ensure_service(self, version: Version) -> None:
        """Start the control service of a published version, if it does not run yet."""
        await self._deployment.ensure(version)

    async def drop_service(self, version_id: int, grace_s: float = 5.0) -> None:
        """Stop the control service of a retired version."""
        await self._deployment.drop(version_id, grace_s)

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
        """Use the limits that people have given by now, and have the other processes do so."""
        await self._limits.reload()
        if not self.shape.alone:
            await self._store.note_events([Event(kind=EventKind.LIMITS_CHANGED, at=self._clock.now())])

    def told_limits(self) -> list[LimitRule]:
        """The rules that workers wrote into messages since this process began."""
        return self._limits.told()

    def waiting_for(self, key: str) -> list[str]:
        """The processes that wait for a limit key."""
        return self._limits.waiting(key)

    async def reload_schedules(self) -> None:
        """Use the schedules of the versions that are enabled now; where others fire them, they hear of it."""
        if self.shape.alone:
            await self._scheduler.reload()

    async def deployers(self) -> frozenset[DeployerKind]:
        """How control services can be run in this installation, by any process of it."""
        kinds = set(self._deployment.kinds)
        if not self.shape.alone:
            kinds.update(*(member.deployers for member in await self._store.members(_SILENT_MS)))
        return frozenset(kinds)

    async def match_deployers(self) -> None:
        """Run each control service as it is chosen for its process now."""
        await self._deployment.match(self.shape.grace_s)

    def sample(self) -> None:
        """Look at what each control service does, for its rate; for an engine that is alone somebody calls this."""
        self._deployment.sample()
        if self._own is not None:
            self._own.sample()

    # -- what people see ----------------------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        """Store an event that no settle caused, and tell it."""
        self.herald.tell(event)

    async def reload_notices(self) -> None:
        """Use the senders and rules as they are now."""
        if self._status is not None:
            await self._status.reload()

    def note_remote(self, version_id: int, node: str, host: str, took_us: int, status: int) -> None:
        """A worker says by itself that a node's action called another host; of nodes that nobody runs nothing is
        kept."""
        here = any(lane.node == node for lane in self.lanes_of(version_id))
        if here or (version_id, node) in self._elsewhere:
            self.meter.remote(version_id, node, RemoteCall(host, took_us, status))

    def figure_totals(self) -> dict[tuple[str, int, str], Figures]:
        """All that this process has added up, by process, version and node."""
        names = {state.version_id: state for state in self.services()}
        return {
            (names[version].process, names[version].version, node): figures
            for (version, node), figures in self.meter.totals.items()
            if version in names
        }

    async def figures_together(self) -> Mapping[tuple[str, int, str], Figures]:
        """All that the installation has added up since this process began, brought up to date."""
        await self.meter.step()
        return self.figure_totals() if self.shape.alone else await self._added_up.read()

    async def roll_figures(self) -> None:
        """Bring the figures up to date with what was settled."""
        await self.meter.step()

    def _place(self, version_id: int) -> tuple[str, int] | None:
        return self._deployment.place(version_id)

    def lanes_of(self, version_id: int) -> Sequence[LaneState]:
        """The lanes of a version's control service; none when it does not run here."""
        return self._deployment.lanes(version_id)

    def grows(self, process: str, version: int, node: str, depth: int) -> float:
        """By how many messages a second a queue has grown lately; `depth` is its length now."""
        return self.meter.grows(process, version, node, depth)

    def services(self) -> list[ServiceState]:
        """The control services of this process as people see them."""
        states = self._deployment.states()
        return states if self._own is None else [self._own.dress(state) for state in states]

    async def all_services(self) -> list[ServiceSeen]:
        """The control services of every process of the installation."""
        here = self.shape.member
        found = [ServiceSeen(member=here, state=state) for state in self.services()]
        if not self.shape.alone:
            for member in await self._store.members(_SILENT_MS):
                if member.id != here.id:
                    found += [ServiceSeen(member=member, state=state) for state in member.services]
        # One in a container says what it does itself; so does who looks after the container, and knows more.
        kept = {seen.state.container for seen in found if seen.member.container is None}
        found = [seen for seen in found if seen.member.container is None or seen.member.container not in kept]
        return sorted(found, key=lambda seen: (seen.state.process, seen.state.version, seen.member.started, seen.id))

    async def services_together(self) -> list[ServiceState]:
        """What runs of each version in all processes of the installation, as one."""
        return together(seen.state for seen in await self.all_services())

    async def members(self) -> list[Member]:
        """The processes of the installation."""
        if self.shape.alone:
            return [self.shape.member]
        return await self._store.members(_SILENT_MS)

    async def restart_service(self, id: str) -> ServiceSeen:
        """Stop a control service, wherever it runs, and start it anew; as it was before. Raises NotFound."""
        for seen in await self.all_services():
            if seen.id != id:
                continue
            if seen.member.id == self.shape.member.id:
                self._restarts.append(seen.state.version_id)
                self._stale.set()
                if self.shape.alone:
                    self._run(self._restart_asked())
            else:
                await self._store.note_events([Event(kind=EventKind.RESTART_ASKED, at=self._clock.now(), detail=id)])
            return seen
        raise NotFound(f"There is no control service {id[:100]}")

    # -- in the background --------------------------------------------------------------------------------------------

    async def _tick(self) -> None:
        """Look at what the services do, say so, and free what the gone held."""
        count = 0
        while True:
            await asyncio.sleep(_TICK_S)
            count += 1
            self.sample()
            if count % _BEAT_EVERY:
                continue
            try:
                await self._beat()
                await self._look_around()
                if isinstance(self._limiter, SharedLimiter):
                    await self._limiter.tidy()
            except SegueError as error:
                log.warning("Saying that this process is there: %s", error.detail)

    async def _beat(self) -> None:
        if DeployerKind.DOCKER in self._deployment.kinds:
            self._deployment.hear(await self._store.members(_SILENT_MS))
        if self.shape.heard:
            await self._store.beat(self.shape.said(self.services(), self._deployment.kinds))

    async def _look_around(self) -> None:
        """Know which nodes other processes run: workers tell of them wherever the API is."""
        if Role.API in self.shape.roles:
            running = await self.services_together()
            self._elsewhere = frozenset((state.version_id, lane.node) for state in running for lane in state.lanes)

    async def _match(self) -> None:
        """Bring this process to what the store says, when something changed, and now and then in any case."""
        matched = monotonic()
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, matched + _MATCH_EVERY_S - monotonic())):
                    await self._stale.wait()
            self._stale.clear()
            try:
                await self._restart_asked()
                await self._directory.reload()
                await self._lines.reload()
                await self._limits.reload()
                await self._deployment.match(self.shape.grace_s)
                if any(lead.leading for lead in self._leads):
                    await self._scheduler.reload()
                    await self.reload_notices()
                matched = monotonic()
            except SegueError as error:
                log.warning("Bringing this process to what the store says: %s", error.detail)
                await asyncio.sleep(_TICK_S)
                self._stale.set()

    async def _restart_asked(self) -> None:
        asked, self._restarts = self._restarts, []
        for version_id in asked:
            await self._deployment.restart(version_id, self.shape.grace_s)

    async def _fire_schedules(self) -> None:
        """The work of the timer service: what the one before decided is read from the store."""
        self._scheduler = self._new_scheduler()
        await self._scheduler.reload()
        await self._scheduler.run()

    def _new_scheduler(self) -> Scheduler:
        return Scheduler(self._store, self._store, self.acceptor, self._clock, self.herald)

    def _lead(self, name: str, work: Work) -> None:
        lead = Lead(self._store, name, self.shape.member.id, work)
        self._leads.append(lead)
        self._run(lead.run())

    def _run(self, work: Running) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.append(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task in self._background:
            self._background.remove(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("Something that runs on its own has ended: %r", error, exc_info=error)

    # -- what happens -------------------------------------------------------------------------------------------------

    def _events(self, events: Sequence[Event]) -> None:
        """What this process made true; nothing when another one did."""
        if self.shape.alone:
            self._pass_on(events)
        else:
            self.acceptor.note(events)
            self._following.hint()

    def _heard(self, events: Sequence[Event]) -> None:
        """What any process made true, in order."""
        self._pass_on(events)
        for event in events:
            if event.kind in _VERSIONS or event.kind is EventKind.WORKERS_CHANGED:
                self._stale.set()
            elif event.kind is EventKind.RESTART_ASKED:
                member, _, version = (event.detail or "").rpartition(".")
                if member == self.shape.member.id and version.isdecimal():
                    self._restarts.append(int(version))
                    self._stale.set()

    def _pass_on(self, events: Sequence[Event]) -> None:
        self.acceptor.note(events)
        if self._worker_limits is not None:
            self._worker_limits.note(events)
        self._system_events.note(events)
        self.bus.publish(events)
        if self._status is not None:
            self._status.note(events)
