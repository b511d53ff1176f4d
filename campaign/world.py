"""What a campaign runs in: a folder, a server, workers, the load, and the comparison at the end."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from random import Random
from typing import Any

import aiohttp
import msgspec

from campaign.api import NO_ANSWER, Api
from campaign.book import Call, read_calls
from campaign.check import Books, Verdict, compare
from campaign.load import Load
from campaign.network import Network, network
from campaign.plan import EMBEDDED, HOSTS, RABBITMQ, RABBITMQ_HOSTS, SEVERAL
from campaign.processes import Child, Children, ProcessError, free_port
from campaign.rabbit import Burrow, burrow
from campaign.server import Server
from campaign.waiting import until_async
from campaign.worker import KEPT_S, Mode
from segue.testing.postgres import Cluster, running

LOOPBACK = "127.0.0.1"
API, ONE, TWO = ("api", "one", "two")
"""The hosts of a campaign that stands on such: one with the API, two that run every control service."""

REQUEST_S = 30.0
SETTLED_WITHIN_S = 300.0


class WorkerProcess:
    """One worker on one port with one book, over as many lives as a campaign gives it."""

    def __init__(
        self,
        children: Children,
        session: aiohttp.ClientSession,
        folder: Path,
        name: str,
        *,
        kept_s: int,
        host: str,
    ) -> None:
        self.name = name
        self._host = host
        self._kept_s = str(kept_s)
        self.port = free_port()
        self.url = f"http://{host}:{self.port}"
        self._children = children
        self._session = session
        self._book = folder / f"{name}.book"
        self._child: Child | None = None

    async def start(self) -> None:
        """Start a life and wait until it is ready."""
        command = [sys.executable, "-m", "campaign.worker", self.name, str(self._book)]
        command += [self._host, str(self.port), self._kept_s]
        self._child = self._children.spawn(f"worker-{self.name}", command)
        await self._child.ready(r"is ready on (http://\S+)")

    def kill(self) -> None:
        """End this life with SIGKILL."""
        if self._child is not None:
            self._children.kill(self._child)
            self._child = None

    def freeze(self) -> None:
        """Stop it where it stands; its connections stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    async def behave(self, mode: Mode) -> None:
        """Make it answer in this way from now on."""
        async with self._session.put(f"{self.url}/mode", data=msgspec.json.encode(mode)) as answer:
            answer.raise_for_status()

    async def calls(self) -> list[Call]:
        """All calls it has ever got, in their order."""
        async with self._session.get(f"{self.url}/calls") as answer:
            answer.raise_for_status()
            return read_calls(await answer.read())

    async def counts(self) -> dict[str, int]:
        """How many calls it has ever got, by action."""
        async with self._session.get(f"{self.url}/counts") as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read(), type=dict[str, int])

    def _signal(self, number: int) -> None:
        if self._child is None:
            raise ProcessError(f"The worker {self.name} does not run")
        self._child.process.send_signal(number)


