"""The composition root: which adapter stands behind which port, and in which order they live and die."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from importlib.metadata import version
from pathlib import Path

import msgspec
import uvloop

from segue.adapters.chance import SystemChance
from segue.adapters.clock import SystemClock
from segue.adapters.docker.plan import ALIVE
from segue.adapters.log_sinks.addresses import sinks
from segue.adapters.otlp import OtlpExporter
from segue.adapters.postgres.trouble import Away
from segue.adapters.senders import Senders
from segue.adapters.worker_directory import HttpApplicationWorkers, HttpWorkerDirectory
from segue.adapters.worker_http import HttpSettings, HttpWorkers
from segue.api.app import build
from segue.api.front import HEALTH
from segue.api.gate import Gate
from segue.api.parts import About, Parts, SettingFact
from segue.api.probes import Probes
from segue.api.server import HttpServer, bind
from segue.api.start import Intake, StartLimits
from segue.bootstrap.shape import Task, check_shape, deployers, shape_of
from segue.bootstrap.stores import open_store
from segue.config import Configuration, Setting, Settings
from segue.control.everything import control
from segue.control.upkeep import Upkeep
from segue.control.workers import check_url
from segue.core.figures import Figures, Span
from segue.core.log_lines import LineRules, Redactor
from segue.model.errors import Invalid, NotFound, SegueError, StoreUnavailable
from segue.model.services import Role
from segue.ports.outside import Chance, Clock
from segue.ports.store import Store
from segue.runtime.access_watch import AccessWatch
from segue.runtime.engine import Engine
from segue.runtime.log_shipping import LogShipping
from segue.runtime.queue_watch import QueueBounds, QueueWatch
from segue.runtime.shape import Shape
from segue.tasks import end
from segue.web import AdminPages

log = logging.getLogger(__name__)

Say = Callable[[str], None]

_MIB = 1 << 20
_UPKEEP_S = 60.0
_SAMPLE_S = 2.0
_TELL_S = 1.0
_AGAIN_S = 0.5
_END_S = 10.0
_COLLECTOR = (50_000, 20, 100)
_FIRST_TOKEN = "No token exists yet, so nothing can be reached. Make one: segue token create --data {} --name me"
_FIRST_ADMIN = "Nobody can sign in yet. Make the first administrator, this link works once: {}"
_NO_TLS = "Warning: listening on {} without TLS; put a proxy with TLS in front, or tokens travel in the clear"


def run_server(
    configuration: Configuration,
    say: Say,
    warn: Say,
    task: Task = Task(),  # noqa: B008 - it is frozen
) -> None:
    """Serve until SIGTERM or SIGINT, then end in order. `say` gets the line that the server is ready."""
    check_shape(configuration.settings, task)
    _look_for_cycles_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Server(configuration, say, warn, task).run())


def _look_for_cycles_seldom() -> None:
    """Have Python's collector of cycles leave alone what was imported, and look less often at the rest.

    By default it looks after every 700 new objects, which a busy server makes in a millisecond; nearly all of them
    are trees that go by themselves.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR)


