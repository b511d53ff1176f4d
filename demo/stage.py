"""Sets the stage: three systems, a worker for each, Segue on a data folder, both processes deployed and enabled."""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path
from typing import Any

import msgspec

from demo.children import ROOT, Child, ChildError, Children, child_environment

SYSTEMS = ("shop", "crm", "warehouse")
PROCESSES = ("order-import", "closing")
HOST = "127.0.0.1"
COMMANDS = Path(sys.executable).parent
_FIRST_LINK = re.compile(r"this link works once: (http://\S+)")


class DemoError(Exception):
    """The demo cannot go on; the text says why."""


class Stage:
    """Everything that runs. `systems` are the addresses of shop, CRM and warehouse; `url` is where Segue answers."""

    def __init__(self, children: Children, data: Path) -> None:
        self.data = data
        self.systems: dict[str, str] = {}
        self.workers: dict[str, str] = {}
        self.token = ""
        self._children = children
        self._server: Child | None = None

    @property
    def url(self) -> str:
        """The address of the server as it runs now. Raises DemoError when it has not been started."""
        if self._server is None:
            raise DemoError("Segue has not been started")
        return self._server.url

    async def start_systems(self) -> None:
        """Start the systems, each on a free port."""
        started = await asyncio.gather(*(self._start_system(name) for name in SYSTEMS))
        self.systems = dict(zip(SYSTEMS, started, strict=True))

    async def start_workers(self) -> None:
        """Start a worker for each system, each on a free port."""
        started = await asyncio.gather(*(self._start_worker(name) for name in SYSTEMS))
        self.workers = dict(zip(SYSTEMS, started, strict=True))

    async def start_server(self, port: int = 0) -> None:
        """Start `segue serve` on the data folder; on another free port when `port` is taken."""
        command = [str(COMMANDS / "segue"), "serve", "--data", str(self.data), "--host", HOST, "--port"]
        ready = r"Segue is ready on (http://\S+)"
        try:
            self._server = await self._children.start("segue", [*command, str(port)], ready)
        except ChildError:
            if port == 0:
                raise
            self._server = await self._children.start("segue", [*command, "0"], ready)

    def kill_server(self) -> int:
        """End the server with SIGKILL and return the port it had, which is free then."""
        if self._server is None:
            raise DemoError("Segue has not been started")
        port = int(self._server.url.rpartition(":")[2])
        server, self._server = self._server, None
        self._children.kill(server)
        return port

    async def first_link(self) -> str:
        """Return the one-time link by which the first administrator of the server as it runs now is made."""
        if self._server is None:
            raise DemoError("the server has not been started")
        return await self._children.wait_for(self._server, _FIRST_LINK)

    async def make_token(self) -> None:
        """Make a token for what the demo does, as anybody with access to the data folder can."""
        made = await self.segue("token", "create", "--data", str(self.data), "--name", "demo", "--scope", "admin")
        self.token = made.strip()

    async def deploy(self, process: str) -> str:
        """Check, publish and enable a process file; return what the command prints."""
        file = ROOT / "demo" / "processes" / f"{process}.bpmn"
        return await self.segue("deploy", str(file), "--process", process, "--enable")

    async def audit(self) -> dict[str, Any]:
        """Return the audit that the command makes from the rows of the data folder, beside the running server."""
        printed = await self.segue("audit", "--data", str(self.data), "--json", refused=(1,))
        return msgspec.json.decode(printed, type=dict[str, Any])

    async def segue(self, *arguments: str, refused: tuple[int, ...] = ()) -> str:
        """Run a command of Segue and return what it printed. Raises DemoError for an exit code that is not expected."""
        environment = child_environment()
        if self._server is not None:
            environment |= {"SEGUE_URL": self.url, "SEGUE_TOKEN": self.token}
        process = await asyncio.create_subprocess_exec(
            COMMANDS / "segue",
            *arguments,
            cwd=ROOT,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            printed, complained = await process.communicate()
        except asyncio.CancelledError:
            process.kill()
            await process.wait()
            raise
        if process.returncode not in {0, *refused}:
            said = (complained or printed).decode(errors="replace").strip()
            raise DemoError(f"`segue {arguments[0]}` ended with code {process.returncode}: {said}")
        return printed.decode()

    async def _start_system(self, name: str) -> str:
        command = [sys.executable, "-m", f"demo.systems.{name}"]
        return (await self._children.start(name, command, r"is ready on (http://\S+)")).url

    async def _start_worker(self, name: str) -> str:
        command = [str(COMMANDS / "segue-worker"), f"demo.workers.{name}:worker", "--host", HOST, "--port", "0"]
        environment = {f"{name.upper()}_URL": self.systems[name]}
        return (await self._children.start(f"{name}-worker", command, r"is ready on (http://\S+)", environment)).url