class World:
    """A running server with a token, and the workers of the campaign registered with it."""

    def __init__(self, folder: Path, children: Children, session: aiohttp.ClientSession, server: Server) -> None:
        self.database: Cluster | None = None
        self.burrow: Burrow | None = None
        self.network: Network | None = None
        self.folder = folder
        self.children = children
        self.session = session
        self.server = server
        self.others: list[Server] = []
        self.api = Api(session, "", "")
        self.workers: dict[str, WorkerProcess] = {}
        self.audits = 0
        self.unbalanced = 0
        self.problems: list[str] = []

    async def start(self, *workers: str) -> None:
        """Start the server, make the token, start and register the workers."""
        # Where others may reach it no server starts before there is one.
        token = "" if self.network is None else await self.server.token()
        await self.server.start()
        for other in self.others:
            await other.start()
        self.api = Api(self.session, self.server.url, token or await self.server.token())
        for name in workers:
            await self.employ(name)

    async def employ(self, name: str, kept_s: int = KEPT_S) -> None:
        """Start and register a worker, which closes connections that are idle for so long."""
        host = LOOPBACK if self.network is None else self.network.work
        worker = self.workers[name] = WorkerProcess(
            self.children, self.session, self.folder, name, kept_s=kept_s, host=host
        )
        await worker.start()
        await self.api.call("POST", "/workers", {"name": name, "url": worker.url})

    def add(self, name: str, *command: str) -> Server:
        """One more process on the same store, which is not started yet."""
        other = Server(self.children, self.server.data, self.server.environment, self.server.store, name)
        other.command = command
        self.others.append(other)
        return other

    def any_server(self, random: Random) -> Server:
        """One of the processes of Segue, by chance."""
        return random.choice((self.server, *self.others))

    async def make(self, process: str, *files: bytes) -> None:
        """Make a process with these files as its versions, the first of them enabled."""
        await self.api.call("POST", "/processes", {"name": process})
        for index, file in enumerate(files):
            await self.api.deploy(process, file, enable=index == 0)

    async def audit(self) -> Any:
        """Prove the ledger by the command; an account that does not balance is kept as a problem."""
        found = await self.server.audit()
        self.audits += 1
        if not found["balanced"]:
            self.unbalanced += 1
            self.problems.append(f"audit {self.audits} does not balance: {msgspec.json.encode(found).decode()[:2000]}")
        return found

    async def settled(self, *processes: str, within_s: float = SETTLED_WITHIN_S) -> None:
        """Wait until no instance of the processes runs any more."""

        async def none_runs() -> bool:
            for process in processes:
                try:
                    running = await self.api.call("GET", "/instances", process=process, state="running", limit=1)
                except NO_ANSWER:
                    return False
                if running["items"]:
                    return False
            return True

        await until_async(none_runs, within_s, f"the instances of {', '.join(processes)} to end", every_s=0.2)

    async def verdict(
        self, load: Load, process: str, shape: Mapping[str, int], worker: str, beside: int = 0
    ) -> Verdict:
        """Hold the three books of a process against each other. Nothing of it may be running any more."""
        account = await self.audit()
        served = await self.api.ask("/audit")
        if _sums(served) != _sums(account):
            self.problems.append(f"`segue audit` and /api/v1/audit differ: {account} and {served}")
        books = Books(
            starts=list(load.accepted.values()),
            instances=[item async for item in self.api.items("/instances", process=process)],
            lines=[line for line in account["versions"] if line["process"] == process],
            calls=await self.workers[worker].calls(),
            shape=shape,
            beside=beside,
        )
        return await asyncio.to_thread(compare, books)

    def check_log(self) -> None:
        """Keep as a problem what the servers of this moment have printed that nobody should ever see."""
        for server in (self.server, *self.others):
            printed = server.child.printed()
            for word in ("Traceback (most recent call last)", "Exception in callback", "was never retrieved"):
                if word in printed:
                    begin = printed.index(word)
                    self.problems.append(f"the log of {server.name}: {printed[begin : begin + 1500]}")


def _sums(audit: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in line.items() if name != "balanced"} for line in audit["versions"]]


@contextlib.asynccontextmanager
async def world(
    folder: Path, environment: Mapping[str, str] | None = None, store: str = EMBEDDED
) -> AsyncIterator[World]:
    """A world in a folder; on leaving, in whatever way, all its processes have ended."""
    async with contextlib.AsyncExitStack() as stack:
        made, database = None, None
        if store in {HOSTS, RABBITMQ_HOSTS}:
            made = await stack.enter_async_context(network(folder, API, ONE, TWO))
        if store != EMBEDDED:
            database = stack.enter_context(running(address=made.store if made else LOOPBACK))
        broker = None
        if store in {RABBITMQ, RABBITMQ_HOSTS}:
            broker = await stack.enter_async_context(burrow(folder / "rabbit", made.broker if made else None))
            environment = {"SEGUE_BROKER": broker.url} | dict(environment or {})
        here = await stack.enter_async_context(_world(folder, environment, database, store))
        here.burrow = broker
        if made is not None:
            await _spread(here, made)
        yield here


async def _spread(here: World, made: Network) -> None:
    """Have the processes on hosts of their own, of which none is started yet."""
    here.network = made
    here.server.command = ("serve", "--roles", "api", "--host", made.address(API))
    here.server.leash = await made.boot(API)
    for name in (ONE, TWO):
        here.add(f"segue-{name}", "serve", "--roles", "control,timers,status").leash = await made.boot(name)


@contextlib.asynccontextmanager
async def _world(
    folder: Path, environment: Mapping[str, str] | None, database: Cluster | None, store: str
) -> AsyncIterator[World]:
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=REQUEST_S)
    with Children(folder) as children:
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            server = Server(children, folder / "data", environment, database.url() if database is not None else "")
            here = World(folder, children, session, server)
            here.database = database
            if store in {SEVERAL, RABBITMQ}:
                server.command = ("serve", "--roles", "api")
                here.add("segue-control", "serve", "--roles", "control")
                here.add("segue-control-too", "serve", "--roles", "control")
                here.add("segue-timers", "serve", "--roles", "timers,status")
            yield here