class _Server:
    """The server, from its start to its end."""

    def __init__(self, configuration: Configuration, say: Say, warn: Say, task: Task) -> None:
        self._settings = configuration.settings
        self._listed = configuration.listed
        self._task = task
        self._say = say
        self._warn = warn
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._begun = False

    async def run(self) -> None:
        """Live. Raises SegueError for whatever keeps the server from starting; a database that is away while it starts,
        or goes away meanwhile, is waited for as long as the settings say."""
        self._listen()
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._settings.store_wait_s
        said = ""
        while not self._stop.is_set():
            try:
                await self._life()
            except Away as error:
                if self._begun or loop.time() >= give_up:
                    raise
                if error.detail != said:
                    said = error.detail
                    self._warn(f"Not started yet, trying again for {self._settings.store_wait_s} s: {said}")
            else:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), _AGAIN_S)

    async def _life(self) -> None:
        """One life, from opening the store to closing it."""
        settings = self._settings
        async with contextlib.AsyncExitStack() as stack:
            store = await open_store(settings)
            stack.push_async_callback(store.close)
            clock, chance = SystemClock(), SystemChance()
            shape = await self._shape(store, clock, chance)
            if shape is None:
                return
            held = await self._bind(shape.roles, store, stack)
            transport = HttpWorkers(_http_settings(settings))
            directory = HttpWorkerDirectory(ca_file=_worker_ca(settings))
            applications = HttpApplicationWorkers(ca_file=_worker_ca(settings))
            senders = Senders(Path(settings.sender_ca) if settings.sender_ca else None)
            for outward in (transport, directory, applications, senders):
                stack.push_async_callback(outward.close)
            telemetry = _telemetry(settings, stack, clock.now(), lambda: engine.figure_totals())  # noqa: PLW0108 - it is made below
            shipping = LogShipping(sinks(settings.log_sinks), store, clock, settings.log_kept)
            engine = Engine(
                store,
                transport,
                clock,
                chance,
                notifier=senders,
                telemetry=telemetry,
                applications=applications,
                rules=_line_rules(settings),
                shape=shape,
                deployers=deployers(settings, self._task),
            )
            outside = (directory, applications, clock, chance)
            use = control(store, engine, *outside, notifier=senders, shipping=shipping)
            parts = Parts(
                control=use,
                engine=engine,
                views=store,
                gate=Gate(store, clock),
                intake=Intake(),
                clock=clock,
                limits=_start_limits(settings),
                version=version("segue"),
                compat=settings.compat,
                about=_about(settings, self._listed, clock.now()),
            )
            stack.push_async_callback(engine.stop, 0.0)
            await engine.start()
            self._lead(engine, store, clock, shipping)
            await self._live(parts, held)

    async def _shape(self, store: Store, clock: Clock, chance: Chance) -> Shape | None:
        """The shape of this process; None when the version that a container was made for is gone, and it is told to
        end: who looks after the container removes it, and to end earlier would only start it again."""
        try:
            return await shape_of(self._settings, self._task, store, clock, chance)
        except NotFound as error:
            if self._task.container is None:
                raise
            self._say(f"{error.detail}. Nothing to do any more")
            await self._stop.wait()
            return None

    def _lead(self, engine: Engine, store: Store, clock: Clock, shipping: LogShipping) -> None:
        """Have one process of the installation look after what all have."""
        if Role.STATUS in engine.shape.roles:
            days = self._settings.retention_days
            engine.lead("upkeep", partial(_care, Upkeep(store, clock, days, _figure_days(self._settings))))
            engine.lead("log-shipping", shipping.run)
            engine.lead("access-watch", AccessWatch(store, store, engine.herald.tell, clock).run)
            bounds = QueueBounds(messages=self._settings.queue_too_long, oldest_s=self._settings.queue_too_old_s)
            engine.lead("queue-watch", QueueWatch(store, engine.herald.tell, clock, bounds).run)

    async def _live(self, parts: Parts, held: socket.socket | None) -> None:
        """Do what the roles say until told to stop."""
        self._begun = True
        if Role.API in parts.engine.shape.roles and held is not None:
            await self._serve(parts, held)
        else:
            await self._work(parts, held)

    async def _bind(
        self, roles: frozenset[Role], store: Store, stack: contextlib.AsyncExitStack
    ) -> socket.socket | None:
        """The socket to listen on; a process for one version has one only if it was asked for."""
        if self._task.version is not None and self._settings.port == Settings().port:
            return None
        held = bind(self._settings.host, self._settings.port)
        stack.callback(held.close)
        if Role.API in roles:
            await self._check_exposure(store)
        return held

    async def _serve(self, parts: Parts, held: socket.socket) -> None:
        server = HttpServer(build(parts, AdminPages()), held)
        parts.engine.lead("operations", parts.control.operations.run)
        noting = asyncio.create_task(_note_use(parts.gate, parts.engine))
        try:
            await server.start(HEALTH)
            address = _address(held)
            self._say(f"Segue is ready on {address}")
            with contextlib.suppress(StoreUnavailable):  # gone again: the next start offers one
                if secret := await parts.control.sessions.offer_first():
                    self._warn(_FIRST_ADMIN.format(f"{address}/setup#{secret}"))
            await self._until_stop(server)
            parts.intake.closed.set()
            parts.engine.acceptor.let_go()
            await self._drain(parts.engine)
        finally:
            await end(noting)
            await server.stop()
            with contextlib.suppress(StoreUnavailable):  # when tokens were used last is no reason to end with an error
                await parts.gate.note_use()

    async def _work(self, parts: Parts, held: socket.socket | None) -> None:
        """Live without the API: what answers, if anything, says that the process is there and can work."""
        server = None if held is None else HttpServer(Probes(parts.control.readiness, parts.intake), held)
        saying = asyncio.create_task(self._tell_parent(parts.engine))
        try:
            if server is not None and held is not None:
                await server.start(HEALTH)
                self._say(f"Segue is ready on {_address(held)} ({', '.join(parts.engine.shape.member.roles)})")
            elif not self._task.supervised:
                self._say(f"The control service of {self._task.version} is ready")
            await self._until_stop(server)
            parts.intake.closed.set()
            await self._drain(parts.engine)
        finally:
            await end(saying)
            if server is not None:
                await server.stop()

    async def _tell_parent(self, engine: Engine) -> None:
        """Say what the control service does, to whom supervises it; stop when its version is retired."""
        while engine.shape.only is not None:
            states = engine.services()
            if not states:
                self._tell_to_end()
            elif self._task.supervised:
                self._say(msgspec.json.encode(states[0]).decode())
            await asyncio.sleep(_TELL_S)

    async def _until_stop(self, server: HttpServer | None) -> None:
        if server is None:
            await self._stop.wait()
            return
        stopping = asyncio.ensure_future(self._stop.wait())
        ended = asyncio.ensure_future(server.ended())
        await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            stopping.cancel()
            raise SegueError("The HTTP server ended on its own; the log says why")
        ended.cancel()

    async def _drain(self, engine: Engine) -> None:
        """Let the calls in flight finish within the grace; a second signal ends the waiting."""
        draining = asyncio.ensure_future(engine.stop(self._settings.grace_s))
        hurrying = asyncio.ensure_future(self._hurry.wait())
        await asyncio.wait({draining, hurrying}, return_when=asyncio.FIRST_COMPLETED)
        hurrying.cancel()
        await end(draining)
        if not draining.cancelled():
            draining.result()

    async def _check_exposure(self, store: Store) -> None:
        """Raises Invalid for an address that others reach while no token exists."""
        tokens = await store.tokens()
        if not _loopback(self._settings.host):
            if not tokens:
                text = f"Not listening on {self._settings.host}, which others may reach, before a token exists. "
                raise Invalid(text + f"Make one: segue token create --data {self._settings.data} --name me")
            self._warn(_NO_TLS.format(self._settings.host))
        elif not tokens:
            self._warn(_FIRST_TOKEN.format(self._settings.data))

    def _listen(self) -> None:
        """Hear signals, and show that there is life."""
        loop = asyncio.get_running_loop()
        if self._task.container is not None:
            self._showing = loop.create_task(_show_life(Path(ALIVE)))
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)
        if self._task.supervised:
            loop.add_reader(sys.stdin.fileno(), self._on_orphaned)

    def _on_orphaned(self) -> None:
        """Stdin says nothing; that it can be read means that who started this process is gone."""
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        self._tell_to_end()

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._tell_to_end()

    def _tell_to_end(self) -> None:
        """Whatever the reason: end in order, or without it when that takes too long."""
        if not self._stop.is_set():
            asyncio.get_running_loop().call_later(self._settings.grace_s + _END_S, _give_up)
            self._stop.set()


