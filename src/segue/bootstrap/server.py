"""The composition root: which adapter stands behind which port, and in which order they live and die."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ipaddress
import logging
import shutil
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvloop

from segue.adapters.chance import SystemChance
from segue.adapters.clock import SystemClock
from segue.adapters.log_sinks.addresses import sinks
from segue.adapters.otlp import OtlpExporter
from segue.adapters.senders import Senders
from segue.adapters.worker_directory import HttpApplicationWorkers, HttpWorkerDirectory
from segue.adapters.worker_http import HttpSettings, HttpWorkers
from segue.api.app import build
from segue.api.front import HEALTH
from segue.api.gate import Gate
from segue.api.parts import About, Parts, SettingFact
from segue.api.server import HttpServer, bind
from segue.api.start import Intake, StartLimits
from segue.bootstrap.stores import open_store
from segue.config import Configuration, Setting, Settings
from segue.control.everything import control
from segue.control.upkeep import Upkeep
from segue.control.workers import check_url
from segue.core.figures import Figures, Span
from segue.core.log_lines import LineRules, Redactor
from segue.model.errors import Invalid, SegueError, StoreUnavailable
from segue.ports.store import Store
from segue.runtime.access_watch import AccessWatch
from segue.runtime.engine import Engine
from segue.runtime.log_shipping import LogShipping
from segue.runtime.queue_watch import QueueBounds, QueueWatch
from segue.web import AdminPages

log = logging.getLogger(__name__)

Say = Callable[[str], None]

_MIB = 1 << 20
_UPKEEP_S = 60.0
_COLLECTOR = (50_000, 20, 100)
_FIRST_TOKEN = "No token exists yet, so nothing can be reached. Make one: segue token create --data {} --name me"
_FIRST_ADMIN = "Nobody can sign in yet. Make the first administrator, this link works once: {}"
_NO_TLS = "Warning: listening on {} without TLS; put a proxy with TLS in front, or tokens travel in the clear"


def run_server(configuration: Configuration, say: Say, warn: Say) -> None:
    """Serve until SIGTERM or SIGINT, then end in order. `say` gets the line that the server is ready."""
    _look_for_cycles_seldom()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_Server(configuration, say, warn).run())


def _look_for_cycles_seldom() -> None:
    """Have Python's collector of cycles leave alone what was imported, and look less often at the rest.

    By default it looks after every 700 new objects, which a busy server makes in a millisecond; nearly all of them
    are trees that go by themselves.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR)


class _Server:
    """One life of the server, from opening the data folder to closing it."""

    def __init__(self, configuration: Configuration, say: Say, warn: Say) -> None:
        self._settings = configuration.settings
        self._listed = configuration.listed
        self._say = say
        self._warn = warn
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Live. Raises SegueError for whatever keeps the server from starting."""
        self._listen_to_signals()
        settings = self._settings
        async with contextlib.AsyncExitStack() as stack:
            store = await open_store(settings)
            stack.push_async_callback(store.close)
            held = bind(settings.host, settings.port)
            stack.callback(held.close)
            await self._check_exposure(store)
            transport = HttpWorkers(_http_settings(settings))
            stack.push_async_callback(transport.close)
            directory = HttpWorkerDirectory(ca_file=_worker_ca(settings))
            stack.push_async_callback(directory.close)
            applications = HttpApplicationWorkers(ca_file=_worker_ca(settings))
            stack.push_async_callback(applications.close)
            clock, chance = SystemClock(), SystemChance()
            senders = Senders(Path(settings.sender_ca) if settings.sender_ca else None)
            stack.push_async_callback(senders.close)
            rules = _line_rules(settings)
            telemetry = _telemetry(settings, stack, clock.now(), lambda: engine.figure_totals())  # noqa: PLW0108 - it is made below
            engine = Engine(
                store, transport, clock, chance, notifier=senders, telemetry=telemetry, applications=applications,
                rules=rules,
            )  # fmt: skip
            shipping = LogShipping(sinks(settings.log_sinks), store, clock, settings.log_kept)
            parts = Parts(
                control=control(
                    store, engine, directory, applications, clock, chance, notifier=senders, shipping=shipping
                ),
                engine=engine,
                views=store,
                gate=Gate(store, clock),
                intake=Intake(),
                clock=clock,
                limits=StartLimits(body=settings.max_body_mb * _MIB, wait_s=settings.max_wait_s),
                version=version("segue"),
                compat=settings.compat,
                about=_about(settings, self._listed, clock.now()),
            )
            await engine.start()
            stack.push_async_callback(engine.stop, 0.0)
            await stack.enter_async_context(_beside(shipping.run()))
            watch = AccessWatch(store, store, engine.herald.tell, clock)
            await stack.enter_async_context(_beside(watch.run()))
            bounds = QueueBounds(messages=settings.queue_too_long, oldest_s=settings.queue_too_old_s)
            queues = QueueWatch(store, engine.herald.tell, clock, bounds)
            await stack.enter_async_context(_beside(queues.run()))
            await self._serve(parts, held, Upkeep(store, clock, settings.retention_days, _figure_days(settings)))

    async def _serve(self, parts: Parts, held: socket.socket, upkeep: Upkeep) -> None:
        server = HttpServer(build(parts, AdminPages()), held)
        caring = asyncio.create_task(_care(parts.gate, upkeep))
        working = asyncio.create_task(parts.control.operations.run())
        try:
            await server.start(HEALTH)
            host, port = held.getsockname()[:2]
            address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
            self._say(f"Segue is ready on {address}")
            with contextlib.suppress(StoreUnavailable):  # gone again: the next start offers one
                if secret := await parts.control.sessions.offer_first():
                    self._warn(_FIRST_ADMIN.format(f"{address}/setup#{secret}"))
            await self._until_stop(server)
            parts.intake.closed.set()
            working.cancel()
            parts.engine.acceptor.let_go()
            await self._drain(parts.engine)
        finally:
            caring.cancel()
            working.cancel()
            await server.stop()
            await parts.gate.note_use()

    async def _until_stop(self, server: HttpServer) -> None:
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
        if not draining.done():
            draining.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await draining

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

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()


@contextlib.asynccontextmanager
async def _beside(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Have something done until the block ends."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


def _line_rules(settings: Settings) -> LineRules:
    return LineRules(settings.log_lines, Redactor(settings.log_hidden.split()))


async def _care(gate: Gate, upkeep: Upkeep) -> None:
    """Note the use of tokens and forget what is past its time, every minute; trouble waits for the next one."""
    while True:
        await asyncio.sleep(_UPKEEP_S)
        try:
            await gate.note_use()
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
