"""A whole Segue in the test's own event loop: store, engine, workers as functions, and the HTTP face on a free port."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from segue.adapters.chance import SystemChance
from segue.adapters.clock import SystemClock
from segue.adapters.memory.store import MemoryStore
from segue.adapters.secrets_file import FileSecrets
from segue.adapters.sqlite.settings import SqliteSettings
from segue.adapters.sqlite.store import SqliteStore
from segue.api.app import build
from segue.api.front import HEALTH
from segue.api.gate import Gate
from segue.api.parts import Parts
from segue.api.server import HttpServer, bind
from segue.api.start import Intake, StartLimits
from segue.control.everything import Control, control
from segue.control.tokens import SCOPES
from segue.model.errors import WorkerTrouble
from segue.model.graph import ActionKind
from segue.model.workers import OfferedAction, Worker, WorkerCall, WorkerReply
from segue.ports.notifier import Notifier
from segue.ports.store import Store
from segue.ports.telemetry import Telemetry
from segue.runtime.engine import Engine
from segue.testing.applications import FakeApplicationWorkers
from segue.testing.worker import FakeWorkers

WORKER_URL = "http://worker.example"
BODY_LIMIT = 64 * 1024


class FakeDirectory:
    """Answers for the one worker that the tests know."""

    async def list_actions(self, worker: Worker) -> list[OfferedAction]:
        if worker.url != WORKER_URL:
            raise WorkerTrouble(f"worker {worker.name} is away")
        return [
            OfferedAction(name="echo", kind=ActionKind.CONNECTOR),
            OfferedAction(name="pages", kind=ActionKind.BATCH, application="shop"),
        ]

    async def check_action(self, worker: Worker, kind: ActionKind, name: str) -> str | None:
        return None

    async def check_worker(self, worker: Worker) -> str | None:
        return None if worker.url == WORKER_URL else f"{worker.name} is away"

    async def close(self) -> None:
        return


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)

    @property
    def code(self) -> str:
        """The code of a problem document, which has to be one."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.content)
        problem = self.json
        assert problem["status"] == self.status
        assert problem["type"] == f"/docs/errors/{problem['code']}"
        assert problem["detail"]
        return str(problem["code"])


@dataclass
class Site:
    store: Store
    engine: Engine
    control: Control
    workers: FakeWorkers
    applications: FakeApplicationWorkers
    parts: Parts
    url: str
    session: aiohttp.ClientSession
    tokens: dict[str, str] = field(default_factory=dict)

    async def call(self, method: str, path: str, token: str | None = "admin", **options: Any) -> Answer:
        """Ask the server; `token` names a scope, or is a token's text, or None for no credentials."""
        headers = dict(options.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {self.tokens.get(token, token)}"
        async with self.session.request(method, self.url + path, headers=headers, **options) as response:
            fields = {name.lower(): value for name, value in response.headers.items()}
            return Answer(response.status, fields, await response.read())

    async def get(self, path: str, **options: Any) -> Any:
        answer = await self.call("GET", path, **options)
        assert answer.status == 200, (answer.status, answer.content)
        return answer.json

    async def post(self, path: str, value: object = None, **options: Any) -> Any:
        answer = await self.call("POST", path, json=value, **options)
        assert answer.status in {200, 201, 202}, (answer.status, answer.content)
        return answer.json

    async def deploy(self, process: str, source: str, *, enable: bool = True) -> int:
        """Put, publish and enable a file; its version number."""
        if (await self.call("GET", f"/api/v1/processes/{process}")).status == 404:
            await self.post("/api/v1/processes", {"name": process})
        answer = await self.call("PUT", f"/api/v1/processes/{process}/draft", data=source.encode())
        assert answer.status == 200, answer.content
        number = int(answer.json["version"])
        await self.post(f"/api/v1/processes/{process}/versions/{number}/publish")
        if enable:
            await self.post(f"/api/v1/processes/{process}/versions/{number}/enable")
        return number

    async def start(self, process: str, body: object = None, *, wait: int | None = None) -> Any:
        headers = {} if wait is None else {"Prefer": f"wait={wait}"}
        return await self.post(f"/processes/{process}/start", body or {}, headers=headers)

    def serve(self, action: str, answer: Callable[[WorkerCall], WorkerReply]) -> None:
        """Let the connector `action` of the worker `w` answer so."""
        self.workers.serve(WORKER_URL, f"/connector/{action}/action", answer)

    async def tasks(self, count: int) -> list[Any]:
        """The user tasks, once there are so many: a message needs its turn to get from the start to the task."""
        while len(found := (await self.get("/api/v1/tasks"))["items"]) < count:
            pass
        return list(found)

    async def workers_down(self, process: str, node: str) -> None:
        """Wait until the node is held because its worker does not answer."""
        events = self.engine.bus.subscribe()
        while not any(
            lane.held
            for service in self.engine.services()
            for lane in service.lanes
            if service.process == process and lane.node == node
        ):
            await events.next()
        events.close()

    async def finished(self, instance: str) -> None:
        """Wait until the instance has ended or needs a person."""
        await self.engine.acceptor.wait(instance, 30)


def ok(call: WorkerCall) -> WorkerReply:
    """Answer with the body that came."""
    envelope = json.loads(call.payload)
    return reply({"result-code": "0"}, envelope["body"])


def refuse(call: WorkerCall) -> WorkerReply:
    """Say that the message failed."""
    return reply({"result-code": "1006", "result-message": "no such customer"}, json.loads(call.payload)["body"])


def reply(headers: dict[str, str], body: str) -> WorkerReply:
    return WorkerReply(status=200, body=json.dumps({"headers": headers, "body": body}).encode())


def _open(folder: Path, clock: SystemClock, settings: SqliteSettings | None) -> Store:
    folder.mkdir(exist_ok=True)
    return SqliteStore.open(folder, clock=clock, secrets=FileSecrets(folder), settings=settings)


@asynccontextmanager
async def site(
    folder: Path | None = None,
    *,
    settings: SqliteSettings | None = None,
    heartbeat_s: float = 30,
    notifier: Notifier | None = None,
    telemetry: Telemetry | None = None,
    compat: str = "orchesty",
) -> AsyncIterator[Site]:
    """A site with the worker `w` registered, whose connector `echo` answers, and a token for each scope.

    Its store is in memory, or in the folder where one is given.
    """
    clock, chance = SystemClock(), SystemChance()
    store = MemoryStore(clock) if folder is None else _open(folder, clock, settings)
    workers = FakeWorkers()
    applications = FakeApplicationWorkers(store)
    engine = Engine(store, workers, clock, chance, notifier=notifier, telemetry=telemetry, applications=applications)
    use = control(store, engine, FakeDirectory(), applications, clock, chance, notifier=notifier)
    parts = Parts(
        control=use,
        engine=engine,
        views=store,
        gate=Gate(store, clock),
        intake=Intake(),
        clock=clock,
        limits=StartLimits(body=BODY_LIMIT, wait_s=60),
        version="0.0.test",
        heartbeat_s=heartbeat_s,
        compat=compat,
    )
    held = bind("127.0.0.1", 0)
    server = HttpServer(build(parts), held)
    tokens = {scope: (await use.tokens.create(scope, [scope])).text for scope in SCOPES}
    await engine.start()
    await server.start(HEALTH)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(60)) as session:
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        made = Site(store, engine, use, workers, applications, parts, url, session, tokens)
        await use.workers.put("w", WORKER_URL, {"x-key": "very-secret"})
        made.serve("echo", ok)
        yield made
    parts.intake.closed.set()
    await workers.close()
    await asyncio.gather(engine.stop(5), server.stop())
    await store.close()