def _give_up() -> None:
    """End without order, after saying what does not end: what is stored is whole at every instant, and who waits for
    this process would soon kill it without a word."""
    for task in asyncio.all_tasks():
        log.error("Told to end, and still running: %r", task)
    os._exit(1)


async def _show_life(file: Path) -> None:
    """Let a file be young, for the health check of the container: everything else here goes through this loop, too."""
    while True:
        file.touch()  # noqa: ASYNC240 - on a file system in memory
        await asyncio.sleep(_TELL_S)


def _line_rules(settings: Settings) -> LineRules:
    return LineRules(settings.log_lines, Redactor(settings.log_hidden.split()))


async def _care(upkeep: Upkeep) -> None:
    """Forget what is past its time, every minute; trouble waits for the next one."""
    while True:
        await asyncio.sleep(_UPKEEP_S)
        try:
            while await upkeep.step():
                pass
        except SegueError as error:
            log.warning("Upkeep: %s", error.detail)


def _telemetry(
    settings: Settings,
    stack: contextlib.AsyncExitStack,
    began: int,
    figures: Callable[[], Mapping[tuple[str, int, str], Figures]],
) -> OtlpExporter | None:
    """The way to the collector, until the stack closes it; None without one. Raises Invalid."""
    if not settings.otlp_endpoint:
        return None
    headers = {}
    for field in filter(None, settings.otlp_headers.split(",")):
        name, equals, value = field.partition("=")
        if not equals:
            raise Invalid("otlp_headers: write name=value, with commas between")
        headers[name.strip()] = value.strip()
    address = check_url(settings.otlp_endpoint)
    exporter = OtlpExporter(address, headers, version("segue"), lambda: (began, figures()))
    exporter.start()
    stack.push_async_callback(exporter.close)
    return exporter


def _figure_days(settings: Settings) -> dict[Span, int]:
    return {
        Span.MINUTE: settings.metrics_minute_days,
        Span.HOUR: settings.metrics_hour_days,
        Span.DAY: settings.metrics_day_days,
    }


async def _note_use(gate: Gate, engine: Engine) -> None:
    """Note the use of tokens every minute, and look at what control services do; trouble waits for the next one."""
    count = 0
    while True:
        await asyncio.sleep(_SAMPLE_S)
        count += 1
        if engine.shape.alone:
            engine.sample()
        if count % (_UPKEEP_S // _SAMPLE_S):
            continue
        try:
            await gate.note_use()
        except SegueError as error:
            log.warning("Noting the use of tokens: %s", error.detail)


def _start_limits(settings: Settings) -> StartLimits:
    return StartLimits(body=settings.max_body_mb * _MIB, wait_s=settings.max_wait_s)


def _address(held: socket.socket) -> str:
    host, port = held.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def _http_settings(settings: Settings) -> HttpSettings:
    return HttpSettings(
        connections=settings.worker_connections,
        answer_limit=settings.worker_reply_mb * _MIB,
        ca_file=_worker_ca(settings),
    )


def _about(settings: Settings, listed: Sequence[Setting], started: int) -> About:
    folder = Path(settings.data)

    def disk() -> tuple[int | None, int | None]:
        used = sum(file.stat().st_size for file in folder.glob("*") if file.is_file())
        return used, shutil.disk_usage(folder).free

    facts = [SettingFact(name=one.name, value=str(one.value), origin=one.origin, about=one.about) for one in listed]
    return About(started=started, store="PostgreSQL" if settings.store else "SQLite", settings=facts, disk=disk)


def _worker_ca(settings: Settings) -> Path | None:
    return Path(settings.worker_ca) if settings.worker_ca else None


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
